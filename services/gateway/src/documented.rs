//! Tests that every form of mapping in the documentation of `google.api.http` is mapped as described there.

use bytes::Bytes;
use http::{HeaderMap, Method as Verb};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, json};

use crate::json;
use crate::problem::{AnswerContext, Problem, ServiceTime};
use crate::request::{RequestHead, message};
use crate::routes::{Found, Routes};

fn pool() -> DescriptorPool {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented");
    let mut compiler = protox::Compiler::new([root, concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto")]).unwrap();
    compiler.include_imports(true).open_file("documented.proto").unwrap();
    compiler.descriptor_pool()
}

/// Returns the method that a request is for and its message, or the problem.
fn mapped(verb: &str, address: &str, body: &str) -> Result<(String, Value), Value> {
    let routes = Routes::within(&pool(), "documented.").unwrap();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let verb: Verb = verb.parse().unwrap();
    let Found::Route(route, captures) = routes.find(&verb, path) else { return Err(json!("nowhere")) };
    let head = RequestHead { captures: &captures, query, headers: &HeaderMap::new() };
    let field = |problem: Problem| {
        let context = AnswerContext {
            language: kefu_chassis::language::Language::English,
            trace_id: String::new(),
            service_time: ServiceTime::default(),
        };
        serde_json::from_slice::<Value>(&problem.document(&context).0).unwrap()["violations"][0]["field"].clone()
    };
    let message = message(route, head, &Bytes::copy_from_slice(body.as_bytes())).map_err(field)?;
    let options = SerializeOptions::new();
    let shown = message.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
    Ok((route.method.descriptor.name().to_owned(), shown))
}

#[test]
fn requests_are_mapped_as_documented() {
    for (verb, address, body, method, expected) in [
        ("GET", "/v1/messages/123456", "", "GetNamed", json!({"name": "messages/123456"})),
        (
            "GET",
            "/v2/messages/123456?revision=2&sub.subfield=foo",
            "",
            "Get",
            json!({"messageId": "123456", "revision": "2", "sub": {"subfield": "foo"}}),
        ),
        ("GET", "/v2/users/me/messages/123456", "", "Get", json!({"userId": "me", "messageId": "123456"})),
        (
            "PATCH",
            "/v3/messages/123456",
            r#"{"text": "Hi!"}"#,
            "UpdateField",
            json!({"messageId": "123456", "message": {"text": "Hi!"}}),
        ),
        (
            "PATCH",
            "/v4/messages/123456",
            r#"{"text": "Hi!"}"#,
            "UpdateWhole",
            json!({"messageId": "123456", "text": "Hi!"}),
        ),
        (
            "POST",
            "/v5/files/a/b%2Fc%20d:open",
            r#"{"text": "x"}"#,
            "Deep",
            json!({"sub": {"path": "files/a/b%2Fc d"}, "message": {"text": "x"}}),
        ),
        ("GET", "/v2/messages/a%2Fb?user_id=%E6%9E%97+%2B", "", "Get", json!({"messageId": "a/b", "userId": "林 +"})),
        (
            "GET",
            "/v6/ask?yes=true&ratio=0.5&count=7&raw=AQI%3D&color=RED&colors=RED&colors=1&numbers=1&numbers=-2\
             &time=2026-11-27T08:00:00%2B08:00&mask=a,bC&maybe=",
            "",
            "Ask",
            json!({
                "yes": true, "ratio": 0.5, "count": 7, "raw": "AQI=", "color": "RED", "colors": ["RED", "RED"],
                "numbers": [1, -2], "time": "2026-11-27T00:00:00Z", "mask": "a,bC", "maybe": "",
            }),
        ),
    ] {
        assert_eq!(mapped(verb, address, body), Ok((method.to_owned(), expected)), "{verb} {address}");
    }
}

#[test]
fn what_is_documented_as_not_possible_is_refused() {
    for (verb, address, body, field) in [
        // Every field that the path does not set belongs to the body.
        ("PATCH", "/v4/messages/1?text=x", "{}", "text"),
        ("PATCH", "/v3/messages/1?message.text=x", "{}", "message.text"),
        // A field that the path sets may not be set again.
        ("GET", "/v2/messages/1?message_id=2", "", "messageId"),
        ("PATCH", "/v4/messages/1", r#"{"messageId": "2"}"#, "messageId"),
        ("GET", "/v6/ask?yes=maybe", "", "yes"),
        ("GET", "/v6/ask?count=-1", "", "count"),
        ("GET", "/v6/ask?count=1&count=2", "", "count"),
        ("GET", "/v6/ask?labels=x", "", "labels"),
        ("GET", "/v6/ask?time=today", "", "time"),
        ("GET", "/v2/messages/1?sub=x", "", "sub"),
    ] {
        assert_eq!(mapped(verb, address, body), Err(json!(field)), "{verb} {address} {body}");
    }
    for (verb, address) in [("POST", "/v1/messages/1"), ("GET", "/v1/messages"), ("POST", "/v5/files/a:close")] {
        assert_eq!(mapped(verb, address, ""), Err(json!("nowhere")));
    }
}

#[test]
fn the_body_of_an_answer_can_be_a_field() {
    let routes = Routes::within(&pool(), "documented.").unwrap();
    let Found::Route(route, _) = routes.find(&Verb::POST, "/v5/files/a:open") else { panic!("nowhere") };
    let mut answer = DynamicMessage::new(route.method.descriptor.output());
    let mut text = Vec::new();
    json::write_field(&answer, route.answer.as_ref().unwrap(), &mut text).unwrap();
    assert_eq!(text, b"\"\"");
    answer.set_field_by_name("text", prost_reflect::Value::String("Hi!".into()));
    text.clear();
    json::write_field(&answer, route.answer.as_ref().unwrap(), &mut text).unwrap();
    assert_eq!(text, b"\"Hi!\"");
}
