//! The feed equals what was committed: without gaps, the events of each aggregate in order, the same for every
//! subscriber of every replica, whenever it subscribes.

use std::collections::HashMap;
use std::sync::Arc;

use kefu_chassis::Error;
use kefu_chassis::journal::NewEvent;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest, SubscribeResponse, VerifyJournalRequest};
use kefu_proto::notifications::v1::NotificationAcknowledged;
use kefu_testkit::{BARE, Bench, Dice};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Streaming;

use crate::stage::{call, touch, write};

const WRITERS: u64 = 64;
const CHANGES: u64 = 12;
const THINGS: u64 = 24;

/// Two servers on one database, each with a sealer.
type Replicas = Arc<[Bench; 2]>;

#[derive(Clone, Copy)]
enum Pace {
    Fast,
    Slow,
    Reconnecting,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_feed_is_what_committed_whatever_writers_sealers_and_subscribers_do() {
    let seed = Dice::seed();
    let bench = Bench::builder(&BARE).connections(20).start().await;
    let replicas = Arc::new([bench.replica().await, bench]);
    let total = watch::Sender::new(None);
    let mut readers = JoinSet::new();
    for (index, pace) in (0..).zip([Pace::Fast, Pace::Fast, Pace::Slow, Pace::Reconnecting, Pace::Reconnecting]) {
        readers.spawn(follow(replicas.clone(), pace, Dice::new(seed + index), total.subscribe()));
    }
    let mut troubles = JoinSet::new();
    for seed in [!seed, !seed / 2] {
        troubles.spawn(trouble(replicas.clone(), Dice::new(seed), total.subscribe()));
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(keep_writing(replicas.clone(), Dice::new(seed ^ (writer << 32))));
    }
    let mut committed: Vec<(String, i64)> = writers.join_all().await.into_iter().flatten().collect();
    assert!(committed.len() > 500, "more than a page");
    total.send_replace(Some(committed.len()));
    println!("replicas that were stopped, and that were cut off: {:?}", troubles.join_all().await);
    let mut feeds = readers.join_all().await;

    let feed = feeds.pop().unwrap();
    assert!(feeds.iter().all(|other| *other == feed), "all subscribers see the same");
    let positions: Vec<i64> = feed.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=i64::try_from(committed.len()).unwrap()).collect::<Vec<_>>());
    let mut versions = HashMap::new();
    for event in &feed {
        let version = versions.entry(event.aggregate.as_str()).or_insert(0);
        *version += 1;
        assert_eq!(event.aggregate_version, *version, "{} at {}", event.aggregate, event.position);
    }
    let mut told: Vec<(String, i64)> =
        feed.iter().map(|event| (event.aggregate.clone(), event.aggregate_version)).collect();
    told.sort();
    committed.sort();
    assert_eq!(told, committed);

    // A later subscriber sees the same, on both replicas and on a third that has sealed nothing.
    let later = replicas[0].replica().await;
    for bench in replicas.iter().chain([&later]) {
        let mut stream = subscribe(bench, 0, &[]).await;
        for event in &feed {
            assert_eq!(stream.message().await.unwrap().unwrap().event.as_ref(), Some(event));
        }
    }
    let request = VerifyJournalRequest { parent: later.name(), anchors: Vec::new() };
    let verified = EventFeedClient::new(later.as_service()).verify_journal(request).await.unwrap().into_inner();
    assert_eq!((verified.findings, verified.unsealed_count), (Vec::new(), 0));
    assert_eq!(
        verified.head.map(|head| (head.position, head.hash)),
        feed.last().map(|last| (last.position, last.hash.clone()))
    );
}

fn one_of<'a>(replicas: &'a Replicas, dice: &mut Dice) -> &'a Bench {
    &replicas[usize::from(dice.below(2) == 0)]
}

/// Starts further replicas, one after the other, until everything is written. Each seals for a moment, then is stopped
/// or loses its line to Postgres. Returns how many were stopped, and how many were cut off.
async fn trouble(replicas: Replicas, mut dice: Dice, total: watch::Receiver<Option<usize>>) -> (usize, usize) {
    let (mut stopped, mut cut) = (0, 0);
    while total.borrow().is_none() || stopped == 0 {
        let third = Bench::builder(&BARE).on_a_line().connections(4).on_the_clock_of(&replicas[0]);
        let third = third.start_on(replicas[0].database()).await.unwrap();
        dice.dawdle(60_000).await;
        if cut > stopped {
            third.stop().await;
            stopped += 1;
        } else {
            third.line().cut();
            cut += 1;
        }
    }
    (stopped, cut)
}

/// Changes things; some changes are dropped or lose their connection. Returns what was committed.
async fn keep_writing(replicas: Replicas, mut dice: Dice) -> Vec<(String, i64)> {
    let mut committed = Vec::new();
    for _ in 0..CHANGES {
        let bench = one_of(&replicas, &mut dice);
        let call = call(bench);
        let name = format!("things/{}", dice.below(THINGS));
        let events = 1 + i64::try_from(dice.below(3)).unwrap();
        let mut work = bench.chassis().begin(&call).await.unwrap();
        let version = touch(&mut work, &name, call.now, events).await.unwrap();
        dice.dawdle(8_000).await;
        match dice.below(40) {
            0..8 => drop(work),
            8 => {
                let killed = "select pg_terminate_backend($1, 10000)";
                let process: i32 =
                    sqlx::query_scalar("select pg_backend_pid()").fetch_one(work.connection()).await.unwrap();
                assert!(sqlx::query_scalar(killed).bind(process).fetch_one(bench.admin()).await.unwrap_or(false));
                assert!(matches!(work.commit(()).await, Err(Error::Away(_))));
            }
            _ => {
                work.commit(()).await.unwrap();
                committed.extend((version - events + 1..=version).map(|version| (name.clone(), version)));
            }
        }
    }
    committed
}

/// Reads the feed until as many events have come as `total` says, and returns them.
async fn follow(
    replicas: Replicas,
    pace: Pace,
    mut dice: Dice,
    mut total: watch::Receiver<Option<usize>>,
) -> Vec<Event> {
    let mut seen: Vec<Event> = Vec::new();
    let mut stream = subscribe(one_of(&replicas, &mut dice), 0, &[]).await;
    while total.borrow().is_none_or(|total| seen.len() < total) {
        tokio::select! {
            message = stream.message() => {
                let SubscribeResponse { event, head_position } = message.unwrap().unwrap();
                let Some(event) = event else { continue };
                assert!(head_position >= event.position);
                seen.push(event);
            }
            changed = total.changed() => changed.unwrap(),
        }
        match pace {
            Pace::Slow => dice.dawdle(1_500).await,
            Pace::Reconnecting if dice.below(20) == 0 => {
                let after = seen.last().map_or(0, |event| event.position);
                stream = subscribe(one_of(&replicas, &mut dice), after, &[]).await;
            }
            Pace::Fast | Pace::Reconnecting => {}
        }
    }
    seen
}

async fn subscribe(bench: &Bench, after_position: i64, types: &[&str]) -> Streaming<SubscribeResponse> {
    let payload_types = types.iter().map(|&name| name.to_owned()).collect();
    let request = SubscribeRequest { parent: bench.name(), after_position, payload_types };
    EventFeedClient::new(bench.as_service()).subscribe(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_subscriber_resumes_after_its_position_and_gets_only_the_types_it_asked_for() {
    let bench = Bench::of(&BARE).await;
    // The event that is asked for comes after more than two pages of others.
    let call = call(&bench);
    let mut work = bench.chassis().begin(&call).await.unwrap();
    touch(&mut work, "things/1", call.now, 1_100).await.unwrap();
    let noted = NotificationAcknowledged { subject: "rare".into(), ..NotificationAcknowledged::default() };
    work.record(NewEvent::new("things/2", 1, call.now, &["A2.1"], &noted));
    work.commit(()).await.unwrap();
    write(&bench, "things/1", 1).await;

    let mut rare = subscribe(&bench, 0, &["kefu.notifications.v1.NotificationAcknowledged"]).await;
    let event = rare.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!((event.position, event.aggregate.as_str(), event.actor.as_str()), (1_101, "things/2", "staff/writer"));
    assert_eq!(event.payload.unwrap().to_msg::<NotificationAcknowledged>().unwrap(), noted);
    let mut whole = subscribe(&bench, 0, &[]).await;
    for position in 1..=1_102 {
        assert_eq!(whole.message().await.unwrap().unwrap().event.unwrap().position, position);
    }
    let mut rest = subscribe(&bench, 1_100, &[]).await;
    for position in [1_101, 1_102] {
        assert_eq!(rest.message().await.unwrap().unwrap().event.unwrap().position, position);
    }
    // Both streams send what is sealed later.
    let mut work = bench.chassis().begin(&call).await.unwrap();
    work.record(NewEvent::new("things/2", 2, call.now, &["A2.1"], &noted));
    work.commit(()).await.unwrap();
    for stream in [&mut rare, &mut rest] {
        assert_eq!(stream.message().await.unwrap().unwrap().event.unwrap().position, 1_103);
    }
}

#[tokio::test]
async fn a_stopping_service_ends_its_feeds_so_that_subscribers_go_elsewhere() {
    let bench = Bench::of(&BARE).await;
    let mut stream = subscribe(&bench, 0, &[]).await;
    bench.chassis().stop();
    let ended = stream.message().await;
    kefu_testkit::assert_refused(ended, tonic::Code::Unavailable, kefu_proto::rules::v1::ErrorReason::BackendAway);
    bench.stop().await;
}
