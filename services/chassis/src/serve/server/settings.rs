//! The settings of a server.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// The bounds of a service.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most calls at once; more are refused with `RESOURCE_EXHAUSTED`.
    pub concurrency: usize,
    /// The most open streams at once, of feeds and watches; more are refused with `RESOURCE_EXHAUSTED`.
    pub streams: usize,
    /// The most calls and open streams of one caller at once, other services excepted; more are refused with
    /// `RESOURCE_EXHAUSTED`.
    pub calls_per_caller: usize,
    /// The most bytes of answers that one caller may leave unread, other services excepted; an answer that goes beyond is
    /// refused with `RESOURCE_EXHAUSTED`, unless it is the only one.
    pub unread_bytes_per_caller: usize,
    /// The most connections at once. A further one is accepted in place of the one that has been without a call longest, and
    /// not at all when each has a call.
    pub connections: usize,
    /// How long a connection may take to send its first byte, or to agree on TLS, in milliseconds.
    pub handshake_ms: u64,
    /// How long a connection may be without a call, in milliseconds.
    pub idle_ms: u64,
    /// How long a part of an answer may wait for its caller to take it, in milliseconds; then the stream is reset. A connection
    /// that takes nothing at all for as long is ended.
    pub stall_ms: u64,
    /// The deadline of a call that brings none, in milliseconds.
    pub deadline_ms: u64,
    /// The longest deadline that a unary call may bring, in milliseconds.
    pub deadline_cap_ms: u64,
    /// The deadline of a call with a stream, and the longest that it may bring, in milliseconds. A stream of answers
    /// has to begin within it, and may last longer.
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
            unread_bytes_per_caller: 16 << 20,
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
    /// Returns the bounds of the connections.
    #[must_use]
    pub fn of_connections(&self) -> ConnectionLimits {
        let Self { connections, handshake_ms, idle_ms, stall_ms, .. } = *self;
        ConnectionLimits { connections, handshake_ms, idle_ms, stall_ms }
    }

    /// Returns how long calls may go on once the service is told to stop.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}

/// The bounds of a server's connections; each means what the setting of the same name means.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// The most connections at once.
    pub connections: usize,
    /// How long a connection may take to send its first byte, or to agree on TLS, in milliseconds.
    pub handshake_ms: u64,
    /// How long a connection may be without a call, in milliseconds.
    pub idle_ms: u64,
    /// How long a part of an answer may wait for its caller to take it, in milliseconds.
    pub stall_ms: u64,
}

/// The TLS settings of a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain (PEM).
    pub certificate_file: PathBuf,
    /// The private key (PEM).
    pub key_file: PathBuf,
}
