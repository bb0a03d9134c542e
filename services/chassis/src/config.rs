//! Configuration: defaults, then a file, then the environment (`KEFU_…`, `__` between levels). Unknown keys are refused.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::identity::IssuerConfig;
use crate::peer::PeerConfig;

/// What a service is told at start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its database.
    pub database: Database,
    /// Whose tokens it takes.
    #[serde(default)]
    pub identity: Identity,
    /// The other services, by the names of their schemas, e.g. `peers.appraisal`, which has the directory.
    #[serde(default)]
    pub peers: HashMap<String, PeerConfig>,
    /// A TOML file that overrides parameters of the rule book.
    #[serde(default)]
    pub regulation_file: Option<PathBuf>,
    /// Its bounds.
    #[serde(default)]
    pub limits: Limits,
    /// What it logs.
    #[serde(default)]
    pub log: Log,
    /// Where its traces and metrics go.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Certificate and key; plain text when unset.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// What is the service's own; it refuses what it does not know.
    #[serde(default)]
    pub service: serde_json::Value,
}

/// How Postgres is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://role@host:port/database`, without a password.
    pub url: String,
    /// A file with the role's password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Connections at most.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
}

/// Whose tokens are taken.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The issuers.
    #[serde(default)]
    pub issuers: Vec<IssuerConfig>,
}

/// Bounds of a service.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls at once; more are refused with `RESOURCE_EXHAUSTED`.
    pub concurrency: usize,
    /// Open streams at once, of feeds and watches; more are refused with `RESOURCE_EXHAUSTED`.
    pub streams: usize,
    /// Calls and open streams of one caller at once, other services excepted; more are refused with `RESOURCE_EXHAUSTED`.
    pub calls_per_caller: usize,
    /// Connections at once. For one more the one that has been without a call longest is closed; when all have one, it is not
    /// accepted.
    pub connections: usize,
    /// How long a connection may take to send its first byte, or to agree on TLS, in milliseconds.
    pub handshake_ms: u64,
    /// How long a connection may be without a call, in milliseconds.
    pub idle_ms: u64,
    /// How long a part of an answer may wait for its caller to take it, in milliseconds; then the stream is reset. A connection
    /// that takes nothing at all for as long is ended.
    pub stall_ms: u64,
    /// Deadline of a call that brings none, in milliseconds.
    pub deadline_ms: u64,
    /// Longest deadline a unary call may bring, in milliseconds.
    pub deadline_cap_ms: u64,
    /// Longest deadline of a call with a client stream, in milliseconds.
    pub stream_deadline_ms: u64,
    /// How long calls may go on once the service is told to stop, in milliseconds.
    pub grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 1_000,
            streams: 1_000,
            calls_per_caller: 100,
            connections: 1_000,
            handshake_ms: 10_000,
            idle_ms: 300_000,
            stall_ms: 60_000,
            deadline_ms: 30_000,
            deadline_cap_ms: 600_000,
            stream_deadline_ms: 3_600_000,
            grace_ms: 10_000,
        }
    }
}

impl Limits {
    /// How long calls may go on once the service is told to stop.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}

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

/// TLS of the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain (PEM).
    pub certificate_file: PathBuf,
    /// Its key (PEM).
    pub key_file: PathBuf,
}

fn default_connections() -> u32 {
    16
}

/// A configuration that cannot be read; the text names the key.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used")]
pub struct ConfigError(#[from] config::ConfigError);

impl Config {
    /// Reads `file`, if given, and the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        load(file)
    }
}

/// Reads a configuration from `file`, if given, and the environment over it.
pub fn load<T: DeserializeOwned>(file: Option<&Path>) -> Result<T, ConfigError> {
    let mut builder = config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
    }
    Ok(builder.add_source(environment(std::env::vars())).build()?.try_deserialize()?)
}

/// What the environment says, but for the variables of the command line and the tools, which share the prefix.
fn environment(variables: impl Iterator<Item = (String, String)>) -> config::Environment {
    const OTHERS: [&str; 3] = ["KEFU_HOME", "KEFU_DATABASE_URL", "KEFU_TOOLS_DIR"];
    let ours = variables.filter(|(name, _)| !OTHERS.contains(&name.as_str())).collect();
    config::Environment::with_prefix("KEFU").prefix_separator("_").separator("__").try_parsing(true).source(Some(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let built = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .unwrap();
        built.try_deserialize().map_err(|error: config::ConfigError| error.to_string())
    }

    #[test]
    fn a_minimal_file_gets_the_defaults() {
        let config = load("listen = '127.0.0.1:7001'\ndatabase.url = 'postgres://kefu_intake@db/kefu'").unwrap();
        assert_eq!((config.database.max_connections, config.limits.concurrency, config.log.json), (16, 1_000, true));
    }

    #[test]
    fn unknown_and_malformed_keys_are_named() {
        let good = "listen = '127.0.0.1:7001'\ndatabase.url = 'postgres://db/kefu'\n";
        for (line, named) in [
            ("limits.concurency = 3", "concurency"),
            ("limits.concurrency = 'many'", "limits.concurrency"),
            ("pasword = 'x'", "pasword"),
            ("telemetry.endpont = 'x'", "endpont"),
            ("telemetry.span_queue = -1", "telemetry.span_queue"),
        ] {
            let error = load(&format!("{good}{line}")).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
    #[test]
    fn the_environment_overrides_a_file_and_the_command_lines_variables_are_not_taken_for_settings() {
        let file = "listen = '127.0.0.1:7001'\ndatabase.url = 'postgres://db/kefu'";
        let load = |variables: &[(&str, &str)]| -> Result<Config, config::ConfigError> {
            let variables =
                variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
            let builder = config::Config::builder().add_source(config::File::from_str(file, config::FileFormat::Toml));
            builder.add_source(environment(variables.into_iter())).build()?.try_deserialize()
        };
        let config =
            load(&[("KEFU_HOME", "x"), ("KEFU_DATABASE_URL", "x"), ("KEFU_LIMITS__CONCURRENCY", "7"), ("PATH", "x")]);
        assert_eq!(config.unwrap().limits.concurrency, 7);
        assert!(load(&[("KEFU_PASSWORD", "x")]).unwrap_err().to_string().contains("password"));
    }
}
