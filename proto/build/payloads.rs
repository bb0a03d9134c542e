//! `kefu_proto::Payload` for every message that states `kefu.events.v1.seen_by_customers`.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, Value};

use super::names::{is_ours, snake_case, type_path};

const ALWAYS: i32 = 2;
const SOMETIMES: i32 = 3;

/// Writes the implementations, and the function that finds them by the message's name.
pub fn payloads(pool: &DescriptorPool) -> String {
    let mut code = String::new();
    let mut arms = String::new();
    for message in pool.all_messages().filter(|message| is_ours(message.full_name())) {
        let Some(seen) = option(&message, "kefu.events.v1.seen_by_customers") else { continue };
        let (path, name) = (type_path(&message), message.full_name());
        let (by_value, by_bytes) = match seen.as_enum_number() {
            Some(ALWAYS) => ("true".to_owned(), "true".to_owned()),
            Some(SOMETIMES) => {
                let decoded = format!("<crate::{path} as ::prost::Message>::decode(payload)");
                (
                    condition(&message),
                    format!("{decoded}.is_ok_and(|payload| crate::Payload::is_seen_by_customers(&payload))"),
                )
            }
            _ => ("false".to_owned(), "false".to_owned()),
        };
        let _ = writeln!(
            code,
            "impl crate::Payload for crate::{path} {{
    fn is_seen_by_customers(&self) -> bool {{
        {by_value}
    }}
}}"
        );
        let _ = writeln!(arms, "        {name:?} => {by_bytes},");
    }
    let _ = write!(
        code,
        "pub fn is_seen_by_customers(full_name: &str, payload: &[u8]) -> bool {{
    match full_name {{
{arms}        _ => false,
    }}
}}
"
    );
    code
}

/// Writes the condition in a message's `kefu.events.v1.seen_when` as an expression.
fn condition(message: &MessageDescriptor) -> String {
    let name = message.full_name();
    let when = option(message, "kefu.events.v1.seen_when")
        .unwrap_or_else(|| panic!("{name} is seen sometimes and does not say when"));
    let text = |field: &str| {
        let text = when.as_message().and_then(|when| when.get_field_by_name(field)?.as_str().map(str::to_owned));
        text.unwrap_or_default()
    };
    let (path, value) = (text("field"), text("value"));
    let (mut inside, mut part) = ("Some(self)".to_owned(), message.clone());
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let field = part
            .get_field_by_name(name)
            .unwrap_or_else(|| panic!("{} has no {name}, which seen_when names", part.full_name()));
        match field.kind() {
            Kind::Message(inner) if names.peek().is_some() && !field.is_list() => {
                let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
                inside = match oneof {
                    None => format!("{inside}.and_then(|part| part.{name}.as_ref())"),
                    Some(oneof) => {
                        let (module, variants) = type_path(&part).rsplit_once("::").map_or_else(
                            || panic!("{} is in no package", part.full_name()),
                            |(module, name)| (format!("{module}::{}", snake_case(name)), pascal_case(oneof.name())),
                        );
                        format!(
                            "{inside}.and_then(|part| match &part.{oneof} {{
            Some(crate::{module}::{variants}::{variant}(part)) => Some(part),
            _ => None,
        }})",
                            oneof = oneof.name(),
                            variant = pascal_case(name),
                        )
                    }
                };
                part = inner;
            }
            Kind::Enum(values) if names.peek().is_none() && !field.is_list() && field.containing_oneof().is_none() => {
                let number = if value.is_empty() { None } else { Some(values.get_value_by_name(&value)) };
                let asked = match number {
                    None => "!= 0".to_owned(),
                    Some(Some(value)) => format!("== {}", value.number()),
                    Some(None) => panic!("{} has no {value}, which seen_when names", values.full_name()),
                };
                return format!("{inside}.is_some_and(|part| part.{name} {asked})");
            }
            _ => break,
        }
    }
    panic!("{name}: {path}, which seen_when names, leads to no enum")
}

fn option(message: &MessageDescriptor, name: &str) -> Option<Value> {
    let extension = message.parent_pool().get_extension_by_name(name)?;
    let options = message.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

/// Turns `customer_contact` into `CustomerContact`.
fn pascal_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}
