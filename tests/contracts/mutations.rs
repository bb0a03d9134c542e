//! Checks that every mutation can be repeated without harm, and that a change of a resource takes its etag.

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor};

use super::holds;
use kefu_proto::contract::{bindings, methods, validation};

/// Methods that are called by POST and change nothing, and why they are not called by GET.
const QUERIES: [(&str, &str); 5] = [
    (
        "kefu.complaints.v1.ComplaintService.SearchComplaints",
        "searches by personal data, which must not stand in an address",
    ),
    ("kefu.intake.v1.CustomerService.FindCustomers", "searches by personal data, which must not stand in an address"),
    (
        "kefu.intake.v1.RequestService.SuggestDraftDuplicates",
        "takes what a customer says, which must not stand in an address",
    ),
    ("kefu.intake.v1.RequestService.SearchRequests", "searches by personal data, which must not stand in an address"),
    ("kefu.events.v1.EventFeed.VerifyJournal", "takes anchors, which do not fit into an address, and only reads"),
];

/// Client streams that can be repeated, and why. Their HTTP verb does not tell.
const REPEATABLE_STREAMS: [(&str, &str); 3] = [
    (
        "kefu.intake.v1.RequestService.ImportRequests",
        "a row is known by its source and external_id, so sending it again changes nothing",
    ),
    ("kefu.directory.v1.DirectoryService.ImportStaff", "who is known just so is left alone"),
    (
        "kefu.complaints.v1.EvidenceService.UploadEvidence",
        "its first message has a request_id, which the content belongs to",
    ),
];

#[test]
fn every_mutation_takes_a_request_id_and_changes_take_an_etag() {
    holds(
        problems,
        &[
            &["Change", "no request_id"],
            &["Change", "no etag"],
            &["FindThings", "changes nothing"],
            &["Loose", "request_id is no UUID"],
            &["Import", "no known way to repeat"],
        ],
    );
}

#[test]
fn the_exceptions_name_methods_that_exist() {
    let known: Vec<String> = methods(kefu_proto::pool()).iter().map(|method| method.full_name().to_owned()).collect();
    for (name, _) in QUERIES.iter().chain(&REPEATABLE_STREAMS) {
        assert!(known.iter().any(|method| method == name), "{name}");
    }
}

fn problems(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for method in methods(pool) {
        let name = method.full_name();
        let mut wrong = |problem: &str| found.push(format!("{name}: {problem}"));
        if method.is_client_streaming() {
            if !REPEATABLE_STREAMS.iter().any(|(stream, _)| *stream == name) {
                wrong("there is no known way to repeat it without harm");
            }
            continue;
        }
        let input = method.input();
        let request_id = input.get_field_by_name("request_id");
        if !is_mutation(&method) {
            if request_id.is_some() {
                wrong("changes nothing and yet takes a request_id");
            }
            continue;
        }
        match request_id.map(|field| validation(&field)) {
            None => wrong("is a mutation and has no request_id"),
            Some(rules) if !rules.as_ref().is_some_and(is_uuid) => wrong("its request_id is no UUID"),
            Some(_) => {}
        }
        if changes_a_resource(&method) && !has_etag(&input) {
            wrong("changes a resource and takes no etag");
        }
    }
    found
}

fn is_mutation(method: &MethodDescriptor) -> bool {
    let is_query = QUERIES.iter().any(|(query, _)| *query == method.full_name());
    !is_query && bindings(method).iter().any(|binding| binding.verb != "get")
}

/// Whether a method's path names the resource itself, and not only a parent or a collection.
fn changes_a_resource(method: &MethodDescriptor) -> bool {
    bindings(method)
        .iter()
        .flat_map(|binding| binding.variables().into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
        .any(|variable| variable.rsplit('.').next() == Some("name"))
}

/// Whether a request, or a resource in it, has an etag.
fn has_etag(input: &MessageDescriptor) -> bool {
    let etag = |message: &MessageDescriptor| message.get_field_by_name("etag").is_some();
    etag(input) || input.fields().any(|field| matches!(field.kind(), Kind::Message(inner) if etag(&inner)))
}

fn is_uuid(rules: &prost_reflect::DynamicMessage) -> bool {
    let string = rules.get_field_by_name("string");
    string.and_then(|string| string.as_message()?.get_field_by_name("uuid")?.as_bool()).unwrap_or(false)
}
