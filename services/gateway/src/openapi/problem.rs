//! Answers to calls that are refused or fail: problem details (RFC 9457), and the statuses that have them.

use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use super::schema::Schemas;

/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";

/// The statuses, each with its name and its meaning.
const STATUSES: [(&str, &str, &str); 14] = [
    ("400", "BadRequest", "Something in the request is missing, malformed or out of range; `violations` names each."),
    ("401", "Unauthenticated", "The bearer token is missing or not valid."),
    ("403", "Forbidden", "The caller may not do this."),
    ("404", "NotFound", "There is no such resource, or none that the caller may see."),
    ("408", "TooSlow", "The body came too slowly."),
    (
        "409",
        "Conflict",
        "The lifecycle forbids it from here, a clause demands something first, or another resource has this identity; `violations` names clause and resource.",
    ),
    ("412", "Stale", "The resource has changed since its `etag` was read: read it again."),
    ("413", "TooLarge", "The body is larger than is taken."),
    ("415", "UnsupportedMediaType", "The body is of a type that is not taken here."),
    ("429", "TooMany", "More calls than can be held; `Retry-After` says when to come back."),
    ("500", "Unexpected", "Something unexpected; its cause is in the log, under the `trace_id`."),
    ("503", "Away", "The service, its database or a peer is away; `Retry-After` says when to come back."),
    ("504", "TooLate", "The call took longer than its deadline; come back under the same `Idempotency-Key`."),
    ("default", "Problem", "Any other refusal."),
];

/// Returns the answers with those of the statuses that `asked` selects.
pub fn answers(asked: impl Fn(&str) -> bool) -> Map<String, Value> {
    let asked = STATUSES.iter().filter(|(status, ..)| asked(status));
    asked
        .map(|(status, name, _)| ((*status).to_owned(), json!({"$ref": format!("#/components/responses/{name}")})))
        .collect()
}

/// Returns the answers, as components to refer to.
pub fn components() -> Value {
    let responses = STATUSES.iter().map(|(status, name, about)| {
        let mut response = json!({
            "description": about,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        match *status {
            "401" => {
                response["headers"] =
                    json!({"WWW-Authenticate": header("The scheme, `Bearer`.", &json!({"type": "string"}))});
            }
            "429" | "503" | "504" => {
                let seconds = json!({"type": "integer", "minimum": 0});
                response["headers"] = json!({"Retry-After": header("After how many seconds to come back.", &seconds)});
            }
            _ => {}
        }
        ((*name).to_owned(), timed(response))
    });
    Value::Object(responses.collect())
}

/// Adds the header that every answer has: the time.
pub fn timed(mut answer: Value) -> Value {
    answer["headers"]["kefu-time"] = json!({"$ref": "#/components/headers/KefuTime"});
    answer
}

fn header(about: &str, schema: &Value) -> Value {
    json!({"description": about, "schema": schema})
}

/// Returns the schema of a problem.
pub fn schema(pool: &DescriptorPool, schemas: &mut Schemas) -> Value {
    let reasons = pool.get_enum_by_name("kefu.rules.v1.ErrorReason").map(|reasons| schemas.values(&reasons));
    let rules = pool.get_enum_by_name("kefu.rules.v1.FieldRule").map(|rules| schemas.values(&rules));
    let text = |about: &str| json!({"type": "string", "description": about});
    json!({
        "type": "object",
        "description": "Why a call was refused or failed (RFC 9457).",
        "required": ["type", "title", "status", "detail", "reason", "trace_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "`urn:kefu:problem:` and the reason."},
            "title": text("What the status or the reason means."),
            "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The status of the answer."},
            "detail": text("What is the matter, in the language that `Accept-Language` asks for."),
            "reason": reasons,
            "resource": text("The resource that is missing or in the way."),
            "violations": {
                "type": "array",
                "description": "What is wrong with which field, or which clause demands what of which resource.",
                "items": {
                    "type": "object",
                    "required": ["description"],
                    "properties": {
                        "field": text("The path of a field in the request, e.g. `contact.phone`, or a header."),
                        "clause": text("The clause, e.g. `C2.4`."),
                        "subject": text("The resource that it is about."),
                        "rule": rules,
                        "description": text("What is wrong or missing, in English."),
                        "message": text("What is wrong or missing, in a sentence in the language that `Accept-Language` asks for, with the field's label."),
                    },
                },
            },
            "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "By which logs and traces name the call."},
        },
    })
}
