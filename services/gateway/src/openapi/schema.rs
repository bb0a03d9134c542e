//! The schemas of the contracts' messages and enums, collected as components while operations refer to them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use kefu_proto::contract::{Resource, methods, resources};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::conditions;
use super::ordered;
use super::usage::Use;
use super::value::Rules;
use super::words;

/// The components of one document.
pub struct Schemas<'a> {
    /// The comments of the contracts.
    pub comments: &'a Comments,
    /// The kinds of resources.
    pub resources: Vec<Resource>,
    /// The messages that answers contain; a component with the plain name describes the form in answers.
    answered: HashSet<String>,
    rules: RefCell<HashMap<String, Rc<Rules>>>,
    /// The schemas so far.
    pub components: Map<String, Value>,
}

impl<'a> Schemas<'a> {
    /// Creates an empty collection for the contracts in `pool`.
    pub fn new(pool: &DescriptorPool, comments: &'a Comments) -> Self {
        let mut answered = HashSet::new();
        for method in methods(pool) {
            collect(&method.output(), &mut answered);
        }
        Self { comments, resources: resources(pool), answered, rules: RefCell::default(), components: Map::new() }
    }

    /// Returns a reference to the schema of a message.
    pub fn message(&mut self, message: &MessageDescriptor, usage: Use) -> Value {
        let name = self.name(message.full_name(), usage);
        if !self.components.contains_key(&name) {
            // The component stands for itself while it is made, in case the message contains itself.
            self.components.insert(name.clone(), Value::Null);
            let schema = self.object(message, usage, &[]);
            self.components.insert(name.clone(), schema);
        }
        to_component(&name)
    }

    /// Returns a reference to the schema of a request's message without the fields of the path, or the schema itself if
    /// another schema has its name.
    pub fn rest(&mut self, message: &MessageDescriptor, of_path: &[&str]) -> Value {
        let schema = self.object(message, Use::Request, of_path);
        let name = self.name(message.full_name(), Use::Request);
        if self.components.get(&name).is_some_and(|other| *other != schema) {
            return schema;
        }
        self.components.insert(name.clone(), schema);
        to_component(&name)
    }

    /// Whether a schema requires something; otherwise the body of the request may be left out.
    pub fn asks_for_something(&self, schema: &Value) -> bool {
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        let schema = name.and_then(|name| self.components.get(name)).unwrap_or(schema);
        schema.get("required").is_some()
    }

    fn name(&self, full_name: &str, usage: Use) -> String {
        match usage {
            Use::Update => format!("{full_name}-Update"),
            Use::Request if self.answered.contains(full_name) => format!("{full_name}-Input"),
            _ => full_name.to_owned(),
        }
    }

    /// Makes the schema of a message, without the fields (dotted) in the path.
    fn object(&mut self, message: &MessageDescriptor, usage: Use, of_path: &[&str]) -> Value {
        let (mut properties, mut required, mut with_rules) = (Vec::new(), Vec::new(), Vec::new());
        for field in message.fields().filter(|field| !of_path.contains(&field.name())) {
            let below = format!("{}.", field.name());
            let inner: Vec<&str> = of_path.iter().filter_map(|path| path.strip_prefix(&below)).collect();
            let schema = match field.kind() {
                Kind::Message(held) if !inner.is_empty() => self.rest(&held, &inner),
                _ => self.field(&field, usage),
            };
            properties.push((field.json_name().to_owned(), schema));
            let of_field = self.rules(&field);
            if usage == Use::Request && of_field.required {
                required.push(field.json_name().to_owned());
            }
            with_rules.push((field, of_field));
        }
        let mut schema = json!({"type": "object", "properties": ordered::object(properties)});
        describe(&mut schema, self.comments.of(message));
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        if usage != Use::Answer {
            schema["additionalProperties"] = false.into();
        }
        let conditions = if usage == Use::Request { conditions::schemas(message, &with_rules) } else { Vec::new() };
        if !conditions.is_empty() {
            schema["allOf"] = conditions.into();
        }
        for choice in message.oneofs().filter(|choice| !choice.is_synthetic()) {
            let names: Vec<String> = choice.fields().map(|field| field.json_name().to_owned()).collect();
            let condition = format!("At most one of {} is set.", names.join(", "));
            let comment = self.comments.of(message);
            describe(&mut schema, &format!("{comment}\n\n{condition}"));
            let given = names.iter().map(|name| json!({"required": [name]}));
            let none = json!({"not": {"anyOf": given.clone().collect::<Vec<_>>()}});
            schema["oneOf"] = given.chain([none]).collect();
        }
        schema
    }

    /// Returns the rules of a field. Reading them from the options takes longer than everything else, so it is done
    /// once.
    pub fn rules(&self, field: &FieldDescriptor) -> Rc<Rules> {
        if let Some(known) = self.rules.borrow().get(field.full_name()) {
            return known.clone();
        }
        let rules = Rc::new(Rules::of(field, &self.resources));
        self.rules.borrow_mut().insert(field.full_name().to_owned(), rules.clone());
        rules
    }

    /// Makes the schema of a field.
    pub fn field(&mut self, field: &FieldDescriptor, usage: Use) -> Value {
        let rules = self.rules(field);
        let is_read_only = rules.is_output;
        let of_presence = if usage == Use::Answer { None } else { Some(rules.clone()) };
        let rules = if usage == Use::Update { Rc::new(rules.optional()) } else { rules };
        // Messages within the updated resource are described as in any request.
        let usage = if usage == Use::Update { Use::Request } else { usage };
        let is_required = rules.required;
        let mut schema = if field.is_list() {
            self.list(field, &rules, usage)
        } else if let Kind::Message(entry) = field.kind()
            && field.is_map()
        {
            json!({"type": "object", "additionalProperties": self.field(&entry.map_entry_value_field(), usage)})
        } else {
            self.one(field, &rules, usage)
        };
        if usage == Use::Request && !is_required {
            schema = or_null(schema);
        }
        describe(&mut schema, self.comments.of(field));
        if let Some(rules) = of_presence {
            conditions::describe(&mut schema, field, &rules);
        }
        words::of_field(&mut schema, field);
        if is_read_only {
            schema["readOnly"] = true.into();
        }
        schema
    }

    fn list(&mut self, field: &FieldDescriptor, rules: &Rules, usage: Use) -> Value {
        let (least, most, unique) = (rules.min_items.max(rules.required.into()), rules.max_items, rules.unique);
        let items = self.one(field, &rules.of_items(), usage);
        let mut schema = json!({"type": "array", "items": items});
        if usage != Use::Answer {
            if least > 0 {
                schema["minItems"] = least.into();
            }
            if let Some(most) = most {
                schema["maxItems"] = most.into();
            }
            if unique {
                schema["uniqueItems"] = true.into();
            }
        }
        schema
    }

    fn one(&mut self, field: &FieldDescriptor, rules: &Rules, usage: Use) -> Value {
        match field.kind() {
            Kind::Enum(values) => {
                let named = self.values(&values);
                let unset = values.default_value();
                match usage {
                    Use::Request | Use::Query => {
                        let numbers = values.values().map(|value| value.number());
                        let numbers: Vec<i32> = numbers.filter(|&number| !rules.required || number != 0).collect();
                        let mut schema = json!({"anyOf": [named, {"type": "integer", "enum": numbers}]});
                        if rules.required {
                            schema["not"] = json!({"const": unset.name()});
                        }
                        schema
                    }
                    _ => named,
                }
            }
            Kind::Message(held) if held.full_name().starts_with("kefu.") => {
                let is_update =
                    usage == Use::Request && field.parent_message().get_field_by_name("update_mask").is_some();
                self.message(&held, if is_update { Use::Update } else { usage })
            }
            kind => rules.schema(&kind, usage),
        }
    }

    /// Returns a reference to the schema of an enum's names.
    pub fn values(&mut self, values: &EnumDescriptor) -> Value {
        let name = values.full_name().to_owned();
        if !self.components.contains_key(&name) {
            let mut about = self.comments.of(values).to_owned() + "\n";
            let (mut names, mut words) = (Vec::new(), Map::new());
            for value in values.values() {
                let of_value = words::of_value(&value);
                let text = |member: &str| of_value[member].as_str().unwrap_or_default();
                let label = format!("({} · {})", text("title"), text("titleZh"));
                about.extend(["\n- `", value.name(), "` ", &label, ": ", self.comments.of(&value)]);
                if of_value.get("help").is_some() {
                    about.extend([" ", text("help"), " · ", text("helpZh")]);
                }
                names.push(value.name().to_owned());
                words.insert(value.name().to_owned(), of_value);
            }
            let schema = json!({"type": "string", "enum": names, "description": about, "x-kefu-values": words});
            self.components.insert(name.clone(), schema);
        }
        to_component(&name)
    }
}

/// Collects a message and the messages and enums within it.
fn collect(message: &MessageDescriptor, found: &mut HashSet<String>) {
    if message.full_name().starts_with("kefu.") && found.insert(message.full_name().to_owned()) {
        for field in message.fields() {
            if let Kind::Message(held) = field.kind() {
                collect(&held, found);
            }
        }
    }
}

fn to_component(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Allows `null`, which in the JSON mapping of protobuf is a way to leave a field out.
fn or_null(mut schema: Value) -> Value {
    let is_choice = schema.get("not").is_none();
    if let Some(types) = schema.get_mut("type") {
        *types = match types.take() {
            Value::Array(types) => types.into_iter().chain(["null".into()]).collect(),
            only => json!([only, "null"]),
        };
    } else if let Some(ways) = schema.get_mut("anyOf").and_then(Value::as_array_mut).filter(|_| is_choice) {
        ways.push(json!({"type": "null"}));
    } else {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    schema
}

fn describe(schema: &mut Value, comment: &str) {
    if !comment.is_empty() {
        schema["description"] = comment.into();
    }
}
