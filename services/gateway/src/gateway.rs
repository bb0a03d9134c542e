//! The gateway as a whole: what its handlers share, its routes, its start and its end.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use http::{Method as Verb, StatusCode};
use kefu_chassis::config;
use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::server::connection::Origin;
use kefu_chassis::server::connections::{self, Protocols, Serving};
use kefu_chassis::server::quota;
use kefu_chassis::server::{ServerError, acceptor, reflection};
use kefu_chassis::tasks::spawn;
use kefu_chassis::telemetry::Telemetry;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::HealthReporter;
use tower_http::compression::predicate::{NotForContentType, Predicate as _};
use tower_http::compression::{CompressionLayer, CompressionLevel, DefaultPredicate};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_service::Service as _;

use crate::backends::{BackendConfig, BackendError, Backends, Names};
use crate::config::{Cors, Limits};
use crate::observe::{Instruments, observe};
use crate::problem::{Problem, Telling};
use crate::rate::{Rates, TIDY};
use crate::routes::{RouteError, Routes};
use crate::{docs, openapi, pass, serve, stream};

/// How often health is reported.
const REPORT: Duration = Duration::from_secs(1);
/// What a web page may read of an answer beside its body.
const EXPOSED: [&str; 6] =
    ["etag", "retry-after", "content-language", "grpc-status", "grpc-message", "grpc-status-details-bin"];

/// What a gateway is started with.
#[derive(Debug)]
pub struct Setup {
    /// Where it listens; port 0 for a free one.
    pub listen: SocketAddr,
    /// The services behind it, by their short names.
    pub services: BTreeMap<String, BackendConfig>,
    /// How their names are looked up.
    pub names: Names,
    /// Whose tokens name a caller whose calls are counted.
    pub issuers: Vec<IssuerConfig>,
    /// Which web pages may call it.
    pub cors: Cors,
    /// Its bounds.
    pub limits: Limits,
    /// Its certificate; plain text when none.
    pub tls: Option<config::Tls>,
    /// Where its traces and metrics go, beside `/metrics`.
    pub telemetry: Telemetry,
}

/// What the handlers share.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) routes: Routes,
    pub(crate) backends: Backends,
    pub(crate) limits: Limits,
    pub(crate) telemetry: Telemetry,
    pub(crate) instruments: Vec<Instruments>,
    rates: Rates,
    metrics: prometheus::Registry,
    /// Measures only as long as it lives.
    _meters: SdkMeterProvider,
    stop: watch::Sender<bool>,
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    gateway: Arc<Gateway>,
    grace: Duration,
    serving: JoinHandle<()>,
    beside: Vec<JoinHandle<()>>,
}

/// A gateway that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The contracts.
    #[error("the contracts cannot be served over HTTP")]
    Routes(#[from] RouteError),
    /// A service.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// An origin of a web page.
    #[error("cors.origins: {0} is no origin such as https://desk.example.com")]
    Origin(String),
    /// The metrics.
    #[error("the metrics cannot be gathered")]
    Metrics(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Gateway {
    /// Starts it; it serves once this returns, and has asked every service whether it is ready.
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
            limits: config::Limits {
                connections: limits.connections,
                handshake_ms: limits.handshake_ms,
                idle_ms: limits.idle_ms,
                stall_ms: limits.stall_ms,
                ..config::Limits::default()
            },
            tls,
            stop: stopping,
        };
        tracing::info!(%address, "the gateway serves");
        let serving = spawn(connections::serve(listener, serving));
        Ok(Running { address, gateway, grace: Duration::from_millis(limits.grace_ms), serving, beside })
    }

    /// Becomes true when the gateway is to end.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

impl Running {
    /// Stops it: calls under way may end within the grace period.
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

    /// Returns when it has stopped.
    pub async fn stopped(&mut self) {
        let _ = (&mut self.serving).await;
    }
}

/// Instruments that `/metrics` reads, and those of the collector if there is one.
fn metrics(telemetry: &Telemetry) -> Result<(prometheus::Registry, SdkMeterProvider, Vec<Instruments>), StartError> {
    let registry = prometheus::Registry::new();
    let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build();
    let reader = reader.map_err(|error| StartError::Metrics(error.into()))?;
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let instruments = std::iter::once(provider.meter("kefu")).chain(telemetry.meter());
    let instruments = instruments.map(|meter| Instruments::of(&meter)).collect();
    Ok((registry, provider, instruments))
}

/// Keeps the health of each gRPC service: serving while a service that serves it is ready.
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

fn router<H: Health>(gateway: &Arc<Gateway>, cors: &Cors, health: HealthServer<H>) -> Result<Router, StartError> {
    let services: Vec<&str> = gateway.routes.services.keys().map(String::as_str).collect();
    let own = tonic::service::Routes::new(reflection(&services).map_err(ServerError::from)?).add_service(health);
    let native = own
        .into_axum_router()
        .fallback_service(Router::new().fallback(pass::pass).with_state(gateway.clone()))
        .layer(from_fn_with_state((gateway.clone(), refuse_native as Refuse), count))
        .layer(tonic_web::GrpcWebLayer::new());
    // What is compressed already is left as it is.
    let about = Router::new().route("/openapi.json", get(show_document)).merge(docs::router()).layer(compression());
    let calls = Router::new()
        .fallback(call)
        .with_state(gateway.clone())
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(compression());
    let router = Router::new()
        .route("/metrics", get(show_metrics))
        .merge(about)
        .fallback_service(calls)
        .with_state(gateway.clone())
        .layer(from_fn_with_state((gateway.clone(), Problem::answer as Refuse), count))
        .layer(from_fn_with_state(native, grpc));
    let router = match cors.origins.as_slice() {
        [] => router,
        origins => router.layer(cross_origin(origins)?),
    };
    // Whatever keeps the gateway running asks these often.
    let asked = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(show_readiness))
        .with_state(gateway.clone());
    Ok(asked.fallback_service(router).layer(from_fn_with_state(gateway.clone(), observe)))
}

async fn call(
    State(gateway): State<Arc<Gateway>>,
    Extension(telling): Extension<Telling>,
    request: Request,
) -> Response {
    serve::serve(&gateway, &telling, request).await
}

/// gRPC goes its own way: nothing of it is decompressed, and its refusals are its own.
async fn grpc(State(mut native): State<Router>, request: Request, next: Next) -> Response {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/grpc") {
        return next.run(request).await;
    }
    native.call(request).await.unwrap_or_else(|never| match never {})
}

/// How a refusal is told: as a problem, or as gRPC has it.
type Refuse = fn(&Problem, &Telling) -> Response;

/// Counts a request against its caller's rate and share.
async fn count(
    State((gateway, refuse)): State<(Arc<Gateway>, Refuse)>,
    Extension(telling): Extension<Telling>,
    request: Request,
    next: Next,
) -> Response {
    let origin: Option<IpAddr> = request.extensions().get::<Origin>().map(|origin| origin.0);
    match gateway.rates.count(request.headers(), origin).await {
        Ok(share) => quota::answer(next.run(request).await, share),
        Err(problem) => refuse(&problem, &telling),
    }
}

fn refuse_native(_: &Problem, telling: &Telling) -> Response {
    kefu_chassis::Error::Overloaded.into_status(telling.language).into_http()
}

/// 200 as long as a service is ready: with one away the others go on, and are to be reached.
async fn show_readiness(State(gateway): State<Arc<Gateway>>) -> Response {
    let services: BTreeMap<&str, &str> =
        gateway.backends.readiness().map(|(name, is_ready)| (name, if is_ready { "ready" } else { "away" })).collect();
    let ready = services.values().filter(|&&state| state == "ready").count();
    let status = match ready {
        0 => "away",
        _ if ready < services.len() => "degraded",
        _ => "ready",
    };
    let code = if ready == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(json!({ "status": status, "services": services }))).into_response()
}

/// Made when it is first asked for: nobody waits for it at a start.
async fn show_document(Extension(telling): Extension<Telling>, headers: HeaderMap) -> Response {
    let described = match openapi::written() {
        Ok(described) => described,
        Err(error) => return Problem::unexpected(error.to_string()).answer(&telling),
    };
    let kind = (CONTENT_TYPE, "application/json");
    let taken = headers.get(ACCEPT_ENCODING).and_then(|taken| taken.to_str().ok()).unwrap_or_default();
    let takes_gzip = taken.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
    if takes_gzip {
        ([kind, (CONTENT_ENCODING, "gzip"), (VARY, "accept-encoding")], described.gzip.clone()).into_response()
    } else {
        ([kind], described.plain.clone()).into_response()
    }
}

async fn show_metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let mut text = String::new();
    match prometheus::TextEncoder::new().encode_utf8(&gateway.metrics.gather(), &mut text) {
        Ok(()) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(cause = %error, "metrics cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Streams are not compressed: what is gathered for it would come late.
fn compression() -> CompressionLayer<impl tower_http::compression::Predicate> {
    let predicate = DefaultPredicate::new()
        .and(NotForContentType::const_new(stream::LINES))
        .and(NotForContentType::const_new(stream::BYTES));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

fn cross_origin(origins: &[String]) -> Result<CorsLayer, StartError> {
    let origins = origins.iter().map(|origin| {
        let wrong = || StartError::Origin(origin.clone());
        let url: http::Uri = origin.parse().map_err(|_| wrong())?;
        let is_origin = url.scheme().is_some() && url.authority().is_some() && !origin.ends_with('/');
        if is_origin { HeaderValue::try_from(origin).map_err(|_| wrong()) } else { Err(wrong()) }
    });
    let origins = origins.collect::<Result<Vec<_>, _>>()?;
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Verb::GET, Verb::POST, Verb::PATCH, Verb::PUT, Verb::DELETE])
        .allow_headers(tower_http::cors::AllowHeaders::mirror_request())
        .expose_headers(EXPOSED.map(HeaderName::from_static))
        .max_age(Duration::from_mins(10)))
}
