//! The settings of logs, traces and metrics.

use serde::Deserialize;

use crate::base::settings::{ConfigError, environment};

/// What is logged and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A filter such as `info,kefu_chassis=debug`.
    pub filter: String,
    /// JSON, a line a record; otherwise text for people.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".into(), json: true }
    }
}

/// Where traces and metrics go, and how many.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Where a collector takes OTLP over gRPC, e.g. `http://127.0.0.1:4317`; nothing is sent when unset.
    pub endpoint: Option<String>,
    /// The share of traces that begin here and are recorded, from 0 to 1. What a caller began is recorded if the caller does.
    pub sampling_ratio: f64,
    /// How often metrics are sent, in milliseconds, at least 10.
    pub metric_interval_ms: u64,
    /// Spans that wait for being sent at most; what comes beyond is dropped.
    pub span_queue: usize,
    /// Tells this process from others of its kind (`service.instance.id`), e.g. the pod's name; random when unset.
    pub instance: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { endpoint: None, sampling_ratio: 1.0, metric_interval_ms: 15_000, span_queue: 4_096, instance: None }
    }
}

impl Telemetry {
    /// What the environment alone says (`KEFU_TELEMETRY__…`), for a process that runs several services.
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
