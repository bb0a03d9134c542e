//! Refusals as people and programs on HTTP read them: problem details (RFC 9457), made from google.rpc's details. What
//! a service does not say stays with it, and why a connection failed is not told.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use kefu_chassis::error::describe;
use kefu_chassis::labels;
use kefu_chassis::language::{Language, Text};
use kefu_chassis::peer::is_lost;
use kefu_chassis::refusal::{meaning, shortened};
use kefu_chassis::server::KEFU_TIME;
use kefu_proto::rules::v1::{ErrorReason, FieldRule};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::{FieldViolation, PreconditionViolation, StatusExt as _};

use crate::titles;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";
/// When to retry if nobody says, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// The longest text in a problem that a caller or a service may have written, in bytes; longer ones are cut.
const LONGEST: usize = 1_000;

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
    reason: Option<ErrorReason>,
    title: Text,
    /// The service's own text, in the caller's language; the meaning of the reason when there is none.
    detail: Option<String>,
    violations: Vec<Violation>,
    resource: String,
    retry_after_s: Option<u64>,
    /// The accepted alternatives, with the header that lists them.
    instead: Option<(http::HeaderName, String)>,
    cause: Option<Source>,
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The field's path in the request, as JSON writes it.
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    /// The clause that demands it.
    #[serde(skip_serializing_if = "String::is_empty")]
    clause: String,
    /// The resource that the clause is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    /// The rule that the field breaks, e.g. `REQUIRED_WHEN`.
    #[serde(skip_serializing_if = "String::is_empty")]
    rule: String,
    /// What is wrong or missing, in English.
    description: String,
    /// What is wrong with the field, in a sentence in the caller's language.
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

impl Violation {
    fn of_field(violation: &FieldViolation) -> Self {
        Self {
            field: shortened(camel_case(&violation.field), LONGEST),
            clause: String::new(),
            subject: String::new(),
            rule: shortened(violation.reason.clone(), LONGEST),
            description: shortened(violation.description.clone(), LONGEST),
            message: violation
                .localized_message
                .as_ref()
                .map_or_else(String::new, |text| shortened(text.message.clone(), LONGEST)),
        }
    }

    /// Returns the violation with a message: the service's own, or what its rule asks for.
    fn with_message(&self, language: Language) -> Self {
        let mut violation = self.clone();
        if violation.message.is_empty() && !violation.rule.is_empty() {
            violation.message = labels::help_of("kefu.rules.v1.FieldRule", &violation.rule, language).to_owned();
        }
        violation
    }

    fn of_clause(violation: &PreconditionViolation) -> Self {
        Self {
            field: String::new(),
            clause: violation.r#type.clone(),
            subject: shortened(violation.subject.clone(), LONGEST),
            rule: String::new(),
            description: shortened(violation.description.clone(), LONGEST),
            message: String::new(),
        }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'p str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    violations: &'p [Violation],
    trace_id: &'p str,
}

impl Problem {
    fn new(status: StatusCode, reason: ErrorReason) -> Self {
        Self::titled(status, titles::of(reason)).with(|about| about.reason = Some(reason))
    }

    fn titled(status: StatusCode, title: Text) -> Self {
        let about = About {
            reason: None,
            title,
            detail: None,
            violations: Vec::new(),
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

    /// Creates the problem of a wrong field, by its path as JSON writes it, or of a wrong header.
    pub fn invalid(field: &str, description: impl Into<String>) -> Self {
        let violation = Violation {
            field: shortened(field.to_owned(), LONGEST),
            clause: String::new(),
            subject: String::new(),
            rule: FieldRule::Form.as_str_name().to_owned(),
            description: shortened(description.into(), LONGEST),
            message: String::new(),
        };
        Self::new(StatusCode::BAD_REQUEST, ErrorReason::FieldInvalid).with(|about| about.violations.push(violation))
    }

    /// Adds the line of a body of lines in which the problem is.
    pub fn on_line(mut self, number: u64) -> Self {
        for violation in &mut self.about.violations {
            violation.description = format!("line {number}: {}", violation.description);
        }
        self
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
        Self::titled(StatusCode::METHOD_NOT_ALLOWED, titles::VERB).with(|about| about.instead = Some((ALLOW, allowed)))
    }

    /// Creates the problem that the body is not of a type that is `accepted`.
    pub fn media_type(accepted: &str) -> Self {
        let instead = (http::header::ACCEPT, accepted.to_owned());
        Self::titled(StatusCode::UNSUPPORTED_MEDIA_TYPE, titles::MEDIA_TYPE).with(|about| about.instead = Some(instead))
    }

    /// Creates the problem that the body is in a coding that is not accepted.
    pub fn coding() -> Self {
        let instead = (http::header::ACCEPT_ENCODING, "gzip, br".to_owned());
        Self::titled(StatusCode::UNSUPPORTED_MEDIA_TYPE, titles::CODING).with(|about| about.instead = Some(instead))
    }

    /// Creates the problem that the body is too large.
    pub fn too_large() -> Self {
        Self::titled(StatusCode::PAYLOAD_TOO_LARGE, titles::TOO_LARGE)
    }

    /// Creates the problem that the body came too slowly, or not at all.
    pub fn too_slow() -> Self {
        Self::titled(StatusCode::REQUEST_TIMEOUT, titles::TOO_SLOW)
    }

    /// Creates the problem that the body broke off.
    pub fn broken_off(cause: impl Into<Source>) -> Self {
        tracing::debug!(cause = describe(cause.into().as_ref()), "a body broke off");
        Self::invalid("", "the body broke off")
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
            about.detail = details.localized_message().map(|text| shortened(text.message.clone(), LONGEST));
            let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
            about.violations.extend(fields.map(Violation::of_field));
            let clauses = details.precondition_failure().into_iter().flat_map(|failure| &failure.violations);
            about.violations.extend(clauses.map(Violation::of_clause));
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
        let title = self.about.title.of(context.language);
        let meaning = self.about.reason.map(|reason| meaning(reason).of(context.language));
        let document = Document {
            r#type: self.about.reason.map_or_else(
                || "about:blank".to_owned(),
                |reason| format!("urn:kefu:problem:{}", reason.as_str_name()),
            ),
            title,
            status: self.status.as_u16(),
            detail: self.about.detail.as_deref().or(meaning).unwrap_or(title),
            reason: self.about.reason.map(|reason| reason.as_str_name()),
            resource: &self.about.resource,
            violations: &self
                .about
                .violations
                .iter()
                .map(|violation| violation.with_message(context.language))
                .collect::<Vec<_>>(),
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

    /// Makes the answer with the problem.
    pub fn answer(&self, context: &AnswerContext) -> Response<axum::body::Body> {
        let (document, headers) = self.document(context);
        let mut response = Response::new(axum::body::Body::from(document));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// Returns the HTTP status of a code as google.rpc.Code maps it, but for two reasons: an action that the state forbids
/// is a conflict, and a stale etag a failed precondition.
fn http_status(code: Code, reason: ErrorReason) -> StatusCode {
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

/// Turns a path of fields into the names of JSON: `customer.display_name` into `customer.displayName`.
fn camel_case(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut is_next_large = false;
    for letter in path.chars() {
        match letter {
            '_' => is_next_large = true,
            _ if std::mem::take(&mut is_next_large) => text.extend(letter.to_uppercase()),
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests;
