//! Operations, one for each HTTP binding of a method: parameters, bodies and answers.

use kefu_proto::contract::{Binding, audience, field_at, roles, rule, served_by};
use kefu_proto::rules::v1::{Access, Role};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::example;
use super::path::Path;
use super::problem;
use super::schema::Schemas;
use super::usage::Use;
use super::value::{ID, UUID};
use super::words;
use crate::routes::here_or_within;

mod answer;
mod body;

/// A binding of a method.
pub struct Operation<'a> {
    /// The method.
    pub method: &'a MethodDescriptor,
    /// The HTTP binding.
    pub binding: &'a Binding,
    /// The number of the binding among those of the method, from 0 on.
    pub number: usize,
}

impl Operation<'_> {
    /// Returns the path, and the operation as OpenAPI describes it.
    pub fn describe(&self, pool: &DescriptorPool, schemas: &mut Schemas) -> (String, Value) {
        let path = Path::of(self.binding, &schemas.resources);
        let service = self.method.parent_service();
        let about = schemas.comments.of(self.method).to_owned();
        let mut id = format!("{}_{}", service.name(), self.method.name());
        if self.number > 0 {
            id = format!("{id}_{}", self.number + 1);
        }
        let mut operation = json!({
            "operationId": id,
            "tags": [service.name()],
            "description": about,
            "x-kefu-method": self.method.full_name(),
        });
        words::of_method(&mut operation, self.method);
        // An operation has its label as its summary, and no title.
        let title = operation.as_object_mut().and_then(|operation| operation.remove("title"));
        operation["summary"] = title.unwrap_or_default();
        let mut parameters = self.in_path(&path, pool, schemas);
        parameters.extend(self.in_query(schemas));
        parameters.extend(self.in_headers());
        operation["parameters"] = parameters.into();
        if let Some(body) = self.body(schemas) {
            operation["requestBody"] = body;
        }
        operation["responses"] = self.answers(schemas);
        if self.is_endless() {
            operation["x-kefu-stream"] = true.into();
        }
        self.rules(&mut operation);
        (path.template, operation)
    }

    fn rules(&self, operation: &mut Value) {
        let Some(rule) = rule(self.method) else { return };
        if let Some(audience) = audience(self.method.parent_pool(), &rule) {
            let roles: Vec<&str> = roles(&audience).iter().map(Role::as_str_name).collect();
            operation["x-kefu-audience"] = audience.name().into();
            operation["x-kefu-roles"] = roles.into();
        }
        operation["x-kefu-access"] = Access::as_str_name(&rule.access()).into();
        if !rule.support.is_empty() {
            operation["x-kefu-support"] = rule.support.clone().into();
        }
        operation["x-kefu-clauses"] = rule.clauses.into();
    }

    fn in_path(&self, path: &Path, pool: &DescriptorPool, schemas: &Schemas) -> Vec<Value> {
        let described = path.ids.iter().map(|id| {
            let field = field_at(&self.method.input(), &id.field);
            let named = field.clone();
            let refers = field.filter(|field| !schemas.rules(field).is_identity);
            let comment = refers.as_ref().map_or("", |field| schemas.comments.of(field));
            let segment = id.form.split('/').nth(id.segment);
            let schema = if segment == Some("{service}") {
                json!({"type": "string", "enum": services(pool)})
            } else {
                json!({"type": "string", "pattern": format!("^{ID}$")})
            };
            let mut parameter = json!({
                "name": id.name,
                "in": "path",
                "required": true,
                "description": format!("The id in `{}`. {comment}", id.form).trim_end(),
                "schema": schema,
                "example": example::id(schemas, &id.form, id.segment),
            });
            let bare = segment.unwrap_or_default().trim_matches(['{', '}']);
            words::of_id(&mut parameter, bare, named.as_ref());
            titled(parameter)
        });
        described.collect()
    }

    /// Returns the parameters in the query: the fields that neither path nor body carries.
    fn in_query(&self, schemas: &mut Schemas) -> Vec<Value> {
        if self.binding.body == "*" {
            return Vec::new();
        }
        let input = self.method.input();
        let of_path = self.of_path();
        let free = |field: &FieldDescriptor| field.name() != self.binding.body && !of_path.contains(&field.name());
        let described = input.fields().filter(free).map(|field| {
            let schema = schemas.field(&field, Use::Query);
            let mut parameter = json!({"name": field.json_name(), "in": "query"});
            let (of_schema, of_parameter): (Map<String, Value>, Map<String, Value>) = match schema {
                Value::Object(members) => members.into_iter().partition(|(name, _)| !is_of_parameter(name)),
                _ => (Map::new(), Map::new()),
            };
            parameter["schema"] = of_schema.into();
            for (name, member) in of_parameter {
                parameter[name] = member;
            }
            let mut parameter = titled(parameter);
            if schemas.rules(&field).required {
                parameter["required"] = true.into();
                parameter["example"] = example::of_field(schemas, &field, &[]);
            }
            parameter
        });
        described.collect()
    }

    fn in_headers(&self) -> Vec<Value> {
        let input = self.method.input();
        let is_resumable = rule(self.method).is_some_and(|rule| !rule.resume_field.is_empty());
        let known = [
            ("IdempotencyKey", here_or_within(&input, "request_id").is_some()),
            ("IfMatch", self.takes_etag()),
            ("IfNoneMatch", self.binding.verb == "get" && self.has_etag()),
            ("LastEventId", is_resumable),
            ("AcceptLanguage", true),
        ];
        let asked = known.iter().filter(|(_, is_asked)| *is_asked);
        asked.map(|(name, _)| json!({"$ref": format!("#/components/parameters/{name}")})).collect()
    }

    /// Returns the fields, dotted, that the path carries.
    fn of_path(&self) -> Vec<&str> {
        self.binding.variables().into_iter().map(|(field, _)| field).collect()
    }

    /// Whether the request takes an etag.
    fn takes_etag(&self) -> bool {
        let has = |message: &MessageDescriptor| message.get_field_by_name("etag").is_some();
        let input = self.method.input();
        let is_update = input.get_field_by_name("update_mask").is_some();
        let body = input.get_field_by_name(&self.binding.body).filter(|_| is_update);
        has(&input) || body.is_some_and(|field| matches!(field.kind(), Kind::Message(message) if has(&message)))
    }

    /// Whether the answer has an etag.
    fn has_etag(&self) -> bool {
        !self.method.is_server_streaming() && self.method.output().get_field_by_name("etag").is_some()
    }

    /// Whether the answer is a stream without an end.
    fn is_endless(&self) -> bool {
        self.method.is_server_streaming() && self.binding.response_body.is_empty()
    }
}

/// Whether a member of a field's schema belongs to the parameter: what is told to people, and by whom it is given.
fn is_of_parameter(member: &str) -> bool {
    matches!(member, "description" | "title") || member.starts_with("x-kefu-")
}

/// Renames the title of a parameter, which OpenAPI has for schemas alone.
fn titled(mut parameter: Value) -> Value {
    if let Some(title) = parameter.as_object_mut().and_then(|parameter| parameter.remove("title")) {
        parameter["x-kefu-title"] = title;
    }
    parameter
}

/// Returns the parameters in headers, as components to refer to.
pub fn headers() -> Value {
    let header = |name: &str, about: &str, schema: Value| json!({"name": name, "in": "header", "description": about, "schema": schema});
    json!({
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Is `requestId`, where that is not given: a UUID under which a repetition of the call is answered as the first was.",
            json!({"type": "string", "pattern": format!("^(\"?{UUID}\"?)?$")}),
        ),
        "IfMatch": header(
            "If-Match",
            "Is `etag`, where that is not given: as the header `ETag` had it. If the resource has changed since, the call is refused.",
            json!({"type": "string", "pattern": r#"^("[^"]*"|\*)?$"#}),
        ),
        "IfNoneMatch": header("If-None-Match", "As the header `ETag` had it: if that is still so, the answer is empty.", json!({"type": "string"})),
        "LastEventId": header("Last-Event-ID", "The `id` of the last event that came: the stream goes on after it.", json!({"type": "string"})),
        "AcceptLanguage": header("Accept-Language", "The language of what people read: `zh-CN` or `en`.", json!({"type": "string"})),
    })
}

/// Returns the services of the suite, by the ids in their names.
fn services(pool: &DescriptorPool) -> Vec<String> {
    let names = pool.services().filter_map(|service| served_by(&service));
    let mut ids: Vec<String> = names.filter_map(|name| Some(name.strip_prefix("services/")?.to_owned())).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Describes a body of one media type.
fn content(kind: &str, schema: &Value) -> Map<String, Value> {
    Map::from_iter([(kind.to_owned(), json!({"schema": schema}))])
}
