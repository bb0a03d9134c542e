//! Connections that never make a call, that are left idle, or that are too many.

use std::time::Duration;

use kefu_chassis::config::Limits;
use kefu_proto::events::v1::SubscribeRequest;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_testkit::{BARE, Bench, eventually, sign};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::beside::{alone, call as others_call, memory_mib, others_are_served};
use crate::wire::{LIST, Wire, message};
use kefu_testkit::raw::{HEADERS, PREFACE, Raw, SETTINGS, call, frame};

const SOON: Duration = Duration::from_secs(15);

/// Returns when the other side has ended the connection.
async fn ended(stream: &mut TcpStream) {
    timeout(SOON, async {
        let mut bytes = [0; 1_024];
        while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
    })
    .await
    .expect("it is ended");
}

#[tokio::test]
async fn a_connection_that_sends_nothing_or_not_enough_is_ended() {
    let _alone = alone().await;
    let half_a_call = frame(HEADERS, 0, 1, &call(LIST, "x"));
    let after_settings = |rest: &[u8]| [PREFACE, &frame(SETTINGS, 0, 0, &[]), rest].concat();
    let soon = Limits { handshake_ms: 100, ..Limits::default() };
    let idle = Limits { idle_ms: 100, ..Limits::default() };
    for (limits, sent) in [
        (soon, Vec::new()),
        (idle, PREFACE[..5].to_vec()),
        (idle, PREFACE.to_vec()),
        (idle, [PREFACE, &frame(SETTINGS, 0, 0, &[0; 6])[..7]].concat()),
        (idle, after_settings(&[])),
        (idle, after_settings(&half_a_call[..20])),
        (idle, after_settings(&half_a_call)),
    ] {
        let bench = Bench::builder(&BARE).limits(limits).start().await;
        let mut stream = TcpStream::connect(bench.address()).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        println!("{} bytes sent", sent.len());
        others_are_served(&bench, ended(&mut stream)).await;
    }
}

#[tokio::test]
async fn what_is_no_http2_ends_the_connection_at_once() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    for sent in [
        b"GET / HTTP/1.1\r\nhost: kefu\r\n\r\n".as_slice(),
        &[0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3].repeat(10),
        &[PREFACE, &[0xff; 1_000]].concat(),
        &[PREFACE, &frame(SETTINGS, 0, 1, &[])].concat(),
    ] {
        let mut stream = TcpStream::connect(bench.address()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        others_are_served(&bench, ended(&mut stream)).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_call_is_told_to_go_and_one_with_a_call_stays() {
    let _alone = alone().await;
    let bench = Bench::builder(&BARE).limits(Limits { idle_ms: 200, ..Limits::default() }).start().await;
    let subscribe = SubscribeRequest { parent: bench.name(), ..Default::default() };
    let mut feed = EventFeedClient::new(bench.as_service()).subscribe(subscribe).await.unwrap().into_inner();
    let mut left = Wire::connect(&bench, 65_535).await;
    let list = kefu_proto::compliance::v1::ListDutiesRequest { parent: bench.name(), ..Default::default() };
    assert_eq!(left.status(LIST, &[], message(&list)).await.code(), tonic::Code::Ok);
    timeout(SOON, left.closed()).await.expect("it is told to go");
    crate::stage::write(&bench, "things/1", 1).await;
    assert!(feed.message().await.unwrap().unwrap().event.is_some());
}

#[tokio::test]
async fn for_one_connection_too_many_the_one_longest_without_a_call_is_closed() {
    let _alone = alone().await;
    let bench = Bench::builder(&BARE).limits(Limits { connections: 20, ..Limits::default() }).start().await;
    let subscribe = SubscribeRequest { parent: bench.name(), ..Default::default() };
    let mut feed = EventFeedClient::new(bench.as_service()).subscribe(subscribe).await.unwrap().into_inner();
    let before = memory_mib();
    let mut idle = Vec::new();
    for _ in 0..2_000 {
        idle.push(Raw::connect(bench.address()).await);
    }
    others_call(&bench, "staff/mei").await.unwrap();
    crate::stage::write(&bench, "things/1", 1).await;
    assert!(feed.message().await.unwrap().unwrap().event.is_some(), "the feed's connection has a call");
    let grown = memory_mib() - before;
    assert!(grown < 64, "{grown} MiB more");
    let rest = idle.split_off(1_900);
    let closed = futures::future::join_all(idle.into_iter().map(Raw::ending));
    timeout(SOON, closed).await.expect("those that came first have made room");
    drop(rest);
}

#[tokio::test]
async fn when_every_connection_has_a_call_no_more_are_accepted_until_one_is_over() {
    let _alone = alone().await;
    let bench = Bench::builder(&BARE).limits(Limits { connections: 3, ..Limits::default() }).start().await;
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::connect(&bench, 65_535).await;
        let sent = wire.begin(LIST, &sign("staff/root", &["ADMIN"]), &[]).await;
        busy.push((wire, sent));
    }
    // A call counts once the server has read it; until then its connection may be closed to make room.
    eventually("no more are accepted", async || others_call(&bench, "staff/mei").await.err()).await;
    for (wire, _) in &mut busy {
        assert!(timeout(Duration::ZERO, wire.closed()).await.is_err(), "no call was cut off");
    }
    busy.pop();
    eventually("there is room", async || others_call(&bench, "staff/mei").await.ok()).await;
}
