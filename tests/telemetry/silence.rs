//! Tests that without a collector, or with a slow one, no call waits and no memory grows.

use std::time::{Duration, Instant};

use kefu_chassis::config::{self, Log};
use kefu_chassis::telemetry::{TARGET, Telemetry};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::{Bench, Caller, subscribe_thread};
use tokio::net::TcpListener;

use super::collector::Collector;
use super::{lead, lead_as};

const CALLS: usize = 100;
const ROUNDS: usize = 5;

/// Returns how long [`CALLS`] calls take.
async fn calls(client: &mut RequestServiceClient<Caller>) -> Duration {
    let began = Instant::now();
    for _ in 0..CALLS {
        client.list_requests(pb::ListRequestsRequest::default()).await.unwrap();
    }
    began.elapsed()
}

#[tokio::test]
async fn where_no_collector_listens_calls_take_no_longer_and_the_end_is_in_time() {
    // The listener is dropped at once, so nobody listens on this port.
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let (telemetry, _guard) = lead_as(&config::Telemetry {
        endpoint: Some(format!("http://{closed}")),
        span_queue: 64,
        ..config::Telemetry::default()
    });
    let agent = |bench: &Bench| RequestServiceClient::new(bench.as_("staff/lin", &["AGENT"]));
    let bench = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).start().await;
    let quiet = Bench::builder(&kefu_intake::SERVICE).start().await;
    let (mut told, mut untold) = (agent(&bench), agent(&quiet));
    // The two take turns, and the best round of each counts, because other tests run at the same time.
    let (mut with, mut without) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        with = with.min(calls(&mut told).await);
        let off = subscribe_thread(&Telemetry::default().subscriber(&Log::default()));
        without = without.min(calls(&mut untold).await);
        drop(off);
    }
    println!("{CALLS} reads took {without:?} without telemetry, {with:?} with it and no collector");
    assert!(with < without * 3, "{with:?} against {without:?}");

    let began = Instant::now();
    bench.stop().await;
    telemetry.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(5), "the end took {:?}", began.elapsed());
}

#[tokio::test]
async fn what_a_slow_collector_cannot_take_is_dropped_beyond_the_queue() {
    const QUEUE: usize = 64;
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead_as(&config::Telemetry {
        endpoint: Some(collector.endpoint()),
        span_queue: QUEUE,
        ..config::Telemetry::default()
    });
    collector.open(false);
    for _ in 0..100 {
        for _ in 0..100 {
            tracing::info_span!(target: TARGET, "work").in_scope(|| {});
        }
        // Yielding gives the exporter time to run.
        tokio::task::yield_now().await;
    }
    collector.open(true);
    telemetry.flush().await;
    let kept = collector.spans().len();
    // The queue is kept, and the few batches taken from it before, each at most as large as the queue.
    assert!((QUEUE..=QUEUE * 4).contains(&kept), "{kept} of 10,000 spans were kept");
    tracing::info_span!(target: TARGET, "afterwards").in_scope(|| {});
    telemetry.flush().await;
    assert!(collector.spans().iter().any(|span| span.name == "afterwards"), "the way is open again");
    telemetry.shutdown().await;
}

#[tokio::test]
async fn what_waits_is_sent_at_the_end_and_a_collector_that_does_not_answer_holds_nobody_up() {
    let collector = Collector::start().await;
    let (telemetry, guard) = lead(&collector.endpoint());
    tracing::info_span!(target: TARGET, "last").in_scope(|| {});
    telemetry.shutdown().await;
    assert_eq!(collector.spans().len(), 1);
    drop(guard);

    let (telemetry, _guard) = lead(&collector.endpoint());
    collector.open(false);
    tracing::info_span!(target: TARGET, "stuck").in_scope(|| {});
    let began = Instant::now();
    telemetry.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(4), "the end took {:?}", began.elapsed());
}
