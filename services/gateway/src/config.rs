//! The configuration of the gateway: defaults, then a file, then the environment, as for the services.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use kefu_chassis::config::{ConnectionLimits, Identity, Log, Telemetry, Tls};
use serde::Deserialize;

use crate::backends::BackendConfig;

/// The configuration of the gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The services behind the gateway, by their short names, e.g. `services.intake`.
    pub services: BTreeMap<String, BackendConfig>,
    /// The issuers whose tokens identify a caller for the rate. Services check every token themselves.
    #[serde(default)]
    pub identity: Identity,
    /// The web pages that may call the gateway.
    #[serde(default)]
    pub cors: Cors,
    /// The bounds of the gateway.
    #[serde(default)]
    pub limits: Limits,
    /// The logging.
    #[serde(default)]
    pub log: Log,
    /// Where traces and metrics go, beside `/metrics`.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Certificate and key; plain text when unset.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// The web pages that may call the gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// The origins of the pages, such as `https://desk.example.com`; none by default.
    pub origins: Vec<String>,
}

/// The bounds of the gateway.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most connections at once. A further one is accepted in place of the one that has been without a call
    /// longest, and not at all when each has a call.
    pub connections: usize,
    /// How long a connection may take to send its first byte, or to agree on TLS, in milliseconds.
    pub handshake_ms: u64,
    /// How long a connection may be without a call, and the head of a request may take, in milliseconds.
    pub idle_ms: u64,
    /// How long a part of an answer may wait to be taken, and a part of an upload to come, in milliseconds.
    pub stall_ms: u64,
    /// The longest body of JSON, and the longest line of an upload of lines, in bytes.
    pub body_bytes: usize,
    /// How long a body of JSON may take to come, in milliseconds.
    pub body_ms: u64,
    /// The longest upload, in bytes.
    pub upload_bytes: usize,
    /// How long an upload and its answer may take, in milliseconds.
    pub upload_ms: u64,
    /// How long a call may take, in milliseconds.
    pub deadline_ms: u64,
    /// The most requests of one caller in a second, other services excepted; more are refused with 429. Anonymous
    /// callers count by their address.
    pub rate_per_second: u32,
    /// The requests that one caller may make at once before the rate counts.
    pub rate_burst: u32,
    /// The most requests and open streams of one caller at once, other services excepted; more are refused with 429.
    pub calls_per_caller: usize,
    /// The most bytes of answers that one caller may leave unread, other services excepted; the answer to a GET that goes beyond
    /// is refused with 429, unless it is the only one.
    pub unread_bytes_per_caller: usize,
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
            unread_bytes_per_caller: 16 << 20,
            grace_ms: 10_000,
        }
    }
}

impl Limits {
    /// Returns the bounds of the connections.
    pub(crate) fn of_connections(self) -> ConnectionLimits {
        let Self { connections, handshake_ms, idle_ms, stall_ms, .. } = self;
        ConnectionLimits { connections, handshake_ms, idle_ms, stall_ms }
    }
}
