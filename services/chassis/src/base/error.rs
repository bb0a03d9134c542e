//! Errors: why a call is refused. The status and the texts that a caller gets are made in `refusal`.

use kefu_proto::rules::v1::{ErrorReason, FieldRule};

use crate::base::labels;
use crate::base::language::{Language, Sentence, Text};

pub use crate::base::violation::{Violation, Wrong, not_known, too_large, unreadable};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call is refused. Each variant has one [`ErrorReason`], which several may share; its text never repeats its
/// source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are missing, malformed or out of range.
    #[error("{}", .0.iter().map(|violation| format!("{}: {}", violation.field, violation.wrong)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Violation>),
    /// The request id was used before with another payload.
    #[error("request_id: was used before for another call")]
    RequestIdReused,
    /// The page token is not one of this query.
    #[error("page_token: is malformed or belongs to another query")]
    PageToken,
    /// The lifecycle has no such action from this state.
    #[error("{subject} is {}: {method} is not possible", state.code())]
    State {
        /// The resource.
        subject: String,
        /// The method tried.
        method: std::borrow::Cow<'static, str>,
        /// The state that the resource is in.
        state: StateName,
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
        /// The field that could give it, and the rule that the field breaks; none if no field of the call does.
        field: Option<(&'static str, FieldRule)>,
    },
    /// The resource changed since its etag was read.
    #[error("{0} changed since its etag was read")]
    StaleEtag(String),
    /// No such resource, or none that the caller may see.
    #[error("{name} is not known")]
    NotFound {
        /// The kind of resource, e.g. `kefu/Request`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The service that is called is away.
    #[error("{0} is away")]
    ServiceAway(String),
    /// There is such a resource already, e.g. one of the same number, or made from the same request.
    #[error("{name} exists already")]
    Exists {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The bearer token is missing or not valid.
    #[error("a valid bearer token is needed")]
    Unauthenticated,
    /// The caller has none of the roles.
    #[error("the caller's roles do not allow this")]
    RoleMissing,
    /// The service's copy of the directory is still empty.
    #[error("the directory holds no staff yet: until then only ADMIN and SERVICE may write")]
    DirectoryEmpty,
    /// The caller may not do this to a duty of their own.
    #[error("nobody may do this to a duty of their own")]
    SelfDealing,
    /// The service, or the caller, has as many calls under way as it may.
    #[error("too many calls at once")]
    Overloaded,
    /// The database or a peer is away.
    #[error("a part of the service is away")]
    Away(#[source] Source),
    /// The service is being stopped. Readers of a stream resume it at another replica, or after the next start.
    #[error("the service stops")]
    Stopping,
    /// The call took longer than its deadline.
    #[error("the deadline has passed")]
    Deadline,
    /// No such method.
    #[error("there is no such method")]
    UnknownMethod,
    /// Another call with the same request id was stored first. The caller gets that call's reply, and never this error.
    #[error("this call was made before")]
    Repeated,
    /// Anything else; the caller learns nothing of the cause.
    #[error("something unexpected happened")]
    Unexpected(#[source] Source),
}

/// The state of a resource, as programs and people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateName {
    /// A value of an enum of the contracts.
    Value {
        /// The full name of the enum, e.g. `kefu.intake.v1.Request.State`.
        kind: &'static str,
        /// The value, e.g. `IN_PROGRESS`.
        name: &'static str,
    },
    /// A state that no enum has.
    Text {
        /// The code for programs, e.g. `ANSWERED`.
        code: &'static str,
        /// The label.
        label: Text,
    },
}

impl StateName {
    /// Returns the code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Value { name, .. } => name,
            Self::Text { code, .. } => code,
        }
    }

    /// Returns what people call the state.
    #[must_use]
    pub fn label(&self) -> Sentence {
        match self {
            Self::Value { kind, name } => labels::of_named_value(kind, name),
            Self::Text { label, .. } => (*label).into(),
        }
    }
}

impl Error {
    /// Creates a refusal of one wrong field.
    pub fn field(field: impl Into<String>, wrong: Wrong) -> Self {
        Self::Invalid(vec![Violation::new(field, wrong)])
    }

    /// Creates an unexpected error, whose cause goes to the log and nowhere else.
    pub fn unexpected(source: impl Into<Source>) -> Self {
        Self::Unexpected(source.into())
    }

    /// Returns the error's entry in the registry of reasons.
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

    /// Returns the clause that demands the refusal; empty if none does.
    #[must_use]
    pub fn clause(&self) -> &str {
        match self {
            Self::State { clause, .. } | Self::Gate { clause, .. } => clause,
            _ => "",
        }
    }
}

/// Returns an error and its causes in one line.
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

/// An error of Postgres is `Away` when Postgres cannot be reached, is stopping, lacks resources or rolled the
/// transaction back over a conflict such as a deadlock, and `Unexpected` otherwise.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            // `Protocol`: sqlx reports a connection that ends during the handshake as an answer it cannot read.
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

/// Returns the name of the constraint that was violated, if the error says that one was.
#[must_use]
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|database| database.constraint())
}
