//! One replica of a service: its connections, what is known of it, and the calls that have a place there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use kefu_chassis::telemetry::Telemetry;
use kefu_chassis::telemetry::traced::Traced;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Calls, and likewise streams, of one replica at once: a service takes 1,000 on a connection.
pub const AT_ONCE: u16 = 900;
/// How long a replica may take to say whether it is ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// What every service serves, and is ready for when it is.
const ASKED: &str = "kefu.events.v1.EventFeed";

/// What is known of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// It is away, or says that it is not ready.
    Away,
    /// A call to it was lost: others are preferred until it is asked again.
    Suspect,
    /// It says that it is ready.
    Ready,
}

/// A replica.
#[derive(Debug)]
pub struct Replica {
    /// Where it is.
    pub address: SocketAddr,
    /// Calls that end soon.
    calls: Traced<Channel>,
    /// Calls that go on: a connection of their own, for one holds only so many.
    streams: Traced<Channel>,
    /// The connection of calls, on which it is asked.
    asked: Channel,
    /// Whether it did not say, when it was last asked, whether it is ready.
    is_silent: AtomicBool,
    under_way: [AtomicUsize; 2],
    state: AtomicU8,
}

/// Whether a call ends soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does.
    Call,
    /// It goes on: a stream, of either side.
    Stream,
}

/// A call's place at a replica, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    replica: Arc<Replica>,
    kind: Kind,
}

impl Replica {
    /// One that is reached so, by calls to `server`.
    pub fn new(address: SocketAddr, endpoint: &Endpoint, telemetry: &Telemetry, server: &Uri) -> Self {
        let traced = |channel| Traced::new(channel, telemetry, "services/gateway", server.clone());
        let calls = endpoint.connect_lazy();
        Self {
            address,
            calls: traced(calls.clone()),
            streams: traced(endpoint.connect_lazy()),
            asked: calls,
            is_silent: AtomicBool::new(false),
            under_way: Default::default(),
            state: AtomicU8::new(State::Away as u8),
        }
    }

    /// What is known of it.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            2 => State::Ready,
            1 => State::Suspect,
            _ => State::Away,
        }
    }

    /// How many of its calls of a kind are under way.
    pub fn load(&self, kind: Kind) -> usize {
        self.under_way(kind).load(Ordering::Relaxed)
    }

    /// A place for one more; none if it has as many as it can hold.
    pub fn take(self: &Arc<Self>, kind: Kind) -> Option<Lease> {
        if self.under_way(kind).fetch_add(1, Ordering::Relaxed) >= usize::from(AT_ONCE) {
            self.under_way(kind).fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Lease { replica: self.clone(), kind })
    }

    /// Asks whether it is ready; the answer if that is news.
    pub async fn ask(&self) -> Option<bool> {
        let is_ready = self.says_ready().await?;
        let state = if is_ready { State::Ready } else { State::Away };
        let before = self.state.swap(state as u8, Ordering::Relaxed);
        ((before == State::Ready as u8) != is_ready).then_some(is_ready)
    }

    /// Whether it is ready. One that says nothing is not, but once it may be busy.
    async fn says_ready(&self) -> Option<bool> {
        let mut client = HealthClient::new(self.asked.clone());
        let asked = client.check(HealthCheckRequest { service: ASKED.to_owned() });
        match timeout(PATIENCE, asked).await {
            Ok(answer) => {
                self.is_silent.store(false, Ordering::Relaxed);
                Some(answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving))
            }
            Err(_) => self.is_silent.swap(true, Ordering::Relaxed).then_some(false),
        }
    }

    fn under_way(&self, kind: Kind) -> &AtomicUsize {
        &self.under_way[usize::from(kind == Kind::Stream)]
    }
}

impl Lease {
    /// The way to the replica.
    pub fn channel(&self) -> Traced<Channel> {
        match self.kind {
            Kind::Call => self.replica.calls.clone(),
            Kind::Stream => self.replica.streams.clone(),
        }
    }

    /// A call to it was lost.
    pub fn suspect(&self) {
        let (ready, suspect) = (State::Ready as u8, State::Suspect as u8);
        let _ = self.replica.state.compare_exchange(ready, suspect, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.replica.under_way(self.kind).fetch_sub(1, Ordering::Relaxed);
    }
}
