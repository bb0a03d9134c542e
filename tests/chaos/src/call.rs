//! One call made until it is acknowledged, as a good client does: the same request id every time, now at this replica, now at
//! the other; and a judgement of every answer on the way.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::ledger::Ledger;

/// The deadline of one attempt.
const ATTEMPT: Duration = Duration::from_secs(4);
/// By how much the answer to it may come later.
const GRACE: Duration = Duration::from_secs(2);
/// How long a call may take with all its attempts before it counts as lost.
const LOST_AFTER: Duration = Duration::from_mins(1);

/// What the callers went through since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Calls that were acknowledged.
    pub acknowledged: u64,
    /// Attempts that a service refused for now.
    pub refused: u64,
    /// Attempts whose connection ended, or that nobody answered in time.
    pub broken: u64,
    /// Calls that took more than one attempt.
    pub retried: u64,
}

/// What all callers share.
pub struct Desk {
    /// What is acknowledged.
    pub ledger: Ledger,
    /// Whether processes that are called may be away themselves, so that a connection may end.
    pub may_break: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    retried: AtomicU64,
    /// When the youngest call began that each replica acknowledged at its first attempt, and the youngest conversion.
    youngest: [Mutex<Option<Instant>>; 3],
}

/// Where in [`Desk::youngest`] conversions are.
pub const CONVERSIONS: usize = 2;

impl Desk {
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

    /// Whether a call that began after `since` was acknowledged there.
    pub fn acknowledged_since(&self, place: usize, since: Instant) -> bool {
        let youngest = self.youngest[place].lock().unwrap_or_else(PoisonError::into_inner);
        youngest.is_some_and(|began| began > since)
    }

    /// What was gone through since the last look.
    pub fn take_tally(&self) -> Tally {
        let take = |count: &AtomicU64| count.swap(0, Ordering::AcqRel);
        Tally {
            acknowledged: take(&self.acknowledged),
            refused: take(&self.refused),
            broken: take(&self.broken),
            retried: take(&self.retried),
        }
    }

    /// Calls until it is acknowledged, first at the first of `places`, of as many as the second says. None when that never
    /// comes, which is a violation, as is every wrong answer on the way.
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

    /// What is wrong with a refusal; nothing if it says when to come back, or if the connection was lost where it may be.
    fn judge(&self, status: &Status) -> Option<String> {
        let details = status.get_error_details();
        let Some(info) = details.error_info().filter(|info| info.domain == "kefu") else {
            return self.judge_connection(status);
        };
        self.refused.fetch_add(1, Ordering::AcqRel);
        let told_when = details.retry_info().is_some_and(|hint| hint.retry_delay.is_some());
        match status.code() {
            Code::Unavailable | Code::ResourceExhausted if told_when => None,
            // A deadline is the caller's own: when to try again is theirs to know.
            Code::DeadlineExceeded => None,
            code => Some(format!("{code:?} {}: {}", info.reason, status.message())),
        }
    }

    fn judge_connection(&self, status: &Status) -> Option<String> {
        self.broken.fetch_add(1, Ordering::AcqRel);
        // Our own timer, which is the deadline too, was first.
        if status.message() == "Timeout expired" {
            return None;
        }
        // What our own end makes up has the cause with it; what a service says has not.
        let is_allowed = status.source().is_some() && self.may_break.load(Ordering::Acquire);
        (!is_allowed).then(|| format!("{status:?}"))
    }
}

/// A call with the deadline of an attempt.
pub fn in_time<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ATTEMPT);
    request
}
