//! Pages of every list: each item comes once, and a page token is valid for its own query only.

use std::collections::BTreeMap;

use kefu_proto::rules::v1::ErrorReason;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, ReflectMessage as _, Value};
use tonic::Code;

use super::bad_input::NOBODY;
use super::wrong::refers_to;
use super::{World, has, path, with, with_text};
use crate::refusal::assert_refused;

/// Other queries of the same list.
fn other_queries(good: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut queries = Vec::new();
    for field in good.descriptor().fields().filter(|field| !field.name().starts_with("page_")) {
        let value = match field.kind() {
            Kind::String => match refers_to(&field).as_deref() {
                Some("kefu/Service") => continue,
                Some("kefu/Staff") => Value::String("staff/zhao".into()),
                Some("kefu/Department") => Value::String("departments/other".into()),
                Some(kind) => Value::String(format!("{}s/{NOBODY}", kind.trim_start_matches("kefu/").to_lowercase())),
                None if field.name() == "clause" => Value::String("A9.1".into()),
                None if good.has_field(&field) => Value::String("13900139000".into()),
                None => Value::String("1".into()),
            },
            Kind::Enum(_) => Value::EnumNumber(1),
            Kind::Bool => Value::Bool(true),
            Kind::Message(time) => {
                let mut value = DynamicMessage::new(time);
                value.set_field_by_name("seconds", Value::I64(1_795_132_800));
                Value::Message(value)
            }
            kind => panic!("{} is a {kind:?}", field.full_name()),
        };
        queries.push(with(good, field.name(), value));
    }
    queries
}

/// Reads a page: its encoded items, and the token of the next page.
async fn page(world: &impl World, method: &MethodDescriptor, size: i32, token: &str) -> (Vec<Vec<u8>>, String) {
    let call = with(&world.sample(method), "page_size", Value::I32(size));
    let call = with_text(&call, "page_token", token);
    let reply = world.send(Some(world.reader()), method, call.encode_to_vec()).await.unwrap();
    let reply = DynamicMessage::decode(method.output(), reply.as_slice()).unwrap();
    let items = reply.fields().find_map(|(_, value)| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
    let items = items.iter().map(|item| item.as_message().unwrap().encode_to_vec()).collect();
    (items, reply.get_field_by_name("next_page_token").unwrap().as_str().unwrap().to_owned())
}

fn lists(world: &impl World) -> Vec<MethodDescriptor> {
    world.methods().into_iter().filter(|method| has(&world.sample(method), "page_token")).collect()
}

/// Asserts that pages of one item give every item of each list once, in order.
pub async fn assert_pages_give_every_item_once(world: &impl World) {
    for method in lists(world) {
        let (all, rest) = page(world, &method, 200, "").await;
        assert!(all.len() > 1 && rest.is_empty(), "{}", method.name());
        let (mut paged, mut token) = page(world, &method, 1, "").await;
        while !token.is_empty() && paged.len() <= all.len() {
            let (items, next) = page(world, &method, 1, &token).await;
            paged.extend(items);
            token = next;
        }
        assert_eq!(paged, all, "{}", method.name());
    }
}

/// Asserts that a page token is valid for its own method, caller and query only. Returns the number of lists.
pub async fn assert_tokens_hold_for_their_query_only(world: &impl World) -> usize {
    let lists = lists(world);
    let mut tokens = BTreeMap::new();
    for method in &lists {
        let (_, token) = page(world, method, 1, "").await;
        assert!(!token.is_empty(), "{} has no second page", method.name());
        tokens.insert(path(method), token);
    }
    let (reader, other) = (world.reader().to_owned(), world.other_reader());
    let mut refused = 0;
    for method in &lists {
        let own = tokens[&path(method)].clone();
        let good = world.sample(method);
        let next = with_text(&good, "page_token", &own);
        world.send(Some(&reader), method, next.encode_to_vec()).await.unwrap();
        let mut wrong = vec![(&other, next)];
        let queries = other_queries(&good).into_iter().filter(|query| world.asks(method.name(), query));
        wrong.extend(queries.map(|query| (&reader, with_text(&query, "page_token", &own))));
        let foreign = tokens.iter().filter(|(at, _)| **at != path(method)).map(|(_, token)| token.clone());
        let garbage = ["x".to_owned(), "字".into(), "A".repeat(150), format!("{own}A"), own[1..].to_owned()];
        wrong.extend(foreign.chain(garbage).map(|token| (&reader, with_text(&good, "page_token", token))));
        for (caller, request) in wrong {
            let outcome = world.send(Some(caller), method, request.encode_to_vec()).await;
            let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::PageTokenInvalid);
            assert_eq!(refusal.fields(), ["page_token"], "{}: {request:?}", method.name());
            refused += 1;
        }
    }
    eprintln!("page tokens: {refused} refused");
    lists.len()
}
