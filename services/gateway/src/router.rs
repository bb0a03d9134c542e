//! The gateway's own routes beside those of the contracts, and the layers before all of them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use http::{Method as Verb, StatusCode};
use kefu_chassis::server::connection::Origin;
use kefu_chassis::server::{quota, reflection};
use serde_json::json;
use tonic_health::pb::health_server::{Health, HealthServer};
use tower_http::compression::predicate::{NotForContentType, Predicate as _};
use tower_http::compression::{CompressionLayer, CompressionLevel, DefaultPredicate};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_service::Service as _;

use crate::config::Cors;
use crate::gateway::Gateway;
use crate::observe::observe;
use crate::problem::{AnswerContext, Problem};
use crate::rate::Rates;
use crate::{docs, openapi, pass, serve, stream};

/// The headers of an answer that a web page may read.
const EXPOSED: [&str; 7] =
    ["kefu-time", "etag", "retry-after", "content-language", "grpc-status", "grpc-message", "grpc-status-details-bin"];

/// Why the routes cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// An origin of a web page is not a valid origin.
    #[error("cors.origins: {0} is no origin such as https://desk.example.com")]
    Origin(String),
    /// Reflection cannot be built.
    #[error("the descriptors cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Builds the routes of everything that the gateway serves.
pub fn router<H: Health>(gateway: &Arc<Gateway>, cors: &Cors, health: HealthServer<H>) -> Result<Router, RouterError> {
    let services: Vec<&str> = gateway.routes.services.keys().map(String::as_str).collect();
    let own = tonic::service::Routes::new(reflection(&services)?).add_service(health);
    let native = own
        .into_axum_router()
        .fallback_service(Router::new().fallback(pass::pass).with_state(gateway.clone()))
        .layer(from_fn_with_state((gateway.clone(), refuse_native as Refuse), count))
        .layer(tonic_web::GrpcWebLayer::new());
    // An answer that is compressed already is left as it is.
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
    // An orchestrator asks for these often, so they pass no rate.
    let asked = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(show_readiness))
        .with_state(gateway.clone());
    Ok(asked.fallback_service(router).layer(from_fn_with_state(gateway.clone(), observe)))
}

async fn call(
    State(gateway): State<Arc<Gateway>>,
    Extension(context): Extension<AnswerContext>,
    request: Request,
) -> Response {
    serve::serve(&gateway, &context, request).await
}

/// Routes gRPC apart from HTTP: its bodies are not decompressed, and its refusals are statuses.
async fn grpc(State(mut native): State<Router>, request: Request, next: Next) -> Response {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/grpc") {
        return next.run(request).await;
    }
    native.call(request).await.unwrap_or_else(|never| match never {})
}

/// A function that answers with a refusal: as a problem, or as a gRPC status.
type Refuse = fn(&Problem, &AnswerContext) -> Response;

/// Counts a request against its caller's rate and quota.
async fn count(
    State((gateway, refuse)): State<(Arc<Gateway>, Refuse)>,
    Extension(context): Extension<AnswerContext>,
    request: Request,
    next: Next,
) -> Response {
    let origin: Option<IpAddr> = request.extensions().get::<Origin>().map(|origin| origin.0);
    match gateway.rates.count(request.headers(), origin).await {
        Ok(share) => {
            let is_read = request.method() == Verb::GET;
            let refused = move |_| refuse(&Rates::overloaded(), &context);
            let may_refuse: Option<quota::Refuse> = if is_read { Some(Box::new(refused)) } else { None };
            quota::answer(next.run(request).await, share, may_refuse)
        }
        Err(problem) => refuse(&problem, &context),
    }
}

fn refuse_native(_: &Problem, context: &AnswerContext) -> Response {
    kefu_chassis::Error::Overloaded.into_status(context.language).into_http()
}

/// Shows the readiness of the services: 200 as long as one is ready, so that the others stay reachable while one is
/// away.
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

/// Shows the OpenAPI document, which is made when it is first asked for, so that no start waits for it.
async fn show_document(Extension(context): Extension<AnswerContext>, headers: HeaderMap) -> Response {
    let described = match openapi::written() {
        Ok(described) => described,
        Err(error) => return Problem::unexpected(error.to_string()).answer(&context),
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

/// Creates the layer that compresses answers. Streams are not compressed, since gathering bytes for that would delay
/// them.
fn compression() -> CompressionLayer<impl tower_http::compression::Predicate> {
    let predicate = DefaultPredicate::new()
        .and(NotForContentType::const_new(stream::LINES))
        .and(NotForContentType::const_new(stream::BYTES));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

fn cross_origin(origins: &[String]) -> Result<CorsLayer, RouterError> {
    let origins = origins.iter().map(|origin| {
        let wrong = || RouterError::Origin(origin.clone());
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
