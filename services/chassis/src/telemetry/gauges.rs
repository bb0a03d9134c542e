//! What a service's gauges stand at. Whoever works sets it; it is read when metrics are sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The gauges of one service.
#[derive(Debug, Default)]
pub struct Gauges {
    pub(crate) asked: Mutex<Option<Asked>>,
    pub(crate) lags: Mutex<BTreeMap<String, i64>>,
    pub(crate) followers: Mutex<Vec<Weak<Follower>>>,
}

/// What Postgres was asked for; none while it does not answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub duties: Vec<Duties>,
    pub unsealed: i64,
    pub unsealed_age_s: f64,
}

#[derive(Debug)]
pub(crate) struct Duties {
    pub clause: String,
    pub open: i64,
    pub breached: i64,
}

/// Someone who follows the feed, for as long as they do.
#[derive(Debug)]
pub struct Follower {
    pub(crate) consumer: String,
    pub(crate) position: AtomicI64,
}

impl Follower {
    /// The follower has been sent everything up to `position`.
    pub fn reached(&self, position: i64) {
        self.position.store(position, Ordering::Release);
    }
}

impl Gauges {
    /// Someone follows the feed from `position` on. Only services are named: a person's name is nobody's business here.
    pub fn follow(&self, subject: &str, position: i64) -> Arc<Follower> {
        let consumer = if subject.starts_with("services/") { subject } else { "operator" };
        let follower = Arc::new(Follower { consumer: consumer.to_owned(), position: AtomicI64::new(position) });
        let mut followers = held(&self.followers);
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(Arc::downgrade(&follower));
        follower
    }

    /// This service's copy of what `source` feeds is `events` behind.
    pub fn set_lag(&self, source: &str, events: i64) {
        held(&self.lags).insert(source.to_owned(), events);
    }
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
