//! What people call the fields, enum values and methods of the contracts, in both languages: a label, as on a form or in a
//! sentence, and a help of one sentence. They stand in `proto/labels`; a full name goes before a bare one.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::{EnumValueDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde::Deserialize;

/// The labels of one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Labels of fields, by full name (`kefu.intake.v1.Request.kind`) or bare name (`kind`).
    pub fields: HashMap<String, Label>,
    /// Labels of enum values, by the enum's full name and the value (`kefu.intake.v1.Request.Kind.SHIPMENT`).
    pub values: HashMap<String, Label>,
    /// Labels of methods, by bare name (`RegisterRequest`).
    pub methods: HashMap<String, Label>,
    /// What the kinds of resources are called in a sentence, by bare name (`Customer`).
    pub resources: HashMap<String, String>,
}

/// What people call one thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The name: a few words without a full stop.
    pub label: String,
    /// One sentence: what to enter, or what it tells.
    pub help: String,
}

static ENGLISH: LazyLock<Labels> = LazyLock::new(|| read(include_str!("../labels/en.toml")));
static CHINESE: LazyLock<Labels> = LazyLock::new(|| read(include_str!("../labels/zh-CN.toml")));

/// Returns the English labels.
#[must_use]
pub fn english() -> &'static Labels {
    &ENGLISH
}

/// Returns the Chinese labels.
#[must_use]
pub fn chinese() -> &'static Labels {
    &CHINESE
}

fn read(text: &str) -> Labels {
    toml::from_str(text).expect("the embedded labels can be read")
}

impl Labels {
    /// Returns the label of a field.
    #[must_use]
    pub fn field(&self, field: &FieldDescriptor) -> Option<&Label> {
        self.fields.get(field.full_name()).or_else(|| self.fields.get(field.name()))
    }

    /// Returns the label of an enum value.
    #[must_use]
    pub fn value(&self, value: &EnumValueDescriptor) -> Option<&Label> {
        self.values.get(&format!("{}.{}", value.parent_enum().full_name(), value.name()))
    }

    /// Returns the label of a method.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Label> {
        self.methods.get(name)
    }

    /// Returns what a kind of resource is called in a sentence, by its type (`kefu/Customer`).
    #[must_use]
    pub fn resource(&self, kind: &str) -> Option<&str> {
        self.resources.get(kind.rsplit('/').next().unwrap_or(kind)).map(String::as_str)
    }

    /// Returns the labels of the fields along a path such as `contact.phone` or `rows[3].external_id`, from the outermost to
    /// the innermost, each with the index if the path has one. Its names are those of the contract or of JSON
    /// (`rows[3].externalId`). Fields of `message` are found by their full names first; what it has no field for is named as it
    /// stands.
    #[must_use]
    pub fn along<'a>(&'a self, message: Option<&MessageDescriptor>, path: &'a str) -> Vec<(&'a str, Option<usize>)> {
        let mut within = message.cloned();
        let mut found = Vec::new();
        for segment in path.split('.').filter(|segment| !segment.is_empty()) {
            let (name, index) = segment
                .split_once('[')
                .map_or((segment, None), |(name, index)| (name, index.trim_end_matches(']').parse::<usize>().ok()));
            let field = within
                .as_ref()
                .and_then(|message| message.get_field_by_name(name).or_else(|| message.get_field_by_json_name(name)));
            // A message that lacks a field has no label for it; that of another message's field of this name would mislead.
            let bare = || {
                let label = self.fields.get(name).or_else(|| self.fields.get(&snake_case(name)));
                label.filter(|_| message.is_none())
            };
            let label = field.as_ref().map_or_else(bare, |field| self.field(field));
            found.push((label.map_or(name, |label| label.label.as_str()), index));
            within = field.and_then(|field| match field.kind() {
                Kind::Message(inner) => Some(inner),
                _ => None,
            });
        }
        found
    }
}

/// Turns a name of JSON into that of the contract: `externalId` into `external_id`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labels_along_a_path_are_found_by_the_names_of_the_contract_and_of_json() {
        let message = crate::pool().get_message_by_name("kefu.intake.v1.RegisterRequestRequest");
        assert_eq!(english().along(message.as_ref(), "etag"), [("etag", None)], "a label of other messages");
        for within in [message.as_ref(), None] {
            let by_contract = english().along(within, "order_number");
            assert_eq!(by_contract, english().along(within, "orderNumber"));
            assert_eq!(by_contract, [("Order number", None)]);
        }
        let item = english().along(message.as_ref(), "contact[2].postalAddress");
        assert_eq!(item, english().along(message.as_ref(), "contact[2].postal_address"));
        assert_eq!((item[0].1, item[1].0), (Some(2), "Postal address"));
        assert_eq!(english().along(message.as_ref(), "noSuchThing"), [("noSuchThing", None)]);
    }
}
