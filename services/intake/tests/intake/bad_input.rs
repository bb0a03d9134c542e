//! Bad input to every method: the code, the field and the resource that a refusal names, and nothing changed. The cases
//! come from the contracts, so that a method which is added is covered, or has to say here what a good call of it is.

use std::collections::{BTreeMap, BTreeSet};

use kefu_proto::intake::v1::ImportRequestsResponse;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{assert_refused, request_id};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, ReflectMessage as _, Value};
use serde_json::json;
use tonic::{Code, Status};

use super::any::{World, has, message, named, path, with, with_text};
use super::wrong::{is_identifier, kind_of, refers_to, wrongs};

const NOBODY: &str = "01999999-0000-7000-8000-000000000000";

/// The fields that a call was refused for. An import refuses a row, not the call.
fn fields(method: &MethodDescriptor, outcome: Result<Vec<u8>, Status>) -> Vec<String> {
    if let ("ImportRequests", Ok(reply)) = (method.name(), &outcome) {
        let result = ImportRequestsResponse::decode(reply.as_slice()).unwrap();
        assert_eq!((result.imported_count, result.known_count, result.rejected_count), (0, 0, 1));
        return result.rejected_rows.iter().map(|row| format!("rows[0].{}", row.field)).collect();
    }
    let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
    refusal.fields().into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_field_of_every_method_is_checked_and_named_and_nothing_changes() {
    let world = World::new().await;
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let before = world.digest().await;
    for method in world.methods() {
        let cases = wrongs(&world.sample(&method));
        assert!(!cases.is_empty(), "{}: nothing can be wrong with it", method.name());
        for case in cases {
            let outcome = world.send(Some(world.able(&method)), &method, case.request.encode_to_vec()).await;
            assert_eq!(fields(&method, outcome), [case.path], "{}: {}", method.name(), case.what);
            *tried.entry(case.what).or_default() += 1;
        }
        assert_eq!(world.digest().await, before, "{}", method.name());
    }
    let kinds = ["NUL", "blank", "left out", "negative", "no UUID", "no e-mail", "no name", "no time"];
    let kinds = kinds.into_iter().chain(["too little", "too long", "too many", "too much", "twice", "undefined"]);
    assert_eq!(tried.keys().copied().collect::<BTreeSet<_>>(), kinds.collect::<BTreeSet<_>>());
    eprintln!("wrong fields: {} cases, {tried:?}", tried.values().sum::<usize>());
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_and_nothing_changes() {
    let world = World::new().await;
    let before = world.digest().await;
    for method in world.methods() {
        let good = world.sample(&method).encode_to_vec();
        let cut = good.split_last().map_or(vec![0x0a, 5], |(_, rest)| rest.to_vec());
        let not_utf8 = vec![0x0a, 2, 0xc3, 0x28];
        for body in [vec![0xff; 3], cut, vec![0x0f], not_utf8] {
            let outcome = world.send(Some(world.able(&method)), &method, body).await;
            let expected = if method.name() == "ImportRequests" { "rows" } else { "" };
            assert_eq!(fields(&method, outcome), [expected], "{}", method.name());
        }
    }
    assert_eq!(world.digest().await, before);
}

#[tokio::test]
async fn every_method_that_names_a_resource_says_which_one_is_not_known() {
    let world = World::new().await;
    let before = world.digest().await;
    let mut tried = 0;
    for method in world.methods() {
        for case in unknown(&world.sample(&method)) {
            let outcome = world.send(Some(world.able(&method)), &method, case.request.encode_to_vec()).await;
            if method.name() == "ImportRequests" {
                assert_eq!(fields(&method, outcome), ["rows[0].customer"]);
                continue;
            }
            let refusal = assert_refused(outcome, Code::NotFound, ErrorReason::ResourceNotFound);
            let kind = refusal.details.resource_info().unwrap().resource_type.clone();
            let expected = match (method.name(), case.path.as_str()) {
                // What is asked for is the projects, and these are not the unknown customer's.
                ("BatchGetProjects", "parent") => ("kefu/Project".to_owned(), world.project.clone()),
                _ => (case.kind, case.name),
            };
            assert_eq!((kind, refusal.resource().to_owned()), expected, "{} {}", method.name(), case.path);
            tried += 1;
        }
    }
    assert_eq!(world.digest().await, before);
    let naming = world.methods().into_iter().filter(|method| !unknown(&world.sample(method)).is_empty());
    let anonymous = world.methods().len() - naming.count();
    assert_eq!(
        anonymous, 6,
        "CreateCustomer, ListCustomers, FindCustomers, ListRequests, ListMyQueue, WatchRequests name nothing"
    );
    eprintln!("unknown names: {tried} cases");
}

struct Unknown {
    path: String,
    kind: String,
    name: String,
    request: DynamicMessage,
}

/// The request with each name in it replaced by one of nothing: an id that nobody has, and one that is no UUID.
fn unknown(good: &DynamicMessage) -> Vec<Unknown> {
    let mut found = Vec::new();
    for (field, value) in good.fields() {
        let kind = if is_identifier(&field) { kind_of(&good.descriptor()) } else { refers_to(&field) };
        let owned = kind.filter(|kind| !["kefu/Staff", "kefu/Department"].contains(&kind.as_str()));
        if let Some(kind) = owned {
            let text = value.as_list().map_or(value, |items| &items[0]).as_str().unwrap();
            let collection = text.rsplit_once('/').unwrap().0;
            for id in [NOBODY, "none"] {
                let name = format!("{collection}/{id}");
                let value = Value::String(name.clone());
                let value = if field.is_list() { Value::List(vec![value]) } else { value };
                let (path, kind) = (field.name().to_owned(), kind.clone());
                found.push(Unknown { path, kind, name, request: with(good, field.name(), value) });
            }
        }
        let inner = value.as_list().map_or(Some(value), |items| items.first());
        if let (Kind::Message(_), Some(inner)) = (field.kind(), inner.and_then(Value::as_message)) {
            for case in unknown(inner) {
                let value = Value::Message(case.request);
                let value = if field.is_list() { Value::List(vec![value]) } else { value };
                found.push(Unknown { request: with(good, field.name(), value), ..case });
            }
        }
    }
    found
}

#[tokio::test]
async fn every_change_refuses_a_stale_etag_and_answers_a_repeated_call_as_the_first_time() {
    let world = World::new().await;
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
            assert_answers_once(&world, &method).await;
            changes += 1;
        } else if method.name() != "ImportRequests" {
            let before = world.digest().await;
            let good = world.sample(&method).encode_to_vec();
            world
                .send(Some(world.able(&method)), &method, good)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", method.name()));
            assert_eq!(world.digest().await, before, "{} reads", method.name());
        }
    }
    // Four methods make something that has no etag yet.
    assert_eq!((changes, others), (32, 28));
}

/// The request with an etag, if it changes something that has one.
fn with_etag(method: &MethodDescriptor, good: &DynamicMessage, etag: &str) -> Option<DynamicMessage> {
    if has(good, "etag") {
        return Some(with_text(good, "etag", etag));
    }
    let inner = method.name().strip_prefix("Update")?.to_lowercase();
    let changed = with_text(good.get_field_by_name(&inner)?.as_message()?, "etag", etag);
    Some(with(good, &inner, Value::Message(changed)))
}

/// A call with a request id has its effect and its reply once; another call with the same id is refused.
async fn assert_answers_once(world: &World, method: &MethodDescriptor) {
    let good = with_text(&world.sample(method), "request_id", request_id());
    let events = world.bench.number("select count(*) from journal").await;
    let send =
        async |request: &DynamicMessage| world.send(Some(world.able(method)), method, request.encode_to_vec()).await;
    let reply = send(&good).await.unwrap_or_else(|error| panic!("{}: {error}", method.name()));
    // What is linked has an event each.
    let own = if method.name() == "LinkRequests" { 2 } else { 1 };
    assert_eq!(world.bench.number("select count(*) from journal").await, events + own, "{}", method.name());
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

/// The request with each of its texts changed.
fn with_other_texts(good: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut others = Vec::new();
    for field in good.descriptor().fields().filter(|field| !field.is_list()) {
        let is_text =
            refers_to(&field).is_none() && !is_identifier(&field) && !["request_id", "email"].contains(&field.name());
        match good.get_field(&field).as_ref() {
            Value::String(text) if is_text => others.push(with_text(good, field.name(), format!("{text}1"))),
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

/// What else than the page can be asked of a list.
fn other_queries(good: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut queries = Vec::new();
    for field in good.descriptor().fields().filter(|field| !field.name().starts_with("page_")) {
        let value = match field.kind() {
            Kind::String => match refers_to(&field).as_deref() {
                Some("kefu/Service") => continue,
                Some("kefu/Staff") => Value::String("staff/zhao".into()),
                Some("kefu/Department") => Value::String("departments/other".into()),
                Some(kind) => Value::String(format!("{}s/{NOBODY}", kind.trim_start_matches("kefu/").to_lowercase())),
                None if good.has_field(&field) => Value::String("13900139000".into()),
                None => Value::String("1".into()),
            },
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Bool => Value::Bool(true),
            _ => message(&named("ListRequests"), json!({ "start_time": "2026-11-20T00:00:00Z" }))
                .get_field_by_name("start_time")
                .unwrap()
                .into_owned(),
        };
        queries.push(with(good, field.name(), value));
    }
    queries
}

/// The encoded items of a page and the token of the next.
async fn page(world: &World, method: &MethodDescriptor, size: i32, token: &str) -> (Vec<Vec<u8>>, String) {
    let call = with(&world.sample(method), "page_size", Value::I32(size));
    let call = with_text(&call, "page_token", token);
    let reply = world.send(Some(&world.agent), method, call.encode_to_vec()).await.unwrap();
    let reply = DynamicMessage::decode(method.output(), reply.as_slice()).unwrap();
    let items = reply.fields().find_map(|(_, value)| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
    let items = items.iter().map(|item| item.as_message().unwrap().encode_to_vec()).collect();
    (items, reply.get_field_by_name("next_page_token").unwrap().as_str().unwrap().to_owned())
}

fn lists(world: &World) -> Vec<MethodDescriptor> {
    world.methods().into_iter().filter(|method| has(&world.sample(method), "page_token")).collect()
}

#[tokio::test]
async fn pages_of_one_item_give_every_item_of_a_list_once_in_its_order() {
    let world = World::new().await;
    for method in lists(&world) {
        let (all, rest) = page(&world, &method, 200, "").await;
        assert!(all.len() > 1 && rest.is_empty(), "{}", method.name());
        let (mut paged, mut token) = page(&world, &method, 1, "").await;
        while !token.is_empty() && paged.len() <= all.len() {
            let (items, next) = page(&world, &method, 1, &token).await;
            paged.extend(items);
            token = next;
        }
        assert_eq!(paged, all, "{}", method.name());
    }
}

#[tokio::test]
async fn a_page_token_holds_for_its_own_method_caller_and_query_only() {
    let world = World::new().await;
    let lists = lists(&world);
    let mut tokens = BTreeMap::new();
    for method in &lists {
        let (_, token) = page(&world, method, 1, "").await;
        assert!(!token.is_empty(), "{} has no second page", method.name());
        tokens.insert(path(method), token);
    }
    let other = kefu_testkit::sign("staff/mei", &["AGENT"]);
    let mut refused = 0;
    for method in &lists {
        let own = tokens[&path(method)].clone();
        let good = world.sample(method);
        let next = with_text(&good, "page_token", &own);
        world.send(Some(&world.agent), method, next.encode_to_vec()).await.unwrap();
        let mut wrong = vec![(&other, next)];
        // FindCustomers asks one question at a time: there the other question is another number.
        let queries = other_queries(&good)
            .into_iter()
            .filter(|query| method.name() != "FindCustomers" || query.fields().count() == 1);
        wrong.extend(queries.map(|query| (&world.agent, with_text(&query, "page_token", &own))));
        let foreign = tokens.iter().filter(|(at, _)| **at != path(method)).map(|(_, token)| token.clone());
        let garbage = ["x".to_owned(), "字".into(), "A".repeat(500), format!("{own}A"), own[1..].to_owned()];
        wrong.extend(foreign.chain(garbage).map(|token| (&world.agent, with_text(&good, "page_token", token))));
        for (caller, request) in wrong {
            let outcome = world.send(Some(caller), method, request.encode_to_vec()).await;
            let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::PageTokenInvalid);
            assert_eq!(refusal.fields(), ["page_token"], "{}: {request:?}", method.name());
            refused += 1;
        }
    }
    assert_eq!(lists.len(), 13);
    eprintln!("page tokens: {refused} refused");
}
