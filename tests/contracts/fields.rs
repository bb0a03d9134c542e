//! Checks that fields which callers fill are bounded, references lead to a resource, and personal data is marked.

use std::collections::{BTreeMap, HashMap, HashSet};

use kefu_proto::field::FieldRules;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::holds;
use kefu_proto::contract::{
    IDENTIFIER, OUTPUT_ONLY, behavior, is_redacted, messages, methods, reference, resources, validation,
};

/// Names of fields that hold personal data, or what someone said or wrote about a person.
const PERSONAL: [&str; 11] = [
    "phone",
    "email",
    "postal_address",
    "chat_id",
    "person",
    "site_address",
    "display_name",
    "description",
    "comment",
    "text",
    "cancel_reason",
];

/// Fields with a name of [`PERSONAL`] that hold no personal data, and why.
const NOT_PERSONAL: [(&str, &str); 3] = [
    ("kefu.directory.v1.Department.display_name", "names a department, not a person"),
    ("kefu.intake.v1.Project.display_name", "names a delivery, not a person"),
    ("kefu.compliance.v1.ComplianceRow.person", "the resource name of a member of staff"),
];

#[test]
fn fields_that_hold_personal_data_are_marked() {
    holds(personal, &[&["Thing.email", "debug_redact"]]);
}

#[test]
fn what_callers_send_is_bounded() {
    holds(
        bounds,
        &[
            &["Thing.title", "no max_len"],
            &["Thing.tags", "no max_len"],
            &["Thing.tags", "max_items"],
            &["FindThingsRequest.phone", "no max_len"],
        ],
    );
}

#[test]
fn what_an_imported_request_says_is_bounded_as_in_a_registered_one() {
    let pool = kefu_proto::pool();
    let message = |name: &str| pool.get_message_by_name(&format!("kefu.intake.v1.{name}")).unwrap();
    let (registered, imported) = (message("RegisterRequestRequest"), message("ImportedRequest"));
    let mut seen = 0;
    for field in imported.fields() {
        let Some(other) = registered.get_field_by_name(field.name()) else { continue };
        let bounds = |field: &FieldDescriptor| {
            let rules = FieldRules::of(field);
            (rules.min_len, rules.max_len, rules.pattern, rules.names, rules.at_least, rules.at_most)
        };
        assert_eq!(bounds(&field), bounds(&other), "{}", field.full_name());
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn every_reference_leads_to_a_declared_resource() {
    holds(references, &[&["Thing.owner", "kefu/Nobody"], &["kefu/Request", "declared twice"]]);
}

#[test]
fn lists_are_paged() {
    holds(
        paging,
        &[
            &["ListThings", "has no page_size"],
            &["ListThings", "has no page_token"],
            &["ListThings", "has no next_page_token"],
        ],
    );
}

#[test]
fn the_exceptions_name_fields_that_exist() {
    for (name, _) in NOT_PERSONAL {
        assert!(
            messages(kefu_proto::pool())
                .flat_map(|message| message.fields().collect::<Vec<_>>())
                .any(|field| field.full_name() == name),
            "{name}"
        );
    }
}

fn personal(pool: &DescriptorPool) -> Vec<String> {
    let fields = messages(pool).flat_map(|message| message.fields().collect::<Vec<_>>());
    let holds_text = fields.filter(|field| matches!(field.kind(), Kind::String) && PERSONAL.contains(&field.name()));
    let excepted = |field: &FieldDescriptor| NOT_PERSONAL.iter().any(|(name, _)| *name == field.full_name());
    let unmarked = holds_text.filter(|field| !is_redacted(field) && !excepted(field));
    unmarked.map(|field| format!("{} holds personal data and is not marked debug_redact", field.full_name())).collect()
}

fn bounds(pool: &DescriptorPool) -> Vec<String> {
    let mut sent = BTreeMap::new();
    for method in methods(pool) {
        collect(&method.input(), &mut sent);
    }
    let mut found = Vec::new();
    for field in sent.values().flat_map(|message| message.fields().collect::<Vec<_>>()) {
        // A resource's own name is read as an id, or ignored where the service chooses it.
        let behavior = behavior(&field);
        if behavior.contains(&OUTPUT_ONLY) || behavior.contains(&IDENTIFIER) {
            continue;
        }
        let rules = validation(&field);
        let list = rules.as_ref().and_then(|rules| inner(rules, "repeated"));
        if field.is_list() && !list.as_ref().is_some_and(|list| list.has_field_by_name("max_items")) {
            found.push(format!("{} is a list without max_items", field.full_name()));
        }
        let of_each = if field.is_list() { list.and_then(|list| inner(&list, "items")) } else { rules };
        if matches!(field.kind(), Kind::String)
            && reference(&field).is_none()
            && !of_each.is_some_and(|rules| is_bounded(&rules))
        {
            found.push(format!("{} has no max_len, pattern, uuid or resource reference", field.full_name()));
        }
    }
    found
}

/// Collects a message that callers send, and the messages of kefu within it.
pub fn collect(message: &MessageDescriptor, sent: &mut BTreeMap<String, MessageDescriptor>) {
    if !message.full_name().starts_with("kefu.")
        || sent.insert(message.full_name().to_owned(), message.clone()).is_some()
    {
        return;
    }
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind() {
            collect(&inner, sent);
        }
    }
}

fn is_bounded(rules: &DynamicMessage) -> bool {
    inner(rules, "string")
        .is_some_and(|string| ["max_len", "pattern", "uuid"].iter().any(|rule| string.has_field_by_name(rule)))
}

fn inner(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    message.has_field_by_name(field).then(|| message.get_field_by_name(field)?.as_message().cloned()).flatten()
}

fn references(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    let mut declared: HashMap<String, String> = HashMap::new();
    for resource in resources(pool) {
        if let Some(before) = declared.insert(resource.kind.clone(), resource.declared_in.clone()) {
            found.push(format!("{} is declared twice, in {before} and in {}", resource.kind, resource.declared_in));
        }
    }
    let known: HashSet<&String> = declared.keys().collect();
    for field in messages(pool).flat_map(|message| message.fields().collect::<Vec<_>>()) {
        if let Some(kind) = reference(&field).filter(|kind| !known.contains(kind)) {
            found.push(format!("{} refers to {kind}, which no contract declares", field.full_name()));
        }
    }
    found
}

fn paging(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for method in methods(pool).into_iter().filter(|method| method.name().starts_with("List")) {
        let (input, output) = (method.input(), method.output());
        for (message, name) in [(&input, "page_size"), (&input, "page_token"), (&output, "next_page_token")] {
            if message.get_field_by_name(name).is_none() {
                found.push(format!("{}: {} has no {name}", method.full_name(), message.name()));
            }
        }
    }
    found
}
