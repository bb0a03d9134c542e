//! Streams and the token of their caller: every method with a stream, of requests or of answers, ends with the token.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::join_all;
use kefu_chassis::raw::Raw;
use kefu_proto::rules::v1::ErrorReason;
use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::MethodDescriptor;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status};

use super::{World, path};
use crate::caller::ending_in;
use crate::refusal::assert_refused;

/// How long the tokens hold.
const HOLDS_FOR: Duration = Duration::from_secs(3);
/// How long a stream may take to its end, on a busy machine.
const ENDS_WITHIN: Duration = Duration::from_mins(1);
/// How often a call is tried that must come in the last second of its token.
const TRIES: usize = 20;

/// Calls every method with a stream with a token that ends while the stream goes on. Asserts that each is refused as
/// unauthenticated then, and not before. Returns the names of the methods.
pub async fn assert_streams_end_with_the_token(world: &impl World) -> Vec<String> {
    let methods = world.methods().into_iter();
    let methods: Vec<_> =
        methods.filter(|method| method.is_client_streaming() || method.is_server_streaming()).collect();
    join_all(methods.iter().map(|method| ends_with_its_token(world, method))).await;
    methods.iter().map(|method| method.name().to_owned()).collect()
}

async fn ends_with_its_token(world: &impl World, method: &MethodDescriptor) {
    let began = Instant::now();
    let token = ending_in(world.able(method), HOLDS_FOR);
    let outcome = tokio::time::timeout(ENDS_WITHIN, run(world, method, &token)).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{} has outlived its token", method.name()));
    if outcome.is_ok() {
        return ends_although_it_is_short(world, method).await;
    }
    let held_for = began.elapsed();
    assert!(held_for + Duration::from_secs(1) >= HOLDS_FOR, "{} ended after {held_for:?}", method.name());
    assert_refused(outcome, Code::Unauthenticated, ErrorReason::TokenInvalid);
}

/// Calls a method whose stream ends before any token does, when its token still holds and its time is over: until the second
/// is full, the token opens a call.
async fn ends_although_it_is_short(world: &impl World, method: &MethodDescriptor) {
    for _ in 0..TRIES {
        let token = ending_in(world.able(method), Duration::ZERO);
        let outcome = run(world, method, &token).await;
        // A call that was over before the second was full says nothing.
        if outcome.is_ok() {
            continue;
        }
        if world.call(&token, "ListDuties", world.json("ListDuties")).await.is_ok() {
            assert_refused(outcome, Code::Unauthenticated, ErrorReason::TokenInvalid);
            return;
        }
    }
    panic!("{}: the token of no call held until its end", method.name());
}

/// Calls a method, reads its answers to their end, and never ends a stream of requests.
async fn run(world: &impl World, method: &MethodDescriptor, token: &str) -> Result<(), Status> {
    let mut client = Grpc::new(world.bench().channel());
    client.ready().await.unwrap();
    let bodies = std::iter::once(world.sample(method).encode_to_vec()).chain(world.rest(method.name()));
    let bodies: Vec<_> = bodies.map(Bytes::from).collect();
    let requests = tokio_stream::iter(bodies);
    let requests = if method.is_client_streaming() {
        requests.chain(futures::stream::pending()).boxed()
    } else {
        requests.boxed()
    };
    let mut request = tonic::Request::new(requests);
    request.metadata_mut().insert("accept-language", "zh-CN".parse().unwrap());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let mut answers = client.streaming(request, path(method).parse::<PathAndQuery>().unwrap(), Raw).await?.into_inner();
    while answers.message().await?.is_some() {}
    Ok(())
}
