//! The quota of calls under way of one caller.

use std::time::Duration;

use kefu_chassis::config::Limits;
use kefu_proto::compliance::v1::ListDutiesRequest;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused, eventually, sign};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::beside::{alone, call, others_are_served};
use crate::wire::{LIST, Wire, message};

/// Asserts that a call was refused as overloaded, with a time to retry.
fn assert_beyond(refused: Status) {
    let refusal = assert_refused(Err::<(), _>(refused), Code::ResourceExhausted, ErrorReason::Overloaded);
    assert!(refusal.details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()));
}

#[tokio::test]
async fn a_caller_beyond_its_share_is_told_to_come_back_and_others_are_served() {
    let _alone = alone().await;
    let limits = Limits { calls_per_caller: 3, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    let mut wire = Wire::connect(&bench, 65_535).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(wire.begin(LIST, &sign("staff/lin", &["ADMIN"]), &[]).await);
    }
    let refused = eventually("the share is taken", async || call(&bench, "staff/lin").await.err());
    assert_beyond(others_are_served(&bench, refused).await);
    held.pop();
    eventually("what is over counts no more", async || call(&bench, "staff/lin").await.ok()).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_count_until_they_are_written_even_if_a_byte_was_asked_for() {
    let _alone = alone().await;
    for window in [0, 1] {
        let limits = Limits { calls_per_caller: 3, ..Limits::default() };
        let bench = Bench::builder(&BARE).limits(limits).start().await;
        let mut wire = Wire::connect(&bench, window).await;
        let list = message(&ListDutiesRequest { parent: bench.name(), ..Default::default() });
        let mut unread = Vec::new();
        for _ in 0..3 {
            let mut sent = wire.begin(LIST, &sign("staff/lin", &["ADMIN"]), &[]).await;
            sent.body.send_data(list.clone(), true).unwrap();
            unread.push(sent.stream().await);
        }
        assert_beyond(others_are_served(&bench, call(&bench, "staff/lin")).await.unwrap_err());
        drop(unread);
        eventually("they are given up", async || call(&bench, "staff/lin").await.ok()).await;
    }
}

#[tokio::test]
async fn those_who_need_not_say_who_they_are_share_one_share_and_health_is_told_regardless() {
    let _alone = alone().await;
    let limits = Limits { calls_per_caller: 2, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    let mut health = HealthClient::new(bench.channel());
    let mut watches = Vec::new();
    for _ in 0..2 {
        watches.push(health.watch(HealthCheckRequest::default()).await.unwrap());
    }
    assert_beyond(health.watch(HealthCheckRequest::default()).await.unwrap_err());
    others_are_served(&bench, async {
        for _ in 0..5 {
            health.check(HealthCheckRequest::default()).await.unwrap();
        }
    })
    .await;
    drop(watches);
    eventually("there is room", async || health.clone().watch(HealthCheckRequest::default()).await.ok()).await;
}

#[tokio::test]
async fn a_call_whose_message_does_not_come_ends_at_its_deadline_and_one_that_trickles_too() {
    let _alone = alone().await;
    let limits = Limits { deadline_ms: 300, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    let mut wire = Wire::connect(&bench, 65_535).await;
    let token = sign("staff/lin", &["ADMIN"]);
    others_are_served(&bench, async {
        let never = wire.begin(LIST, &token, &[]).await;
        let mut trickle = wire.begin(LIST, &token, &[]).await;
        let mut body = message(&ListDutiesRequest { parent: "x".repeat(10_000), ..Default::default() });
        let (never, trickled) = tokio::join!(never.status(), async {
            let trickling = async {
                loop {
                    let _ = trickle.body.send_data(body.split_to(1), false);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::select! {
                answer = trickle.answer => Status::from_header_map(answer.unwrap().headers()).unwrap(),
                () = trickling => unreachable!("it trickles for ever"),
            }
        });
        for status in [never, trickled] {
            assert_refused(Err::<(), _>(status), Code::DeadlineExceeded, ErrorReason::DeadlinePassed);
        }
        // Anybody may ask for health, so a health call has a shorter deadline than others.
        let health = wire.begin("/grpc.health.v1.Health/Check", "", &[("grpc-timeout", "1H")]).await;
        assert_refused(Err::<(), _>(health.status().await), Code::DeadlineExceeded, ErrorReason::DeadlinePassed);
    })
    .await;
}
