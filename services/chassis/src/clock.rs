//! The injected clock. Time is what it says: services, duties and the journal ask nothing else. Only the demo and the tests
//! hold a [`SimulatedTime`], which can set it, inside their own process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// Tells the time, in whole microseconds, as Postgres keeps it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Simulated>>);

#[derive(Debug)]
struct Simulated {
    now_us: AtomicI64,
    moved: Notify,
}

/// The handle that sets a simulated clock.
#[derive(Clone, Debug)]
pub struct SimulatedTime(Arc<Simulated>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `now` until its handle moves it.
    #[must_use]
    pub fn simulated(now: Timestamp) -> (Self, SimulatedTime) {
        let shared = Arc::new(Simulated { now_us: AtomicI64::new(now.as_microsecond()), moved: Notify::new() });
        (Self(Some(shared.clone())), SimulatedTime(shared))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now_us = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            None => Timestamp::now().as_microsecond(),
            Some(simulated) => simulated.now_us.load(Ordering::Acquire),
        };
        Timestamp::from_microsecond(now_us).unwrap_or(Timestamp::MAX)
    }

    /// Whether a handle sets this clock.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.0.is_some()
    }

    /// Returns after `period` of real time, or at once when a simulated clock was moved.
    pub async fn tick(&self, period: Duration) {
        match &self.0 {
            None => tokio::time::sleep(period).await,
            Some(simulated) => {
                let _ = tokio::time::timeout(period, simulated.moved.notified()).await;
            }
        }
    }
}

impl SimulatedTime {
    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let by_us = i64::try_from(by.as_micros()).unwrap_or(0).max(0);
        self.0.now_us.fetch_add(by_us, Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }

    /// Moves the clock to `now`, unless it is already later.
    pub fn advance_to(&self, now: Timestamp) {
        self.0.now_us.fetch_max(now.as_microsecond(), Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_moves_only_forward() {
        let start: Timestamp = "2026-11-20T01:00:00.1234567Z".parse().unwrap();
        let (clock, time) = Clock::simulated(start);
        assert_eq!(clock.now().to_string(), "2026-11-20T01:00:00.123456Z");
        time.advance(SignedDuration::from_mins(5));
        assert_eq!(clock.now().to_string(), "2026-11-20T01:05:00.123456Z");
        time.advance_to(start);
        time.advance(SignedDuration::from_mins(-5));
        assert_eq!(clock.now().to_string(), "2026-11-20T01:05:00.123456Z");
    }
}
