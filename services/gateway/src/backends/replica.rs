//! One replica of a service: its connections, its state, and the calls that have a place there.

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

/// The most calls, and the most streams, of one replica at once: a service takes 1,000 on a connection.
pub const AT_ONCE: u16 = 900;
/// How long a replica may take to say whether it is ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// The gRPC service whose health is asked for; every service serves it.
const ASKED: &str = "kefu.events.v1.EventFeed";

/// The state of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// The replica is away, or says that it is not ready.
    Away,
    /// A call to the replica was lost: others are preferred until it is asked again.
    Suspect,
    /// The replica says that it is ready.
    Ready,
}

/// A replica.
#[derive(Debug)]
pub struct Replica {
    /// The address.
    pub address: SocketAddr,
    /// The connection of calls that end soon.
    calls: Traced<Channel>,
    /// The connection of streams, which is apart because a connection holds only so many calls.
    streams: Traced<Channel>,
    /// The connection of calls, without traces, on which the replica is asked for its health.
    asked: Channel,
    /// Whether the last question for its health had no answer.
    is_silent: AtomicBool,
    under_way: [AtomicUsize; 2],
    state: AtomicU8,
}

/// The kind of a call, by how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call that ends soon.
    Call,
    /// A call with a stream on either side.
    Stream,
}

/// A call's place at a replica, given back when it is dropped.
#[derive(Debug)]
pub struct Lease {
    replica: Arc<Replica>,
    kind: Kind,
}

impl Replica {
    /// Creates the replica at an address; calls to it are traced as calls to `server`.
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

    /// Returns the state.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            2 => State::Ready,
            1 => State::Suspect,
            _ => State::Away,
        }
    }

    /// Returns how many calls of a kind are under way.
    pub fn load(&self, kind: Kind) -> usize {
        self.under_way(kind).load(Ordering::Relaxed)
    }

    /// Takes a place for one more call; none if the replica has as many as it can hold.
    pub fn take(self: &Arc<Self>, kind: Kind) -> Option<Lease> {
        if self.under_way(kind).fetch_add(1, Ordering::Relaxed) >= usize::from(AT_ONCE) {
            self.under_way(kind).fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Lease { replica: self.clone(), kind })
    }

    /// Asks the replica whether it is ready; returns the answer if that is new.
    pub async fn ask(&self) -> Option<bool> {
        let is_ready = self.says_ready().await?;
        let state = if is_ready { State::Ready } else { State::Away };
        let before = self.state.swap(state as u8, Ordering::Relaxed);
        ((before == State::Ready as u8) != is_ready).then_some(is_ready)
    }

    /// Returns whether the replica is ready. One without an answer is not, unless it answered the question before: it
    /// may be busy.
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
    /// Returns the channel to the replica.
    pub fn channel(&self) -> Traced<Channel> {
        match self.kind {
            Kind::Call => self.replica.calls.clone(),
            Kind::Stream => self.replica.streams.clone(),
        }
    }

    /// Notes that a call to the replica was lost.
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
