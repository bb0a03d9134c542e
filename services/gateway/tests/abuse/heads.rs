//! Heads of requests that are too large, or that two readers could understand differently (request smuggling).

use kefu_testkit::raw::{
    CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, Raw, Seen, frame, header, headers,
};

use crate::beside::{BOUND_MIB, LIST, alone, attacked};
use crate::stage::{Stage, lin};
use crate::wire::{Wire, head};

/// Checks that a request is refused by its status alone. hyper itself answers then, before a request is there whose
/// language a problem could have.
async fn refused_by_status(stage: &Stage, bytes: &[u8], status: u16) {
    let mut wire = Wire::connect(stage.address()).await;
    let _ = wire.send(bytes).await;
    let answer = wire.answer().await.expect("it is answered");
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    assert_eq!((answer.status, answer.body.len()), (status, 0), "{shown}: {answer:?}");
    wire.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_are_too_large_are_refused_by_their_status_and_end_their_connection() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let lines = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<Vec<_>>().concat();
    let cookies = "cookie: a=b\r\n".repeat(1_000);
    attacked(&stage, BOUND_MIB, async {
        for more in [lines(101), lines(10_000), cookies, format!("x: {}\r\n", "x".repeat(1 << 20))] {
            refused_by_status(&stage, head("GET", LIST, &more).as_bytes(), 431).await;
        }
        refused_by_status(&stage, &vec![b'x'; 1 << 20], 431).await;
        refused_by_status(&stage, head("GET", &format!("/{}", "x".repeat(1 << 20)), "").as_bytes(), 431).await;
        // A head that never ends is refused as soon as it is too large.
        let mut wire = Wire::connect(stage.address()).await;
        wire.send("GET / HTTP/1.1\r\n").await;
        let answer = wire.flood("x: 1\r\n".repeat(1_000).as_bytes(), 100_000).await;
        assert_eq!(answer.expect("it is answered").status, 431);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_be_two_requests_is_none() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let hidden = format!("0\r\n\r\nGET {LIST} HTTP/1.1\r\nhost: kefu\r\n\r\n");
    let json = "content-type: application/json\r\n";
    for more in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 6\r\n",
        "content-length: +5\r\n",
        "content-length: 5 5\r\n",
        "content-length: -1\r\n",
        "content-length: 0x5\r\n",
        "content-length: 99999999999999999999\r\n",
        "content-length : 5\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x: a\r\n b\r\n",
        "x: a\r\n\tb\r\n",
        " x: a\r\n",
        "x\0: a\r\n",
        "x: a\0b\r\n",
        "x: a\rb\r\n",
        "(x): a\r\n",
        ": a\r\n",
    ] {
        let whole = head("POST", "/v1/customers", &format!("{json}{more}"));
        refused_by_status(&stage, [whole.as_bytes(), hidden.as_bytes()].concat().as_slice(), 400).await;
    }
    for line in [
        "GET",
        "GET /",
        "GET / HTTP/9.9",
        "GET / HTTP/1.1 x",
        "G\0T / HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET / x HTTP/1.1",
    ] {
        refused_by_status(&stage, format!("{line}\r\nhost: kefu\r\n\r\n").as_bytes(), 400).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_said_to_be_chunked_and_so_long_is_chunked_and_nothing_follows_it() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let more = "content-type: application/json\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n";
    let mut wire = Wire::connect(stage.address()).await;
    let hidden = format!("0\r\n\r\n{}", head("GET", LIST, ""));
    wire.send([head("POST", "/v1/customers", more), hidden].concat()).await;
    let first = wire.answer().await.expect("it is answered");
    println!("{first:?}");
    assert_eq!(first.status, 400);
    assert!(wire.answer().await.is_none(), "what follows may be anybody's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_are_no_chunks_break_their_body_off() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let extension = format!("1;{}\r\n \r\n", "x".repeat(1 << 20));
    let trailers = format!("0\r\n{}\r\n", "x: 1\r\n".repeat(100_000));
    attacked(&stage, BOUND_MIB, async {
        for chunks in [
            "x\r\n\r\n",
            "-1\r\n\r\n",
            "fffffffffffffffff\r\n",
            "2\r\n{}x",
            "2\n{}\n0\n\n",
            "1;\n \r\n0\r\n\r\n",
            "2\r\n{}\r\n0\r\nx\r\n\r\n",
            &extension,
            &trailers,
        ] {
            let more = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
            let mut wire = Wire::connect(stage.address()).await;
            wire.send([head("POST", "/v1/customers", more).as_bytes(), chunks.as_bytes()].concat()).await;
            let answer = wire.answer().await;
            println!(
                "{}…: {:?}",
                &chunks[..chunks.len().min(20)].escape_debug(),
                answer.as_ref().map(|answer| answer.status)
            );
            answer.expect("it is answered").refused(400);
            wire.ended().await;
        }
    })
    .await;
}

/// Sends `parts` on a connection of HTTP/2 as an attack, and returns what came back.
async fn flood(stage: &Stage, parts: impl Iterator<Item = Vec<u8>>, answers: usize) -> Seen {
    attacked(stage, BOUND_MIB, async {
        Raw::connect(stage.address()).await.flood(parts, answers, std::future::ready(())).await
    })
    .await
}

fn get(more: &[(&str, &str)]) -> Vec<u8> {
    let authorization = format!("Bearer {}", lin());
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", LIST),
        (":authority", "kefu"),
        ("authorization", authorization.as_str()),
    ];
    headers(&[fields.as_slice(), more].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_http2_that_do_not_end_end_the_connection() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    for fragment in [header("x-flood", &"x".repeat(1_000)), header("x", ""), Vec::new()] {
        let first = frame(HEADERS, END_STREAM, 1, &get(&[]));
        let rest = (0..100_000).map(|_| frame(CONTINUATION, 0, 1, &fragment));
        let seen = flood(&stage, std::iter::once(first).chain(rest), 0).await;
        assert_eq!(seen.goaway, Some(ENHANCE_YOUR_CALM), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_http2_that_are_too_large_refuse_their_call_and_no_other() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let cookies = vec![("cookie", "a=b"); 500];
    // A header counts as its name, its value and 32 bytes more (RFC 9113, 6.5.2).
    let large = "x".repeat(16_370 - get(&[("x-large", "")]).len());
    for more in [cookies.as_slice(), &[("x-large", &large)]] {
        let block = get(more);
        assert!(block.len() < 16_384, "they fit into one frame, and not into what is taken");
        let call = |number: u32| frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * number, &block);
        let seen = flood(&stage, (0..100).map(call), 100).await;
        assert_eq!((seen.ended, seen.goaway), (100, None), "{seen:?}");
    }
}
