//! What every answer has, its time above all, and telemetry of requests: a span with the route, the duration by route
//! and status, and a line in the log. The caller's trace is passed on to the services.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use kefu_chassis::language::Language;
use kefu_chassis::server::KEFU_TIME;
use kefu_chassis::telemetry::propagation::extract;
use kefu_chassis::telemetry::{TARGET, Telemetry};
use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::gateway::Gateway;
use crate::instruments::Active;
use crate::problem::{AnswerContext, ServiceTime};

/// The header with the trace of a request (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The route of an answer, or the path of its method; an extension of the answer.
#[derive(Clone, Debug)]
pub struct Routed(pub Arc<str>);

/// Observes requests, as the outermost layer.
pub async fn observe(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _active = Active::new(&gateway.instruments);
    let verb = known(request.method());
    let span = span(&gateway.telemetry, verb, request.headers());
    let context = AnswerContext {
        language: Language::accepted(request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok())),
        trace_id: trace_id(&span, request.headers_mut()),
        service_time: ServiceTime::default(),
    };
    let service_time = context.service_time.clone();
    request.extensions_mut().insert(context);
    let mut response: Response<Body> = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !response.headers().contains_key(KEFU_TIME)
        && let Some(time) = service_time.header().or_else(|| now(&gateway))
    {
        response.headers_mut().insert(KEFU_TIME, time);
    }
    let route = response.extensions().get::<Routed>().map(|routed| routed.0.clone());
    let route = route.as_deref().unwrap_or_default();
    let status = response.status();
    // The span began before the route was known, because problems name its trace.
    if gateway.telemetry.is_on() {
        span.context().span().update_name(format!("{verb} {route}").trim_end().to_owned());
    }
    span.record("http.route", route);
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
    let attributes = [
        KeyValue::new("http.request.method", verb),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
    ];
    for each in &gateway.instruments {
        each.durations.record(began.elapsed().as_secs_f64(), &attributes);
    }
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(verb, route, status = status.as_u16(), duration_ms, "request"));
    response
}

/// Returns the time of an answer that no service made.
fn now(gateway: &Gateway) -> Option<HeaderValue> {
    HeaderValue::try_from(gateway.clock.now().to_string()).ok()
}

fn span(telemetry: &Telemetry, verb: &'static str, headers: &HeaderMap) -> Span {
    if !telemetry.is_on() {
        return Span::none();
    }
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "http",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = verb,
        http.route = Empty,
        http.response.status_code = Empty,
        "error.type" = Empty,
    );
    let _ = span.set_parent(extract(headers, &Arc::from("services/gateway")));
    span
}

/// Returns the trace id of a request. Where nothing is traced, that is the caller's or a new one, which is passed on.
fn trace_id(span: &Span, headers: &mut HeaderMap) -> String {
    let context = span.context();
    let traced = context.span().span_context().clone();
    if traced.is_valid() {
        return traced.trace_id().to_string();
    }
    let given = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(given_trace);
    if let Some(given) = given {
        return given;
    }
    // Nobody records spans of this trace, so the parent only has to be well formed.
    let trace = kefu_chassis::names::random_uuid().simple().to_string();
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace}-{}-00", &trace[16..])) {
        headers.insert(TRACEPARENT, value);
    }
    trace
}

/// Returns the trace id in a `traceparent`, if there is one.
fn given_trace(header: &str) -> Option<String> {
    let mut parts = header.split('-');
    let (_version, trace) = (parts.next()?, parts.next()?);
    let is_one = trace.len() == 32
        && trace.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        && trace.bytes().any(|byte| byte != b'0');
    is_one.then(|| trace.to_owned())
}

/// Returns a known verb, so that callers cannot make up names of metrics.
fn known(verb: &http::Method) -> &'static str {
    match verb.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::given_trace;

    #[test]
    fn the_trace_of_a_caller_is_taken_if_it_is_one() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(given_trace(&format!("00-{trace}-b7ad6b7169203331-01")).as_deref(), Some(trace));
        for header in ["", "00", "00-0af7-b7ad-01", &format!("00-{}-b7ad-01", "0".repeat(32)), "00-<script>-x-y"] {
            assert_eq!(given_trace(header), None, "{header}");
        }
    }
}
