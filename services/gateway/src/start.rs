//! The start and the stop of the gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kefu_chassis::Clock;
use kefu_chassis::config;
use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::server::connections::{self, Protocols, Serving};
use kefu_chassis::server::{ServerError, acceptor};
use kefu_chassis::tasks::spawn;
use kefu_chassis::telemetry::Telemetry;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::backends::{BackendConfig, BackendError, Backends, Names};
use crate::config::{Cors, Limits};
use crate::gateway::Gateway;
use crate::instruments::Instruments;
use crate::rate::{Rates, TIDY};
use crate::router::{RouterError, router};
use crate::routes::{RouteError, Routes};

/// How often health is reported.
const REPORT: Duration = Duration::from_secs(1);

/// The setup of a gateway.
#[derive(Debug)]
pub struct Setup {
    /// The address to listen on; port 0 for a free one.
    pub listen: SocketAddr,
    /// The services behind the gateway, by their short names.
    pub services: BTreeMap<String, BackendConfig>,
    /// How the services' names are looked up.
    pub names: Names,
    /// The issuers whose tokens identify a caller for the rate.
    pub issuers: Vec<IssuerConfig>,
    /// The web pages that may call the gateway.
    pub cors: Cors,
    /// The bounds of the gateway.
    pub limits: Limits,
    /// The clock of the answers that no service makes.
    pub clock: Clock,
    /// The certificate; plain text when none.
    pub tls: Option<config::Tls>,
    /// Where traces and metrics go, beside `/metrics`.
    pub telemetry: Telemetry,
}

/// A running gateway.
#[derive(Debug)]
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    gateway: Arc<Gateway>,
    grace: Duration,
    serving: JoinHandle<()>,
    beside: Vec<JoinHandle<()>>,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The contracts cannot be served over HTTP.
    #[error("the contracts cannot be served over HTTP")]
    Routes(#[from] RouteError),
    /// The settings of a service cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The server cannot run.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The routes cannot be built.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The metrics cannot be gathered.
    #[error("the metrics cannot be gathered")]
    Metrics(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Gateway {
    /// Starts the gateway. It serves once this returns, and has asked every service whether it is ready.
    pub async fn start(setup: Setup) -> Result<Running, StartError> {
        let (stop, stopping) = watch::channel(false);
        let tls = setup.tls.as_ref().map(|tls| acceptor(tls, Protocols::Both)).transpose()?;
        let address = setup.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| ServerError::Listen { address, source })?;
        let (backends, mut beside) =
            Backends::start(&setup.services, &setup.names, &setup.telemetry, &stopping).await?;
        let (metrics, meters, instruments) = metrics(&setup.telemetry)?;
        let gateway = Arc::new(Self {
            routes: Routes::of(kefu_proto::pool())?,
            backends,
            limits: setup.limits,
            clock: setup.clock,
            telemetry: setup.telemetry,
            instruments,
            rates: Rates::new(setup.issuers, &setup.limits),
            metrics,
            _meters: meters,
            stop,
        });
        let (reporter, health) = tonic_health::server::health_reporter();
        beside.push(spawn(report(gateway.clone(), reporter)));
        beside.push(spawn(tidy(gateway.clone())));
        let limits = setup.limits;
        let serving = Serving {
            router: router(&gateway, &setup.cors, health)?,
            protocols: Protocols::Both,
            limits: limits.of_connections(),
            tls,
            stop: stopping,
        };
        tracing::info!(%address, "the gateway serves");
        let serving = spawn(connections::serve(listener, serving));
        Ok(Running { address, gateway, grace: Duration::from_millis(limits.grace_ms), serving, beside })
    }
}

impl Running {
    /// Stops the gateway; calls under way may end within the grace period.
    pub async fn stop(mut self) {
        self.gateway.stop.send_replace(true);
        if tokio::time::timeout(self.grace, &mut self.serving).await.is_err() {
            tracing::warn!("calls were cut off at the end of the grace period");
            self.serving.abort();
        }
        for task in self.beside {
            let _ = task.await;
        }
    }

    /// Returns when the gateway has stopped.
    pub async fn stopped(&mut self) {
        let _ = (&mut self.serving).await;
    }
}

/// Creates the instruments that `/metrics` reads, and those of the collector if there is one.
fn metrics(telemetry: &Telemetry) -> Result<(prometheus::Registry, SdkMeterProvider, Vec<Instruments>), StartError> {
    let registry = prometheus::Registry::new();
    let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build();
    let reader = reader.map_err(|error| StartError::Metrics(error.into()))?;
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let instruments = std::iter::once(provider.meter("kefu")).chain(telemetry.meter());
    let instruments = instruments.map(|meter| Instruments::of(&meter)).collect();
    Ok((registry, provider, instruments))
}

/// Reports the health of each gRPC service: serving while a service that serves it is ready.
async fn report(gateway: Arc<Gateway>, reporter: HealthReporter) {
    let mut stop = gateway.stopping();
    loop {
        let ready: BTreeMap<&str, bool> = gateway.backends.readiness().collect();
        for (name, served_by) in &gateway.routes.services {
            let is_ready = match served_by {
                Some(service) => ready.get(service.as_str()).copied().unwrap_or_default(),
                None => ready.values().any(|&is_ready| is_ready),
            };
            let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status(name, status).await;
        }
        tokio::select! {
            () = tokio::time::sleep(REPORT) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

async fn tidy(gateway: Arc<Gateway>) {
    let mut stop = gateway.stopping();
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY) => gateway.rates.tidy(),
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}
