//! One connection of a server: its open streams, and since when it has none.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// The address that a connection comes from; an extension of each request.
#[derive(Clone, Copy, Debug)]
pub struct Origin(pub IpAddr);

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    streams: AtomicUsize,
    /// When the connection was last without a stream.
    quiet_since: Mutex<Instant>,
    /// Tells the connection to end, so that another one can be accepted.
    pub make_room: Notify,
    /// Address of the peer.
    pub origin: Origin,
}

/// An open stream of a connection; dropping it ends the count.
#[derive(Debug)]
pub(super) struct Busy(Arc<Connection>);

impl Connection {
    /// Creates a connection without calls.
    pub fn new(origin: Origin) -> Self {
        let quiet_since = Mutex::new(Instant::now());
        Self { streams: AtomicUsize::new(0), quiet_since, make_room: Notify::new(), origin }
    }

    /// Counts one more stream.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Returns since when the connection has no stream; none while it has one.
    pub fn quiet_since(&self) -> Option<Instant> {
        let since = *self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner);
        (self.streams.load(Ordering::Relaxed) == 0).then_some(since)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.quiet_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
