//! Generates load in two ways. In the closed loop, each caller waits for its answer before it calls again. The open
//! loop calls at a fixed rate without waiting, and measures each latency from the time at which the call was due, so
//! that the delays of a stalled service are counted too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::Status;

/// Function that makes one call; it gets a number unique to the call, and returns the name of the method called.
pub type Call = Arc<dyn Fn(u64) -> BoxFuture<'static, Outcome> + Send + Sync>;
/// Outcome of one call: the name of the method that succeeded, or the status of the refusal.
pub type Outcome = Result<&'static str, Status>;

/// Result of one load: counts of calls and their latencies.
#[derive(Debug)]
pub struct Run {
    /// Number of calls answered with success.
    pub answered: u64,
    /// Number of calls answered with an error.
    pub refused: u64,
    /// Status of the first refused call.
    pub refusal: Option<Status>,
    /// Length of the load in seconds, until the last answer.
    pub seconds: f64,
    /// Latencies of the successful calls by method, in microseconds.
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

    /// Returns the number of successful calls a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// Returns the latencies of all methods together, in microseconds.
    pub fn all(&self) -> Histogram<u64> {
        let mut all = histogram();
        for latencies in self.latencies.values() {
            all.add(latencies).expect("latencies of one precision");
        }
        all
    }

    /// Returns the latency in milliseconds that `share` of the calls (0 to 1) do not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        self.all().value_at_quantile(share) as f64 / 1_000.0
    }

    /// Panics if any call was refused, because figures of a refused load mean nothing; otherwise returns the run.
    pub fn checked(self, what: &str) -> Self {
        if let Some(refusal) = &self.refusal {
            panic!("{what}: {} of {} calls were refused, the first with {refusal:?}", self.refused, self.answered);
        }
        self
    }
}

/// Returns an empty histogram for latencies in microseconds, from 1 µs to one hour, with three significant digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds and a precision there are")
}

/// Returns the next call number, unique in this process, starting at 0.
pub fn turn() -> u64 {
    static TURNS: AtomicU64 = AtomicU64::new(0);
    TURNS.fetch_add(1, Ordering::Relaxed)
}

/// Runs the closed loop: `callers` call concurrently for `length`, each waiting for one answer before its next call.
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

/// Runs the open loop: calls `rate` times a second for `length`, evenly spaced, and waits for all answers.
pub async fn open(rate: f64, length: Duration, call: &Call) -> Run {
    let (done, mut outcomes) = mpsc::unbounded_channel();
    let (runtime, call) = (tokio::runtime::Handle::current(), call.clone());
    let began = Instant::now();
    // The pacer has a thread of its own, since tokio's timer is no finer than a millisecond.
    let pacer = std::thread::spawn(move || {
        let calls = (rate * length.as_secs_f64()) as u64;
        for number in 0..calls {
            let due = began + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (outcome, done) = (call(turn()), done.clone());
            runtime.spawn(async move {
                let outcome = outcome.await;
                // Sending fails only if the benchmark has failed and dropped the receiver.
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
