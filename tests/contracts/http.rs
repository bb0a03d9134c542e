//! Checks that every method has an HTTP path of its own, and that no personal data gets into a path or a query.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use super::holds;
use kefu_proto::contract::{
    Binding, IDENTIFIER, Resource, behavior, bindings, field_at, is_redacted, methods, reference, resources, wildcards,
};

/// Messages that a query parameter can hold as a single text.
const AS_TEXT: [&str; 3] = ["google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"];

#[test]
fn every_method_has_an_http_binding_of_its_own() {
    holds(
        problems,
        &[
            &["Bare", "no http rule"],
            &["Import", "client stream", "state"],
            &["Import", "absent", "not in the answer"],
            &["Empty", "missing", "not in the request"],
            &["Empty", "not /v1/"],
            &["Empty", "post needs a body"],
            &["Empty", "thing cannot be written in a query"],
            &["Confused", "snake_case"],
            &["Confused", "get has no body"],
            &["Unaimed", "requests/*", "broken/*"],
            &["Unaimed", "absent", "not in the request"],
            &["FindThings", "phone", "personal"],
            &["FindThings", "filter", "query"],
            &["Twin", "get /v1/broken:find"],
        ],
    );
}

fn problems(pool: &DescriptorPool) -> Vec<String> {
    let resources = resources(pool);
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut found = Vec::new();
    for method in methods(pool) {
        let bindings = bindings(&method);
        let mut wrong = |problem: String| found.push(format!("{}: {problem}", method.full_name()));
        if bindings.is_empty() {
            wrong("has no http rule".into());
        }
        for binding in bindings {
            check(&method, &binding, &resources).into_iter().for_each(&mut wrong);
            let way = format!("{} {}", binding.verb, binding.shape());
            if let Some(other) = taken.insert(way.clone(), method.full_name().to_owned()) {
                wrong(format!("{way} is {other} too"));
            }
        }
    }
    found
}

fn check(method: &MethodDescriptor, binding: &Binding, resources: &[Resource]) -> Vec<String> {
    let mut found = Vec::new();
    let input = method.input();
    let shape = binding.shape();
    let (path, action) = shape.split_once(':').unwrap_or((&shape, "list"));
    if !path.starts_with("/v1/") {
        found.push(format!("its path {path} is not /v1/…"));
    }
    if !path.split('/').skip(1).chain([action]).all(|word| word.starts_with('*') || is_camel_case(word)) {
        found.push(format!("{shape} is not in camelCase (snake_case or worse)"));
    }
    for (variable, pattern) in binding.variables() {
        match field_at(&input, variable) {
            None => found.push(format!("the path variable {variable} is not in the request")),
            Some(field) => found.extend(check_variable(&field, variable, pattern, resources)),
        }
    }
    let takes_body = ["post", "put", "patch"].contains(&binding.verb.as_str());
    match binding.body.as_str() {
        "" if takes_body => found.push(format!("{} needs a body", binding.verb)),
        "" | "*" => {}
        body if input.get_field_by_name(body).is_none() => found.push(format!("its body {body} is not in the request")),
        _ => {}
    }
    if !takes_body && !binding.body.is_empty() {
        found.push(format!("{} has no body", binding.verb));
    }
    let is_bytes = |body: &str| field_at(&input, body).is_some_and(|field| field.kind() == Kind::Bytes);
    if method.is_client_streaming() && binding.body != "*" && !is_bytes(&binding.body) {
        found.push(format!("a client stream is a body of messages or of bytes, and {} is neither", binding.body));
    }
    if !binding.response_body.is_empty() && method.output().get_field_by_name(&binding.response_body).is_none() {
        found.push(format!("the body of its answer {} is not in the answer", binding.response_body));
    }
    found.extend(check_query(&input, binding));
    found
}

/// Returns what is wrong with a path variable: it must take the names of the resource that its field names.
fn check_variable(field: &FieldDescriptor, variable: &str, pattern: &str, resources: &[Resource]) -> Option<String> {
    if is_redacted(field) {
        return Some(format!("{variable} is personal and would stand in the path"));
    }
    let message = field.parent_message();
    let resource = if behavior(field).contains(&IDENTIFIER) {
        resources.iter().find(|resource| resource.declared_in == message.full_name())
    } else {
        reference(field).and_then(|kind| resources.iter().find(|resource| resource.kind == kind))
    };
    let Some(resource) = resource else {
        return Some(format!("the path variable {variable} names no declared resource"));
    };
    let fits = resource.patterns.iter().any(|known| wildcards(known) == pattern);
    (!fits).then(|| {
        format!(
            "the path variable {variable} takes {pattern}, but its field {}",
            resource.patterns.iter().map(|known| wildcards(known)).collect::<Vec<_>>().join(" or ")
        )
    })
}

/// Returns what is wrong with the query parameters, which are the fields that neither path nor body carries.
fn check_query(input: &MessageDescriptor, binding: &Binding) -> Vec<String> {
    if binding.body == "*" {
        return Vec::new();
    }
    let bound = |field: &FieldDescriptor| {
        field.name() == binding.body || binding.variables().iter().any(|(variable, _)| *variable == field.name())
    };
    let mut found = Vec::new();
    for field in input.fields().filter(|field| !bound(field)) {
        if is_redacted(&field) {
            found.push(format!("{} is personal and would stand in the query", field.name()));
        }
        if let Kind::Message(message) = field.kind()
            && !AS_TEXT.contains(&message.full_name())
        {
            found.push(format!("{} cannot be written in a query", field.name()));
        }
    }
    found
}

fn is_camel_case(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric())
}
