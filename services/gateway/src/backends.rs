//! The services behind the gateway: the replicas of each, looked up by name every few seconds, and which of them are
//! ready.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, io};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use kefu_chassis::error::describe;
use kefu_chassis::tasks::spawn;
use kefu_chassis::telemetry::Telemetry;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

mod replica;

use replica::{AT_ONCE, Replica, State};
pub use replica::{Kind, Lease};

/// How often a service's name is looked up.
const RESOLVE: Duration = Duration::from_secs(5);
/// How often a replica is asked whether it is ready.
const ASK: Duration = Duration::from_secs(1);
/// How long the gateway waits at its start for services that are not ready yet.
const BEGIN: Duration = Duration::from_secs(2);
/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The bytes of an answer that are received ahead of its reader. A connection's window holds as much for each of its
/// calls: with less, a few answers that nobody reads would hold up all others.
const WINDOW: u32 = 64 << 10;

/// The settings of a service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// The address, e.g. `https://intake:7001`; every address of the name is a replica.
    pub url: String,
    /// The authority of the service's certificate (PEM); needed for `https`.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// The lookup of a name's addresses.
#[derive(Clone)]
pub struct Names(Arc<Lookup>);

type Lookup = dyn Fn(&str, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

impl Names {
    /// Looks names up as the system does.
    #[must_use]
    pub fn system() -> Self {
        Self::of(|host, port| {
            let host = host.to_owned();
            async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) }.boxed()
        })
    }

    /// Looks names up with a function, by host and port.
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

/// Why a service cannot be behind a gateway.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The address is not a usable URL.
    #[error("services.{service}.url is no URL with a host and a port")]
    Url {
        /// The service.
        service: String,
    },
    /// The authority cannot be read.
    #[error("services.{service}.ca_file cannot be read")]
    Authority {
        /// The service.
        service: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up.
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
    /// The TLS settings of each replica; plain text when none.
    tls: Option<ClientTlsConfig>,
    names: Names,
    telemetry: Telemetry,
    replicas: RwLock<Arc<[Arc<Replica>]>>,
    turn: AtomicUsize,
}

/// Why there is no place for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLease {
    /// No replica is ready.
    Away,
    /// The two replicas whose turn it is have as many calls as they can hold.
    Full,
}

impl Backends {
    /// Starts following the services of a configuration, given by their short names, until `stop` becomes true. Returns
    /// when each is ready, or has had the time to be.
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

    /// Returns the service of a resource name, e.g. `services/intake`.
    pub fn get(&self, name: &str) -> Option<&Arc<Backend>> {
        self.0.get(name)
    }

    /// Returns every service, and whether a replica of it is ready.
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
        // An endpoint is made once here, so that wrong TLS settings are reported now and not with the first replica.
        backend
            .endpoint(SocketAddr::from(([127, 0, 0, 1], 1)))
            .map_err(|source| BackendError::Tls { service: service.to_owned(), source })?;
        Ok(backend)
    }

    /// Whether a replica is ready.
    pub fn is_ready(&self) -> bool {
        self.replicas().iter().any(|replica| replica.state() == State::Ready)
    }

    /// Leases a connection for a call: of two replicas in turn, the one with fewer calls under way. Replicas that are
    /// suspected to be away are tried when no other is left.
    pub fn lease(&self, kind: Kind) -> Result<Lease, NoLease> {
        let replicas = self.replicas();
        let of = |state| replicas.iter().filter(move |replica| replica.state() == state).collect::<Vec<_>>();
        let mut candidates = of(State::Ready);
        if candidates.is_empty() {
            candidates = of(State::Suspect);
        }
        let count = candidates.len();
        if count == 0 {
            return Err(NoLease::Away);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let pair = [candidates[turn % count], candidates[(turn + 1) % count]];
        let chosen = pair.into_iter().min_by_key(|replica| replica.load(kind));
        chosen.ok_or(NoLease::Away)?.take(kind).ok_or(NoLease::Full)
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
        // While a name cannot be looked up, the replicas stay as they were.
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
        match self.endpoint(address) {
            Ok(endpoint) => Some(Arc::new(Replica::new(address, &endpoint, &self.telemetry, &self.url))),
            Err(error) => {
                tracing::error!(service = self.name, %address, cause = describe(&error), "cannot be reached");
                None
            }
        }
    }

    async fn probe(&self) {
        let replicas = self.replicas();
        let asked = replicas.iter().map(async |replica| {
            let address = replica.address;
            match replica.ask().await {
                Some(true) => tracing::info!(service = self.name, %address, "ready"),
                Some(false) => tracing::warn!(service = self.name, %address, "away"),
                None => {}
            }
        });
        futures::future::join_all(asked).await;
    }
}

/// Follows a service until told to stop.
async fn follow(backend: Arc<Backend>, mut stop: watch::Receiver<bool>) {
    let mut looked_up = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(ASK) => {}
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
