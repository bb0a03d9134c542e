//! Conditions on whether a field is given: as schemas of the message's object, and as sentences for people.

use kefu_chassis::labels;
use kefu_chassis::language::Language;
use kefu_proto::field::exactly_one_of;
use kefu_proto::rules::v1::{Condition, Role};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::value::Rules;

/// Returns the schemas that the object of a message fulfils beside those of its fields, given the rules of each field that may
/// be in it.
pub fn schemas(message: &MessageDescriptor, fields: &[(FieldDescriptor, std::rc::Rc<Rules>)]) -> Vec<Value> {
    let mut all = Vec::new();
    let is_there = |name: &str| fields.iter().any(|(field, _)| field.name() == name);
    for (field, rules) in fields {
        for condition in rules.required_when.iter().filter(|condition| is_there(&condition.field)) {
            all.push(json!({"if": holds(message, condition), "then": given(field)}));
        }
        let conditions = rules.only_when.iter().filter(|condition| is_there(&condition.field));
        let allowed: Vec<Value> = conditions.map(|condition| holds(message, condition)).collect();
        if !allowed.is_empty() {
            all.push(json!({"if": given(field), "then": {"anyOf": allowed}}));
        }
    }
    for set in exactly_one_of(message) {
        let members = set.fields.iter().filter_map(|name| message.get_field_by_name(name));
        all.push(json!({"oneOf": members.map(|field| given(&field)).collect::<Vec<_>>()}));
    }
    all
}

/// Adds the conditions on a field to its schema: to its description in both languages, and the roles as members.
pub fn describe(schema: &mut Value, field: &FieldDescriptor, rules: &Rules) {
    let said = [Language::English, Language::Chinese].map(|language| sentences(field, rules, language));
    if said.iter().any(|said| !said.is_empty()) {
        let comment = schema["description"].as_str().unwrap_or_default().to_owned();
        schema["description"] = format!("{comment}\n\n{}", said.join(" · ")).trim_start().into();
    }
    for (member, roles) in [("x-kefu-for-roles", &rules.for_roles), ("x-kefu-not-for-roles", &rules.not_for_roles)] {
        if !roles.is_empty() {
            schema[member] = roles.iter().map(Role::as_str_name).collect::<Vec<_>>().into();
        }
    }
    if !rules.for_roles.is_empty() && may_be_own(rules) {
        schema["x-kefu-or-own-name"] = true.into();
    }
}

/// Whether the name that a field holds can be that of a caller, which every caller may give.
fn may_be_own(rules: &Rules) -> bool {
    rules.names.as_deref().is_some_and(|kind| ["kefu/Staff", "kefu/Customer", "kefu/Service"].contains(&kind))
}

/// Returns what people have to know of whether a field is given; empty if there are no conditions. The English names
/// fields and values as JSON does, the Chinese by their labels.
fn sentences(field: &FieldDescriptor, rules: &Rules, language: Language) -> String {
    let message = field.parent_message();
    let any = |conditions: &[Condition]| {
        let told = conditions.iter().map(|given| condition(&message, given, language));
        told.collect::<Vec<_>>().join(if language == Language::English { ", or " } else { "，或" })
    };
    let mut all = Vec::new();
    if !rules.required_when.is_empty() {
        let when = any(&rules.required_when);
        all.push(pick(language, || format!("Required when {when}."), || format!("{when}时必填。")));
    }
    if !rules.only_when.is_empty() {
        let when = any(&rules.only_when);
        all.push(pick(language, || format!("Only when {when}."), || format!("仅在{when}时填写。")));
    }
    if !rules.for_roles.is_empty() {
        let (en, zh) = roles(&rules.for_roles);
        let others = if may_be_own(rules) {
            ("; others give at most their own name", "，其他人最多填写本人")
        } else {
            ("", "")
        };
        all.push(pick(
            language,
            || format!("Given by {en} only{}.", others.0),
            || format!("仅由{zh}填写{}。", others.1),
        ));
    }
    if !rules.not_for_roles.is_empty() {
        let (en, zh) = roles(&rules.not_for_roles);
        all.push(pick(language, || format!("Not given by {en}."), || format!("{zh}不得填写。")));
    }
    for set in exactly_one_of(&message).into_iter().filter(|set| set.fields.iter().any(|name| name == field.name())) {
        let members: Vec<FieldDescriptor> =
            set.fields.iter().filter_map(|name| message.get_field_by_name(name)).collect();
        let names: Vec<String> = members.iter().map(|field| format!("`{}`", field.json_name())).collect();
        let labels: Vec<String> = members.iter().map(|field| format!("「{}」", labels::of_field(field).zh())).collect();
        all.push(pick(
            language,
            || format!("Exactly one of {} is given.", names.join(", ")),
            || format!("{}须且只能填写一项。", labels.concat()),
        ));
    }
    all.join(if language == Language::English { " " } else { "" })
}

fn pick(language: Language, en: impl FnOnce() -> String, zh: impl FnOnce() -> String) -> String {
    match language {
        Language::English => en(),
        Language::Chinese => zh(),
    }
}

/// Returns roles as programs name them, with their labels, and as people call them in Chinese.
fn roles(roles: &[Role]) -> (String, String) {
    let labels = labels::of_roles(roles);
    let en = roles.iter().zip(&labels).map(|(role, label)| format!("`{}` ({})", role.as_str_name(), label.en()));
    let zh = labels.iter().map(|label| format!("「{}」", label.zh()));
    (en.collect::<Vec<_>>().join(" or "), zh.collect::<Vec<_>>().join("或"))
}

fn condition(message: &MessageDescriptor, condition: &Condition, language: Language) -> String {
    let Some(field) = message.get_field_by_name(&condition.field) else { return String::new() };
    let (name, label) = (field.json_name(), labels::of_field(&field));
    let label = label.zh();
    match condition.values.as_slice() {
        [] if condition.absent => pick(language, || format!("`{name}` is not given"), || format!("未填写「{label}」")),
        [] => pick(language, || format!("`{name}` is given"), || format!("填写「{label}」")),
        values => {
            let names: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            let zh: Vec<String> = values.iter().map(|value| format!("「{}」", value_label(&field, value))).collect();
            pick(
                language,
                || format!("`{name}` is {}", names.join(" or ")),
                || format!("「{label}」为{}", zh.join("或")),
            )
        }
    }
}

/// Returns what people call a value of a field in Chinese.
fn value_label(field: &FieldDescriptor, value: &str) -> String {
    match field.kind() {
        Kind::Enum(kind) => labels::of_named_value(kind.full_name(), value).zh().to_owned(),
        _ if value == "true" => "是".to_owned(),
        _ => "否".to_owned(),
    }
}

/// The schema of an object in which a condition holds.
fn holds(message: &MessageDescriptor, condition: &Condition) -> Value {
    let Some(field) = message.get_field_by_name(&condition.field) else { return json!(true) };
    if condition.values.is_empty() {
        return if condition.absent { json!({"not": given(&field)}) } else { given(&field) };
    }
    let mut values = Vec::new();
    let mut is_default = false;
    for name in &condition.values {
        if let Kind::Enum(kind) = field.kind() {
            let number = kind.get_value_by_name(name).map_or(0, |value| value.number());
            values.extend([json!(name), json!(number)]);
        } else {
            is_default |= name == "false";
            values.push(json!(name == "true"));
        }
    }
    if is_default {
        // A flag that is left out is false.
        values.push(Value::Null);
        return json!({"properties": {field.json_name(): {"enum": values}}});
    }
    json!({"required": [field.json_name()], "properties": {field.json_name(): {"enum": values}}})
}

/// The schema of an object in which a field is given.
fn given(field: &FieldDescriptor) -> Value {
    let empty = match field.kind() {
        Kind::String => {
            return json!({
                "required": [field.json_name()],
                "properties": {field.json_name(): {"type": "string", "pattern": r"\S"}},
            });
        }
        Kind::Enum(values) => json!([null, 0, values.default_value().name()]),
        Kind::Int32 | Kind::Int64 => json!([null, 0, "0"]),
        Kind::Bool => json!([null, false]),
        _ => json!([null]),
    };
    json!({"required": [field.json_name()], "properties": {field.json_name(): {"not": {"enum": empty}}}})
}
