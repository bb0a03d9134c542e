//! Calls any method of any service by its descriptor: the base of the tests of bad input, access and pages. A service
//! provides a [`World`]: resources for its methods to act on, and one valid request of each method.
#![expect(async_fn_in_trait, reason = "only tests call it, and none of them spawns")]

use kefu_chassis::names::DIRECTORY;
use kefu_chassis::raw::Raw;
use kefu_proto::rules::v1::{Access, ErrorReason, Role};
use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, MethodDescriptor, ReflectMessage as _, Value};
use serde_json::{Value as Json, json};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status};

use crate::bench::Bench;
use crate::refusal::{Said, assert_refused};

pub mod access;
pub mod bad_input;
pub mod conditions;
pub mod corpora;
pub mod hostile;
pub mod pages;
pub mod streams;
pub mod wrong;

/// The refusal of an unknown name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownName {
    /// `NOT_FOUND` with the resource's kind and name.
    Resource(String, String),
    /// `INVALID_ARGUMENT` with the field that has the name.
    Field(String),
}

/// Returns a valid request of a method that every service has, and that names only the service or its regulation.
#[must_use]
pub fn of_every_service(method: &str, service: &str) -> Option<Json> {
    Some(match method {
        "ListDuties"
        | "SummarizeCompliance"
        | "Subscribe"
        | "ListNotifications"
        | "WatchNotifications"
        | "ListClauses" => json!({ "parent": service }),
        "GetClause" => json!({ "name": format!("{service}/clauses/C2.1") }),
        "GetCalendar" => json!({ "name": format!("{service}/calendar") }),
        "VerifyJournal" => json!({ "parent": service, "anchors": [{ "position": 1, "hash": "AAAA" }] }),
        _ => return None,
    })
}

/// A service under test, with its resources and requests.
pub trait World {
    /// The bench that runs the service.
    fn bench(&self) -> &Bench;
    /// The token of an ADMIN.
    fn admin(&self) -> &str;
    /// The token of staff/lin, whose lists have more than one item each.
    fn reader(&self) -> &str;
    /// The token of another person who may read the same lists.
    fn other_reader(&self) -> String;
    /// A valid request of a method, by the method's name.
    fn json(&self, method: &str) -> Json;

    /// What the refusal of a call says of each wrong field. Overridden where a stream rejects single items and not the call.
    fn said(&self, _method: &str, outcome: Result<Vec<u8>, Status>) -> Vec<Said> {
        assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid).said()
    }
    /// Fields named by the refusal of a call.
    fn fields(&self, method: &str, outcome: Result<Vec<u8>, Status>) -> Vec<String> {
        self.said(method, outcome).into_iter().map(|said| said.field).collect()
    }
    /// Field named by the refusal of an unreadable message.
    fn unreadable(&self, _method: &str) -> &'static str {
        ""
    }
    /// Whether a successful reply rejects the item that was sent.
    fn rejects(&self, _method: &str, _reply: &[u8]) -> bool {
        false
    }
    /// Other services that store the sent texts.
    fn beside(&self) -> Vec<&Bench> {
        Vec::new()
    }
    /// The messages of a request stream after the first.
    fn rest(&self, _method: &str) -> Vec<Vec<u8>> {
        Vec::new()
    }
    /// Whether the service looks up resources of a kind, e.g. `kefu/Staff`.
    fn keeps(&self, kind: &str) -> bool;
    /// The refusal of an unknown `name` of this kind in a field.
    fn unknown_name(&self, _method: &str, _field: &str, kind: String, name: String) -> UnknownName {
        UnknownName::Resource(kind, name)
    }
    /// Whether a list accepts this query.
    fn asks(&self, _method: &str, _query: &DynamicMessage) -> bool {
        true
    }
    /// Methods left out of calls aimed at a resource, because a call would change something.
    fn unaimed(&self) -> &[&str] {
        &[]
    }
    /// The field with the resource that the caller must reach, if another than the contract's `resource_field`.
    fn reached_by<'a>(&self, _method: &str, resource_field: &'a str) -> &'a str {
        resource_field
    }
    /// Owner of the resource that a valid request acts on, and the owner's department.
    fn holder(&self, _method: &str) -> (&str, &str) {
        ("staff/lin", "departments/desk")
    }
    /// Number of events that a valid request appends.
    fn events(&self, _method: &str) -> i64 {
        1
    }
    /// The customer of valid requests, if the service has customers.
    fn customer(&self) -> Option<&str> {
        None
    }
    /// Another customer.
    fn other_customer(&self) -> Option<&str> {
        None
    }

    /// The token of a caller who may call a method with its valid request.
    fn able(&self, method: &MethodDescriptor) -> &str {
        let rule = self.bench().chassis().rules.at(&path(method)).unwrap();
        let is_for_admins = rule.access != Access::Self_ && rule.roles.contains(&Role::Admin);
        if is_for_admins { self.admin() } else { self.reader() }
    }

    /// The valid request of a method, as a message.
    fn sample(&self, method: &MethodDescriptor) -> DynamicMessage {
        message(method, &self.json(method.name()))
    }

    /// Calls a method by its name.
    async fn call(&self, token: &str, method: &str, request: Json) -> Result<Vec<u8>, Status> {
        let method = named(method);
        self.send(Some(token), &method, message(&method, &request).encode_to_vec()).await
    }

    /// Calls a method with an encoded request. Returns the first message of the reply.
    async fn send(&self, token: Option<&str>, method: &MethodDescriptor, body: Vec<u8>) -> Result<Vec<u8>, Status> {
        self.send_to(&path(method), token, vec![body]).await
    }

    /// Calls a path with encoded messages; on the wire a unary call is a stream of one message.
    async fn send_to(&self, path: &str, token: Option<&str>, bodies: Vec<Vec<u8>>) -> Result<Vec<u8>, Status> {
        send_on(self.bench(), path, token, bodies).await
    }

    /// Waits until the effects of other services' events are stored.
    async fn settled(&self) {}

    /// Digests every row of every table of the schema, after the journal is sealed and followed. Leaves out the departments
    /// of staff, which tests of access change back and forth.
    async fn digest(&self) -> Vec<String> {
        let schema = self.bench().name().trim_start_matches("services/").to_owned();
        self.settled().await;
        if self.bench().name() == DIRECTORY {
            self.bench().followed().await;
        } else {
            self.bench().seal().await;
        }
        let tables = "select relname::text from pg_class where relkind = 'r' and relname <> 'directory_membership'
            and relnamespace = $1::text::regnamespace";
        let tables: Vec<String> =
            sqlx::query_scalar(tables).bind(&schema).fetch_all(self.bench().admin()).await.unwrap();
        assert!(["journal", "duty", "reply"].iter().all(|&table| tables.iter().any(|known| known == table)));
        let digests: Vec<String> = tables
            .iter()
            .map(|table| format!("select '{table} ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {schema}.{table} as t"))
            .collect();
        let query = sqlx::AssertSqlSafe(format!("{} order by 1", digests.join(" union all ")));
        sqlx::query_scalar(query).fetch_all(self.bench().admin()).await.unwrap()
    }

    /// Every method that the service serves.
    fn methods(&self) -> Vec<MethodDescriptor> {
        let rules = &self.bench().chassis().rules;
        let methods = kefu_proto::pool().services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let methods: Vec<_> = methods.filter(|method| rules.at(&path(method)).is_some()).collect();
        assert_eq!(methods.len(), rules.iter().count());
        methods
    }
}

/// Calls a path of a bench's service with encoded messages; on the wire a unary call is a stream of one message. Returns the
/// first message of the reply.
pub async fn send_on(bench: &Bench, path: &str, token: Option<&str>, bodies: Vec<Vec<u8>>) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(bench.channel());
    client.ready().await.unwrap();
    let mut request = tonic::Request::new(tokio_stream::iter(bodies.into_iter().map(Bytes::from)));
    // Refusals are asked for in Chinese, and checked to be: see `assert_refused`.
    request.metadata_mut().insert("accept-language", "zh-CN".parse().unwrap());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let mut replies = client.streaming(request, path.parse::<PathAndQuery>().unwrap(), Raw).await?.into_inner();
    Ok(replies.message().await?.unwrap_or_default().into())
}

/// The path of a method.
#[must_use]
pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Finds a method by its name, which is unique over all services.
#[must_use]
pub fn named(name: &str) -> MethodDescriptor {
    let mut methods = kefu_proto::pool().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.find(|method| method.name() == name).unwrap_or_else(|| panic!("there is no method {name}"))
}

/// Makes a request of a method from JSON.
#[must_use]
pub fn message(method: &MethodDescriptor, request: &Json) -> DynamicMessage {
    DynamicMessage::deserialize(method.input(), request).unwrap_or_else(|error| panic!("{}: {error}", method.name()))
}

/// Replaces the last id of a name. A singleton such as `complaints/{id}/archive` gets another parent's id.
#[must_use]
pub fn other_name(name: &str, id: &str) -> String {
    let mut segments: Vec<&str> = name.split('/').collect();
    let place = if segments.len().is_multiple_of(2) { segments.len() - 1 } else { segments.len() - 2 };
    segments[place] = id;
    segments.join("/")
}

/// Whether a request has a field.
#[must_use]
pub fn has(request: &DynamicMessage, field: &str) -> bool {
    request.descriptor().get_field_by_name(field).is_some()
}

/// `request` with another value in a field.
#[must_use]
pub fn with(request: &DynamicMessage, field: &str, value: Value) -> DynamicMessage {
    let mut request = request.clone();
    request.set_field_by_name(field, value);
    request
}

/// `request` with another text in a field.
#[must_use]
pub fn with_text(request: &DynamicMessage, field: &str, text: impl Into<String>) -> DynamicMessage {
    with(request, field, Value::String(text.into()))
}
