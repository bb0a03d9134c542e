//! What people call a thing and what it is for, in both languages, as members of what describes it.

use kefu_chassis::labels;
use kefu_proto::labels::{Label, Labels, chinese, english};
use prost_reflect::{EnumValueDescriptor, FieldDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

/// The members that hold labels and helps: OpenAPI's own for the English label, and ours.
const MEMBERS: [&str; 4] = ["title", "x-kefu-title-zh", "x-kefu-help", "x-kefu-help-zh"];

/// Adds the words of a field to its schema, and its helps to the description.
pub fn of_field(schema: &mut Value, field: &FieldDescriptor) {
    add(schema, |labels| labels.field(field));
}

/// Adds the words of a field to what describes it, or of the resource whose id an address has.
pub fn of_id(parameter: &mut Value, id: &str, field: Option<&FieldDescriptor>) {
    add(parameter, |labels| labels.fields.get(id).or_else(|| labels.field(field?)));
}

/// Adds the words of a method to its operation.
pub fn of_method(operation: &mut Value, method: &MethodDescriptor) {
    add(operation, |labels| labels.method(method.name()));
}

/// Returns the words of an enum's value.
pub fn of_value(value: &EnumValueDescriptor) -> Value {
    let label = labels::of_value(value);
    let mut words = Map::new();
    words.insert("title".to_owned(), label.en().into());
    words.insert("titleZh".to_owned(), label.zh().into());
    for (member, labels) in [("help", english()), ("helpZh", chinese())] {
        if let Some(label) = labels.value(value) {
            words.insert(member.to_owned(), label.help.clone().into());
        }
    }
    words.into()
}

fn add(to: &mut Value, find: impl Fn(&'static Labels) -> Option<&'static Label>) {
    let (Some(en), Some(zh)) = (find(english()), find(chinese())) else { return };
    for (member, text) in MEMBERS.into_iter().zip([&en.label, &zh.label, &en.help, &zh.help]) {
        to[member] = json!(text);
    }
    describe(to, &format!("{} · {}", en.help, zh.help));
}

/// Adds a paragraph to the description.
fn describe(to: &mut Value, paragraph: &str) {
    let before = to["description"].as_str().unwrap_or_default();
    let text = if before.is_empty() { paragraph.to_owned() } else { format!("{before}\n\n{paragraph}") };
    to["description"] = text.into();
}
