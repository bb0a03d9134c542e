//! Bad values of every field, read from the contract without the chassis, whose reading of the contract is under test.

use kefu_proto::field::at_least_one_of;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};

const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;
const IDENTIFIER: i32 = 8;

/// A request with one bad value.
pub struct Wrong {
    /// Path of the field that the refusal must name.
    pub path: String,
    /// Kind of the bad value.
    pub what: &'static str,
    /// The request.
    pub request: DynamicMessage,
}

/// Every request with one bad value, made from a valid one.
#[must_use]
pub fn wrongs(good: &DynamicMessage) -> Vec<Wrong> {
    let mut found = Vec::new();
    for field in good.descriptor().fields().filter(|field| !behaves(field, OUTPUT_ONLY)) {
        let name = field.name();
        let mut spoil = |path: String, what, value| {
            let mut request = good.clone();
            match value {
                Some(value) => request.set_field(&field, value),
                None => request.clear_field(&field),
            }
            found.push(Wrong { path, what, request });
        };
        if behaves(&field, REQUIRED) {
            spoil(name.to_owned(), "left out", None);
        }
        for (what, value) in bad_as_a_whole(&field, &good.get_field(&field)) {
            spoil(name.to_owned(), what, Some(value));
        }
        for (what, value) in bad_values(&field) {
            if field.is_list() {
                spoil(format!("{name}[0]"), what, Some(Value::List(vec![value])));
            } else {
                spoil(name.to_owned(), what, Some(value));
            }
        }
        if field.is_list() && is_set(rule(&field, "repeated").as_ref(), "unique") {
            let is_enum = matches!(field.kind(), Kind::Enum(_));
            let twice =
                if is_enum { Value::EnumNumber(1) } else { good.get_field(&field).as_list().unwrap()[0].clone() };
            spoil(format!("{name}[1]"), "twice", Some(Value::List(vec![twice.clone(), twice])));
        }
        for wrong in nested(&field, &good.get_field(&field)) {
            let value = Value::Message(wrong.request);
            if field.is_list() {
                spoil(format!("{name}[0].{}", wrong.path), wrong.what, Some(Value::List(vec![value])));
            } else {
                spoil(format!("{name}.{}", wrong.path), wrong.what, Some(value));
            }
        }
    }
    found
}

/// Bad values of the fields of a nested message.
fn nested(field: &FieldDescriptor, value: &Value) -> Vec<Wrong> {
    let Kind::Message(inner) = field.kind() else { return Vec::new() };
    if !inner.full_name().starts_with("kefu.") {
        return Vec::new();
    }
    let present = value.as_list().map_or(Some(value), |items| items.first());
    let good = present.and_then(|value| value.as_message().cloned()).unwrap_or_else(|| {
        let mut least = DynamicMessage::new(inner);
        for set in at_least_one_of(&least.descriptor()) {
            least.set_field_by_name(&set.fields[0], Value::String("有".into()));
        }
        least
    });
    wrongs(&good)
}

fn bad_as_a_whole(field: &FieldDescriptor, good: &Value) -> Vec<(&'static str, Value)> {
    let mut bad = Vec::new();
    if behaves(field, REQUIRED) && field.kind() == Kind::String && !field.is_list() {
        bad.push(("blank", Value::String(" \t\u{3000}".into())));
        bad.push(("invisible", Value::String("\u{200b}\u{2060}\u{feff}\u{ad}\u{3164}\u{2800}".into())));
    }
    if let Some(most) = number(rule(field, "repeated").as_ref(), "max_items") {
        let item = good.as_list().and_then(|items| items.first().cloned());
        let item = item.unwrap_or_else(|| Value::default_value(&field.kind()));
        bad.push(("too many", Value::List(vec![item; usize::try_from(most).unwrap() + 1])));
    }
    bad
}

/// Bad values of a field, or of one item of a list.
fn bad_values(field: &FieldDescriptor) -> Vec<(&'static str, Value)> {
    match field.kind() {
        Kind::String => bad_strings(field).into_iter().map(|(what, text)| (what, Value::String(text))).collect(),
        Kind::Enum(_) => vec![("undefined", Value::EnumNumber(99)), ("negative", Value::EnumNumber(-1))],
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            // The last representable time is 9999-12-30T22:00:00.999999999Z.
            let times =
                [(i64::MAX, 0), (i64::MIN, 0), (-62_135_596_801, 0), (253_402_207_201, 0), (0, -1), (0, 1_000_000_000)];
            let time = |(seconds, nanos): (i64, i32)| {
                let mut time = DynamicMessage::new(message.clone());
                time.set_field_by_name("seconds", Value::I64(seconds));
                time.set_field_by_name("nanos", Value::I32(nanos));
                ("no time", Value::Message(time))
            };
            times.into_iter().map(time).collect()
        }
        Kind::Int32 | Kind::Int64 => {
            let rules = rule(field, if field.kind() == Kind::Int32 { "int32" } else { "int64" });
            let least = number(rules.as_ref(), "gte").map(|least| ("too little", least - 1));
            let most = number(rules.as_ref(), "lte").map(|most| ("too much", most + 1));
            let value = |number: i64| match field.kind() {
                Kind::Int32 => Value::I32(i32::try_from(number).unwrap()),
                _ => Value::I64(number),
            };
            least.into_iter().chain(most).map(|(what, number)| (what, value(number))).collect()
        }
        Kind::Bytes => {
            let most = number(rule(field, "bytes").as_ref(), "max_len").map(|most| usize::try_from(most).unwrap());
            let exact = number(rule(field, "bytes").as_ref(), "len").map(|length| usize::try_from(length).unwrap());
            let bytes = |length: usize| Value::Bytes(vec![b'x'; length].into());
            let other = exact.map(|length| [length - 1, length + 1].map(|other| ("no such length", bytes(other))));
            most.map(|most| ("too long", bytes(most + 1))).into_iter().chain(other.into_iter().flatten()).collect()
        }
        _ => Vec::new(),
    }
}

fn bad_strings(field: &FieldDescriptor) -> Vec<(&'static str, String)> {
    let rules = string_rules(field);
    let longest = number(rules.as_ref(), "max_len");
    let own = is_identifier(field).then(|| kind_of(field.parent_message())).flatten();
    let (is_uuid, kind) = (is_set(rules.as_ref(), "uuid"), own.or_else(|| refers_to(field)));
    let is_id = rules.as_ref().is_some_and(|rules| rules.has_field_by_name("pattern"));
    let is_bounded = longest.is_some() || is_uuid || is_id || kind.is_some();
    assert!(is_bounded, "{} has no bound", field.full_name());
    let mut bad = vec![("NUL", "a\0b".to_owned())];
    bad.extend(["a\u{1b}[31mb", "a\u{202e}b", "a\u{85}b"].map(|text| ("control", text.to_owned())));
    bad.extend(longest.filter(|&longest| longest <= 200).map(|_| ("two lines", "a\nb".to_owned())));
    bad.extend(longest.map(|longest| ("too long", "长".repeat(usize::try_from(longest).unwrap() + 1))));
    if is_uuid {
        bad.extend([("no UUID", "1".to_owned()), ("no UUID", "0".repeat(32)), ("no UUID", "z".repeat(36))]);
    }
    if is_id {
        bad.extend(["a b", "a/b", "字", &"a".repeat(64)].map(|text| ("no id", text.to_owned())));
    }
    if is_set(rules.as_ref(), "email") {
        bad.extend([("no e-mail", "nobody".to_owned()), ("no e-mail", "a b@example.com".to_owned())]);
    }
    if let Some(kind) = kind {
        let collection = kind.trim_start_matches("kefu/").to_lowercase();
        bad.extend(
            ["x", "people/1", "/", &collection, &format!("{collection}s/"), &format!("{collection}s/a b")]
                .map(|name| ("no name", name.to_owned())),
        );
        bad.push(("no name", format!("{collection}s/{}", "a".repeat(64))));
        bad.extend(field.is_list().then(|| ("no name", String::new())));
    }
    bad
}

/// Kind of resource that a field refers to.
#[must_use]
pub fn refers_to(field: &FieldDescriptor) -> Option<String> {
    let reference = option(field, "google.api.resource_reference")?;
    text(&reference, "type")
}

/// Kind of resource of a message.
#[must_use]
pub fn kind_of(message: &MessageDescriptor) -> Option<String> {
    let extension = kefu_proto::pool().get_extension_by_name("google.api.resource").unwrap();
    let options = message.options();
    options.has_extension(&extension).then(|| text(&options.get_extension(&extension), "type")).flatten()
}

/// Whether a field is the name of its message's resource.
#[must_use]
pub fn is_identifier(field: &FieldDescriptor) -> bool {
    behaves(field, IDENTIFIER)
}

/// Whether a field is output only.
#[must_use]
pub fn is_output(field: &FieldDescriptor) -> bool {
    behaves(field, OUTPUT_ONLY)
}

/// Most characters of a string field, or of each item of a list, if limited.
#[must_use]
pub fn longest(field: &FieldDescriptor) -> Option<usize> {
    number(string_rules(field).as_ref(), "max_len").and_then(|longest| usize::try_from(longest).ok())
}

fn string_rules(field: &FieldDescriptor) -> Option<DynamicMessage> {
    let items = || rule(field, "repeated").and_then(|rules| inner(&rules, "items"));
    if field.is_list() { items().and_then(|rules| inner(&rules, "string")) } else { rule(field, "string") }
}

fn behaves(field: &FieldDescriptor, behavior: i32) -> bool {
    let behaviors = option(field, "google.api.field_behavior");
    behaviors.is_some_and(|all| all.as_list().unwrap().iter().any(|one| one.as_enum_number() == Some(behavior)))
}

fn rule(field: &FieldDescriptor, kind: &str) -> Option<DynamicMessage> {
    inner(option(field, "buf.validate.field")?.as_message()?, kind)
}

fn option(field: &FieldDescriptor, name: &str) -> Option<Value> {
    let extension = kefu_proto::pool().get_extension_by_name(name).unwrap();
    let options = field.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

fn inner(message: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    message.has_field_by_name(name).then(|| message.get_field_by_name(name)?.as_message().cloned()).flatten()
}

fn number(rules: Option<&DynamicMessage>, name: &str) -> Option<i64> {
    let rules = rules.filter(|rules| rules.has_field_by_name(name))?;
    let value = rules.get_field_by_name(name)?;
    value
        .as_i64()
        .or_else(|| value.as_i32().map(i64::from))
        .or_else(|| value.as_u64().and_then(|value| value.try_into().ok()))
}

fn is_set(rules: Option<&DynamicMessage>, name: &str) -> bool {
    rules.is_some_and(|rules| rules.get_field_by_name(name).is_some_and(|value| value.as_bool() == Some(true)))
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.as_message()?.get_field_by_name(name)?.as_str().map(str::to_owned)
}
