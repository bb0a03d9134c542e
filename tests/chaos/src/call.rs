//! Repeats a call until it is acknowledged, as a good client does: with the same request id every time, and at the
//! replicas in turn. Every answer on the way is checked.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::ledger::Ledger;

/// Deadline of one attempt.
const ATTEMPT: Duration = Duration::from_secs(4);
/// How long after the deadline of an attempt its answer may still come.
const GRACE: Duration = Duration::from_secs(2);
/// How long a call may take with all its attempts before it counts as lost.
const LOST_AFTER: Duration = Duration::from_mins(1);

/// Counts of the callers' calls and attempts since the previous tally.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Calls that were acknowledged.
    pub acknowledged: u64,
    /// Attempts that a service answered with an error of its own.
    pub refused: u64,
    /// Attempts whose connection failed, or that no service answered in time.
    pub broken: u64,
    /// Calls that took more than one attempt.
    pub retried: u64,
}

/// State that all callers share.
pub struct Desk {
    /// The ledger of everything acknowledged.
    pub ledger: Ledger,
    /// Whether the current fault stops processes that the callers call, so that connections may break.
    pub may_break: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    retried: AtomicU64,
    /// Start of the newest acknowledged attempt: at index 0 and 1 for each replica of intake without conversions, at
    /// [`CONVERSIONS`] for conversions.
    youngest: [Mutex<Option<Instant>>; 3],
}

/// Index of conversions in [`Desk::youngest`].
pub const CONVERSIONS: usize = 2;

impl Desk {
    /// Creates the state of callers that have not called yet.
    pub fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            may_break: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            youngest: Default::default(),
        }
    }

    /// Whether an attempt that began after `since` was acknowledged. `place` is a replica of intake or [`CONVERSIONS`].
    pub fn acknowledged_since(&self, place: usize, since: Instant) -> bool {
        let youngest = self.youngest[place].lock().unwrap_or_else(PoisonError::into_inner);
        youngest.is_some_and(|began| began > since)
    }

    /// Returns the counts since the previous call, and sets them to zero.
    pub fn take_tally(&self) -> Tally {
        let take = |count: &AtomicU64| count.swap(0, Ordering::AcqRel);
        Tally {
            acknowledged: take(&self.acknowledged),
            refused: take(&self.refused),
            broken: take(&self.broken),
            retried: take(&self.retried),
        }
    }

    /// Repeats `call` until it is acknowledged. `places` holds the replica to call first and the number of replicas.
    /// Returns None if the call is not acknowledged within [`LOST_AFTER`], which is a violation. Every wrong answer on
    /// the way is a violation too.
    pub async fn insist<T>(
        &self,
        what: &'static str,
        places: (usize, usize),
        rng: &mut fastrand::Rng,
        call: impl Fn(usize) -> BoxFuture<'static, Result<Response<T>, Status>>,
    ) -> Option<T> {
        let (mut replica, replicas) = places;
        let first = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let began = Instant::now();
            match tokio::time::timeout(ATTEMPT + GRACE, call(replica)).await {
                Ok(Ok(reply)) => {
                    self.note(what, replica, replicas, attempts, began);
                    return Some(reply.into_inner());
                }
                Ok(Err(status)) => {
                    if let Some(wrong) = self.judge(&status) {
                        self.ledger.violated(format!("{what} at replica {replica}: {wrong}"));
                    }
                }
                Err(_) => {
                    self.broken.fetch_add(1, Ordering::AcqRel);
                    if !self.may_break.load(Ordering::Acquire) {
                        self.ledger.violated(format!("{what} at replica {replica}: no answer long after its deadline"));
                    }
                }
            }
            if first.elapsed() > LOST_AFTER {
                self.ledger.violated(format!("{what}: not acknowledged in {attempts} attempts"));
                return None;
            }
            replica = (replica + 1) % replicas;
            tokio::time::sleep(Duration::from_millis(rng.u64(50..400))).await;
        }
    }

    fn note(&self, what: &str, replica: usize, replicas: usize, attempts: u32, began: Instant) {
        self.acknowledged.fetch_add(1, Ordering::AcqRel);
        self.retried.fetch_add(u64::from(attempts > 1), Ordering::AcqRel);
        let place = if what == "ConvertToComplaint" { CONVERSIONS } else { replica };
        if replicas == 2 {
            let mut youngest = self.youngest[place].lock().unwrap_or_else(PoisonError::into_inner);
            *youngest = (*youngest).max(Some(began));
        }
    }

    /// Returns what is wrong with a failed attempt. Nothing is wrong if the service says when to try again, if the
    /// deadline has passed, or if the connection broke while it may.
    fn judge(&self, status: &Status) -> Option<String> {
        let details = status.get_error_details();
        let Some(info) = details.error_info().filter(|info| info.domain == "kefu") else {
            return self.judge_connection(status);
        };
        self.refused.fetch_add(1, Ordering::AcqRel);
        let told_when = details.retry_info().is_some_and(|hint| hint.retry_delay.is_some());
        match status.code() {
            Code::Unavailable | Code::ResourceExhausted if told_when => None,
            // The caller set the deadline itself, so the service need not say when to try again.
            Code::DeadlineExceeded => None,
            code => Some(format!("{code:?} {}: {}", info.reason, status.message())),
        }
    }

    fn judge_connection(&self, status: &Status) -> Option<String> {
        self.broken.fetch_add(1, Ordering::AcqRel);
        // The client's own timer, which is set to the same deadline, ran out before the service answered.
        if status.message() == "Timeout expired" {
            return None;
        }
        // An error that the client itself made has a source; a status that a service sent has none.
        let is_allowed = status.source().is_some() && self.may_break.load(Ordering::Acquire);
        (!is_allowed).then(|| format!("{status:?}"))
    }
}

/// Makes a request with the deadline of one attempt.
pub fn in_time<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ATTEMPT);
    request
}
