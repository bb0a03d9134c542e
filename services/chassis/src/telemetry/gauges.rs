//! The values of a service's gauges. The parts of the service set them, and `work::gauges` reads them when metrics are
//! sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The gauges of one service.
#[derive(Debug, Default)]
pub struct Gauges {
    /// The latest values from Postgres; none while it cannot be asked.
    pub(crate) asked: Mutex<Option<Asked>>,
    /// How many events this service's copy of each feed is behind, by source.
    pub(crate) lags: Mutex<BTreeMap<String, i64>>,
    /// The followers of this service's own feed.
    pub(crate) followers: Mutex<Vec<Weak<Follower>>>,
}

/// The values that Postgres is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Open duties by clause.
    pub duties: Vec<Duties>,
    /// Number of committed events that have no position yet, up to a bound.
    pub unsealed: i64,
    /// Age of the oldest of them, in seconds; 0 when there is none.
    pub unsealed_age_s: f64,
}

/// The open duties of one clause.
#[derive(Debug)]
pub(crate) struct Duties {
    /// Id of the clause, e.g. `C2.4`.
    pub clause: String,
    /// Number of duties that can still be fulfilled.
    pub open: i64,
    /// Number of those whose time has passed.
    pub breached: i64,
}

/// A caller that follows the feed; the gauges forget a follower that is dropped.
#[derive(Debug)]
pub struct Follower {
    pub(crate) consumer: String,
    pub(crate) position: AtomicI64,
}

impl Follower {
    /// Notes that the follower has been sent everything up to `position`.
    pub fn reached(&self, position: i64) {
        self.position.store(position, Ordering::Release);
    }
}

impl Gauges {
    /// Adds a follower of the feed from `position` on. A service appears under its name, a person as `operator`.
    pub fn follow(&self, subject: &str, position: i64) -> Arc<Follower> {
        let consumer = if subject.starts_with("services/") { subject } else { "operator" };
        let follower = Arc::new(Follower { consumer: consumer.to_owned(), position: AtomicI64::new(position) });
        let mut followers = held(&self.followers);
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(Arc::downgrade(&follower));
        follower
    }

    /// Sets by how many `events` the service's copy of the feed of `source` is behind.
    pub fn set_lag(&self, source: &str, events: i64) {
        held(&self.lags).insert(source.to_owned(), events);
    }
}

/// Locks a mutex, also one that a panic has poisoned.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
