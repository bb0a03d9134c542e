//! Log records of a test's thread, where the service runs too.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use kefu_chassis::config::Log;
use kefu_chassis::telemetry::Telemetry;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// A second dispatcher that lives as long as the process. While there is but one, `tracing` asks the default of the thread that
/// comes to a place first whether to record what happens there, and a test without subscriber would answer no for all.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

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
        LazyLock::force(&SECOND);
        let written = Written::default();
        let writer = written.clone();
        let config = Log { filter: filter.to_owned(), json: true };
        let dispatch = telemetry.subscriber_to(&config, move || writer.clone());
        Self { written, _guard: tracing::dispatcher::set_default(&dispatch) }
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
