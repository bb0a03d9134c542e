//! Telemetry: logs on standard error, traces and metrics to a collector by OTLP. What cannot be sent is dropped, so calls
//! never wait for it. A process has one telemetry; the attribute `kefu.service` tells its services apart.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::fmt::MakeWriter;

mod export;
pub(crate) mod gauges;
mod log;
pub mod propagation;
pub(crate) mod rpc;
pub mod settings;
pub(crate) mod sql;
pub mod traced;

use rpc::Durations;

/// The target of the spans that are exported; spans of other targets are not.
pub const TARGET: &str = "kefu::telemetry";
/// The bucket boundaries for durations of calls, in seconds, as OpenTelemetry's conventions advise.
pub const BOUNDS_S: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// The attribute that names the service, e.g. `services/intake`.
pub(crate) const SERVICE: &str = "kefu.service";
/// How long the end of a process waits for the rest to be sent.
const FLUSH_WITHIN: Duration = Duration::from_secs(3);

/// The telemetry of this process; by default traces and metrics go nowhere.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    sending: Option<Arc<Sending>>,
}

#[derive(Debug)]
struct Sending {
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
    meter: Meter,
    durations: Durations,
    interval: Duration,
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A setting is wrong.
    #[error("telemetry.{key} {problem}")]
    Config {
        /// The key.
        key: &'static str,
        /// What the setting must be.
        problem: &'static str,
    },
    /// An exporter cannot be built.
    #[error("the exporter cannot be built")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

impl Telemetry {
    /// Starts logging, and sending if there is an endpoint, for the process `name` (`service.name`) on the current runtime.
    /// Only the first start of a process takes effect on logs and traces.
    pub fn start(config: &settings::Telemetry, log: &settings::Log, name: &str) -> Result<Self, TelemetryError> {
        let telemetry = Self::build(config, name)?;
        telemetry.install(log);
        Ok(telemetry)
    }

    /// Builds the telemetry; no logs or spans of this process go to it before [`Telemetry::install`].
    pub fn build(config: &settings::Telemetry, name: &str) -> Result<Self, TelemetryError> {
        if !(0.0..=1.0).contains(&config.sampling_ratio) {
            return Err(TelemetryError::Config { key: "sampling_ratio", problem: "must be from 0 to 1" });
        }
        if config.metric_interval_ms < 10 {
            return Err(TelemetryError::Config { key: "metric_interval_ms", problem: "must be at least 10" });
        }
        if config.span_queue == 0 {
            return Err(TelemetryError::Config { key: "span_queue", problem: "must be at least 1" });
        }
        let Some(endpoint) = &config.endpoint else { return Ok(Self::default()) };
        let (tracers, meters) = export::providers(config, endpoint, name)?;
        let meter = meters.meter("kefu");
        let durations = Durations::of(&meter);
        let interval = Duration::from_millis(config.metric_interval_ms);
        let sending = Sending { tracers, meters, meter, durations, interval };
        Ok(Self { sending: Some(Arc::new(sending)) })
    }

    /// Routes the logs and spans of this process to this telemetry. Only the first call in a process takes effect.
    pub fn install(&self, log: &settings::Log) {
        if tracing::dispatcher::set_global_default(self.subscriber(log)).is_err() {
            tracing::debug!("logging was started before");
        }
    }

    /// Returns a subscriber for the logs and the spans.
    #[must_use]
    pub fn subscriber(&self, log: &settings::Log) -> tracing::Dispatch {
        self.subscriber_to(log, std::io::stderr)
    }

    /// Returns a subscriber that writes the logs to `writer`.
    #[must_use]
    pub fn subscriber_to<W>(&self, log: &settings::Log, writer: W) -> tracing::Dispatch
    where
        W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    {
        log::subscriber(log, self.sending.as_ref().map(|sending| &sending.tracers), writer)
    }

    /// Whether anything is sent.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.sending.is_some()
    }

    /// Returns the meter whose instruments are sent, if anything is.
    #[must_use]
    pub fn meter(&self) -> Option<Meter> {
        self.sending.as_ref().map(|sending| sending.meter.clone())
    }

    /// Returns how often metrics are sent, if they are.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.sending.as_ref().map(|sending| sending.interval)
    }

    /// Sends what waits; returns when that is done, after three seconds at the latest.
    pub async fn flush(&self) {
        self.finish(|sending| {
            let _ = sending.tracers.force_flush();
            let _ = sending.meters.force_flush();
        })
        .await;
    }

    /// Sends what waits, as [`Telemetry::flush`] does, and drops what comes later.
    pub async fn shutdown(&self) {
        self.finish(|sending| {
            let _ = sending.tracers.shutdown_with_timeout(FLUSH_WITHIN);
            let _ = sending.meters.shutdown_with_timeout(FLUSH_WITHIN);
        })
        .await;
    }

    /// Runs `work` and waits for it, three seconds at most. The SDK blocks while it needs the runtime, so `work` has a
    /// thread of its own: a runtime waits for its own blocking threads before it ends.
    async fn finish(&self, work: impl FnOnce(&Sending) + Send + 'static) {
        let Some(sending) = self.sending.clone() else { return };
        let (done, finished) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            work(&sending);
            let _ = done.send(());
        });
        let _ = tokio::time::timeout(FLUSH_WITHIN, finished).await;
    }
}
