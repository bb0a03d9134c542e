//! Refusals as people and programs on HTTP read them: problem details (RFC 9457), made from google.rpc's details. What
//! a service does not say stays with it, and why a connection failed is not told.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName,
    HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Response, StatusCode};
use kefu_chassis::error::{Wrong, describe};
use kefu_chassis::language::{Language, Text};
use kefu_chassis::peer::is_lost;
use kefu_chassis::refusal::{meaning, shortened};
use kefu_chassis::server::KEFU_TIME;
use kefu_chassis::wrong;
use kefu_proto::rules::v1::ErrorReason;
use prost_reflect::MessageDescriptor;
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::{LocalizedMessage, StatusExt as _};

use crate::titles;

mod own;
mod violation;

pub use own::{OwnRefusal, own_refusals};
pub use violation::Label;
use violation::{Fault, LONGEST, Violation};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";
/// When to retry if nobody says, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    about: Box<About>,
}

/// What a problem tells beside its status.
#[derive(Debug)]
struct About {
    reason: ErrorReason,
    /// The service's own text, in the caller's language.
    detail: Option<String>,
    /// What the gateway has to say instead of the meaning of the reason.
    said: Option<Text>,
    /// What a service says of fields and clauses.
    violations: Vec<Violation>,
    /// What the gateway says of fields.
    faults: Vec<Fault>,
    /// The message of the method's request, whose fields have the labels.
    input: Option<MessageDescriptor>,
    /// The field that the body of the request is, as JSON writes it; empty where the body is the whole request.
    body: String,
    resource: String,
    retry_after_s: Option<u64>,
    /// The accepted alternatives, with the header that lists them.
    instead: Option<(HeaderName, String)>,
    cause: Option<Source>,
}

/// The reader of a problem, and the trace it came up in.
#[derive(Clone, Debug)]
pub struct AnswerContext {
    /// The language that the caller asked for.
    pub language: Language,
    /// The trace id, 32 hexadecimal digits.
    pub trace_id: String,
    /// The time of the service that is asked.
    pub service_time: ServiceTime,
}

/// The time by the clock of the service that answered, as its header says it; unset until one has answered.
#[derive(Clone, Debug, Default)]
pub struct ServiceTime(Arc<OnceLock<HeaderValue>>);

impl ServiceTime {
    /// Notes the header of an answer, if it has one and none was noted before.
    pub fn note(&self, headers: &HeaderMap) {
        if let Some(time) = headers.get(KEFU_TIME) {
            self.0.get_or_init(|| time.clone());
        }
    }

    /// Returns the header.
    pub fn header(&self) -> Option<HeaderValue> {
        self.0.get().cloned()
    }
}

#[derive(Serialize)]
struct Document<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    detail: &'p str,
    reason: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'p str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    violations: &'p [Violation],
    trace_id: &'p str,
}

impl Problem {
    fn new(status: StatusCode, reason: ErrorReason) -> Self {
        let about = About {
            reason,
            detail: None,
            said: None,
            violations: Vec::new(),
            faults: Vec::new(),
            input: None,
            body: String::new(),
            resource: String::new(),
            retry_after_s: None,
            instead: None,
            cause: None,
        };
        Self { status, about: Box::new(about) }
    }

    fn with(mut self, change: impl FnOnce(&mut About)) -> Self {
        change(&mut self.about);
        self
    }

    /// Creates the problem of a wrong field, by its path as JSON writes it, or of the request as a whole.
    pub fn invalid(field: &str, wrong: Wrong) -> Self {
        Self::faulty(StatusCode::BAD_REQUEST, Fault::new(field, wrong))
    }

    /// Creates the problem of a wrong header, which people call by the label.
    pub fn header(name: &HeaderName, label: Label, wrong: Wrong) -> Self {
        Self::faulty(StatusCode::BAD_REQUEST, Fault { label, ..Fault::new(name.as_str(), wrong) })
    }

    fn faulty(status: StatusCode, fault: Fault) -> Self {
        Self::new(status, ErrorReason::FieldInvalid).with(|about| about.faults.push(fault))
    }

    /// Adds what a reader of the body says of it, for the author of the calling program.
    pub fn because(self, cause: &dyn std::fmt::Display) -> Self {
        self.with(|about| about.faults.iter_mut().for_each(|fault| fault.cause = cause.to_string()))
    }

    /// Adds the line of a body of lines in which the problem is.
    pub fn on_line(self, number: u64) -> Self {
        self.with(|about| about.faults.iter_mut().for_each(|fault| fault.line = Some(number)))
    }

    /// Adds the message of the method's request, so that fields are called by their labels in it.
    pub fn of_request(self, input: MessageDescriptor) -> Self {
        self.with(|about| about.input = Some(input))
    }

    /// Adds which field of the request its body is, as JSON writes it: below it, fields are named as the body has them.
    pub fn of_body(self, field: &str) -> Self {
        self.with(|about| field.clone_into(&mut about.body))
    }

    /// Creates the problem that nothing is at this address.
    pub fn nowhere() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorReason::MethodUnknown)
    }

    /// Creates the problem that the caller does not say who they are.
    pub fn nobody() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorReason::TokenInvalid)
    }

    /// Creates the problem that only other verbs are possible at this address.
    pub fn verb(allowed: impl IntoIterator<Item = String>) -> Self {
        let allowed = allowed.into_iter().collect::<Vec<_>>().join(", ");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorReason::MethodUnknown).with(|about| {
            about.said = Some(titles::VERB);
            about.instead = Some((ALLOW, allowed));
        })
    }

    /// Creates the problem that the body is not of a type that is `accepted`.
    pub fn media_type(accepted: &str) -> Self {
        let wrong = wrong!(NotAccepted, "is not taken here, but {accepted} is", "不适用于此处，此处接受“{accepted}”");
        Self::unsupported(&CONTENT_TYPE, titles::MEDIA_TYPE, wrong, (ACCEPT, accepted))
    }

    /// Creates the problem that the body is in a coding that is not accepted.
    pub fn coding() -> Self {
        let accepted = "gzip, br";
        let wrong = wrong!(NotAccepted, "is not taken, but {accepted} is", "不被接受，此处接受“{accepted}”");
        Self::unsupported(&CONTENT_ENCODING, titles::CODING, wrong, (ACCEPT_ENCODING, accepted))
    }

    fn unsupported(header: &HeaderName, name: Text, wrong: Wrong, instead: (HeaderName, &str)) -> Self {
        let fault = Fault { label: Label::Named(name), ..Fault::new(header.as_str(), wrong) };
        let problem = Self::faulty(StatusCode::UNSUPPORTED_MEDIA_TYPE, fault);
        problem.with(|about| about.instead = Some((instead.0, instead.1.to_owned())))
    }

    /// Creates the problem that the body is too large.
    pub fn too_large() -> Self {
        let wrong = wrong!(TooLong, "the body is too large", "请求内容过大");
        Self::faulty(StatusCode::PAYLOAD_TOO_LARGE, Fault::new("", wrong))
    }

    /// Creates the problem that the body came too slowly, or not at all.
    pub fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrorReason::DeadlinePassed)
            .with(|about| about.said = Some(titles::TOO_SLOW))
    }

    /// Creates the problem that the body broke off.
    pub fn broken_off(cause: impl Into<Source>) -> Self {
        tracing::debug!(cause = describe(cause.into().as_ref()), "a body broke off");
        Self::invalid("", wrong!(Unreadable, "the body broke off", "请求内容中断"))
    }

    /// Creates the problem that a service is away.
    pub fn away() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorReason::BackendAway).later(Duration::from_secs(RETRY_AFTER_S))
    }

    /// Creates the problem that the caller has called too often.
    pub fn too_often(retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorReason::Overloaded).later(retry_after)
    }

    /// Creates the problem that the call took too long.
    pub fn too_late() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, ErrorReason::DeadlinePassed).later(Duration::from_secs(RETRY_AFTER_S))
    }

    /// Creates the problem of an unexpected error, whose cause goes to the log.
    pub fn unexpected(cause: impl Into<Source>) -> Self {
        let unexpected = Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorReason::Unexpected);
        unexpected.with(|about| about.cause = Some(cause.into()))
    }

    /// Creates the problem of a status: a service's refusal, or the failure of a connection to it.
    pub fn of(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().filter(|info| info.domain == "kefu");
        let Some(reason) = info.and_then(|info| ErrorReason::from_str_name(&info.reason)) else {
            return Self::unsaid(status);
        };
        let problem = Self::new(http_status(status.code(), reason), reason).with(|about| {
            let said = details.localized_message();
            about.detail = said.map(|said| shortened(said.message.clone(), LONGEST));
            let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
            about.violations.extend(fields.map(Violation::of_field));
            let clauses = details.precondition_failure().into_iter().flat_map(|failure| &failure.violations);
            // A refusal by a clause names one, so that its sentence is that of the clause.
            let message = said.map_or("", |said| without_meaning(said, reason));
            about.violations.extend(clauses.map(|clause| Violation::of_clause(clause, message)));
            if let Some(resource) = details.resource_info() {
                about.resource = shortened(resource.resource_name.clone(), LONGEST);
            }
        });
        match details.retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => problem.later(delay),
            None => problem,
        }
    }

    /// Creates the problem of a status without kefu's details, which no handler made.
    fn unsaid(status: Status) -> Self {
        match status.code() {
            // tonic reports a deadline that passed at our own end as a cancellation.
            Code::DeadlineExceeded | Code::Cancelled => Self::too_late(),
            Code::Unavailable | Code::ResourceExhausted => Self::away(),
            _ if is_lost(&status) => Self::away(),
            _ => Self::unexpected(status),
        }
    }

    fn later(self, retry_after: Duration) -> Self {
        // A part of a second is rounded up.
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        self.with(|about| about.retry_after_s = Some(seconds.max(1)))
    }

    /// Writes the document of the problem, and the headers that go with it. An unexpected cause is logged here, and
    /// nowhere else.
    pub fn document(&self, context: &AnswerContext) -> (Vec<u8>, HeaderMap) {
        if let Some(cause) = &self.about.cause {
            tracing::error!(trace_id = context.trace_id, cause = describe(cause.as_ref()), "call failed");
        }
        let About { reason, input, .. } = &*self.about;
        let language = context.language;
        let told = self.about.violations.iter().map(|violation| violation.told(language));
        let found = self.about.faults.iter().map(|fault| fault.told(input.as_ref(), language));
        let in_body = |violation: Violation| violation.below(&self.about.body);
        let document = Document {
            r#type: format!("urn:kefu:problem:{}", reason.as_str_name()),
            title: titles::of(*reason).of(language),
            status: self.status.as_u16(),
            detail: &self.detail(language),
            reason: reason.as_str_name(),
            resource: &self.about.resource,
            violations: &told.chain(found).map(in_body).collect::<Vec<_>>(),
            trace_id: &context.trace_id,
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(context.language.tag()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.about.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some((name, values)) = &self.about.instead
            && let Ok(values) = HeaderValue::try_from(values)
        {
            headers.insert(name, values);
        }
        (serde_json::to_vec(&document).unwrap_or_default(), headers)
    }

    /// Returns what is the matter: the service's own text or the gateway's, which says what is wrong with each field.
    fn detail(&self, language: Language) -> String {
        if let Some(detail) = &self.about.detail {
            return detail.clone();
        }
        let mut detail = self.about.said.unwrap_or_else(|| meaning(self.about.reason)).of(language).to_owned();
        for fault in &self.about.faults {
            detail.push(' ');
            detail.push_str(&fault.told(self.about.input.as_ref(), language).message);
        }
        shortened(detail, LONGEST)
    }

    /// Makes the answer with the problem.
    pub fn answer(&self, context: &AnswerContext) -> Response<axum::body::Body> {
        let (document, headers) = self.document(context);
        let mut response = Response::new(axum::body::Body::from(document));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// Returns what a service tells people without the meaning of the reason, where it says more than that.
fn without_meaning(said: &LocalizedMessage, reason: ErrorReason) -> &str {
    let meaning = meaning(reason).of(Language::accepted(Some(&said.locale)));
    said.message.strip_prefix(meaning).map(str::trim).filter(|rest| !rest.is_empty()).unwrap_or(&said.message)
}

/// Returns the HTTP status of a code as google.rpc.Code maps it, but for two reasons: an action that the state forbids
/// is a conflict, and a stale etag a failed precondition.
#[must_use]
pub fn http_status(code: Code, reason: ErrorReason) -> StatusCode {
    match code {
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Aborted if reason == ErrorReason::EtagStale => StatusCode::PRECONDITION_FAILED,
        Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Ok | Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

#[cfg(test)]
mod tests;
