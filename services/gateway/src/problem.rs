//! What is refused, as people and programs on HTTP read it: RFC 9457, made from google.rpc's details. What a service keeps to
//! itself stays there, and what a connection says of its failure is not told at all.

use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use kefu_chassis::error::describe;
use kefu_chassis::language::{Language, Text};
use kefu_chassis::peer::is_lost;
use kefu_chassis::refusal::{meaning, shortened};
use kefu_proto::rules::v1::ErrorReason;
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::{FieldViolation, PreconditionViolation, StatusExt as _};

use crate::titles;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";
/// When to come back if nobody says.
const RETRY_AFTER_S: u64 = 1;

/// Of a text that a caller may have written so much is told again, in bytes.
const TOLD: usize = 1_000;

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    about: Box<About>,
}

/// What is told beside the status.
#[derive(Debug)]
struct About {
    reason: Option<ErrorReason>,
    title: Text,
    /// As the service said it, in the caller's language; what the reason means when none.
    detail: Option<String>,
    violations: Vec<Violation>,
    resource: String,
    retry_after_s: Option<u64>,
    /// What is taken instead, under the header that says so.
    instead: Option<(http::HeaderName, String)>,
    cause: Option<Source>,
}

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The field, by its path in the request, as JSON writes it.
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    /// The clause that demands it.
    #[serde(skip_serializing_if = "String::is_empty")]
    clause: String,
    /// The resource that the clause is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    /// What is wrong or missing, in English.
    description: String,
}

impl Violation {
    fn of_field(violation: &FieldViolation) -> Self {
        Self {
            field: shortened(camel_case(&violation.field), TOLD),
            clause: String::new(),
            subject: String::new(),
            description: shortened(violation.description.clone(), TOLD),
        }
    }

    fn of_clause(violation: &PreconditionViolation) -> Self {
        Self {
            field: String::new(),
            clause: violation.r#type.clone(),
            subject: shortened(violation.subject.clone(), TOLD),
            description: shortened(violation.description.clone(), TOLD),
        }
    }
}

/// To whom a problem is told, and in which trace it came up.
#[derive(Clone, Debug)]
pub struct Telling {
    /// The language they asked for.
    pub language: Language,
    /// 32 hexadecimal digits.
    pub trace_id: String,
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

    /// A field, by its path as JSON writes it, or a header, and what is wrong with it.
    pub fn invalid(field: &str, description: impl Into<String>) -> Self {
        let violation = Violation {
            field: shortened(field.to_owned(), TOLD),
            clause: String::new(),
            subject: String::new(),
            description: shortened(description.into(), TOLD),
        };
        Self::new(StatusCode::BAD_REQUEST, ErrorReason::FieldInvalid).with(|about| about.violations.push(violation))
    }

    /// The same, in a line of a body of lines.
    pub fn on_line(mut self, number: u64) -> Self {
        for violation in &mut self.about.violations {
            violation.description = format!("line {number}: {}", violation.description);
        }
        self
    }

    /// Nothing is at this address.
    pub fn nowhere() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorReason::MethodUnknown)
    }

    /// The caller does not say who they are.
    pub fn nobody() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorReason::TokenInvalid)
    }

    /// Something is at this address, but under other verbs.
    pub fn verb(allowed: impl IntoIterator<Item = String>) -> Self {
        let allowed = allowed.into_iter().collect::<Vec<_>>().join(", ");
        Self::titled(StatusCode::METHOD_NOT_ALLOWED, titles::VERB).with(|about| about.instead = Some((ALLOW, allowed)))
    }

    /// The body is of a type that is not taken; `accepted` are.
    pub fn media_type(accepted: &str) -> Self {
        let instead = (http::header::ACCEPT, accepted.to_owned());
        Self::titled(StatusCode::UNSUPPORTED_MEDIA_TYPE, titles::MEDIA_TYPE).with(|about| about.instead = Some(instead))
    }

    /// The body is in a coding that is not taken.
    pub fn coding() -> Self {
        let instead = (http::header::ACCEPT_ENCODING, "gzip, br".to_owned());
        Self::titled(StatusCode::UNSUPPORTED_MEDIA_TYPE, titles::CODING).with(|about| about.instead = Some(instead))
    }

    /// The body is larger than what is taken.
    pub fn too_large() -> Self {
        Self::titled(StatusCode::PAYLOAD_TOO_LARGE, titles::TOO_LARGE)
    }

    /// The body does not come, or too slowly.
    pub fn too_slow() -> Self {
        Self::titled(StatusCode::REQUEST_TIMEOUT, titles::TOO_SLOW)
    }

    /// The body ended before its end.
    pub fn broken_off(cause: impl Into<Source>) -> Self {
        tracing::debug!(cause = describe(cause.into().as_ref()), "a body broke off");
        Self::invalid("", "the body broke off")
    }

    /// A service is away.
    pub fn away() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorReason::BackendAway).later(Duration::from_secs(RETRY_AFTER_S))
    }

    /// The caller has called too often.
    pub fn too_often(retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorReason::Overloaded).later(retry_after)
    }

    /// It took too long.
    pub fn too_late() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, ErrorReason::DeadlinePassed).later(Duration::from_secs(RETRY_AFTER_S))
    }

    /// Something that nobody expected; its cause goes to the log.
    pub fn unexpected(cause: impl Into<Source>) -> Self {
        let unexpected = Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorReason::Unexpected);
        unexpected.with(|about| about.cause = Some(cause.into()))
    }

    /// A refusal of a service, or what our own end of a connection makes of its failure.
    pub fn of(status: Status) -> Self {
        let details = status.get_error_details();
        let said = details.error_info().filter(|info| info.domain == "kefu");
        let Some(reason) = said.and_then(|info| ErrorReason::from_str_name(&info.reason)) else {
            return Self::unsaid(status);
        };
        let problem = Self::new(http_status(status.code(), reason), reason).with(|about| {
            about.detail = details.localized_message().map(|said| shortened(said.message.clone(), TOLD));
            let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
            about.violations.extend(fields.map(Violation::of_field));
            let clauses = details.precondition_failure().into_iter().flat_map(|failure| &failure.violations);
            about.violations.extend(clauses.map(Violation::of_clause));
            if let Some(resource) = details.resource_info() {
                about.resource = shortened(resource.resource_name.clone(), TOLD);
            }
        });
        match details.retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => problem.later(delay),
            None => problem,
        }
    }

    /// A status without our details: no handler of ours has made it.
    fn unsaid(status: Status) -> Self {
        match status.code() {
            // Our own end calls a deadline that passes a cancellation.
            Code::DeadlineExceeded | Code::Cancelled => Self::too_late(),
            Code::Unavailable | Code::ResourceExhausted => Self::away(),
            _ if is_lost(&status) => Self::away(),
            _ => Self::unexpected(status),
        }
    }

    fn later(self, retry_after: Duration) -> Self {
        // A second begun is one to wait.
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        self.with(|about| about.retry_after_s = Some(seconds.max(1)))
    }

    /// The document of the problem, and the headers that go with it. An unexpected cause is logged here, the one time it is.
    pub fn tell(&self, telling: &Telling) -> (Vec<u8>, HeaderMap) {
        if let Some(cause) = &self.about.cause {
            tracing::error!(trace_id = telling.trace_id, cause = describe(cause.as_ref()), "call failed");
        }
        let title = self.about.title.of(telling.language);
        let meaning = self.about.reason.map(|reason| meaning(reason).of(telling.language));
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
            violations: &self.about.violations,
            trace_id: &telling.trace_id,
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(telling.language.tag()));
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

    /// The answer that tells it.
    pub fn answer(&self, telling: &Telling) -> Response<axum::body::Body> {
        let (document, headers) = self.tell(telling);
        let mut response = Response::new(axum::body::Body::from(document));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// As google.rpc.Code maps to HTTP, but that what a state forbids is a conflict with it, and a stale etag a failed condition.
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

/// A path of fields as JSON names them: `customer.display_name` is `customer.displayName` there.
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
