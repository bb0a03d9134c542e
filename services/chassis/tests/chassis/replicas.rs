//! Two replicas on one database do each thing once.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use kefu_chassis::{duties, journal};
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest, VerifyJournalRequest};
use kefu_testkit::{BARE, Bench};
use tokio::task::JoinSet;

use crate::stage::{duty, store, write};

async fn journal_of(bench: &Bench, events: i64) -> Vec<Event> {
    let request = SubscribeRequest { parent: bench.name(), ..SubscribeRequest::default() };
    let mut stream = EventFeedClient::new(bench.as_service()).subscribe(request).await.unwrap().into_inner();
    let mut journal = Vec::new();
    while i64::try_from(journal.len()).unwrap() < events {
        journal.extend(stream.message().await.unwrap().unwrap().event);
    }
    journal
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sealers_at_once_seal_every_event_once() {
    let first = Arc::new(Bench::of(&BARE).await);
    let second = Arc::new(first.replica().await);
    let mut work = JoinSet::new();
    for (number, bench) in [&first, &second].into_iter().cycle().take(8).cloned().enumerate() {
        let sealing = bench.clone();
        work.spawn(async move { write(&bench, &format!("things/{number}"), 60).await });
        work.spawn(async move {
            for _ in 0..60 {
                journal::seal(sealing.chassis()).await.unwrap();
            }
        });
    }
    work.join_all().await;
    first.seal().await;
    let request = VerifyJournalRequest { parent: first.name(), anchors: Vec::new() };
    let verified = EventFeedClient::new(second.as_service()).verify_journal(request).await.unwrap().into_inner();
    assert_eq!((verified.event_count, verified.unsealed_count, verified.findings), (480, 0, Vec::new()));
    // The feed of each replica has also what the other sealed.
    assert_eq!(journal_of(&first, 480).await, journal_of(&second, 480).await);
}

#[tokio::test]
async fn postgres_ends_the_transactions_of_a_replica_that_stands_still() {
    let bench = Bench::of(&BARE).await;
    let limit: String =
        sqlx::query_scalar("show idle_in_transaction_session_timeout").fetch_one(bench.pool()).await.unwrap();
    assert_eq!(limit, "10s", "what it has locked is free again after that");
    let path: String = sqlx::query_scalar("show search_path").fetch_one(bench.pool()).await.unwrap();
    assert_eq!(path, "bare", "beside what its connections are told otherwise");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clocks_at_once_mark_every_overdue_duty_once() {
    const DUTIES: usize = 1_300;
    let first = Arc::new(Bench::of(&BARE).await);
    let second = Arc::new(first.replica().await);
    let overdue =
        (0..DUTIES).map(|number| duty(&first, &format!("things/{number}"), "staff/lin", "departments/desk", 1));
    let later = (0..50).map(|number| duty(&first, &format!("things/{number}"), "staff/lin", "departments/desk", 9));
    store(&first, overdue.chain(later).collect()).await;
    first.time().advance(SignedDuration::from_hours(2));
    let mut work = JoinSet::new();
    for bench in [&first, &second].into_iter().cycle().take(6) {
        let bench = bench.clone();
        work.spawn(async move { while duties::mark_overdue(bench.chassis()).await.unwrap() > 0 {} });
    }
    work.join_all().await;
    first.mark_overdue().await;
    first.seal().await;
    // One event stored the duties. Each overdue duty has two more: its breach, which notifies the owner, and the
    // escalation to the supervisor.
    let events = i64::try_from(2 * DUTIES).unwrap() + 1;
    assert_eq!(first.number("select count(*) from journal").await, events);
    let mut breaches: HashMap<String, usize> = HashMap::new();
    for event in journal_of(&second, events).await {
        for change in event.duty_changes.iter().filter(|change| change.kind() == Kind::Breached) {
            *breaches.entry(change.duty.clone()).or_default() += 1;
        }
    }
    assert_eq!((breaches.len(), breaches.values().max()), (DUTIES, Some(&1)));
    let told =
        "select count(*) from (select duty from notification group by duty, recipient having count(*) = 1) as once";
    assert_eq!(first.number(told).await, i64::try_from(2 * DUTIES).unwrap(), "each is told of each breach once");
    let marked = "select count(*) from duty where breached_at = due_at and version = 4 and escalation_level = 2";
    assert_eq!(first.number(marked).await, i64::try_from(DUTIES).unwrap(), "opened, marked, told, told on");
    assert_eq!(first.number("select count(*) from duty where breached_at is null").await, 50);
}
