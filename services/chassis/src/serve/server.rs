//! The server of a service: the shared methods, health, reflection, the gate that every call passes, and an orderly stop.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kefu_proto::compliance::v1::compliance_service_server::ComplianceServiceServer;
use kefu_proto::events::v1::event_feed_server::EventFeedServer;
use kefu_proto::notifications::v1::notification_service_server::NotificationServiceServer;
use kefu_proto::regulation::v1::regulation_service_server::RegulationServiceServer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::base::error::describe;
use crate::base::tasks::spawn;
use crate::serve::background;
use crate::serve::compliance::Compliance;
use crate::serve::feed::Feed;
use crate::serve::notifications::Notifications;
use crate::serve::regulation::RegulationOfService;
use crate::work::chassis::Chassis;

pub mod connection;
pub mod connections;
mod gate;
pub mod parts;
pub mod quota;
mod read_watch;
pub mod settings;
mod token_end;
mod write_limit;

use connections::Protocols;
use gate::Gate;
pub use gate::KEFU_TIME;
use settings::{Limits, Tls};

/// How often readiness is checked.
const READINESS: Duration = Duration::from_secs(2);

/// A server that has not started yet.
pub struct Server {
    chassis: Arc<Chassis>,
    limits: Limits,
    tls: Option<Tls>,
    listener: TcpListener,
    routes: RoutesBuilder,
    serves: Vec<&'static str>,
    beside: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    has_background: bool,
}

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The certificate or key cannot be read.
    #[error("the certificate or key cannot be read")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The certificate and key cannot be used.
    #[error("the certificate and key cannot be used")]
    Tls(#[from] rustls::Error),
    /// Reflection cannot be built.
    #[error("the descriptors cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

impl Server {
    /// Listens on `address` (port 0 for a free one) and serves the methods that every service has.
    pub async fn bind(
        chassis: Arc<Chassis>,
        address: SocketAddr,
        limits: Limits,
        tls: Option<Tls>,
    ) -> Result<Self, ServerError> {
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
        let routes = RoutesBuilder::default();
        let server = Self {
            chassis: chassis.clone(),
            limits,
            tls,
            listener,
            routes,
            serves: Vec::new(),
            beside: Vec::new(),
            has_background: true,
        };
        Ok(server
            .with(EventFeedServer::new(Feed { chassis: chassis.clone() }))
            .with(ComplianceServiceServer::new(Compliance { chassis: chassis.clone() }))
            .with(NotificationServiceServer::new(Notifications { chassis: chassis.clone() }))
            .with(RegulationServiceServer::new(RegulationOfService { chassis })))
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: tonic::server::NamedService
            + tower_service::Service<http::Request<tonic::body::Body>, Error = std::convert::Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.serves.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// Adds background work, which must end by itself when the chassis is told to stop.
    #[must_use]
    pub fn beside(mut self, work: impl Future<Output = ()> + Send + 'static) -> Self {
        self.beside.push(Box::pin(work));
        self
    }

    /// Leaves out all background work, the server's own too.
    #[must_use]
    pub fn without_background(mut self) -> Self {
        self.has_background = false;
        self
    }

    /// Returns the address the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Serves until the chassis is told to stop. Then the server is no longer ready, lets calls end within the grace period,
    /// and returns.
    pub async fn run(self) -> Result<(), ServerError> {
        let Self { chassis, limits, tls, listener, mut routes, serves, beside, has_background } = self;
        let (reporter, health) = tonic_health::server::health_reporter();
        routes.add_service(health);
        routes.add_service(reflection(&serves)?);
        let gate = Arc::new(Gate::new(chassis.clone(), limits));
        let router = gate::guard(Routes::from(routes.routes().into_axum_router()).into_axum_router(), gate);
        let tls = tls.as_ref().map(|tls| acceptor(tls, Protocols::Http2)).transpose()?;
        // Every service is known from the first call on, and not ready until Postgres has answered.
        for name in &serves {
            reporter.set_service_status(*name, ServingStatus::NotServing).await;
        }
        let mut work = Vec::new();
        if has_background {
            work = background::start(&chassis);
            work.extend(beside.into_iter().map(spawn));
        }
        let ready = spawn(report_readiness(chassis.clone(), reporter, serves));
        let serving = connections::Serving {
            router: router.with_state(()),
            protocols: Protocols::Http2,
            limits: limits.of_connections(),
            tls,
            stop: chassis.stopping(),
        };
        let mut stop = chassis.stopping();
        tokio::select! {
            () = connections::serve(listener, serving) => {}
            () = async {
                let _ = stop.wait_for(|stopping| *stopping).await;
                tokio::time::sleep(limits.grace()).await;
            } => tracing::warn!(service = chassis.service, "calls were cut off at the end of the grace period"),
        }
        chassis.stop();
        for task in work.into_iter().chain([ready]) {
            let _ = task.await;
        }
        chassis.pool().close().await;
        Ok(())
    }
}

/// Creates a TLS acceptor from the certificate and key of the configuration.
pub fn acceptor(tls: &Tls, protocols: Protocols) -> Result<TlsAcceptor, ServerError> {
    let chain = CertificateDer::pem_file_iter(&tls.certificate_file)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&tls.key_file)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = protocols.offered();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Creates the reflection of these gRPC services and of health.
pub fn reflection(
    serves: &[&str],
) -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection + use<>>,
    tonic_reflection::server::Error,
> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(kefu_proto::COMMENTED)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for name in serves {
        builder = builder.with_service_name(*name);
    }
    builder.build_v1()
}

/// Reports the health of each gRPC service: serving while Postgres answers and the service is not stopping. The health of the
/// server as a whole (the empty name) says only that the process lives.
async fn report_readiness(chassis: Arc<Chassis>, reporter: HealthReporter, serves: Vec<&'static str>) {
    let mut stop = chassis.stopping();
    let mut known = None;
    loop {
        let answer = tokio::time::timeout(READINESS, sqlx::query("select 1").execute(chassis.pool())).await;
        let ready = matches!(answer, Ok(Ok(_))) && !*stop.borrow();
        if known != Some(ready) {
            if let Ok(Err(error)) = &answer {
                tracing::warn!(service = chassis.service, cause = describe(error), "not ready");
            }
            known = Some(ready);
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            for name in &serves {
                reporter.set_service_status(*name, status).await;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(READINESS) => {}
            _ = stop.wait_for(|stopping| *stopping) => break,
        }
    }
    for name in &serves {
        reporter.set_service_status(*name, ServingStatus::NotServing).await;
    }
}
