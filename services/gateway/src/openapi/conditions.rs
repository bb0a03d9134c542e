//! Conditions on whether a field is given: as schemas of the message's object, and as sentences for people.

use kefu_chassis::labels;
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

/// Returns what people have to know of whether a field is given, in English; empty if there are no conditions.
pub fn sentences(field: &FieldDescriptor, rules: &Rules) -> String {
    let message = field.parent_message();
    let condition = |condition: &Condition| {
        let name =
            message.get_field_by_name(&condition.field).map_or(String::new(), |field| field.json_name().to_owned());
        match condition.values.as_slice() {
            [] if condition.absent => format!("`{name}` is not given"),
            [] => format!("`{name}` is given"),
            values => format!(
                "`{name}` is {}",
                values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ")
            ),
        }
    };
    let any = |conditions: &[Condition]| conditions.iter().map(condition).collect::<Vec<_>>().join(", or ");
    let names = |roles: &[Role]| roles.iter().map(Role::as_str_name).collect::<Vec<_>>().join(", ");
    let mut all = Vec::new();
    if !rules.required_when.is_empty() {
        all.push(format!("Required when {}.", any(&rules.required_when)));
    }
    if !rules.only_when.is_empty() {
        all.push(format!("Only when {}.", any(&rules.only_when)));
    }
    if !rules.for_roles.is_empty() {
        all.push(format!("Only for {}.", names(&rules.for_roles)));
    }
    if !rules.not_for_roles.is_empty() {
        all.push(format!("Not for {}.", names(&rules.not_for_roles)));
    }
    for set in exactly_one_of(message).into_iter().filter(|set| set.fields.iter().any(|name| name == field.name())) {
        let names = set.fields.iter().filter_map(|name| message.get_field_by_name(name));
        let names: Vec<String> = names.map(|field| format!("`{}`", field.json_name())).collect();
        all.push(format!("Exactly one of {} is given.", names.join(", ")));
    }
    all.join(" ")
}

/// Adds the labels of a field to its schema: the English one as its title.
pub fn label(schema: &mut Value, field: &FieldDescriptor) {
    let label = labels::of_field(field);
    schema["title"] = label.en().into();
    schema["x-kefu-title-zh"] = label.zh().into();
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
