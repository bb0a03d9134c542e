//! Load: a closed loop, in which each caller waits for its answer, and an open loop, which calls at a set rate whatever the
//! answers do and counts each latency from when the call was due, so that a stalled service cannot hide the calls it delays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::Status;

/// A call, given a number of its own; the method it came down to.
pub type Call = Arc<dyn Fn(u64) -> BoxFuture<'static, Outcome> + Send + Sync>;
/// The method that was called with success, or the first refusal.
pub type Outcome = Result<&'static str, Status>;

/// What came of a load.
#[derive(Debug)]
pub struct Run {
    /// Calls answered with success.
    pub answered: u64,
    /// Calls answered otherwise.
    pub refused: u64,
    /// The first refusal.
    pub refusal: Option<Status>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Latencies of the answered calls by method, in microseconds.
    pub latencies: BTreeMap<&'static str, Histogram<u64>>,
}

impl Run {
    fn new() -> Self {
        Self { answered: 0, refused: 0, refusal: None, seconds: 0.0, latencies: BTreeMap::new() }
    }

    fn count(&mut self, outcome: Outcome, latency: Duration) {
        match outcome {
            Ok(method) => {
                self.answered += 1;
                let latencies = self.latencies.entry(method).or_insert_with(histogram);
                latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
            }
            Err(status) => {
                self.refused += 1;
                self.refusal.get_or_insert(status);
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.refusal = self.refusal.take().or_else(|| other.refusal.clone());
        for (method, latencies) in &other.latencies {
            let whole = self.latencies.entry(method).or_insert_with(histogram);
            whole.add(latencies).expect("latencies of one precision");
        }
    }

    /// Answered calls a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// Latencies of all methods in microseconds.
    pub fn all(&self) -> Histogram<u64> {
        let mut all = histogram();
        for latencies in self.latencies.values() {
            all.add(latencies).expect("latencies of one precision");
        }
        all
    }

    /// A latency by its share from 0 to 1, in milliseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        self.all().value_at_quantile(share) as f64 / 1_000.0
    }

    /// Fails the benchmark when calls were refused: figures of a load that is refused say nothing.
    pub fn checked(self, what: &str) -> Self {
        if let Some(refusal) = &self.refusal {
            panic!("{what}: {} of {} calls were refused, the first with {refusal:?}", self.refused, self.answered);
        }
        self
    }
}

/// Latencies of up to an hour in microseconds, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds and a precision there are")
}

/// Numbers of calls, unique in this process.
pub fn turn() -> u64 {
    static TURNS: AtomicU64 = AtomicU64::new(0);
    TURNS.fetch_add(1, Ordering::Relaxed)
}

/// `callers` that call one after the other for `length`.
pub async fn closed(callers: usize, length: Duration, call: &Call) -> Run {
    let began = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (call, over) = (call.clone(), over.clone());
        tasks.spawn(async move {
            let mut run = Run::new();
            while !over.load(Ordering::Relaxed) {
                let sent = Instant::now();
                let outcome = call(turn()).await;
                run.count(outcome, sent.elapsed());
            }
            run
        });
    }
    tokio::time::sleep(length).await;
    over.store(true, Ordering::Relaxed);
    let mut whole = Run::new();
    for run in tasks.join_all().await {
        whole.add(&run);
    }
    whole.seconds = began.elapsed().as_secs_f64();
    whole
}

/// Calls `rate` times a second for `length`, evenly spaced.
pub async fn open(rate: f64, length: Duration, call: &Call) -> Run {
    let (done, mut outcomes) = mpsc::unbounded_channel();
    let (runtime, call) = (tokio::runtime::Handle::current(), call.clone());
    let began = Instant::now();
    // A thread of its own, since tokio's timer is no finer than a millisecond.
    let pacer = std::thread::spawn(move || {
        let calls = (rate * length.as_secs_f64()) as u64;
        for number in 0..calls {
            let due = began + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (outcome, done) = (call(turn()), done.clone());
            runtime.spawn(async move {
                let outcome = outcome.await;
                // Nobody listens any more only when the benchmark has failed.
                let _ = done.send((outcome, due.elapsed()));
            });
        }
    });
    let mut run = Run::new();
    while let Some((outcome, latency)) = outcomes.recv().await {
        run.count(outcome, latency);
    }
    run.seconds = began.elapsed().as_secs_f64();
    pacer.join().expect("the pacer ends");
    run
}
