//! Callers that do not read their answers, or read them slowly.

use std::time::Duration;

use h2::Reason;
use kefu_chassis::config::Limits;
use kefu_proto::events::v1::SubscribeRequest;
use kefu_testkit::{BARE, Bench, eventually, sign};
use tokio::time::timeout;

use crate::beside::{alone, memory_mib, others_are_served};
use crate::stage::write;
use crate::wire::{SUBSCRIBE, Wire, message};
use kefu_testkit::raw::{DATA, END_HEADERS, END_STREAM, HEADERS, PING, Raw, call, frame};

const EVENTS: usize = 600;

fn subscribe(bench: &Bench) -> bytes::Bytes {
    message(&SubscribeRequest { parent: bench.name(), ..Default::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_read_is_reset_and_its_slot_is_free_again() {
    let _alone = alone().await;
    let limits = Limits { stall_ms: 500, streams: 50, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    write(&bench, "things/1", EVENTS).await;
    bench.seal().await;
    let before = memory_mib();
    let mut streams = Vec::new();
    // The window of the first connection takes no message at all, that of the second a few.
    let mut wires = [Wire::connect(&bench, 0).await, Wire::connect(&bench, 4_000).await];
    for number in 0..50 {
        let wire = &mut wires[number % 2];
        let mut sent = wire.begin(SUBSCRIBE, &sign("staff/root", &["ADMIN"]), &[]).await;
        sent.body.send_data(subscribe(&bench), true).unwrap();
        streams.push(sent.stream().await);
    }
    let grown = memory_mib() - before;
    assert!(grown < 64, "{grown} MiB more");
    others_are_served(&bench, async {
        for (mut body, _) in streams {
            let reset = timeout(Duration::from_secs(15), async {
                loop {
                    // The received bytes are not released to the window, so no more may come.
                    match body.data().await {
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return error.reason(),
                        None => return None,
                    }
                }
            });
            assert_eq!(reset.await.expect("it is reset"), Some(Reason::CANCEL));
        }
    })
    .await;
    let mut sent = wires[1].begin(SUBSCRIBE, &sign("staff/root", &["ADMIN"]), &[]).await;
    sent.body.send_data(subscribe(&bench), true).unwrap();
    let (mut body, _) = sent.stream().await;
    assert!(body.data().await.unwrap().is_ok(), "a slot was free, and the connection was spared");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_read_slowly_goes_on_for_longer_than_it_may_wait() {
    let _alone = alone().await;
    let bench = Bench::builder(&BARE).limits(Limits { stall_ms: 1_000, ..Limits::default() }).start().await;
    write(&bench, "things/1", EVENTS).await;
    bench.seal().await;
    let mut wire = Wire::connect(&bench, 4_000).await;
    let mut sent = wire.begin(SUBSCRIBE, &sign("staff/root", &["ADMIN"]), &[]).await;
    sent.body.send_data(subscribe(&bench), true).unwrap();
    let (mut body, _sending) = sent.stream().await;
    let mut read = 0;
    let began = tokio::time::Instant::now();
    // The sleep is the slow reading itself: each part is released a while after it came.
    while began.elapsed() < Duration::from_secs(3) || read < 10_000 {
        let part = timeout(Duration::from_secs(15), body.data()).await.unwrap().unwrap().unwrap();
        read += part.len();
        tokio::time::sleep(Duration::from_millis(20)).await;
        body.flow_control().release_capacity(part.len()).unwrap();
    }
    // A stream on which nothing happens is not reset: no part of it waits to be read.
    let mut quiet = Wire::connect(&bench, 65_535).await;
    let after = bench.number("select max(position) from journal").await;
    let mut sent = quiet.begin(SUBSCRIBE, &sign("staff/root", &["ADMIN"]), &[]).await;
    let from_now = SubscribeRequest { parent: bench.name(), after_position: after, ..Default::default() };
    sent.body.send_data(message(&from_now), true).unwrap();
    let (mut body, _sending) = sent.stream().await;
    assert!(timeout(Duration::from_millis(1_500), body.data()).await.is_err(), "nothing comes and nothing ends");
    write(&bench, "things/2", 1).await;
    assert!(body.data().await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_bytes_nobody_takes_is_ended() {
    const STREAMS: u32 = 100;
    let _alone = alone().await;
    // The bound of idleness is longer than other callers pause between calls, even on a busy machine.
    let limits = Limits { stall_ms: 300, idle_ms: 5_000, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    write(&bench, "things/1", EVENTS).await;
    bench.seal().await;
    let before = memory_mib();
    let mut raw = Raw::connect_greedily(bench.address()).await;
    let headers = call(SUBSCRIBE, &sign("staff/root", &["ADMIN"]));
    for number in 0..STREAMS {
        let stream = 2 * number + 1;
        let body = frame(DATA, END_STREAM, stream, &subscribe(&bench));
        assert!(raw.send(&[frame(HEADERS, END_HEADERS, stream, &headers), body].concat()).await);
    }
    others_are_served(&bench, async {
        let raw = tokio::sync::Mutex::new(raw);
        eventually("nobody is there to take a ping", async || {
            let grown = memory_mib() - before;
            assert!(grown < 128, "{grown} MiB more");
            (!raw.lock().await.send(&frame(PING, 0, 0, &[0; 8])).await).then_some(())
        })
        .await;
    })
    .await;
}
