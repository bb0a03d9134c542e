//! Conditions on whether a field is given, and on its value: as schemas of the message's object, and as sentences for people.

use kefu_chassis::labels;
use kefu_proto::field::{at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::{Condition, FieldSet, Limit, Role};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::value::{Rules, UNSEEN};

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
    if !rules.required_for_roles.is_empty() {
        all.push(format!("Required of {}.", names(&rules.required_for_roles)));
    }
    for limit in &rules.limits {
        let when = limit.when.as_ref().map(|when| format!("When {}: ", condition(when))).unwrap_or_default();
        let of = if limit.roles.is_empty() {
            String::new()
        } else {
            format!(" of {}", names(&limit.roles().collect::<Vec<_>>()))
        };
        let values = limit.values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ");
        let values = (!values.is_empty()).then(|| format!("only {values}"));
        let least = limit.at_least.map(|least| format!("at least {least}"));
        let most = limit.at_most.map(|most| format!("at most {most}"));
        let bounds: Vec<String> = values.into_iter().chain(least).chain(most).collect();
        all.push(capitalised(&format!("{when}{}{of}.", bounds.join(", "))));
    }
    for set in &rules.at_most_one_of {
        let values: Vec<String> = set.values.iter().map(|value| format!("`{value}`")).collect();
        all.push(format!("At most one of {}.", values.join(", ")));
    }
    let sets = [("Exactly", exactly_one_of(message)), ("At least", at_least_one_of(message))];
    for (how, set) in sets.iter().flat_map(|(how, sets)| sets.iter().map(move |set| (how, set))) {
        if set.fields.iter().any(|name| name == field.name()) {
            let names = set.fields.iter().filter_map(|name| message.get_field_by_name(name));
            let names: Vec<String> = names.map(|field| format!("`{}`", field.json_name())).collect();
            all.push(format!("{how} one of {} is given.", names.join(", ")));
        }
    }
    all.join(" ")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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
