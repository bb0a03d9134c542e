//! The body of an operation's request.

use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Map, Value, json};

use super::{Operation, content};
use crate::openapi::example;
use crate::openapi::ordered::{self, Ordered};
use crate::openapi::schema::Schemas;
use crate::openapi::usage::Use;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
const FORM: &str = "multipart/form-data";
const BYTES: &str = "application/octet-stream";

impl Operation<'_> {
    /// Returns the body, if there is one.
    pub(super) fn body(&self, schemas: &mut Schemas) -> Option<Value> {
        let input = self.method.input();
        match self.binding.body.as_str() {
            "" => None,
            "*" if self.method.is_client_streaming() => Some(self.messages(schemas)),
            "*" => {
                let of_path = self.of_path();
                let schema = schemas.rest(&input, &of_path);
                let example = example::of_message(schemas, &input, Use::Request, &of_path);
                let is_required = schemas.asks_for_something(&schema);
                Some(json!({"required": is_required, "content": {JSON: {"schema": schema, "example": example}}}))
            }
            field => {
                let field = input.get_field_by_name(field)?;
                let about = schemas.comments.of(&field).to_owned();
                let mut body = if field.kind() == Kind::Bytes {
                    json!({"required": true, "content": content(BYTES, &bytes())})
                } else {
                    let mut schema = schemas.field(&field, Use::Request);
                    without_description(&mut schema);
                    let example = example::of_field(schemas, &field, &[]);
                    let is_required = schemas.asks_for_something(&schema);
                    json!({"required": is_required, "content": {JSON: {"schema": schema, "example": example}}})
                };
                body["description"] = about.into();
                Some(body)
            }
        }
    }

    /// Describes a stream of messages: one a line, or a form if all messages but the first bring bytes.
    fn messages(&self, schemas: &mut Schemas) -> Value {
        let input = self.method.input();
        let of_path = self.of_path();
        let mut line = schemas.rest(&input, &of_path);
        line["description"] = "One message a line, as JSON.".into();
        let example = example::of_message(schemas, &input, Use::Request, &of_path);
        // The example is written as it is sent: a value of several lines would be shown as several messages.
        let example = serde_json::to_string(&Ordered(&example)).unwrap_or_default() + "\n";
        let has_file = input.fields().any(|field| field.kind() == Kind::Bytes);
        let form = has_file.then(|| (FORM.to_owned(), self.form(schemas)));
        let lines = (LINES.to_owned(), json!({"schema": line, "example": example}));
        json!({"required": true, "content": ordered::object(form.into_iter().chain([lines]))})
    }

    /// Describes a form with one part for each field: first the messages, as JSON, then the bytes.
    fn form(&self, schemas: &mut Schemas) -> Value {
        let input = self.method.input();
        let (mut properties, mut encoding, mut example) = (Vec::new(), Map::new(), Vec::new());
        let (bytes_last, first): (Vec<_>, Vec<_>) = input.fields().partition(|field| field.kind() == Kind::Bytes);
        for field in first.into_iter().chain(bytes_last) {
            let name = field.json_name().to_owned();
            let (schema, kind, given) = if field.kind() == Kind::Bytes {
                (bytes(), BYTES, "\u{0}".into())
            } else {
                let below = format!("{}.", field.name());
                let of_path = self.of_path();
                let inner: Vec<&str> = of_path.iter().filter_map(|path| path.strip_prefix(&below)).collect();
                let given = example::of_field(schemas, &field, &inner);
                let mut schema = self.part(schemas, &field);
                // Swagger UI fills in each part from the part's own example.
                schema["examples"] = json!([given]);
                (schema, JSON, given)
            };
            encoding.insert(name.clone(), json!({"contentType": kind}));
            example.push((name.clone(), given));
            properties.push((name, schema));
        }
        let names: Vec<String> = properties.iter().map(|(name, _)| name.clone()).collect();
        let schema = json!({"type": "object", "required": names, "properties": ordered::object(properties)});
        json!({"schema": schema, "encoding": encoding, "example": ordered::object(example)})
    }

    fn part(&self, schemas: &mut Schemas, field: &FieldDescriptor) -> Value {
        let below = format!("{}.", field.name());
        let of_path = self.of_path();
        let inner: Vec<&str> = of_path.iter().filter_map(|path| path.strip_prefix(&below)).collect();
        match field.kind() {
            Kind::Message(held) => schemas.rest(&held, &inner),
            _ => schemas.field(field, Use::Request),
        }
    }
}

/// Removes the description of a schema that describes a whole body.
fn without_description(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("description");
    }
}

fn bytes() -> Value {
    json!({"type": "string", "contentMediaType": BYTES})
}
