//! The injected clock, the only source of time for services, duties and the journal. Only the demo and the test kit
//! hold a [`SimulatedTime`], which sets the clocks of their own process.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// A clock in whole microseconds, the precision of Postgres. Clones tell the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The time that a [`SimulatedTime`] sets; none for the machine's clock.
    simulated: Option<Arc<Simulated>>,
}

#[derive(Debug)]
struct Simulated {
    /// The time to which the clock was last set.
    now_us: AtomicI64,
    /// The moment at which the clock began to run; unset while it stands.
    running_since: OnceLock<Instant>,
    moved: Notify,
}

/// A handle that sets a simulated clock.
#[derive(Clone, Debug)]
pub struct SimulatedTime {
    clock: Arc<Simulated>,
}

impl Clock {
    /// Creates a clock that tells the machine's time.
    #[must_use]
    pub fn system() -> Self {
        Self { simulated: None }
    }

    /// Creates a clock that stands at `now` until its handle moves it or lets it run.
    #[must_use]
    pub fn simulated(now: Timestamp) -> (Self, SimulatedTime) {
        let now_us = AtomicI64::new(now.as_microsecond());
        let shared = Arc::new(Simulated { now_us, running_since: OnceLock::new(), moved: Notify::new() });
        (Self { simulated: Some(shared.clone()) }, SimulatedTime { clock: shared })
    }

    /// Returns the time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now_us = match &self.simulated {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
            None => Timestamp::now().as_microsecond(),
            Some(simulated) => simulated.now_us.load(Ordering::Acquire).saturating_add(simulated.ran_us()),
        };
        Timestamp::from_microsecond(now_us).unwrap_or(Timestamp::MAX)
    }

    /// Whether a [`SimulatedTime`] sets this clock.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }

    /// Returns after `period` of real time, or at once when a simulated clock was moved.
    pub async fn tick(&self, period: Duration) {
        match &self.simulated {
            None => tokio::time::sleep(period).await,
            Some(simulated) => {
                let _ = tokio::time::timeout(period, simulated.moved.notified()).await;
            }
        }
    }
}

impl Simulated {
    /// Returns for how long the clock has run, in microseconds; zero while it stands.
    fn ran_us(&self) -> i64 {
        let ran = self.running_since.get().map(Instant::elapsed).unwrap_or_default();
        i64::try_from(ran.as_micros()).unwrap_or(i64::MAX)
    }
}

impl SimulatedTime {
    /// Lets the clock run at the speed of real time.
    pub fn run(&self) {
        self.clock.running_since.get_or_init(Instant::now);
    }

    /// Moves the clock forward by `by`; a negative duration moves nothing.
    pub fn advance(&self, by: SignedDuration) {
        let by_us = i64::try_from(by.as_micros()).unwrap_or(0).max(0);
        self.clock.now_us.fetch_add(by_us, Ordering::AcqRel);
        self.clock.moved.notify_waiters();
    }

    /// Moves the clock to `now`, unless it is already later.
    pub fn advance_to(&self, now: Timestamp) {
        self.clock.now_us.fetch_max(now.as_microsecond().saturating_sub(self.clock.ran_us()), Ordering::AcqRel);
        self.clock.moved.notify_waiters();
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

    #[test]
    fn a_simulated_clock_that_runs_goes_on_from_where_it_stood_and_can_still_be_moved() {
        let start: Timestamp = "2026-11-20T01:00:00Z".parse().unwrap();
        let (clock, time) = Clock::simulated(start);
        let began = Instant::now();
        time.run();
        while clock.now() == start {
            assert!(began.elapsed() < Duration::from_secs(5), "it stands still");
        }
        let later = start + SignedDuration::from_hours(1);
        time.advance_to(later);
        let (now, passed) = (clock.now(), SignedDuration::try_from(began.elapsed()).unwrap());
        assert!(later <= now && now <= later + passed, "{now}");
    }
}
