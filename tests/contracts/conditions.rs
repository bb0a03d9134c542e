//! Checks that conditions on fields are options, which the chassis enforces and forms can show, and do not stand in prose only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kefu_proto::contract::{messages, methods};
use kefu_proto::field::{FieldRules, exactly_one_of};
use prost_reflect::DescriptorPool;
use regex::Regex;

use super::fields::collect;
use super::{comment, words_hold};

/// Comments of fields that callers give and that sound like a condition on another field or on the caller.
static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\brequired (for|with|when|if|where)\b|\bonly (for|with) (kind|the kind|(?-i:[A-Z_]{4,}))|\bthen with `|\bexactly one\b|\bonly a SERVICE\b|\bEither this or\b|\bmust be (given|set) (when|if|with)\b",
    )
    .unwrap()
});

/// Conditions on what is on record, which no message shows: handlers refuse them.
const OF_THE_RECORD: [&str; 6] = [
    "kefu.intake.v1.RecordProgressRequest.carrier_state",
    "kefu.intake.v1.TransferRequestRequest.reason",
    "kefu.intake.v1.FileWorkOrderRequest.reason",
    "kefu.intake.v1.ConvertToComplaintRequest.matter",
    "kefu.intake.v1.ConvertToComplaintRequest.contact",
    "kefu.complaints.v1.ConcludeInvestigationRequest.no_evidence_reason",
];

#[test]
fn no_condition_on_a_field_stands_in_prose_only() {
    words_hold(in_prose, &["kefu.words.v1.Thing.reason says “Required for” in prose only"]);
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

fn in_prose(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    let mut sent = BTreeMap::new();
    for method in methods(pool) {
        collect(&method.input(), &mut sent);
    }
    for field in sent.values().flat_map(|message| message.fields().collect::<Vec<_>>()) {
        let rules = FieldRules::of(&field);
        let has_condition = !rules.required_when.is_empty()
            || !rules.only_when.is_empty()
            || !rules.for_roles.is_empty()
            || exactly_one_of(field.parent_message())
                .iter()
                .any(|set| set.fields.iter().any(|name| name == field.name()));
        if has_condition || rules.is_output || OF_THE_RECORD.contains(&field.full_name()) {
            continue;
        }
        if let Some(sounds) = CONDITION.find(&comment(&field.parent_file(), field.path())) {
            found.push(format!("{} says “{}” in prose only", field.full_name(), sounds.as_str()));
        }
    }
    found
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
