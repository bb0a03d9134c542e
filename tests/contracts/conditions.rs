//! Checks that conditions on fields are options, which the chassis enforces and forms can show, and do not stand in prose only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kefu_proto::contract::{audience, messages, methods, roles, rule};
use kefu_proto::field::{FieldRules, at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::{Condition, FieldSet, Role};
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
use regex::Regex;

use super::fields::collect;
use super::{comment, words_hold};

/// What a comment is about: the fields that its conditions may stand on.
struct Subject {
    name: String,
    comment: String,
    rules: Vec<FieldRules>,
    exactly_one: Vec<FieldSet>,
    at_least_one: Vec<FieldSet>,
}

/// Words that sound like a condition, and whether an option says it too: given what follows the words.
type Sound = (&'static str, fn(&Subject, &str) -> bool);

const SOUNDS: [Sound; 14] = [
    (r"(?i)\brequired (for|with|when|if|where|unless|in)\b", |subject, after| {
        let conditions = || subject.rules.iter().flat_map(|rules| &rules.required_when);
        let is_of_roles = subject.rules.iter().any(|rules| names_role(after, &rules.required_for_roles));
        is_of_roles || names_one(after, conditions)
    }),
    (r"(?i)\bonly (for|with) (kind |the kind )?(?-i:[A-Z_]{4,})", |subject, after| {
        let conditions = || subject.rules.iter().flat_map(|rules| &rules.only_when);
        subject.rules.iter().any(|rules| names_role(after, &rules.for_roles)) || names_one(after, conditions)
    }),
    (r"(?i)\bthen with `", |subject, after| {
        let conditions = || subject.rules.iter().flat_map(|rules| &rules.required_when);
        names_one(after, conditions)
    }),
    (r"(?i)\bmust be (given|set) (when|if|with)\b", |subject, after| {
        let conditions = || subject.rules.iter().flat_map(|rules| &rules.required_when);
        names_one(after, conditions)
    }),
    (r"(?i)\bexactly one\b", |subject, _| !subject.exactly_one.is_empty()),
    (r"(?i)\bEither this or\b", |subject, _| !subject.exactly_one.is_empty()),
    (r"\bEmpty when `", |subject, after| {
        let name = names(after).into_iter().next().unwrap_or_default();
        let conditions = || subject.rules.iter().flat_map(|rules| &rules.only_when);
        subject.exactly_one.iter().any(|set| set.fields.contains(&name)) || names_one(after, conditions)
    }),
    (r"(?i)\bat least one\b", |subject, _| !subject.at_least_one.is_empty()),
    (r"(?i)\bat most one of\b", |subject, _| subject.rules.iter().any(|rules| !rules.at_most_one_of.is_empty())),
    (r"(?i)\bat (least|most) [0-9]+ (of who|when|if)\b", |subject, _| {
        subject.rules.iter().any(|rules| !rules.limits.is_empty())
    }),
    (r"\b([Oo]nly a|by no other than a|whom they must) ", |subject, after| {
        let is_of = |roles: &[Role]| !roles.is_empty() && (names(after).is_empty() || names_role(after, roles));
        subject.rules.iter().any(|rules| is_of(&rules.for_roles) || is_of(&rules.required_for_roles))
    }),
    (r"\bAn? [A-Z]{4,} must\b", |subject, _| subject.rules.iter().any(|rules| !rules.required_for_roles.is_empty())),
    (r"\bAn? (?:[A-Z]{4,} or )+[A-Z]{4,} must\b", |subject, _| {
        subject.rules.iter().any(|rules| rules.required_for_roles.len() > 1)
    }),
    (r"\bAn? [A-Z]{4,} says\b", |subject, _| {
        let mut limits = subject.rules.iter().flat_map(|rules| &rules.limits);
        limits.any(|limit| !limit.roles.is_empty())
    }),
];

static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| SOUNDS.iter().map(|(words, _)| Regex::new(words).unwrap()).collect());
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`(\w+)`|\b([A-Z][A-Z_]{2,})\b").unwrap());

/// The fields in backticks and the values in capitals that a part of a comment names, up to the end of its sentence.
fn names(part: &str) -> Vec<String> {
    let end = part.find(['.', ';']).unwrap_or(part.len());
    let found = NAME.captures_iter(&part[..end]).filter_map(|found| found.get(1).or(found.get(2)));
    found.map(|name| name.as_str().to_owned()).collect()
}

fn names_role(part: &str, roles: &[Role]) -> bool {
    names(part).iter().any(|name| roles.iter().any(|role| role.as_str_name() == name))
}

/// Whether one of the conditions is on a field or a value that a part of a comment names; on anything if it names none.
fn names_one<'a, I: Iterator<Item = &'a Condition>>(part: &str, conditions: impl Fn() -> I) -> bool {
    let names = names(part);
    let is_named = |condition: &Condition| {
        names.is_empty()
            || names.contains(&condition.field)
            || condition.values.iter().any(|value| names.contains(value))
    };
    conditions().any(is_named)
}

/// Conditions on what is on record or came before in a stream, which no message shows: handlers refuse them.
const OF_THE_RECORD: [&str; 8] = [
    "kefu.intake.v1.ImportRequestsRequest.source",
    "kefu.complaints.v1.ProposeResolutionRequest.measures",
    "kefu.intake.v1.RecordProgressRequest.carrier_state",
    "kefu.intake.v1.TransferRequestRequest.reason",
    "kefu.intake.v1.FileWorkOrderRequest.reason",
    "kefu.intake.v1.ConvertToComplaintRequest.matter",
    "kefu.intake.v1.ConvertToComplaintRequest.contact",
    "kefu.complaints.v1.ConcludeInvestigationRequest.no_evidence_reason",
];

#[test]
fn no_condition_on_a_field_stands_in_prose_only() {
    words_hold(
        in_prose,
        &[
            "kefu.words.v1.WordService.ColourThing says “Exactly one” in prose only",
            "kefu.words.v1.Thing says “at least one” in prose only",
            "kefu.words.v1.Thing.reason says “Required for” in prose only",
            "kefu.words.v1.Thing.description says “required for” in prose only",
            "kefu.words.v1.Thing.State.RED says “required with” in prose only",
        ],
    );
}

#[test]
fn every_condition_names_what_is_there() {
    words_hold(
        unfounded,
        &[
            "kefu.words.v1.Thing.comment depends on size, which is not there",
            "kefu.words.v1.Thing.text depends on BLUE, which is no value",
        ],
    );
}

#[test]
fn conditions_of_the_record_are_of_fields_that_exist() {
    for name in OF_THE_RECORD {
        let all = messages(kefu_proto::pool()).flat_map(|message| message.fields().collect::<Vec<_>>());
        assert!(all.into_iter().any(|field| field.full_name() == name), "{name}");
    }
}

#[test]
fn what_must_be_given_is_told_to_protovalidate_as_well() {
    let fields = messages(kefu_proto::pool()).flat_map(|message| message.fields().collect::<Vec<_>>());
    for field in fields {
        let behavior = kefu_proto::contract::behavior(&field).contains(&kefu_proto::contract::REQUIRED);
        let given = kefu_proto::contract::validation(&field).is_some_and(|rules| {
            rules.get_field_by_name("required").is_some_and(|value| value.as_bool() == Some(true))
        });
        assert_eq!(behavior, given, "{}", field.full_name());
    }
}

#[test]
fn no_customer_says_when_something_happened() {
    for method in methods(kefu_proto::pool()) {
        let audience = audience(kefu_proto::pool(), &rule(&method).unwrap()).unwrap();
        let is_for_customers = roles(&audience).contains(&Role::Customer);
        let Some(time) = method.input().get_field_by_name("occurred_time").filter(|_| is_for_customers) else {
            continue;
        };
        assert_eq!(FieldRules::of(&time).not_for_roles, [Role::Customer], "{}", method.full_name());
    }
}

fn in_prose(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for subject in subjects(pool).into_iter().filter(|subject| !OF_THE_RECORD.contains(&subject.name.as_str())) {
        for (sounds, (_, says)) in COMPILED.iter().zip(SOUNDS) {
            let heard = sounds.find_iter(&subject.comment);
            let heard = heard.filter(|heard| !says(&subject, &subject.comment[last_word(heard)..]));
            found.extend(heard.map(|heard| format!("{} says “{}” in prose only", subject.name, heard.as_str().trim())));
        }
    }
    found
}

/// Where the last word of what was heard begins, which may be the name that counts.
fn last_word(heard: &regex::Match<'_>) -> usize {
    let words = heard.as_str().trim_end();
    heard.start() + words.rfind([' ', '`']).map_or(0, |space| space + usize::from(words.as_bytes()[space] == b' '))
}

/// Everything with a comment that has to do with what callers send: methods, messages, fields and the values of enums.
fn subjects(pool: &DescriptorPool) -> Vec<Subject> {
    let (mut sent, mut found) = (BTreeMap::new(), Vec::new());
    for method in methods(pool) {
        collect(&method.input(), &mut sent);
        let comment = spoken(&comment(&method.parent_service().parent_file(), method.path()));
        found.push(of_message(method.full_name(), comment, &method.input()));
    }
    let mut enums = BTreeMap::new();
    for message in sent.values() {
        found.push(of_message(message.full_name(), spoken(&comment(&message.parent_file(), message.path())), message));
        for field in message.fields() {
            let rules = FieldRules::of(&field);
            if let Kind::Enum(kind) = field.kind() {
                enums.insert(kind.full_name().to_owned(), kind);
            }
            if rules.is_output {
                continue;
            }
            let has = |set: &FieldSet| set.fields.iter().any(|name| name == field.name());
            found.push(Subject {
                name: field.full_name().to_owned(),
                comment: spoken(&comment(&field.parent_file(), field.path())),
                rules: vec![rules],
                exactly_one: exactly_one_of(message).into_iter().filter(has).collect(),
                at_least_one: at_least_one_of(message).into_iter().filter(has).collect(),
            });
        }
    }
    let all: Vec<FieldRules> = sent
        .values()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .map(|field| FieldRules::of(&field))
        .collect();
    for kind in enums.values().filter(|kind| kind.full_name().starts_with("kefu.")) {
        found.extend(kind.values().map(|value| Subject {
            name: format!("{}.{}", kind.full_name(), value.name()),
            comment: spoken(&comment(&kind.parent_file(), value.path())),
            rules: all.clone(),
            exactly_one: Vec::new(),
            at_least_one: Vec::new(),
        }));
    }
    found
}

fn of_message(name: &str, comment: String, message: &MessageDescriptor) -> Subject {
    Subject {
        name: name.to_owned(),
        comment,
        rules: message.fields().map(|field| FieldRules::of(&field)).collect(),
        exactly_one: exactly_one_of(message),
        at_least_one: at_least_one_of(message),
    }
}

/// A comment in one line.
fn spoken(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unfounded(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for field in messages(pool).flat_map(|message| message.fields().collect::<Vec<_>>()) {
        let rules = FieldRules::of(&field);
        for condition in rules.required_when.iter().chain(&rules.only_when) {
            let Some(other) = field.parent_message().get_field_by_name(&condition.field) else {
                found.push(format!("{} depends on {}, which is not there", field.full_name(), condition.field));
                continue;
            };
            for value in &condition.values {
                let is_known = match other.kind() {
                    prost_reflect::Kind::Enum(kind) => kind.get_value_by_name(value).is_some(),
                    prost_reflect::Kind::Bool => ["true", "false"].contains(&value.as_str()),
                    _ => false,
                };
                if !is_known {
                    found.push(format!("{} depends on {value}, which is no value", field.full_name()));
                }
            }
        }
    }
    found
}
