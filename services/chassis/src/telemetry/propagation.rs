//! The trace goes on from process to process in the header `traceparent` (W3C Trace Context): taken from what a caller sent,
//! and put on what is sent to other services. Baggage is not passed on: anyone might have put anything into it.

use std::sync::Arc;
use std::task::{self, Poll};

use futures::future::BoxFuture;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, Uri};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::Code;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::Telemetry;
use super::rpc::{Observed, ObservedBody};

/// In a trace's context: the service whose work this is.
#[derive(Clone, Debug)]
pub(super) struct Within(pub Arc<str>);

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// The trace that the caller has begun, for the work of `service`; a new one when the headers name none.
#[must_use]
pub fn extract(headers: &HeaderMap, service: &Arc<str>) -> Context {
    let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    cx.with_value(Within(service.clone()))
}

/// Puts the trace of `cx` on the headers of a call.
pub fn inject(cx: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(cx, &mut HeadersMut(headers));
}

/// A channel whose calls are part of the caller's trace: each has a span of its own and takes the trace along. Any generated
/// client is made on one, also beneath interceptors. With telemetry off it only passes on.
#[derive(Clone, Debug)]
pub struct Traced<S> {
    inner: S,
    telemetry: Telemetry,
    service: Arc<str>,
    server: Arc<Uri>,
}

impl<S> Traced<S> {
    /// Calls on `inner`, which leads to `server`, by `service` (e.g. `services/intake`).
    pub fn new(inner: S, telemetry: &Telemetry, service: &str, server: Uri) -> Self {
        Self { inner, telemetry: telemetry.clone(), service: service.into(), server: Arc::new(server) }
    }
}

impl<S, Q, B> tower_service::Service<Request<Q>> for Traced<S>
where
    S: tower_service::Service<Request<Q>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    B: http_body::Body + Unpin + 'static,
{
    type Response = Response<ObservedBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let mut call = Observed::client(&self.telemetry, &self.service, request.uri().path(), &self.server);
        if self.telemetry.is_on() {
            inject(&call.span().context(), request.headers_mut());
        }
        // Made within the span, too: a channel may begin the call before it is first waited for.
        let sent = call.span().in_scope(|| self.inner.call(request)).instrument(call.span().clone());
        Box::pin(async move {
            match sent.await {
                Ok(response) => Ok(call.of(response)),
                Err(error) => {
                    call.finish(Code::Unavailable);
                    Err(error)
                }
            }
        })
    }
}
