//! What the gateway is told at start: defaults, then a file, then the environment, as the services have it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use kefu_chassis::config::{ConnectionLimits, Identity, Log, Telemetry, Tls};
use serde::Deserialize;

use crate::backends::BackendConfig;

/// What the gateway is told at start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The services behind it, by their short names, e.g. `services.intake`.
    pub services: BTreeMap<String, BackendConfig>,
    /// Whose tokens name a caller whose calls are counted. Services check every token themselves.
    #[serde(default)]
    pub identity: Identity,
    /// Which web pages may call it.
    #[serde(default)]
    pub cors: Cors,
    /// Its bounds.
    #[serde(default)]
    pub limits: Limits,
    /// What it logs.
    #[serde(default)]
    pub log: Log,
    /// Where its traces and metrics go, beside `/metrics`.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Certificate and key; plain text when unset.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// Which web pages may call it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Origins such as `https://desk.example.com`; none by default.
    pub origins: Vec<String>,
}

/// Bounds of the gateway.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once. For one more the one that has been without a call longest is closed; when all have one, it is not
    /// accepted.
    pub connections: usize,
    /// How long a connection may take to send its first byte, or to agree on TLS, in milliseconds.
    pub handshake_ms: u64,
    /// How long a connection may be without a call, and the head of a request may take, in milliseconds.
    pub idle_ms: u64,
    /// How long a part of an answer may wait to be taken, and a part of an upload to come, in milliseconds.
    pub stall_ms: u64,
    /// A body of JSON, and a line of an upload of lines, at most, in bytes.
    pub body_bytes: usize,
    /// How long a body of JSON may take to come, in milliseconds.
    pub body_ms: u64,
    /// An upload at most, in bytes.
    pub upload_bytes: usize,
    /// How long an upload and its answer may take, in milliseconds.
    pub upload_ms: u64,
    /// How long a call may take, in milliseconds.
    pub deadline_ms: u64,
    /// Requests of one caller in a second, other services excepted; more are refused with 429. Those who do not say who they are
    /// count by their address.
    pub rate_per_second: u32,
    /// Requests of one caller at once, before the rate counts.
    pub rate_burst: u32,
    /// Requests and open streams of one caller at once, other services excepted; more are refused with 429.
    pub calls_per_caller: usize,
    /// How long calls may go on once the gateway is told to stop, in milliseconds.
    pub grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshake_ms: 10_000,
            idle_ms: 60_000,
            stall_ms: 30_000,
            body_bytes: 4 << 20,
            body_ms: 30_000,
            upload_bytes: 64 << 20,
            upload_ms: 600_000,
            deadline_ms: 30_000,
            rate_per_second: 200,
            rate_burst: 400,
            calls_per_caller: 100,
            grace_ms: 10_000,
        }
    }
}

impl Limits {
    /// The bounds of its connections.
    pub(crate) fn of_connections(self) -> ConnectionLimits {
        let Self { connections, handshake_ms, idle_ms, stall_ms, .. } = self;
        ConnectionLimits { connections, handshake_ms, idle_ms, stall_ms }
    }
}
