//! Examples of requests: from the comments, or else as the fields' rules allow.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kefu_proto::field::{at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::Condition;
use prost_reflect::{EnumValueDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::ordered;
use super::schema::Schemas;
use super::usage::Use;
use super::value::A_UUID;

const TIME: &str = "2026-01-05T01:30:00Z";
/// The example of a time that lies after another.
const LATER: &str = "2026-01-06T01:30:00Z";

/// The fields that say how a call is made, not what it asks.
const OF_CALLS: [&str; 3] = ["request_id", "etag", "occurred_time"];

/// Makes an example of a request, or of a resource in it, with the required fields. Where none is required, it has a
/// field with an example, or the first one. Fields of the path are left out.
pub fn of_message(schemas: &Schemas, message: &MessageDescriptor, usage: Use, of_path: &[&str]) -> Value {
    let may = |field: &FieldDescriptor| {
        let rules = schemas.rules(field);
        !of_path.contains(&field.name()) && !rules.is_output && !rules.is_identity
    };
    let mut fields: Vec<FieldDescriptor> =
        message.fields().filter(|field| may(field) && schemas.rules(field).required).collect();
    if usage == Use::Update {
        fields.truncate(1);
    } else {
        let further = demanded(schemas, message, &fields).filter(may);
        fields.extend(further.collect::<Vec<_>>());
    }
    if fields.is_empty() {
        let free = || message.fields().filter(|field| may(field) && !OF_CALLS.contains(&field.name()));
        let exemplified = free().find(|field| schemas.comments.examples_of(field).next().is_some());
        fields.extend(exemplified.or_else(|| free().next()));
    }
    let given = fields.iter().map(|field| {
        let below = format!("{}.", field.name());
        let inner: Vec<&str> = of_path.iter().filter_map(|path| path.strip_prefix(&below)).collect();
        (field.json_name().to_owned(), of_field(schemas, field, &inner))
    });
    ordered::object(given)
}

/// Returns the fields that the examples of `given` fields demand, and the first field of each set of which one is given.
fn demanded<'a>(
    schemas: &'a Schemas,
    message: &'a MessageDescriptor,
    given: &'a [FieldDescriptor],
) -> impl Iterator<Item = FieldDescriptor> + 'a {
    let value = |name: &str| {
        let field = given.iter().find(|field| field.name() == name)?;
        of_field(schemas, field, &[]).as_str().map(str::to_owned)
    };
    let demands = move |field: &FieldDescriptor| {
        let rules = schemas.rules(field);
        let holds = |condition: &Condition| match value(&condition.field) {
            Some(value) => condition.values.is_empty() || condition.values.contains(&value),
            None => condition.values.iter().any(|value| value == "false"),
        };
        rules.required_when.iter().any(holds)
    };
    let sets = exactly_one_of(message).into_iter().chain(at_least_one_of(message));
    let ones = sets.filter_map(|set| message.get_field_by_name(set.fields.first()?));
    message.fields().filter(move |field| !given.contains(field) && demands(field)).chain(ones)
}

/// Makes an example of a field's value.
pub fn of_field(schemas: &Schemas, field: &FieldDescriptor, of_path: &[&str]) -> Value {
    let one = match field.kind() {
        Kind::String => text(schemas, field),
        Kind::Enum(values) => {
            let rules = schemas.rules(field);
            let is_within = |value: &EnumValueDescriptor| {
                let mut limits = rules.limits.iter().filter(|limit| !limit.values.is_empty());
                limits.all(|limit| limit.values.iter().any(|name| name == value.name()))
            };
            let mut values = values.values().filter(|value| value.number() != 0);
            values.find(is_within).map_or(Value::Null, |value| value.name().into())
        }
        Kind::Message(held) if held.full_name().starts_with("kefu.") => {
            let is_update = field.parent_message().get_field_by_name("update_mask").is_some();
            of_message(schemas, &held, if is_update { Use::Update } else { Use::Request }, of_path)
        }
        Kind::Message(held) => match held.name() {
            "Timestamp" if schemas.rules(field).later_than.is_some() => LATER.into(),
            "Timestamp" => TIME.into(),
            "Duration" => "3600s".into(),
            "FieldMask" => "*".into(),
            _ => json!({}),
        },
        Kind::Bool => true.into(),
        Kind::Bytes => {
            let most = schemas.rules(field).most_bytes().unwrap_or(3).min(64);
            BASE64_STANDARD.encode((1..=most).collect::<Vec<u8>>()).into()
        }
        kind => number(schemas, field, &kind),
    };
    if field.is_list() { json!([one]) } else { one }
}

/// Makes an example of the id at a segment of a resource's name.
pub fn id(schemas: &Schemas, form: &str, segment: usize) -> String {
    let upto = form.split('/').take(segment + 1).collect::<Vec<_>>().join("/");
    schemas.comments.name_like(&upto).and_then(|name| name.rsplit('/').next()).unwrap_or(A_UUID).to_owned()
}

fn name(schemas: &Schemas, form: &str) -> String {
    let segments = form.split('/').enumerate();
    let given = segments.map(|(at, text)| if text.starts_with('{') { id(schemas, form, at) } else { text.to_owned() });
    given.collect::<Vec<_>>().join("/")
}

fn text(schemas: &Schemas, field: &FieldDescriptor) -> Value {
    let rules = schemas.rules(field);
    if let Some(form) = &rules.form {
        return name(schemas, form).into();
    }
    rules.text_like(schemas.comments.examples_of(field).next(), field.name()).into()
}

fn number(schemas: &Schemas, field: &FieldDescriptor, kind: &Kind) -> Value {
    let least = schemas.rules(field).least().max(1);
    match kind {
        Kind::Int64 | Kind::Uint64 => least.to_string().into(),
        _ => least.into(),
    }
}
