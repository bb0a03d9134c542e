//! `kefu_proto::Changeable` for every resource that a request with an `update_mask` carries.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use super::names::{is_ours, type_path};

/// Values of `google.api.field_behavior` that keep updates from a field: OUTPUT_ONLY, IMMUTABLE, IDENTIFIER.
const FIXED: [i32; 3] = [3, 5, 8];

/// Writes the implementations for the resources that `methods` update.
pub fn changeable_impls(methods: impl Iterator<Item = MethodDescriptor>) -> String {
    let mut resources: BTreeMap<String, MessageDescriptor> = BTreeMap::new();
    for request in methods.map(|method| method.input()) {
        if request.get_field_by_name("update_mask").is_some() {
            let carried = request.fields().filter_map(|field| match field.kind() {
                Kind::Message(message) if is_ours(message.full_name()) => Some(message),
                _ => None,
            });
            resources.extend(carried.map(|message| (message.full_name().to_owned(), message)));
        }
    }
    resources.values().map(changeable_impl).collect()
}

fn changeable_impl(resource: &MessageDescriptor) -> String {
    let fields: Vec<FieldDescriptor> = resource.fields().filter(is_changeable).collect();
    let names: Vec<&str> = fields.iter().map(FieldDescriptor::name).collect();
    let mut arms = String::new();
    for field in &fields {
        let _ = writeln!(arms, "            {:?} => {},", field.name(), is_set(field));
    }
    format!(
        "impl crate::Changeable for crate::{path} {{
    const FIELDS: &'static [&'static str] = &{names:?};
    fn is_set(&self, field: &str) -> bool {{
        match field {{
{arms}            _ => false,
        }}
    }}
}}
",
        path = type_path(resource),
    )
}

/// Whether a caller can change a field. An etag says which version the caller has seen, and is no content.
fn is_changeable(field: &FieldDescriptor) -> bool {
    let behavior = field.parent_file().parent_pool().get_extension_by_name("google.api.field_behavior");
    let is_fixed = behavior.is_some_and(|behavior| {
        let options = field.options();
        let stated = options.get_extension(&behavior);
        stated
            .as_list()
            .unwrap_or_default()
            .iter()
            .any(|value| FIXED.iter().any(|fixed| value.as_enum_number() == Some(*fixed)))
    });
    field.name() != "etag" && !is_fixed
}

/// Writes the expression that tells whether a field is set.
fn is_set(field: &FieldDescriptor) -> String {
    let name = field.name();
    let is_one_of = field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
    assert!(!is_one_of, "{} is one of several, which no update changes yet", field.full_name());
    match field.kind() {
        _ if field.is_list() || field.is_map() => format!("!self.{name}.is_empty()"),
        _ if field.supports_presence() => format!("self.{name}.is_some()"),
        Kind::String | Kind::Bytes => format!("!self.{name}.is_empty()"),
        Kind::Bool => format!("self.{name}"),
        Kind::Float | Kind::Double => format!("self.{name} != 0.0"),
        _ => format!("self.{name} != 0"),
    }
}
