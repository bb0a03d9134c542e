//! Refusals as a caller gets them: a gRPC status with google.rpc details, and a text in the caller's language. What is wrong
//! with a field is said twice: in English with the field's name, for whoever writes the calling program, and in the caller's
//! language with the field's label.

use std::borrow::Cow;
use std::time::Duration;

use kefu_proto::rules::v1::{ErrorReason, Refusal};
use prost_reflect::MessageDescriptor;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt as _};

use crate::base::error::{Error, Violation, Wrong, describe, not_known};
use crate::base::labels;
use crate::base::language::{Language, Text};
use crate::base::names::DIRECTORY;
use crate::wrong;

// A status is sent as headers. A client that gets more headers than it accepts, commonly 8 KiB, ends the connection and
// with it every call on it. Nothing else bounds the text of the caller's own that a status repeats.
/// The longest message of a status, and the longest name of a field or resource in it, in bytes.
const MESSAGE: usize = 300;
/// The longest sentence in a status, in bytes.
const TEXT: usize = 1_000;

impl Error {
    /// Returns the refusal that a call would meet, for an explanation before the call is made.
    #[must_use]
    pub fn shown(&self, language: Language) -> Refusal {
        Refusal { reason: self.reason().into(), clause: self.clause().to_owned(), message: language.refusal(self) }
    }

    /// Returns the violations of fields, as many as a refusal can name, for the status. `named` are the fields of the request
    /// that hold the name of a resource that is not there, or is taken.
    fn violations(
        &self,
        language: Language,
        request: Option<&MessageDescriptor>,
        named: &[String],
    ) -> Vec<FieldViolation> {
        let each = |wrong: Wrong| named.iter().map(|field| Violation::new(field, wrong.clone())).collect();
        let only = |field: &str, wrong| vec![Violation::new(field, wrong)];
        let violations = match self {
            Self::Invalid(violations) => violations.clone(),
            Self::RequestIdReused => {
                only("request_id", wrong!(RequestId, "was used before for another call", "已用于另一次操作"))
            }
            Self::PageToken => {
                only("page_token", wrong!(Token, "is malformed or belongs to another query", "无效，或属于另一个查询"))
            }
            Self::NotFound { .. } => each(not_known()),
            Self::Exists { .. } => each(wrong!(Conflicting, "is taken already", "已被使用")),
            Self::Gate { clause, missing, field: Some((field, rule)), .. } => {
                let clause = match clause {
                    Cow::Borrowed(clause) => *clause,
                    Cow::Owned(_) => "",
                };
                vec![Violation::new(*field, Wrong { rule: *rule, clause, text: (*missing).into() })]
            }
            _ => return Vec::new(),
        };
        // What a gate misses is a whole sentence, and not a predicate about the field.
        let is_predicate = !matches!(self, Self::Gate { .. });
        let mut bytes = 0;
        let listed = violations.into_iter().map(|violation| {
            let Violation { field, wrong } = violation;
            let label = if is_predicate { labels::of_path(request, &field, language) } else { String::new() };
            let sentence = shortened(language.sentence(&label, &wrong), TEXT);
            FieldViolation {
                description: shortened(wrong.to_string(), TEXT),
                field: shortened(field, MESSAGE),
                reason: wrong.rule.as_str_name().to_owned(),
                localized_message: Some(LocalizedMessage::new(language.tag(), sentence)),
            }
        });
        let fits = listed.take_while(|violation| {
            let is_first = bytes == 0;
            let sentence = violation.localized_message.as_ref().map_or(0, |text| text.message.len());
            bytes += violation.field.len() + violation.description.len() + sentence;
            is_first || bytes <= NAMED
        });
        fits.collect()
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

    /// Turns the error into the status that the caller gets. An unexpected cause is logged here, and nowhere else.
    #[must_use]
    pub fn into_status(self, language: Language) -> Status {
        self.into_status_of(language, None)
    }

    /// Turns the error of a request of this message into the status that the caller gets. Two messages may label fields of
    /// the same name differently, so the message decides the label.
    #[must_use]
    pub fn into_status_of(self, language: Language, request: Option<&MessageDescriptor>) -> Status {
        self.into_status_about(language, request, &[])
    }

    /// Turns the error into the status that the caller gets. `named` are the paths of the fields of the request that hold the name
    /// of the resource that is not there, or is taken.
    #[must_use]
    pub fn into_status_about(
        self,
        language: Language,
        request: Option<&MessageDescriptor>,
        named: &[String],
    ) -> Status {
        let violations = self.violations(language, request, named);
        if let Self::Away(source) | Self::Unexpected(source) = &self {
            tracing::error!(reason = self.reason().as_str_name(), cause = describe(source.as_ref()), "call failed");
        }
        let mut details = ErrorDetails::new();
        let message = shortened(self.to_string(), MESSAGE);
        details.set_error_info(self.reason().as_str_name(), "kefu", std::collections::HashMap::new());
        let mut text = language.refusal(&self);
        // A gate's refusal has said it.
        for violation in violations.iter().filter(|_| !matches!(self, Self::Gate { .. })) {
            text.push(' ');
            text.push_str(violation.localized_message.as_ref().map_or("", |text| text.message.as_str()));
        }
        details.set_localized_message(language.tag(), shortened(text, TEXT));
        if !violations.is_empty() {
            details.set_bad_request(violations);
        }
        match &self {
            Self::State { subject, clause, .. } | Self::Gate { subject, clause, .. } => {
                let description = match &self {
                    Self::Gate { missing, .. } => shortened(missing.of(Language::English).to_owned(), TEXT),
                    _ => message.clone(),
                };
                let subject = shortened(subject.clone(), MESSAGE);
                details.add_precondition_failure_violation(clause.as_ref(), subject, description);
            }
            Self::DirectoryEmpty => {
                details.add_precondition_failure_violation("A2.1", DIRECTORY, message.clone());
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

impl Language {
    /// Returns what a refusal says to people: the reason and, where a clause demands it, the clause and what is missing.
    #[must_use]
    pub fn refusal(self, error: &Error) -> String {
        let meaning = meaning(error.reason()).of(self);
        let (clause, detail) = match (error, self) {
            (Error::Gate { clause, missing, .. }, _) => (clause, missing.of(self).to_owned()),
            (Error::State { clause, method, state, .. }, Self::English) => {
                let (method, state) = (labels::of_method(method), state.label());
                (clause, format!("“{}” is not possible while it is “{}”", method.en(), state.en()))
            }
            (Error::State { clause, method, state, .. }, Self::Chinese) => {
                let (method, state) = (labels::of_method(method), state.label());
                (clause, format!("状态为「{}」时不能「{}」", state.zh(), method.zh()))
            }
            _ => return meaning.to_owned(),
        };
        let clause = self.clause(clause);
        match self {
            Self::English => format!("{meaning} {clause}: {detail}."),
            Self::Chinese => format!("{meaning}{clause}：{detail}。"),
        }
    }

    /// Returns the sentence that tells people what is wrong with the field of this label: `“Telephone” is no telephone number.`
    /// The clause that demands it stands before. Without a label, the sentence is about the request as a whole.
    #[must_use]
    pub fn sentence(self, label: &str, wrong: &Wrong) -> String {
        let clause = if wrong.clause.is_empty() { String::new() } else { self.clause(wrong.clause) };
        let text = wrong.text.of(self);
        match (self, label.is_empty(), clause.is_empty()) {
            (Self::English, true, _) => format!("{}.", capitalised(text)),
            (Self::English, false, true) => format!("“{label}” {text}."),
            (Self::English, false, false) => format!("{clause}: “{label}” {text}."),
            (Self::Chinese, true, _) => format!("{text}。"),
            (Self::Chinese, false, true) => format!("「{label}」{text}。"),
            (Self::Chinese, false, false) => format!("{clause}：「{label}」{text}。"),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the sentence that tells people a reason.
#[must_use]
pub const fn meaning(reason: ErrorReason) -> Text {
    match reason {
        ErrorReason::Unspecified | ErrorReason::Unexpected => Text::new(
            "Something unexpected happened. The operators have a record of it.",
            "发生意外错误，系统管理员已有记录可查。",
        ),
        ErrorReason::FieldInvalid => {
            Text::new("Some of what was given is missing or not valid.", "填写的内容有缺失或不符合要求。")
        }
        ErrorReason::RequestIdReused => {
            Text::new("This key of the call was used before for another call.", "该操作编号已用于另一次操作。")
        }
        ErrorReason::PageTokenInvalid => {
            Text::new("The page token is not valid for this query.", "翻页标记不适用于此查询。")
        }
        ErrorReason::StateForbids => {
            Text::new("This is not possible in the present state.", "当前状态下不能进行此操作。")
        }
        ErrorReason::GateClosed => {
            Text::new("A clause of the regulations demands something else first.", "按规定须先满足另一项要求。")
        }
        ErrorReason::EtagStale => {
            Text::new("It was changed meanwhile. Read it again.", "内容已被他人修改，请重新读取。")
        }
        ErrorReason::ResourceNotFound => Text::new("It was not found.", "未找到。"),
        ErrorReason::ResourceExists => Text::new("It exists already.", "已经存在。"),
        ErrorReason::TokenInvalid => Text::new("Sign in first.", "请先登录。"),
        ErrorReason::RoleMissing => Text::new("Your role does not allow this.", "您的角色无权进行此操作。"),
        ErrorReason::SelfDealing => {
            Text::new("Nobody may do this to a duty of their own.", "不得处理本人承担的时限事项。")
        }
        ErrorReason::Overloaded => Text::new("The service is busy. Try again shortly.", "服务繁忙，请稍后重试。"),
        ErrorReason::BackendAway => {
            Text::new("The service is away for the moment. Try again shortly.", "服务暂不可用，请稍后重试。")
        }
        ErrorReason::DeadlinePassed => Text::new("It took too long.", "处理超时。"),
        ErrorReason::DirectoryEmpty => Text::new(
            "The directory holds no staff yet: until then only operators and services may write.",
            "员工目录尚为空，此前仅系统管理员和系统服务可以写入。",
        ),
        ErrorReason::MethodUnknown => Text::new("There is no such method.", "没有此操作。"),
    }
}

/// Cuts a text after at most `at_most` bytes and marks the cut with `…`, which adds three bytes.
#[must_use]
pub fn shortened(mut text: String, at_most: usize) -> String {
    if text.len() > at_most {
        text.truncate(text.floor_char_boundary(at_most));
        text.push('…');
    }
    text
}

/// The most bytes of wrong fields, with what is wrong in both languages, that a refusal lists. A refusal travels encoded in
/// trailers, of which some clients accept 8 KiB; they report a service that sends more as away.
const NAMED: usize = 2_048;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kefu_regulation::Regulation;

    use super::*;
    use crate::base::error::StateName;
    use crate::base::language::has_han;

    #[test]
    fn a_status_fits_into_the_headers_that_are_taken_whatever_is_told_again() {
        let (long, shorter) = ("很".repeat(100_000), "很".repeat(1_000));
        let violation = |field: &str, text: &str| Violation::new(field, wrong!(Required, "is {text}", "缺{text}"));
        for language in [Language::English, Language::Chinese] {
            for error in [
                Error::Invalid(vec![violation(&long, &long); 100]),
                Error::Invalid(vec![violation("rows", &shorter); 10_000]),
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
        let required = || wrong!(Required, "is required", "必填");
        let violation = |index| Violation::new(format!("rows[{index}].external_id"), required());
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
        let long = "x".repeat(NAMED + 1);
        let error = Error::field("customer", wrong!(Required, "is {long}", "缺{long}"));
        assert_eq!(named(&error.into_status(Language::English)), ["customer"]);
    }

    #[test]
    fn every_reason_is_told_in_both_languages_and_each_differently() {
        let reasons: Vec<ErrorReason> = (1..).map_while(|number| ErrorReason::try_from(number).ok()).collect();
        assert!(reasons.contains(&ErrorReason::Unexpected));
        // A text without its Chinese or its English does not pass `Text::new`.
        for language in [Language::English, Language::Chinese] {
            let texts: BTreeSet<&str> = reasons.iter().map(|&each| meaning(each).of(language)).collect();
            assert_eq!(texts.len(), reasons.len());
        }
    }

    /// Refusals behind which `clause` stands.
    fn behind(clause: &str) -> [Error; 2] {
        let (subject, clause) = ("requests/1".to_owned(), clause.to_owned());
        [
            Error::Gate {
                subject: subject.clone(),
                clause: clause.clone().into(),
                missing: Text::new("nobody signed", "无人签字"),
                field: None,
            },
            Error::State {
                subject,
                method: "RespondRequest".into(),
                state: StateName::Value { kind: "kefu.intake.v1.Request.State", name: "CLOSED" },
                clause: clause.into(),
            },
        ]
    }

    #[test]
    fn every_clause_is_told_with_its_title_in_both_languages() {
        let mut messages = BTreeSet::new();
        for clause in Regulation::standard().clauses() {
            for error in behind(&clause.id) {
                for (language, title) in [(Language::English, &clause.title.en), (Language::Chinese, &clause.title.zh)]
                {
                    let message = language.refusal(&error);
                    assert!(message.contains(&clause.id) && message.contains(title.as_str()), "{message}");
                    assert_eq!(has_han(&message), language == Language::Chinese, "{message}");
                    assert!(messages.insert(message));
                }
            }
        }
        assert_eq!(messages.len(), 4 * Regulation::standard().clauses().count());
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let [gate, state] = behind("C2.1");
        assert_eq!(
            Language::English.refusal(&gate),
            "A clause of the regulations demands something else first. C2.1 (First answer in time): nobody signed."
        );
        assert_eq!(Language::Chinese.refusal(&gate), "按规定须先满足另一项要求。C2.1（及时应答）：无人签字。");
        assert_eq!(
            Language::Chinese.refusal(&state),
            "当前状态下不能进行此操作。C2.1（及时应答）：状态为「已关闭」时不能「登记首次应答」。"
        );
    }
}
