//! Measures the feed: how fast one subscriber catches up, how far it lags behind while requests are registered, and how
//! much subscribers slow down writers. Also measures the verification of the journal, which reads the same rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kefu_chassis::Clock;
use kefu_chassis::time::from_proto;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{SubscribeRequest, SubscribeResponse, VerifyJournalRequest};
use kefu_testkit::Caller;
use tokio::task::JoinHandle;
use tonic::{Request, Streaming};

use crate::desk::Desk;
use crate::drive::{closed, histogram, open};
use crate::figures::{Bound, Figure, Report, median, number, range};
use crate::world::{AGENTS, World};

/// Writes a second during the measurement of the lag, or fewer if the machine cannot keep up with these.
const WRITES: f64 = 500.0;
const ROUNDS: usize = 3;

/// Measures catching up, the cost of subscribers, the lag and the verification.
pub async fn run(world: &World, report: &mut Report, length: Duration) {
    catch_up(world, report).await;
    let highest = cost(world, report, length).await;
    // The rate is at most 70 % of the highest: above that, waiting calls would be measured, not the feed's lag.
    lag(world, report, WRITES.min(highest * 0.7), length).await;
    verify(world, report).await;
}

async fn subscribe(world: &World, after_position: i64) -> Streaming<SubscribeResponse> {
    let mut client = client(world);
    let request = SubscribeRequest { parent: "services/intake".into(), after_position, payload_types: Vec::new() };
    client.subscribe(request).await.expect("the feed is open").into_inner()
}

fn client(world: &World) -> EventFeedClient<Caller> {
    EventFeedClient::new(world.caller(&world.intake, "services/complaints", "SERVICE"))
}

async fn catch_up(world: &World, report: &mut Report) {
    world.sealed().await;
    let head = world.number("select max(position) from intake.journal").await;
    let began = Instant::now();
    let mut stream = subscribe(world, 0).await;
    let mut position = 0;
    while position < head {
        let message = stream.message().await.expect("the feed goes on").expect("the feed goes on");
        let next = message.event.map_or(position, |event| event.position);
        assert!(next == position + 1 || next == position, "{next} came after {position}");
        position = next;
    }
    report.figure(Figure {
        what: "feed, one subscriber that catches up".into(),
        value: head as f64 / began.elapsed().as_secs_f64(),
        unit: "events/s",
        bound: Some(Bound::AtLeast(10_000.0)),
        from: format!("{} events in {:.2} s", number(head as f64), began.elapsed().as_secs_f64()),
    });
}

/// Measures the time from when a call came (its event's recorded time) until its event reaches the subscriber. Both
/// times are of the same machine's clock.
async fn lag(world: &World, report: &mut Report, rate: f64, length: Duration) {
    let head = world.number("select max(position) from intake.journal").await;
    let mut stream = subscribe(world, head).await;
    let (over, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(head)));
    let reader = spawn({
        let (over, seen) = (over.clone(), seen.clone());
        async move {
            let (clock, mut lags) = (Clock::system(), histogram());
            while !over.load(Ordering::Relaxed) {
                let Ok(Ok(Some(message))) = tokio::time::timeout(Duration::from_millis(500), stream.message()).await
                else {
                    continue;
                };
                let Some(event) = message.event else { continue };
                if let Some(recorded) = event.recorded_time.as_ref().and_then(from_proto) {
                    let lag = clock.now().duration_since(recorded).as_micros();
                    lags.saturating_record(u64::try_from(lag).unwrap_or(0));
                }
                seen.store(event.position, Ordering::Relaxed);
            }
            lags
        }
    });
    let call = world.desk.call(Desk::register);
    let run = open(rate, length, &call).await.checked("RegisterRequest");
    world.desk.clear();
    world.sealed().await;
    let head = world.number("select max(position) from intake.journal").await;
    let patience = Instant::now() + Duration::from_secs(30);
    while seen.load(Ordering::Relaxed) < head {
        assert!(Instant::now() < patience, "the subscriber does not reach {head}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Relaxed);
    let lags = reader.await.expect("the reader ends");
    assert!(lags.len() >= run.answered, "the subscriber saw {} of {} events", lags.len(), run.answered);
    let at = |share: f64| lags.value_at_quantile(share) as f64 / 1_000.0;
    report.figure(Figure {
        what: format!("feed, median lag at {} writes a second", number(rate.round())),
        value: at(0.5),
        unit: "ms",
        bound: Some(Bound::Under(50.0)),
        from: format!(
            "from when the call came until the event reached the subscriber; p99 {:.1} ms, most {:.1} ms, {} events",
            at(0.99),
            at(1.0),
            number(lags.len() as f64)
        ),
    });
}

/// Measures by how many percent three subscribers lower the write rate; rounds without and with them take turns.
/// Returns the median rate without subscribers, in writes a second.
async fn cost(world: &World, report: &mut Report, length: Duration) -> f64 {
    let call = world.desk.call(Desk::register);
    let (mut alone, mut followed, mut falls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let without = closed(AGENTS, length, &call).await.checked("RegisterRequest").rate();
        world.desk.clear();
        world.sealed().await;
        let head = world.number("select max(position) from intake.journal").await;
        let seen = Arc::new(AtomicU64::new(0));
        let mut readers = Vec::new();
        for _ in 0..3 {
            let (mut stream, seen) = (subscribe(world, head).await, seen.clone());
            readers.push(spawn(async move {
                while let Ok(Some(message)) = stream.message().await {
                    seen.fetch_add(u64::from(message.event.is_some()), Ordering::Relaxed);
                }
            }));
        }
        let run = closed(AGENTS, length, &call).await.checked("RegisterRequest");
        world.desk.clear();
        world.sealed().await;
        for reader in readers {
            reader.abort();
        }
        assert!(seen.load(Ordering::Relaxed) > run.answered, "three subscribers followed");
        falls.push((1.0 - run.rate() / without) * 100.0);
        alone.push(without);
        followed.push(run.rate());
    }
    report.figure(Figure {
        what: "write rate falls with three subscribers".into(),
        value: median(falls.clone()),
        unit: "%",
        bound: Some(Bound::Under(10.0)),
        from: format!(
            "from {} to {} a second, who read in the load generator on the same cores; in rounds {}",
            number(median(alone.clone())),
            number(median(followed)),
            range(&falls)
        ),
    });
    median(alone)
}

async fn verify(world: &World, report: &mut Report) {
    let mut rates = Vec::new();
    let mut count = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut request = Request::new(VerifyJournalRequest { parent: "services/intake".into(), anchors: Vec::new() });
        request.set_timeout(Duration::from_mins(5));
        let answer = client(world).verify_journal(request).await.expect("the journal is verified").into_inner();
        assert!(answer.findings.is_empty(), "{:?}", answer.findings);
        count = answer.event_count;
        rates.push(count as f64 / began.elapsed().as_secs_f64());
    }
    report.figure(Figure {
        what: "verification of a journal".into(),
        value: median(rates.clone()),
        unit: "events/s",
        bound: Some(Bound::AtLeast(100_000.0)),
        from: format!("{} events; in rounds {}", number(count as f64), range(&rates)),
    });
}

#[expect(clippy::disallowed_methods, reason = "the benchmark awaits or aborts what it spawns")]
fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}
