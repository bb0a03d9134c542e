//! The OpenAPI document, made from the descriptors and their comments alone. It has every HTTP binding of every method,
//! and the rules that the services enforce.

use std::io::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use kefu_proto::contract::{bindings, methods};
use prost_reflect::DescriptorPool;
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value, json};

mod comments;
mod conditions;
mod example;
mod operation;
mod ordered;
mod path;
mod problem;
mod schema;
mod usage;
mod value;
mod words;

use comments::Comments;
use operation::Operation;
use ordered::Ordered;
use schema::Schemas;

const ABOUT: &str = "Every method of the contracts, over HTTP with JSON as protobuf maps it: names in camelCase, which the \
    comments write as the contracts do, with underscores; 64-bit integers as text; what is not set is left out. A refusal is \
    a problem (RFC 9457) that names its reason, and the fields or clauses behind it. A change may be repeated under its \
    `Idempotency-Key` and is then answered as the first time. A resource that has an `etag` has it in `ETag` too; `If-Match` \
    and `If-None-Match` take it. Every answer has the time in `kefu-time`. Streams are server-sent events or lines of JSON, by `Accept`, and go on after \
    `Last-Event-ID`. What people read is in Chinese or English, by `Accept-Language`.";

/// An OpenAPI document, to be written as JSON.
#[derive(Debug)]
pub struct Document(Value);

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Ordered(&self.0).serialize(serializer)
    }
}

/// Why a document cannot be made.
pub type DocumentError = Box<dyn std::error::Error + Send + Sync>;

/// A document written as JSON.
#[derive(Clone, Debug)]
pub struct Written {
    /// The plain text.
    pub plain: Bytes,
    /// The text compressed to a seventh, once instead of for every reader.
    pub gzip: Bytes,
}

static WRITTEN: LazyLock<Result<Written, DocumentError>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(kefu_proto::COMMENTED)?;
    let plain = Bytes::from(serde_json::to_vec(&document(&pool))?);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&plain)?;
    Ok(Written { gzip: gzip.finish()?.into(), plain })
});

/// Returns the document of all services, which is made once.
pub fn written() -> Result<&'static Written, &'static DocumentError> {
    WRITTEN.as_ref()
}

/// Makes the document of the services in `pool`, which was decoded with its comments (`kefu_proto::COMMENTED`).
#[must_use]
pub fn document(pool: &DescriptorPool) -> Document {
    let comments = Comments::read(pool);
    let mut schemas = Schemas::new(pool, &comments);
    let mut paths: Map<String, Value> = Map::new();
    for method in methods(pool) {
        for (number, binding) in bindings(&method).iter().enumerate() {
            let operation = Operation { method: &method, binding, number };
            let (path, described) = operation.describe(pool, &mut schemas);
            let operations = paths.entry(path).or_insert_with(|| json!({}));
            operations[binding.verb.as_str()] = described;
        }
    }
    let problem = problem::schema(pool, &mut schemas);
    schemas.components.insert("Problem".to_owned(), problem);
    let services = pool.services().filter(|service| service.full_name().starts_with("kefu."));
    let tags = services.map(|service| json!({"name": service.name(), "description": comments.of(&service)}));
    let components = json!({
        "schemas": schemas.components,
        "parameters": operation::headers(),
        "responses": problem::components(),
        "headers": answer_headers(),
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    });
    let parts = [
        ("openapi", json!("3.1.0")),
        ("info", info()),
        ("servers", json!([{"url": "/"}])),
        ("security", json!([{"bearer": []}])),
        ("tags", tags.collect()),
        ("paths", paths.into()),
        ("components", components),
    ];
    Document(ordered::object(parts.map(|(name, part)| (name.to_owned(), part))))
}

/// Returns the headers of answers, as components to refer to.
fn answer_headers() -> Value {
    json!({
        "KefuTime": {
            "description": "The time by the clock of the service that answered, or of the gateway where none was asked; RFC 3339 \
                in UTC.",
            "schema": {"type": "string", "format": "date-time"},
        },
    })
}

fn info() -> Value {
    json!({
        "title": "kefu",
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        "description": ABOUT,
    })
}

#[cfg(test)]
mod tests;
