//! Answers that nobody reads are held for a bounded time, and for as many calls as a caller may have.

use futures::future::join_all;
use h2::client::Builder;
use http::{Request, StatusCode};
use kefu_gateway::Limits;
use kefu_testkit::eventually;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::beside::{BOUND_MIB, LIST, alone, attacked, mei};
use crate::stage::{Stage, lin, told};
use crate::wire::{SOON, Wire, head};

/// Number of calls that a caller may have under way.
const SHARE: usize = 10;
const ROWS: usize = 300;
const PAGE: &str = "/v1/requests?state=CLOSED&pageSize=100";
const EVENTS: &str = "/v1/services/intake/events:subscribe";

/// Makes the gateway end what is not read after 4 s, and gives each caller [`SHARE`] calls.
fn impatient(limits: &mut Limits) {
    limits.stall_ms = 4_000;
    limits.calls_per_caller = SHARE;
}

/// Starts a gateway before an intake with [`ROWS`] long requests, so that pages and feed are large.
async fn talkative(change: impl FnOnce(&mut Limits)) -> Stage {
    let stage = Stage::with(|setup| change(&mut setup.limits)).await;
    let row = |id: usize| {
        json!({"line": "1", "externalId": id.to_string(), "channel": "HOTLINE", "kind": "SERVICE", "state": "CLOSED",
            "department": "departments/desk", "description": "漏".repeat(4_000),
            "contactTime": "2026-01-05T09:00:00+08:00", "closedTime": "2026-01-06T09:00:00+08:00"})
    };
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    let lines = rows.chunks(100).map(|rows| json!({"source": "old", "rows": rows}).to_string()).collect::<Vec<_>>();
    let import = stage.request(Method::POST, "/v1/requests:import").header("content-type", "application/x-ndjson");
    let (status, answer) = told(import.body(lines.join("\n")).send().await.unwrap()).await;
    assert_eq!((status, &answer["importedCount"]), (200, &json!(ROWS.to_string())), "{answer}");
    stage.intake.seal().await;
    stage
}

/// Waits until the caller has as many calls under way as allowed, and then until there are fewer.
async fn held_and_let_go(stage: &Stage) {
    for (what, status) in [("all are held", StatusCode::TOO_MANY_REQUESTS), ("they are let go", StatusCode::OK)] {
        eventually(what, async || {
            let answer = stage.request(Method::GET, LIST).send().await.unwrap();
            (answer.status() == status).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_nobody_reads_are_held_for_a_while_and_for_as_many_calls_as_a_caller_may_have() {
    let _alone = alone().await;
    let stage = talkative(impatient).await;
    let (status, page) = stage.get(PAGE).await;
    assert!(status == 200 && page.to_string().len() > 1_000_000, "{} bytes", page.to_string().len());
    attacked(&stage, BOUND_MIB, async {
        let unread = join_all((0..100).map(|_| async {
            let mut wire = Wire::connect_narrowly(stage.address()).await;
            wire.send(head("GET", PAGE, "connection: close\r\n")).await;
            wire
        }))
        .await;
        held_and_let_go(&stage).await;
        // Every connection has ended. An answer that fits into the kernel's buffers no longer counts, so more than the
        // share may have been answered.
        let came = join_all(unread.into_iter().map(Wire::ended)).await;
        let refused = came.iter().filter(|bytes| bytes.starts_with(b"HTTP/1.1 429")).count();
        println!("{refused} refused");
        assert!((50..100).contains(&refused), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_nobody_reads_are_bounded_by_their_bytes() {
    const UNREAD: usize = 40;
    let _alone = alone().await;
    let bounded = |limits: &mut Limits| {
        limits.stall_ms = 4_000;
        limits.unread_bytes_per_caller = 4 << 20;
    };
    let stage = talkative(bounded).await;
    attacked(&stage, BOUND_MIB, async {
        let unread = join_all((0..UNREAD).map(|_| async {
            let mut wire = Wire::connect_narrowly(stage.address()).await;
            wire.send(head("GET", PAGE, "connection: close\r\n")).await;
            wire
        }))
        .await;
        let came = join_all(unread.into_iter().map(Wire::ended)).await;
        let refused = came.iter().filter(|bytes| bytes.starts_with(b"HTTP/1.1 429")).count();
        println!("{refused} refused");
        assert!(refused >= UNREAD / 2, "{refused}");
        let (status, _) = stage.get(PAGE).await;
        assert_eq!(status, 200, "what was given up counts no more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_nobody_reads_end_their_stream() {
    let _alone = alone().await;
    let stage = talkative(impatient).await;
    attacked(&stage, BOUND_MIB, async {
        let unread = join_all((0..SHARE).map(|_| async {
            let mut wire = Wire::connect_narrowly(stage.address()).await;
            wire.send(head("GET", EVENTS, "accept: text/event-stream\r\n")).await;
            // The stream must have begun before the call that asks whether all are held, which would take its place.
            wire.begun().await;
            wire
        }))
        .await;
        held_and_let_go(&stage).await;
        drop(unread);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_nobody_reads_hold_up_no_other() {
    const UNREAD: usize = 20;
    let _alone = alone().await;
    let stage = talkative(|limits| limits.stall_ms = 60_000).await;
    attacked(&stage, BOUND_MIB, async {
        let mut unread = Vec::new();
        for _ in 0..UNREAD {
            let mut wire = Wire::connect_narrowly(stage.address()).await;
            wire.send(head("GET", EVENTS, "accept: text/event-stream\r\n")).await;
            wire.begun().await;
            unread.push(wire);
        }
        // Another caller reads all events, which are more than the gateway receives ahead of a reader.
        let events = stage.anonymous(Method::GET, EVENTS).bearer_auth(mei()).header("accept", "text/event-stream");
        let mut events = events.send().await.unwrap();
        let last = format!("id: {ROWS}\n");
        let mut read = String::new();
        while !read.contains(&last) {
            let part = timeout(SOON, events.chunk()).await.expect("it goes on").unwrap();
            read.push_str(&String::from_utf8_lossy(&part.expect("it does not end")));
        }
        println!("{} bytes of events", read.len());
        assert!(read.len() > 100_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_http2_that_is_not_read_ends_and_its_connection_goes_on() {
    let _alone = alone().await;
    let stage = talkative(impatient).await;
    attacked(&stage, BOUND_MIB, async {
        let stream = TcpStream::connect(stage.address()).await.unwrap();
        let (send, connection) =
            Builder::new().initial_window_size(1_000).handshake::<_, bytes::Bytes>(stream).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        let get = async |path: &str| {
            let request =
                Request::get(format!("http://kefu{path}")).header("authorization", format!("Bearer {}", lin()));
            let mut ready = send.clone().ready().await.unwrap();
            ready.send_request(request.body(()).unwrap(), true).unwrap().0.await.unwrap()
        };
        let mut unread = Vec::new();
        for number in 0..SHARE {
            unread.push(get(if number % 2 == 0 { PAGE } else { EVENTS }).await);
        }
        assert!(unread.iter().all(|answer| answer.status() == StatusCode::OK));
        held_and_let_go(&stage).await;
        assert_eq!(get(LIST).await.status(), StatusCode::OK);
    })
    .await;
}
