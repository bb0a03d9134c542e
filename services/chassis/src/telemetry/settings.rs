//! The settings of logs, traces and metrics.

use serde::Deserialize;

use crate::base::settings::{ConfigError, environment};

/// The settings of logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A filter such as `info,kefu_chassis=debug`.
    pub filter: String,
    /// Whether logs are JSON, one record a line; otherwise they are text for people.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".into(), json: true }
    }
}

/// The settings of traces and metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// The collector's address for OTLP over gRPC, e.g. `http://127.0.0.1:4317`; nothing is sent when unset.
    pub endpoint: Option<String>,
    /// The share of the traces begun here that is recorded, from 0 to 1. A trace that a caller began is recorded if the
    /// caller records it.
    pub sampling_ratio: f64,
    /// How often metrics are sent, in milliseconds, at least 10.
    pub metric_interval_ms: u64,
    /// The most spans that wait to be sent; further ones are dropped.
    pub span_queue: usize,
    /// The id that tells this process from others of its kind (`service.instance.id`), e.g. the pod's name; random when
    /// unset.
    pub instance: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { endpoint: None, sampling_ratio: 1.0, metric_interval_ms: 15_000, span_queue: 4_096, instance: None }
    }
}

impl Telemetry {
    /// Reads the settings from the environment alone (`KEFU_TELEMETRY__…`), for a process that runs several services.
    pub fn from_environment() -> Result<Self, ConfigError> {
        #[derive(Deserialize)]
        struct Section {
            #[serde(default)]
            telemetry: Telemetry,
        }
        let ours = std::env::vars().filter(|(name, _)| name.starts_with("KEFU_TELEMETRY__"));
        let section: Section = config::Config::builder().add_source(environment(ours)).build()?.try_deserialize()?;
        Ok(section.telemetry)
    }
}
