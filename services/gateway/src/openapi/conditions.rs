//! Conditions on whether a field is given, and on its value: as schemas of the message's object, and as sentences for people.

use kefu_chassis::language::Language;
use kefu_proto::field::{at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::{Condition, FieldSet, Limit, Role};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::value::{Rules, UNSEEN};

mod sentences;

use sentences::sentences;

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
    for (field, rules) in fields {
        // Who calls is not in the message: a limit for certain roles stands in the description only.
        for limit in rules.limits.iter().filter(|limit| limit.roles.is_empty()) {
            let when = limit.when.as_ref().filter(|when| is_there(&when.field)).map(|when| holds(message, when));
            if when.is_some() || limit.when.is_none() {
                let known: Vec<Value> = when.into_iter().chain([given(field)]).collect();
                all.push(json!({"if": {"allOf": known}, "then": within(field, limit)}));
            }
        }
    }
    let members = |set: &FieldSet| -> Vec<Value> {
        set.fields.iter().filter_map(|name| message.get_field_by_name(name)).map(|field| given(&field)).collect()
    };
    all.extend(exactly_one_of(message).iter().map(|set| json!({"oneOf": members(set)})));
    all.extend(at_least_one_of(message).iter().map(|set| json!({"anyOf": members(set)})));
    all
}

/// Adds the conditions on a field to its schema: to its description in both languages, and the roles as members.
pub fn describe(schema: &mut Value, field: &FieldDescriptor, rules: &Rules) {
    let said = [Language::English, Language::Chinese].map(|language| sentences(field, rules, language));
    if said.iter().any(|said| !said.is_empty()) {
        let comment = schema["description"].as_str().unwrap_or_default().to_owned();
        schema["description"] = format!("{comment}\n\n{}", said.join(" · ")).trim_start().into();
    }
    let members = [
        ("x-kefu-for-roles", &rules.for_roles),
        ("x-kefu-not-for-roles", &rules.not_for_roles),
        ("x-kefu-required-for-roles", &rules.required_for_roles),
    ];
    for (member, roles) in members {
        if !roles.is_empty() {
            schema[member] = roles.iter().map(Role::as_str_name).collect::<Vec<_>>().into();
        }
    }
    if !rules.for_roles.is_empty() && rules.may_be_own() {
        schema["x-kefu-or-own-name"] = true.into();
    }
}

/// The schema of an object in which a field is within a limit.
fn within(field: &FieldDescriptor, limit: &Limit) -> Value {
    let mut schema = json!({});
    if let Kind::Enum(kind) = field.kind() {
        let named = |name: &String| kind.get_value_by_name(name).map(|value| [json!(name), json!(value.number())]);
        schema["enum"] = limit.values.iter().filter_map(named).flatten().collect();
    }
    if let Some(least) = limit.at_least {
        schema["minimum"] = least.into();
    }
    if let Some(most) = limit.at_most {
        schema["maximum"] = most.into();
    }
    json!({"properties": {field.json_name(): schema}})
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
                "properties": {field.json_name(): {"type": "string", "pattern": format!("[^{UNSEEN}]")}},
            });
        }
        Kind::Enum(values) => json!([null, 0, values.default_value().name()]),
        Kind::Int32 | Kind::Int64 => json!([null, 0, "0"]),
        Kind::Bool => json!([null, false]),
        _ => json!([null]),
    };
    json!({"required": [field.json_name()], "properties": {field.json_name(): {"not": {"enum": empty}}}})
}
