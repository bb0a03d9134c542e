//! Calls to other services, as part of the caller's trace.

use std::sync::Arc;
use std::task::{self, Poll};

use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use tonic::Code;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::Telemetry;
use super::propagation::inject;
use super::rpc::{Observed, ObservedBody};

/// A channel whose calls are part of the caller's trace: each has a span of its own and passes the trace on. Any generated
/// client can be made on one, also beneath interceptors. With telemetry off it only passes calls on.
#[derive(Clone, Debug)]
pub struct Traced<S> {
    inner: S,
    telemetry: Telemetry,
    service: Arc<str>,
    server: Arc<Uri>,
}

impl<S> Traced<S> {
    /// Wraps `inner`, a channel of `service` (e.g. `services/intake`) to `server`.
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
        // The span also covers the making of the future, because a channel may begin the call before its future is
        // polled.
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
