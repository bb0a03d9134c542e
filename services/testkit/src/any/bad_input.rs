//! Bad input to every method: checks code, field and resource of the refusal, and that nothing changed. The cases come from
//! the contracts: a new method is covered as soon as its world has a valid request of it, and fails the tests before.

use std::collections::BTreeMap;

use kefu_proto::field::{FieldRules, exactly_one_of};
use kefu_proto::rules::v1::ErrorReason;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage as _, Value};
use tonic::Code;

use super::wrong::{is_identifier, kind_of, refers_to, wrongs};
use super::{UnknownName, World, has, other_name, with, with_text};
use crate::caller::request_id;
use crate::refusal::assert_refused;

/// An id that no resource has.
pub const NOBODY: &str = "01999999-0000-7000-8000-000000000000";

/// Asserts that every method refuses every bad value of every field, names the field, and changes nothing. Returns the
/// number of cases of each kind.
pub async fn assert_every_field_is_checked(world: &impl World) -> BTreeMap<&'static str, usize> {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let before = world.digest().await;
    for method in world.methods() {
        let cases = wrongs(&world.sample(&method));
        assert!(!cases.is_empty() || method.input().fields().len() == 0, "{}: nothing can be wrong", method.name());
        for case in cases {
            let outcome = world.send(Some(world.able(&method)), &method, case.request.encode_to_vec()).await;
            assert_eq!(world.fields(method.name(), outcome), [case.path], "{}: {}", method.name(), case.what);
            *tried.entry(case.what).or_default() += 1;
        }
        assert_eq!(world.digest().await, before, "{}", method.name());
    }
    eprintln!("wrong fields: {} cases, {tried:?}", tried.values().sum::<usize>());
    tried
}

/// Asserts that every method refuses bytes that are no message, and changes nothing.
pub async fn assert_no_message_is_refused(world: &impl World) {
    let before = world.digest().await;
    for method in world.methods() {
        let good = world.sample(&method).encode_to_vec();
        let cut = good.split_last().map_or(vec![0x0a, 5], |(_, rest)| rest.to_vec());
        let not_utf8 = method.input().get_field(1).map(|_| vec![0x0a, 2, 0xc3, 0x28]);
        for body in [vec![0xff; 3], cut, vec![0x0f]].into_iter().chain(not_utf8) {
            let outcome = world.send(Some(world.able(&method)), &method, body).await;
            assert_eq!(world.fields(method.name(), outcome), [world.unreadable(method.name())], "{}", method.name());
        }
    }
    assert_eq!(world.digest().await, before);
}

/// Asserts that every method names an unknown resource in its refusal. Returns the methods that name no resource.
pub async fn assert_unknown_names_are_told(world: &impl World) -> Vec<String> {
    let before = world.digest().await;
    let (mut tried, mut anonymous) = (0, Vec::new());
    for method in world.methods() {
        let cases = unknown(world, &world.sample(&method), "");
        if cases.is_empty() {
            anonymous.push(method.name().to_owned());
        }
        for case in cases {
            let outcome = world.send(Some(world.able(&method)), &method, case.request.encode_to_vec()).await;
            let about = format!("{} {}", method.name(), case.path);
            match world.unknown_name(method.name(), &case.path, case.kind, case.name) {
                UnknownName::Field(field) => assert_eq!(world.fields(method.name(), outcome), [field], "{about}"),
                UnknownName::Resource(kind, name) => {
                    let refusal = assert_refused(outcome, Code::NotFound, ErrorReason::ResourceNotFound);
                    let told = refusal.details.resource_info().unwrap().resource_type.clone();
                    assert_eq!((told, refusal.resource().to_owned()), (kind, name), "{about}");
                }
            }
            tried += 1;
        }
    }
    assert_eq!(world.digest().await, before);
    eprintln!("unknown names: {tried} cases");
    anonymous
}

struct Unknown {
    path: String,
    kind: String,
    name: String,
    request: DynamicMessage,
}

/// Variants of a request, each with one name replaced by an unknown one: an unused UUID, or an id that is no UUID.
fn unknown(world: &impl World, good: &DynamicMessage, above: &str) -> Vec<Unknown> {
    let mut found = Vec::new();
    for (field, value) in good.fields() {
        let index = if field.is_list() { "[0]" } else { "" };
        let path = format!("{above}{}{index}", field.name());
        let kind = if is_identifier(&field) { kind_of(&good.descriptor()) } else { refers_to(&field) };
        if let Some(kind) = kind.filter(|kind| world.keeps(kind)) {
            let text = value.as_list().map_or(value, |items| &items[0]).as_str().unwrap();
            for id in [NOBODY, "none"] {
                let name = other_name(text, id);
                let value = Value::String(name.clone());
                let value = if field.is_list() { Value::List(vec![value]) } else { value };
                let (path, kind) = (path.clone(), kind.clone());
                found.push(Unknown { path, kind, name, request: with(good, field.name(), value) });
            }
        }
        let inner = value.as_list().map_or(Some(value), |items| items.first());
        if let (Kind::Message(_), Some(inner)) = (field.kind(), inner.and_then(Value::as_message)) {
            for case in unknown(world, inner, &format!("{path}.")) {
                let value = Value::Message(case.request);
                let value = if field.is_list() { Value::List(vec![value]) } else { value };
                found.push(Unknown { request: with(good, field.name(), value), ..case });
            }
        }
    }
    found
}

/// Asserts that every change refuses a stale etag and gives a repeated call the first reply, and that other methods change
/// nothing. Returns the number of methods with a request id, and with an etag.
pub async fn assert_changes_can_be_repeated(world: &impl World) -> (usize, usize) {
    let (mut changes, mut others) = (0, 0);
    for method in world.methods() {
        if let Some(stale) = with_etag(&method, &world.sample(&method), "\"999\"") {
            let before = world.digest().await;
            let outcome = world.send(Some(world.able(&method)), &method, stale.encode_to_vec()).await;
            let refusal = assert_refused(outcome, Code::Aborted, ErrorReason::EtagStale);
            assert!(!refusal.resource().is_empty(), "{}", method.name());
            assert_eq!(world.digest().await, before, "{}", method.name());
            others += 1;
        }
        if has(&world.sample(&method), "request_id") {
            assert_answers_once(world, &method).await;
            changes += 1;
        } else if !method.is_client_streaming() {
            let before = world.digest().await;
            let good = world.sample(&method).encode_to_vec();
            world
                .send(Some(world.able(&method)), &method, good)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", method.name()));
            assert_eq!(world.digest().await, before, "{} reads", method.name());
        }
    }
    (changes, others)
}

/// The request with an etag; none if its method takes no etag.
fn with_etag(method: &MethodDescriptor, good: &DynamicMessage, etag: &str) -> Option<DynamicMessage> {
    if has(good, "etag") {
        return Some(with_text(good, "etag", etag));
    }
    let inner = method.name().strip_prefix("Update")?.to_lowercase();
    let changed = with_text(good.get_field_by_name(&inner)?.as_message()?, "etag", etag);
    Some(with(good, &inner, Value::Message(changed)))
}

/// Asserts that a repeated call has one effect and the same reply, and that another call with the same request id is
/// refused.
async fn assert_answers_once(world: &impl World, method: &MethodDescriptor) {
    let good = with_text(&world.sample(method), "request_id", request_id());
    // What the service does by itself, as it follows its own events, may come at any time.
    let events = async || {
        let by_callers =
            sqlx::query_scalar("select count(*) from journal where actor <> $1").bind(world.bench().name());
        let count: i64 = by_callers.fetch_one(world.bench().admin()).await.unwrap();
        count
    };
    let before = events().await;
    let send =
        async |request: &DynamicMessage| world.send(Some(world.able(method)), method, request.encode_to_vec()).await;
    let reply = send(&good).await.unwrap_or_else(|error| panic!("{}: {error}", method.name()));
    assert_eq!(events().await, before + world.events(method.name()), "{}", method.name());
    let before = world.digest().await;
    assert_eq!(send(&good).await.unwrap(), reply, "{}", method.name());
    let others = with_other_texts(&good);
    assert!(!others.is_empty(), "{}", method.name());
    for other in others {
        let refusal = assert_refused(send(&other).await, Code::InvalidArgument, ErrorReason::RequestIdReused);
        assert_eq!(refusal.fields(), ["request_id"], "{}", method.name());
    }
    assert_eq!(world.digest().await, before, "{}", method.name());
}

/// Whether a field is given on conditions, or others of its message are by it.
fn has_conditions(field: &FieldDescriptor) -> bool {
    let message = field.parent_message();
    message.fields().any(|other| {
        let rules = FieldRules::of(&other);
        let mut conditions = rules.required_when.iter().chain(&rules.only_when).peekable();
        let is_own = other == *field && (conditions.peek().is_some() || !rules.for_roles.is_empty());
        is_own || conditions.any(|condition| condition.field == field.name())
    }) || !exactly_one_of(message).is_empty()
}

/// Variants of a request, each with one text or name changed.
fn with_other_texts(good: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut others = Vec::new();
    for field in good.descriptor().fields().filter(|field| !field.is_list()) {
        let is_name = refers_to(&field).is_some() || is_identifier(&field);
        match good.get_field(&field).as_ref() {
            Value::String(name) if is_name => {
                let other = name.contains('/').then(|| other_name(name, NOBODY));
                others.extend(other.map(|other| with_text(good, field.name(), other)));
            }
            // A text that was not given and that conditions are about would be refused for them.
            Value::String(text) if text.is_empty() && has_conditions(&field) => {}
            Value::String(text) if !["request_id", "email", "currency_code"].contains(&field.name()) => {
                others.push(with_text(good, field.name(), format!("{text}1")));
            }
            Value::Message(inner) if inner.descriptor().full_name().starts_with("kefu.") => {
                others.extend(
                    with_other_texts(inner).into_iter().map(|inner| with(good, field.name(), Value::Message(inner))),
                );
            }
            _ => {}
        }
    }
    others
}
