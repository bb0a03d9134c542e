//! Floods of frames: streams, resets, endless headers, settings and pings.

use std::time::Duration;

use kefu_testkit::{BARE, Bench, sign};

use crate::beside::{alone, memory_mib, others_are_served};
use crate::wire::LIST;
use kefu_testkit::raw::{
    CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, RST_STREAM, Raw, SETTINGS, Seen, call,
    frame, header,
};

const STREAMS: u32 = 100_000;
/// The most by which memory may grow in a flood, callers included.
const BOUND_MIB: i64 = 64;
/// How long the server accepts nothing more before an unread flood ends.
const REST: Duration = Duration::from_millis(500);

/// Returns the numbers of the first `count` streams of a client: 1, 3, 5, …
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 1 + 2 * number)
}

/// Sends `parts` on each of the connections and waits for the number of `answers` on each, while others are served.
/// Returns what was received.
async fn flood<I: Iterator<Item = Vec<u8>>>(
    bench: &Bench,
    connections: u32,
    answers: usize,
    parts: impl Fn() -> I,
) -> Vec<Seen> {
    let before = memory_mib();
    let grown = std::sync::Mutex::new(0);
    let seen = others_are_served(bench, async {
        let floods = (0..connections).map(|_| async {
            let raw = Raw::connect(bench.address()).await;
            raw.flood(parts(), answers, async { *grown.lock().unwrap() = memory_mib() - before }).await
        });
        futures::future::join_all(floods).await
    })
    .await;
    let grown = grown.into_inner().unwrap();
    println!("{grown} MiB more; {seen:?}");
    assert!(grown < BOUND_MIB, "{grown} MiB more");
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_calls_that_are_opened_and_left_are_refused_but_for_the_callers_share() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let block = call(LIST, &sign("staff/lin", &["ADMIN"]));
    for connections in [1, 10] {
        let open = || streams(STREAMS / connections).map(|stream| frame(HEADERS, END_HEADERS, stream, &block));
        let seen = flood(&bench, connections, 0, open).await;
        let ended: usize = seen.iter().map(|seen| seen.ended).sum();
        let calm = seen.iter().filter(|seen| seen.goaway == Some(ENHANCE_YOUR_CALM)).count();
        // The server has ended the connections, or all streams beyond the caller's quota.
        assert!(calm == seen.len() || ended + 100 >= STREAMS as usize, "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_calls_of_nobody_are_refused_each() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let block = call(LIST, "x");
    flood(&bench, 4, 0, || streams(STREAMS / 4).map(|stream| frame(HEADERS, END_HEADERS, stream, &block))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let block = call(LIST, &sign("staff/lin", &["ADMIN"]));
    let reset = || {
        let streams: Vec<u32> = streams(STREAMS).collect();
        let (block, chunks) = (block.clone(), streams.chunks(500).map(<[u32]>::to_vec).collect::<Vec<_>>());
        chunks.into_iter().map(move |chunk| {
            let pair = |&stream: &u32| {
                let cancel = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
                [frame(HEADERS, END_HEADERS | END_STREAM, stream, &block), cancel].concat()
            };
            chunk.iter().flat_map(pair).collect()
        })
    };
    let seen = flood(&bench, 2, 0, reset).await;
    assert!(seen.iter().all(|seen| seen.goaway == Some(ENHANCE_YOUR_CALM)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_do_not_end_end_the_connection() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let endless = |fragment: Vec<u8>| {
        let first = frame(HEADERS, END_STREAM, 1, &call(LIST, "x"));
        let rest = (0..100_000).map(move |_| frame(CONTINUATION, 0, 1, &fragment));
        std::iter::once(first).chain(rest)
    };
    for fragment in [header("x-flood", &"x".repeat(1_000)), header("x", ""), Vec::new()] {
        let seen = flood(&bench, 2, 0, || endless(fragment.clone())).await;
        assert!(seen.iter().all(|seen| seen.goaway == Some(ENHANCE_YOUR_CALM)), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_too_large_refuse_their_call_and_no_other() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let large = [call(LIST, &sign("staff/lin", &["ADMIN"])), header("x-large", &"x".repeat(15_000))].concat();
    assert!(large.len() < 16_384, "they fit into one frame, and not into what is taken");
    let calls = || streams(100).map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &large));
    let seen = flood(&bench, 1, 100, calls).await;
    assert_eq!((seen[0].ended, seen[0].goaway), (100, None), "{seen:?}");
    // Headers that repeat one entry of the table are small on the wire and large once decoded.
    let named = [vec![0x40], header("x-large", &"x".repeat(2_000))[1..].to_vec()].concat();
    let bomb = [call(LIST, "x"), named, vec![0xbe; 10_000]].concat();
    let calls = || streams(100).map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &bomb));
    flood(&bench, 1, 100, calls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_pings_without_end_hold_nobody_up_whether_their_answers_are_read_or_not() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let parts = |kind: u8, payload: &[u8]| {
        let many = frame(kind, 0, 0, payload).repeat(1_000);
        (0..200).map(move |_| many.clone())
    };
    let settings = [0, 3, 0, 0, 0, 100];
    for (kind, payload) in [(PING, [1; 8].as_slice()), (SETTINGS, &settings), (SETTINGS, &[])] {
        flood(&bench, 2, 0, || parts(kind, payload)).await;
        let before = memory_mib();
        others_are_served(&bench, async {
            let raw = Raw::connect(bench.address()).await;
            let held = async {
                let grown = memory_mib() - before;
                assert!(grown < BOUND_MIB, "{grown} MiB more");
            };
            raw.flood_unread(parts(kind, payload), REST, held).await;
        })
        .await;
    }
}
