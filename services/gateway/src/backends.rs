//! The services behind the gateway: the replicas behind each name, found anew again and again, and which of them are ready.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, io};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use kefu_chassis::chassis::spawn;
use kefu_chassis::error::describe;
use kefu_chassis::telemetry::Telemetry;
use kefu_chassis::telemetry::propagation::Traced;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How often the name is looked up.
const RESOLVE: Duration = Duration::from_secs(5);
/// How often a replica is asked whether it is ready, and how long it may take to say.
const PROBE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));
/// How long the gateway waits at its start for services that are not ready yet.
const BEGIN: Duration = Duration::from_secs(2);
/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// What every service serves, and is ready for when it is.
const ASKED: &str = "kefu.events.v1.EventFeed";
/// Calls, and likewise streams, of one replica at once: a service takes 1,000 on a connection.
const AT_ONCE: u16 = 900;
/// What may come of an answer ahead of its being taken, in bytes. A connection takes as much for each of its calls: if it took
/// less, a few answers that nobody reads would hold up all others.
const WINDOW: u32 = 64 << 10;

/// Where a service is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// Its address, e.g. `https://intake:7001`; every address of the name is a replica.
    pub url: String,
    /// The authority of its certificate (PEM); needed for `https`.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// How the addresses of a name are found.
#[derive(Clone)]
pub struct Names(Arc<Lookup>);

type Lookup = dyn Fn(&str, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

impl Names {
    /// As the system finds them.
    #[must_use]
    pub fn system() -> Self {
        Self::of(|host, port| {
            let host = host.to_owned();
            async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) }.boxed()
        })
    }

    /// As something else finds them, by host and port.
    pub fn of(
        lookup: impl Fn(&str, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(lookup))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

/// A service that cannot be behind a gateway.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Its address.
    #[error("services.{service}.url is no URL with a host and a port")]
    Url {
        /// The service.
        service: String,
    },
    /// Its authority.
    #[error("services.{service}.ca_file cannot be read")]
    Authority {
        /// The service.
        service: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// TLS.
    #[error("services.{service} cannot be reached by TLS")]
    Tls {
        /// The service.
        service: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
}

/// The services, by their resource names.
#[derive(Clone, Debug, Default)]
pub struct Backends(BTreeMap<String, Arc<Backend>>);

/// A service and its replicas.
#[derive(Debug)]
pub struct Backend {
    name: String,
    url: Uri,
    /// How each replica is reached, but for its address.
    tls: Option<ClientTlsConfig>,
    names: Names,
    telemetry: Telemetry,
    replicas: RwLock<Arc<[Arc<Replica>]>>,
    turn: AtomicUsize,
}

/// What is known of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Away,
    /// A call to it was lost: others are preferred until it is asked again.
    Suspect,
    Ready,
}

#[derive(Debug)]
struct Replica {
    address: SocketAddr,
    /// Calls that end soon.
    calls: Traced<Channel>,
    /// Calls that go on: a connection of their own, for one holds only so many.
    streams: Traced<Channel>,
    /// The connection of calls, on which it is asked.
    asked: Channel,
    /// How often in a row it did not say whether it is ready.
    silences: AtomicU8,
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

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// No replica is there.
    Away,
    /// Each has as many calls as it can hold.
    Full,
}

impl Backends {
    /// The services of a configuration, by their short names; followed until `stop` becomes true. Returns when each is ready, or has
    /// had the time to be.
    pub async fn start(
        services: &BTreeMap<String, BackendConfig>,
        names: &Names,
        telemetry: &Telemetry,
        stop: &watch::Receiver<bool>,
    ) -> Result<(Self, Vec<JoinHandle<()>>), BackendError> {
        let mut backends = BTreeMap::new();
        for (service, config) in services {
            let backend = Arc::new(Backend::new(service, config, names, telemetry)?);
            backends.insert(backend.name.clone(), backend);
        }
        let asked = backends.values().map(async |backend: &Arc<Backend>| {
            let began = tokio::time::Instant::now();
            backend.renew().await;
            while !backend.is_ready() && began.elapsed() < BEGIN {
                tokio::time::sleep(BEGIN / 40).await;
                backend.probe().await;
            }
        });
        futures::future::join_all(asked).await;
        let tasks = backends.values().map(|backend| spawn(follow(backend.clone(), stop.clone()))).collect();
        Ok((Self(backends), tasks))
    }

    /// The service of a resource name, e.g. `services/intake`.
    pub fn get(&self, name: &str) -> Option<&Arc<Backend>> {
        self.0.get(name)
    }

    /// Every service, and whether a replica of it is ready.
    pub fn readiness(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(name, backend)| (name.as_str(), backend.is_ready()))
    }
}

impl Backend {
    fn new(service: &str, config: &BackendConfig, names: &Names, telemetry: &Telemetry) -> Result<Self, BackendError> {
        let wrong = || BackendError::Url { service: service.to_owned() };
        let url: Uri = config.url.parse().map_err(|_| wrong())?;
        let is_tls = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        if url.host().is_none() || url.port_u16().is_none() {
            return Err(wrong());
        }
        let tls = match (&config.ca_file, is_tls) {
            (Some(file), true) => {
                let pem = std::fs::read_to_string(file)
                    .map_err(|source| BackendError::Authority { service: service.to_owned(), source })?;
                let host = url.host().unwrap_or_default().to_owned();
                Some(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name(host))
            }
            (None, true) => {
                let source = std::io::Error::other("it is not set, and https needs it");
                return Err(BackendError::Authority { service: service.to_owned(), source });
            }
            (_, false) => None,
        };
        let backend = Self {
            name: format!("services/{service}"),
            url,
            tls,
            names: names.clone(),
            telemetry: telemetry.clone(),
            replicas: RwLock::new(Arc::new([])),
            turn: AtomicUsize::new(0),
        };
        // What is wrong with TLS is told now, not with the first replica.
        backend
            .endpoint(SocketAddr::from(([127, 0, 0, 1], 1)))
            .map_err(|source| BackendError::Tls { service: service.to_owned(), source })?;
        Ok(backend)
    }

    /// Its resource name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a replica is ready.
    pub fn is_ready(&self) -> bool {
        self.replicas().iter().any(|replica| replica.state() == State::Ready)
    }

    /// A place for a call: of two replicas in turn, the one with fewer under way. Those that are only suspected to be away are
    /// tried when no other is left.
    pub fn place(&self, kind: Kind) -> Result<Lease, NoPlace> {
        let replicas = self.replicas();
        let of = |state| replicas.iter().filter(move |replica| replica.state() == state).collect::<Vec<_>>();
        let mut candidates = of(State::Ready);
        if candidates.is_empty() {
            candidates = of(State::Suspect);
        }
        let count = candidates.len();
        if count == 0 {
            return Err(NoPlace::Away);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let pair = [candidates[turn % count], candidates[(turn + 1) % count]];
        let chosen = pair.into_iter().min_by_key(|replica| replica.under_way(kind).load(Ordering::Relaxed));
        let chosen = chosen.ok_or(NoPlace::Away)?;
        if chosen.under_way(kind).fetch_add(1, Ordering::Relaxed) >= usize::from(AT_ONCE) {
            chosen.under_way(kind).fetch_sub(1, Ordering::Relaxed);
            return Err(NoPlace::Full);
        }
        Ok(Lease { replica: chosen.clone(), kind })
    }

    fn replicas(&self) -> Arc<[Arc<Replica>]> {
        self.replicas.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn endpoint(&self, address: SocketAddr) -> Result<Endpoint, tonic::transport::Error> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
            .origin(self.url.clone())
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .initial_connection_window_size(WINDOW * u32::from(AT_ONCE))
            .initial_stream_window_size(WINDOW)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        match &self.tls {
            Some(tls) => endpoint.tls_config(tls.clone()),
            None => Ok(endpoint),
        }
    }

    /// Looks the name up, keeps the replicas that are still there, adds new ones, and asks each whether it is ready.
    async fn renew(&self) {
        let (host, port) = (self.url.host().unwrap_or_default(), self.url.port_u16().unwrap_or_default());
        let host = host.trim_matches(['[', ']']);
        let known: HashMap<SocketAddr, Arc<Replica>> =
            self.replicas().iter().map(|replica| (replica.address, replica.clone())).collect();
        let found = match (self.names.0)(host, port).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(service = self.name, cause = %error, "its name cannot be looked up");
                Vec::new()
            }
        };
        // A name that cannot be looked up for a while leads where it led before.
        if !found.is_empty() {
            let mut replicas = Vec::new();
            for address in found {
                match known.get(&address) {
                    Some(replica) => replicas.push(replica.clone()),
                    None => replicas.extend(self.replica(address)),
                }
            }
            *self.replicas.write().unwrap_or_else(PoisonError::into_inner) = replicas.into();
        }
        self.probe().await;
    }

    fn replica(&self, address: SocketAddr) -> Option<Arc<Replica>> {
        let endpoint = match self.endpoint(address) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                tracing::error!(service = self.name, %address, cause = describe(&error), "cannot be reached");
                return None;
            }
        };
        let traced = |channel| Traced::new(channel, &self.telemetry, "services/gateway", self.url.clone());
        let calls = endpoint.connect_lazy();
        Some(Arc::new(Replica {
            address,
            calls: traced(calls.clone()),
            streams: traced(endpoint.connect_lazy()),
            asked: calls,
            silences: AtomicU8::new(0),
            under_way: Default::default(),
            state: AtomicU8::new(State::Away as u8),
        }))
    }

    async fn probe(&self) {
        let replicas = self.replicas();
        let asked = replicas.iter().map(|replica| async {
            let Some(is_ready) = replica.says_ready().await else { return };
            let state = if is_ready { State::Ready } else { State::Away };
            let before = replica.state.swap(state as u8, Ordering::Relaxed);
            if (before == State::Ready as u8) != is_ready {
                let address = replica.address;
                if is_ready {
                    tracing::info!(service = self.name, %address, "ready");
                } else {
                    tracing::warn!(service = self.name, %address, "away");
                }
            }
        });
        futures::future::join_all(asked).await;
    }
}

/// Keeps what is known of a service until told to stop.
async fn follow(backend: Arc<Backend>, mut stop: watch::Receiver<bool>) {
    let mut looked_up = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(PROBE.0) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
        if looked_up.elapsed() >= RESOLVE {
            looked_up = tokio::time::Instant::now();
            backend.renew().await;
        } else {
            backend.probe().await;
        }
    }
}

impl Replica {
    fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            2 => State::Ready,
            1 => State::Suspect,
            _ => State::Away,
        }
    }

    fn under_way(&self, kind: Kind) -> &AtomicUsize {
        &self.under_way[usize::from(kind == Kind::Stream)]
    }

    /// Whether it is ready. One that says nothing is not, but once it may be busy.
    async fn says_ready(&self) -> Option<bool> {
        let mut client = HealthClient::new(self.asked.clone());
        let asked = client.check(HealthCheckRequest { service: ASKED.to_owned() });
        match timeout(PROBE.1, asked).await {
            Ok(answer) => {
                self.silences.store(0, Ordering::Relaxed);
                Some(answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving))
            }
            Err(_) => (self.silences.fetch_add(1, Ordering::Relaxed) > 0).then_some(false),
        }
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
