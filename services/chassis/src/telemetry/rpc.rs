//! Telemetry of calls, on the side that serves and on the side that calls: a span, the duration by method and code, and on
//! the serving side a line in the log. A call ends with the last byte of its answer, so a streaming call ends when the stream
//! does.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use http::{HeaderMap, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use tonic::Code;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::propagation::extract;
use super::{BOUNDS_S, SERVICE, TARGET, Telemetry};

/// The histograms of the durations of calls.
#[derive(Clone, Debug)]
pub struct Durations {
    server: Histogram<f64>,
    client: Histogram<f64>,
}

impl Durations {
    /// Creates the histograms of a meter.
    pub fn of(meter: &Meter) -> Self {
        let durations = |name, description| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(BOUNDS_S.to_vec()).build()
        };
        Self {
            server: durations("rpc.server.call.duration", "How long calls took that were served"),
            client: durations("rpc.client.call.duration", "How long calls took that were made to other services"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

/// A call under way. A call that is dropped before it has finished counts as cancelled.
#[derive(Debug)]
pub struct Observed {
    side: Side,
    telemetry: Telemetry,
    service: Arc<str>,
    method: String,
    span: Span,
    began: Instant,
    is_over: bool,
}

impl Observed {
    /// Begins a call that is served. `method` is the path of a method that the service has, or none for any other, so
    /// that callers cannot make up values of the metric's attributes.
    pub fn server(telemetry: &Telemetry, service: &Arc<str>, method: Option<&str>, headers: &HeaderMap) -> Self {
        let method = method.map_or("_OTHER", |path| path.trim_start_matches('/'));
        let span = if telemetry.is_on() {
            let span = tracing::info_span!(
                target: TARGET,
                parent: None,
                "rpc",
                otel.name = method,
                otel.kind = "server",
                otel.status_code = Empty,
                rpc.system.name = "grpc",
                rpc.method = method,
                rpc.response.status_code = Empty,
                "error.type" = Empty,
            );
            let _ = span.set_parent(extract(headers, service));
            span
        } else {
            Span::none()
        };
        Self::new(Side::Server, telemetry, service, method, span)
    }

    /// Begins a call to `server`.
    pub fn client(telemetry: &Telemetry, service: &Arc<str>, path: &str, server: &Uri) -> Self {
        let method = path.trim_start_matches('/');
        let span = if telemetry.is_on() {
            tracing::info_span!(
                target: TARGET,
                "rpc",
                otel.name = method,
                otel.kind = "client",
                otel.status_code = Empty,
                kefu.service = &**service,
                rpc.system.name = "grpc",
                rpc.method = method,
                server.address = server.host(),
                server.port = server.port_u16(),
                rpc.response.status_code = Empty,
                "error.type" = Empty,
            )
        } else {
            Span::none()
        };
        Self::new(Side::Client, telemetry, service, method, span)
    }

    /// Begins a call that is served and logged, without span and metric.
    pub fn logged(service: &Arc<str>, path: &str) -> Self {
        Self::new(Side::Server, &Telemetry::default(), service, path.trim_start_matches('/'), Span::none())
    }

    fn new(side: Side, telemetry: &Telemetry, service: &Arc<str>, method: &str, span: Span) -> Self {
        Self {
            side,
            telemetry: telemetry.clone(),
            service: service.clone(),
            method: method.to_owned(),
            span,
            began: Instant::now(),
            is_over: false,
        }
    }

    /// Returns the span, for what happens within the call.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Wraps the answer; the call ends when the answer does.
    pub fn of<B>(mut self, response: Response<B>) -> Response<ObservedBody<B>> {
        let call = match code(response.headers()) {
            Some(code) => {
                self.finish(code);
                None
            }
            None => Some(self),
        };
        response.map(|inner| ObservedBody { inner, call })
    }

    /// Ends the call with `code`. A call ends once: further codes are ignored.
    pub fn finish(&mut self, code: Code) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let duration = self.began.elapsed();
        let (name, failed) = (name(code), self.has_failed(code));
        self.span.record("rpc.response.status_code", name);
        if failed {
            self.span.record("error.type", name);
            self.span.record("otel.status_code", "ERROR");
        }
        if let Some(sending) = &self.telemetry.sending {
            let mut attributes = vec![
                KeyValue::new(SERVICE, self.service.clone()),
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", self.method.clone()),
                KeyValue::new("rpc.response.status_code", name),
            ];
            if failed {
                attributes.push(KeyValue::new("error.type", name));
            }
            let durations = match self.side {
                Side::Server => &sending.durations.server,
                Side::Client => &sending.durations.client,
            };
            durations.record(duration.as_secs_f64(), &attributes);
        }
        if self.side == Side::Server {
            let (method, duration_ms) = (&self.method, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
            self.span.in_scope(|| match code {
                Code::Internal | Code::Unknown | Code::DataLoss => tracing::error!(method, ?code, duration_ms, "call"),
                _ => tracing::debug!(method, ?code, duration_ms, "call"),
            });
        }
    }

    /// Whether the call counts as failed. On the calling side every code but OK does; on the serving side only the
    /// codes that stand for faults of the server do.
    fn has_failed(&self, code: Code) -> bool {
        let servers = [
            Code::Unknown,
            Code::DeadlineExceeded,
            Code::Unimplemented,
            Code::Internal,
            Code::Unavailable,
            Code::DataLoss,
        ];
        match self.side {
            Side::Server => servers.contains(&code),
            Side::Client => code != Code::Ok,
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.finish(Code::Cancelled);
    }
}

/// An answer whose end is the end of its call.
pub struct ObservedBody<B> {
    inner: B,
    call: Option<Observed>,
}

impl<B> fmt::Debug for ObservedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedBody").field("call", &self.call).finish_non_exhaustive()
    }
}

impl<B> ObservedBody<B> {
    fn finish(&mut self, code: Code) {
        if let Some(mut call) = self.call.take() {
            call.finish(code);
        }
    }
}

impl<B: Body + Unpin> Body for ObservedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.finish(code(trailers).unwrap_or(Code::Unknown));
                }
            }
            Poll::Ready(Some(Err(_)) | None) => self.finish(Code::Unknown),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Returns the code in the headers or trailers of an answer, if they have one.
fn code(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get("grpc-status")?;
    Some(status.to_str().ok().and_then(|status| status.parse().ok()).map_or(Code::Unknown, Code::from_i32))
}

/// Returns the name of a code as gRPC's specification writes it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
