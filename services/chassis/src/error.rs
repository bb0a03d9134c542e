//! Refusals: what can go wrong for a caller, mapped once to a gRPC status with google.rpc details.

use std::time::Duration;

use kefu_proto::rules::v1::{ErrorReason, Refusal};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::directory::follow::FEED;
use crate::language::{Language, Text};

// A status is sent as headers, and who gets more of them than they take, 8 KiB as many have it, ends the connection, with the
// calls of all who share it. What a caller wrote and is told again has no other bound.
/// The message of a status, and the name of a field or a resource, at most, in bytes.
const MESSAGE: usize = 300;
/// A sentence of a status at most, in bytes.
const TEXT: usize = 1_000;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call is refused. Each variant is one [`ErrorReason`]; its text never repeats its source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are missing, malformed or out of range.
    #[error("{}", .0.iter().map(|violation| format!("{}: {}", violation.field, violation.reason)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Violation>),
    /// The request id was used before with another payload.
    #[error("request_id: was used before for another call")]
    RequestIdReused,
    /// The page token is not one of this query.
    #[error("page_token: is malformed or belongs to another query")]
    PageToken,
    /// The lifecycle has no such action from this state.
    #[error("{subject} is {state}: {method} is not possible")]
    State {
        /// The resource.
        subject: String,
        /// The method tried.
        method: &'static str,
        /// The state it is in.
        state: String,
        /// The clause that the action serves.
        clause: std::borrow::Cow<'static, str>,
    },
    /// A clause demands something first.
    #[error("{clause}: {}", missing.of(Language::English))]
    Gate {
        /// The resource.
        subject: String,
        /// The clause.
        clause: std::borrow::Cow<'static, str>,
        /// What is missing.
        missing: Text,
    },
    /// The resource changed since its etag was read.
    #[error("{0} changed since its etag was read")]
    StaleEtag(String),
    /// No such resource, or none that the caller may see.
    #[error("{name} is not known")]
    NotFound {
        /// Its kind, e.g. `kefu/Request`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The service that is called is away.
    #[error("{0} is away")]
    ServiceAway(String),
    /// Another resource has this identity.
    #[error("{name} exists already")]
    Exists {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The bearer token is missing or not valid.
    #[error("a valid bearer token is needed")]
    Unauthenticated,
    /// The caller has none of the roles.
    #[error("the caller's roles do not allow this")]
    RoleMissing,
    /// The directory's copy is still empty.
    #[error("the directory holds no staff yet: until then only ADMIN and SERVICE may write")]
    DirectoryEmpty,
    /// The caller may not do this to a duty of their own.
    #[error("nobody may do this to a duty of their own")]
    SelfDealing,
    /// As many calls as the service can hold.
    #[error("too many calls at once")]
    Overloaded,
    /// The database or a peer is away.
    #[error("a part of the service is away")]
    Away(#[source] Source),
    /// The service stops in order: who still reads a stream goes on with another replica, or after the start.
    #[error("the service stops")]
    Stopping,
    /// The call took longer than its deadline.
    #[error("the deadline has passed")]
    Deadline,
    /// No such method.
    #[error("there is no such method")]
    UnknownMethod,
    /// Another call with the same request id was first; its reply is the answer. Never reaches a caller.
    #[error("this call was made before")]
    Repeated,
    /// Anything else; the caller learns nothing of it.
    #[error("something unexpected happened")]
    Unexpected(#[source] Source),
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its path, e.g. `contact.phone` or `rows[3].external_id`.
    pub field: String,
    /// What is wrong with it, with the clause if one demands it.
    pub reason: String,
}

impl Error {
    /// One wrong field.
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), reason: reason.into() }])
    }

    /// Something unexpected, whose cause goes to the log and nowhere else.
    pub fn unexpected(source: impl Into<Source>) -> Self {
        Self::Unexpected(source.into())
    }

    /// Its entry in the registry of reasons.
    #[must_use]
    pub fn reason(&self) -> ErrorReason {
        match self {
            Self::Invalid(_) => ErrorReason::FieldInvalid,
            Self::RequestIdReused => ErrorReason::RequestIdReused,
            Self::PageToken => ErrorReason::PageTokenInvalid,
            Self::State { .. } => ErrorReason::StateForbids,
            Self::Gate { .. } => ErrorReason::GateClosed,
            Self::StaleEtag(_) => ErrorReason::EtagStale,
            Self::NotFound { .. } => ErrorReason::ResourceNotFound,
            Self::Exists { .. } => ErrorReason::ResourceExists,
            Self::Unauthenticated => ErrorReason::TokenInvalid,
            Self::RoleMissing => ErrorReason::RoleMissing,
            Self::DirectoryEmpty => ErrorReason::DirectoryEmpty,
            Self::SelfDealing => ErrorReason::SelfDealing,
            Self::Overloaded => ErrorReason::Overloaded,
            Self::Away(_) | Self::ServiceAway(_) | Self::Stopping => ErrorReason::BackendAway,
            Self::Deadline => ErrorReason::DeadlinePassed,
            Self::UnknownMethod => ErrorReason::MethodUnknown,
            Self::Repeated | Self::Unexpected(_) => ErrorReason::Unexpected,
        }
    }

    /// The clause that stands behind it, if one does.
    #[must_use]
    pub fn clause(&self) -> &str {
        match self {
            Self::State { clause, .. } | Self::Gate { clause, .. } => clause,
            _ => "",
        }
    }

    /// As it is told before it is met.
    #[must_use]
    pub fn shown(&self, language: Language) -> Refusal {
        Refusal { reason: self.reason().into(), clause: self.clause().to_owned(), message: language.refusal(self) }
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::RequestIdReused | Self::PageToken => Code::InvalidArgument,
            Self::State { .. } | Self::Gate { .. } | Self::DirectoryEmpty => Code::FailedPrecondition,
            Self::StaleEtag(_) => Code::Aborted,
            Self::NotFound { .. } => Code::NotFound,
            Self::Exists { .. } => Code::AlreadyExists,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::RoleMissing | Self::SelfDealing => Code::PermissionDenied,
            Self::Overloaded => Code::ResourceExhausted,
            Self::Away(_) | Self::ServiceAway(_) | Self::Stopping => Code::Unavailable,
            Self::Deadline => Code::DeadlineExceeded,
            Self::UnknownMethod => Code::Unimplemented,
            Self::Repeated | Self::Unexpected(_) => Code::Internal,
        }
    }

    /// The status a caller gets. An unexpected cause is logged here, the one time it is.
    #[must_use]
    pub fn into_status(mut self, language: Language) -> Status {
        if let Self::Invalid(violations) = &mut self {
            violations.truncate(that_fit(violations));
        }
        if let Self::Away(source) | Self::Unexpected(source) = &self {
            tracing::error!(reason = self.reason().as_str_name(), cause = describe(source.as_ref()), "call failed");
        }
        let mut details = ErrorDetails::new();
        let message = shortened(self.to_string(), MESSAGE);
        details.set_error_info(self.reason().as_str_name(), "kefu", std::collections::HashMap::new());
        details.set_localized_message(language.tag(), shortened(language.refusal(&self), TEXT));
        match &self {
            Self::Invalid(violations) => {
                for violation in violations {
                    let field = shortened(violation.field.clone(), MESSAGE);
                    let reason = shortened(violation.reason.clone(), TEXT);
                    details.add_bad_request_violation(field, reason);
                }
            }
            Self::RequestIdReused => {
                details.add_bad_request_violation("request_id", "was used before for another call");
            }
            Self::PageToken => {
                details.add_bad_request_violation("page_token", "is malformed or belongs to another query");
            }
            Self::State { subject, clause, .. } | Self::Gate { subject, clause, .. } => {
                let description = match &self {
                    Self::Gate { missing, .. } => shortened(missing.of(Language::English).to_owned(), TEXT),
                    _ => message.clone(),
                };
                let subject = shortened(subject.clone(), MESSAGE);
                details.add_precondition_failure_violation(clause.as_ref(), subject, description);
            }
            Self::DirectoryEmpty => {
                details.add_precondition_failure_violation("A2.1", FEED, message.clone());
            }
            Self::NotFound { kind, name } | Self::Exists { kind, name } => {
                details.set_resource_info(*kind, shortened(name.clone(), MESSAGE), "", message.clone());
            }
            Self::StaleEtag(name) => {
                details.set_resource_info("", shortened(name.clone(), MESSAGE), "", message.clone());
            }
            Self::Overloaded | Self::Away(_) | Self::ServiceAway(_) | Self::Stopping | Self::Deadline => {
                details.set_retry_info(Some(Duration::from_secs(1)));
            }
            _ => {}
        }
        Status::with_error_details(self.code(), message, details)
    }
}

/// A text of at most `at_most` bytes, and a sign that its end is left out when it had more.
#[must_use]
pub fn shortened(mut text: String, at_most: usize) -> String {
    if text.len() > at_most {
        text.truncate(text.floor_char_boundary(at_most));
        text.push('…');
    }
    text
}

/// An error and its causes in one line.
#[must_use]
pub fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // Some libraries repeat their source in their own text.
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// How many bytes of wrong fields a refusal names. It travels in trailers, where each stands twice, both times encoded; some
/// clients take 8 KiB of those, and of more than they take they make that the service is away.
const NAMED: usize = 1536;

/// How many wrong fields, from the first on, a refusal can name; at least one.
fn that_fit(violations: &[Violation]) -> usize {
    let mut bytes = 0;
    let fit = violations.iter().take_while(|violation| {
        bytes += violation.field.len() + violation.reason.len();
        bytes <= NAMED
    });
    fit.count().max(1)
}

/// Away when Postgres cannot be reached, is stopping, is full or gave up on a deadlock; unexpected otherwise.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            // Protocol: a connection that ends while it is made reads as an odd answer.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class)) || code == "25P03"
            }),
            _ => false,
        };
        if away { Self::Away(error.into()) } else { Self::Unexpected(error.into()) }
    }
}

/// The name of the constraint that the database says was violated.
#[must_use]
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|database| database.constraint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_fits_into_the_headers_that_are_taken_whatever_is_told_again() {
        let long = "很".repeat(100_000);
        let violation = |field: &str, reason: &str| Violation { field: field.to_owned(), reason: reason.to_owned() };
        for language in [Language::English, Language::Chinese] {
            for error in [
                Error::Invalid(vec![violation(&long, &long); 100]),
                Error::Invalid(vec![violation("rows", "is empty"); 10_000]),
                Error::NotFound { kind: "kefu/Request", name: long.clone() },
                Error::StaleEtag(long.clone()),
                Error::ServiceAway(long.clone()),
            ] {
                let reason = error.reason();
                let headers = error.into_status(language).into_http::<axum::body::Body>().into_parts().0.headers;
                // What HTTP/2 counts for a header beside its name and value.
                let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
                assert!(size < 8 << 10, "{reason:?}: {size}");
                let details = Status::from_header_map(&headers).unwrap().get_error_details();
                assert_eq!(details.error_info().unwrap().reason, reason.as_str_name());
                let is_of_a_field = reason == ErrorReason::FieldInvalid;
                assert!(!is_of_a_field || !details.bad_request().unwrap().field_violations.is_empty());
            }
        }
    }

    fn wrong(count: usize) -> Error {
        let violation = |index| Violation { field: format!("rows[{index}].external_id"), reason: "is required".into() };
        Error::Invalid((0..count).map(violation).collect())
    }

    fn named(status: &Status) -> Vec<String> {
        let details = status.get_error_details();
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect()
    }

    #[test]
    fn of_very_many_wrong_fields_a_refusal_names_the_first_and_still_fits_into_trailers() {
        assert_eq!(named(&wrong(20).into_status(Language::English)).len(), 20);
        let status = wrong(5000).into_status(Language::Chinese);
        let named = named(&status);
        assert!(named.len() > 20 && named[0] == "rows[0].external_id", "{named:?}");
        let mut trailers = http::HeaderMap::new();
        status.add_header(&mut trailers).unwrap();
        let bytes: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!(bytes <= 8 << 10, "{bytes} bytes");
    }

    #[test]
    fn a_wrong_field_is_named_however_much_there_is_to_say_of_it() {
        let error = Error::field("customer", "x".repeat(NAMED + 1));
        assert_eq!(named(&error.into_status(Language::English)), ["customer"]);
    }
}
