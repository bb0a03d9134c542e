//! Log records of a test's thread, where the service runs too.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use kefu_chassis::config::Log;
use kefu_chassis::telemetry::Telemetry;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// A subscriber beside those of the tests, for as long as the process lives. With a single one `tracing-core` does not ask
/// that one whether a new callsite is wanted, but the thread that comes to it first; a thread without a subscriber says no,
/// and the callsite is silent on every thread from then on. With two it asks both.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

/// Sends what this thread logs and traces to `dispatch` until the guard is dropped, whatever other threads do.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that makes sure that there are two")]
pub fn subscribe_thread(dispatch: &Dispatch) -> DefaultGuard {
    expect_subscribers();
    tracing::dispatcher::set_default(dispatch)
}

/// Makes sure that callsites which this thread comes to first are not silent for a later subscriber of another thread.
pub(crate) fn expect_subscribers() {
    LazyLock::force(&ANOTHER);
}

/// Collects the records of this thread until dropped, in the product's JSON format.
pub struct Logs {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    /// Collects records that pass `filter`, e.g. `debug`; spans go to `telemetry`.
    #[must_use]
    pub fn keep(telemetry: &Telemetry, filter: &str) -> Self {
        let written = Written::default();
        let writer = written.clone();
        let config = Log { filter: filter.to_owned(), json: true };
        let dispatch = telemetry.subscriber_to(&config, move || writer.clone());
        Self { written, _guard: subscribe_thread(&dispatch) }
    }

    /// Takes the records since the last call, one JSON object on each line.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        let written = std::mem::take(&mut *self.written.0.lock().unwrap());
        let lines: Vec<String> = String::from_utf8(written).unwrap().lines().map(str::to_owned).collect();
        for line in &lines {
            let record: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(record.is_object(), "{line}");
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() {
        tracing::info!("from either thread");
    }

    #[test]
    fn a_thread_without_a_subscriber_does_not_silence_the_others() {
        let logs = Logs::keep(&Telemetry::default(), "info");
        std::thread::spawn(log).join().unwrap();
        assert_eq!(logs.take().len(), 0, "another thread's records are not collected");
        log();
        assert_eq!(logs.take().len(), 1);
    }
}
