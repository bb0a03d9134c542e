//! Tests of the test kit itself.

use std::time::Instant;

use kefu_proto::events::v1::VerifyJournalRequest;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused, eventually};
use tonic::Code;

#[tokio::test]
async fn a_bench_answers_its_callers_and_refuses_strangers() {
    let bench = Bench::of(&BARE).await;
    let question = VerifyJournalRequest { parent: bench.name(), anchors: Vec::new() };
    let mut known = EventFeedClient::new(bench.as_("staff/wu", &["ADMIN"]));
    assert_eq!(known.verify_journal(question.clone()).await.unwrap().into_inner().event_count, 0);
    let mut stranger = EventFeedClient::new(bench.channel());
    assert_refused(stranger.verify_journal(question).await, Code::Unauthenticated, ErrorReason::TokenInvalid);
    bench.stop().await;
}

#[tokio::test]
async fn every_bench_has_a_database_of_its_own_and_soon() {
    let first = Bench::of(&BARE).await;
    let started = Instant::now();
    let second = Bench::of(&BARE).await;
    eprintln!("a bench in {:?}", started.elapsed());
    sqlx::query("insert into bare.thing values ('x', 1)").execute(first.pool()).await.unwrap();
    assert_eq!(first.number("select count(*) from thing").await, 1);
    assert_eq!(second.number("select count(*) from thing").await, 0);
    assert_ne!(first.database(), second.database());
}

#[tokio::test]
async fn a_line_counts_round_trips_and_can_be_cut_and_mended() {
    let bench = Bench::builder(&BARE).counting().start().await;
    let ask = || async { sqlx::query("select 1").execute(bench.pool()).await };
    assert_eq!(bench.round_trips(ask).await, 1);
    bench.line().cut();
    eventually("connections break", || async { ask().await.is_err().then_some(()) }).await;
    bench.line().mend();
    eventually("connections are made again", || async { ask().await.ok() }).await;
}
