//! Refused calls: code, reason, and the details of google.rpc.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::LazyLock;

use kefu_proto::contract::resources;
use kefu_proto::rules::v1::{ErrorReason, FieldRule};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// A refusal with its details.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The received status.
    pub status: Status,
    /// The decoded details.
    pub details: ErrorDetails,
}

/// What a refusal says of one field.
#[derive(Clone, Debug)]
pub struct Said {
    /// The field's path.
    pub field: String,
    /// The rule that it breaks.
    pub rule: FieldRule,
    /// What is wrong, in English.
    pub english: String,
    /// The sentence for people, in the language of the call: in Chinese of those that [`World`](crate::any::World) sends.
    pub chinese: String,
}

/// Asserts that a Chinese sentence has no Latin letters but those of names, numbers, ids, clauses and quotations.
#[track_caller]
pub fn assert_chinese(sentence: &str) {
    let words = machine_words(sentence);
    assert!(words.is_empty(), "{words:?} are no Chinese: {sentence}");
}

/// Asserts that a call was refused with this code and reason, with `ErrorInfo` of the domain `kefu` and a message for
/// people, as every refusal of kefu.
#[track_caller]
pub fn assert_refused<T: Debug>(outcome: Result<T, Status>, code: Code, reason: ErrorReason) -> Refusal {
    let status = outcome.expect_err("the call was not refused");
    let details = status.get_error_details();
    let info = details.error_info();
    let told = (status.code(), info.map(|info| info.reason.as_str()), info.map(|info| info.domain.as_str()));
    assert_eq!(told, (code, Some(reason.as_str_name()), Some("kefu")), "{status:?}");
    assert!(details.localized_message().is_some_and(|message| !message.message.is_empty()), "{status:?}");
    let violations = details.bad_request().map(|request| request.field_violations.as_slice()).unwrap_or_default();
    let told = violations.iter().filter_map(|violation| violation.localized_message.as_ref());
    for text in details.localized_message().into_iter().chain(told).filter(|text| text.locale == "zh-CN") {
        assert_chinese(&text.message);
    }
    let is_ruled = |violation: &FieldViolation| {
        FieldRule::from_str_name(&violation.reason).is_some_and(|rule| rule != FieldRule::Unspecified)
    };
    assert!(violations.iter().all(is_ruled), "{violations:?}");
    Refusal { status, details }
}

/// Latin words of a Chinese text that are neither the name of a resource, a number, an id nor a clause, and that are not
/// quoted: a file's column, the word of another program. A regular expression is no word to quote, nor is the type of a
/// resource a name.
fn machine_words(text: &str) -> Vec<&str> {
    if let Some((before, quoted)) = text.split_once('“') {
        let (quoted, after) = quoted.split_once('”').unwrap_or((quoted, ""));
        let is_pattern = quoted.contains(['^', '$', '\\']) || quoted.contains("[A-Z");
        let quoted = Some(quoted).filter(|_| is_pattern);
        return machine_words(before).into_iter().chain(quoted).chain(machine_words(after)).collect();
    }
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "._~/-:".contains(sign);
    let words = text.split(|sign| !is_part(sign)).filter(|word| word.contains(|sign: char| sign.is_ascii_alphabetic()));
    let is_name = |word: &&str| {
        let collection = word.split_once('/').map(|(collection, _)| collection);
        collection.is_some_and(|first| COLLECTIONS.contains(first)) || word.contains(|sign: char| sign.is_ascii_digit())
    };
    words.filter(|word| !is_name(word)).collect()
}

/// The first segments of the names of resources, e.g. `requests`.
static COLLECTIONS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let patterns = resources(kefu_proto::pool()).into_iter().flat_map(|resource| resource.patterns);
    patterns.filter_map(|pattern| pattern.split('/').next().map(str::to_owned)).collect()
});

impl Refusal {
    /// Paths of the refused fields, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let violations =
            self.details.bad_request().map(|request| request.field_violations.as_slice()).unwrap_or_default();
        violations.iter().map(|violation| violation.field.as_str()).collect()
    }

    /// What is said of each refused field, in order.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let violations = self.details.bad_request().map(|request| request.field_violations.clone());
        let said = |violation: FieldViolation| Said {
            field: violation.field,
            rule: FieldRule::from_str_name(&violation.reason).unwrap_or_default(),
            english: violation.description,
            chinese: violation.localized_message.unwrap_or_default().message,
        };
        violations.unwrap_or_default().into_iter().map(said).collect()
    }

    /// Cited clauses, in order.
    #[must_use]
    pub fn clauses(&self) -> Vec<&str> {
        let violations =
            self.details.precondition_failure().map(|failure| failure.violations.as_slice()).unwrap_or_default();
        violations.iter().map(|violation| violation.r#type.as_str()).collect()
    }

    /// The resource that is not found, was changed, or exists already.
    #[must_use]
    pub fn resource(&self) -> &str {
        let violation = self.details.precondition_failure().and_then(|failure| failure.violations.first());
        let info = self.details.resource_info().map(|info| info.resource_name.as_str());
        info.or(violation.map(|violation| violation.subject.as_str())).unwrap_or_default()
    }

    /// Language and text of the message for people.
    #[must_use]
    pub fn told(&self) -> (&str, &str) {
        self.details
            .localized_message()
            .map(|message| (message.locale.as_str(), message.message.as_str()))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_calls_a_thing_is_found_in_a_chinese_sentence_and_names_numbers_and_quotations_are_not() {
        for (sentence, found) in [
            ("「客户」须为客户的资源名称。", &[][..]),
            ("未找到customers/7，见C2.1，编号R20261120。", &[]),
            ("列“Kunde”不存在，此处接受“gzip, br”。", &[]),
            ("「客户」须为kefu/Customer类资源的名称。", &["kefu/Customer"]),
            ("须符合格式“^[A-Za-z0-9._~-]{1,63}$”。", &["^[A-Za-z0-9._~-]{1,63}$"]),
            ("此处接受gzip, br。", &["gzip", "br"]),
            ("此处接受application/json。", &["application/json"]),
            ("列“Kunde”须为text。", &["text"]),
        ] {
            assert_eq!(machine_words(sentence), found, "{sentence}");
        }
    }
}
