//! The gate that every call passes before its handler. From the outside in: trace, metrics and log, the concurrency limit,
//! the deadline, authentication and role, the caller's quota.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Semaphore;
use tonic::{Code, Status};
use tracing::Instrument as _;

use crate::base::error::Error;
use crate::base::language::Language;
use crate::base::quota::CallerQuota;
use crate::base::violation::{too_large, unreadable};
use crate::contract::identity::{Verified, bearer};
use crate::contract::rules::MethodRule;
use crate::serve::server::quota;
use crate::serve::server::settings::Limits;
use crate::serve::server::token_end;
use crate::telemetry::rpc::Observed;
use crate::work::chassis::Chassis;
use crate::wrong;

/// Methods without a rule, which anyone may call: reflection, which shows the contracts, and health.
const OPEN: [&str; 2] = [HEALTH, "/grpc.reflection.v1.ServerReflection/"];
/// Health is answered also when there are too many calls: an orchestrator would take a busy service for a dead one and end
/// it.
const HEALTH: &str = "/grpc.health.v1.Health/";
/// The health check, which is free of the anonymous callers' quota: it must not fail because others use that up.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// The deadline of a health call. It is short because anyone may ask as often as they like, and the request comes in one
/// piece.
const HEALTH_DEADLINE: Duration = Duration::from_secs(1);
/// How long before the caller's deadline a service gives up, so that its answer still arrives: a tenth of the deadline, within
/// these bounds.
const MARGIN: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// The header of every answer with the present time by the service's clock, in RFC 3339 and UTC. Clients read it whose own
/// clock differs, or whose service runs on simulated time.
pub const KEFU_TIME: HeaderName = HeaderName::from_static("kefu-time");

/// The state that the gate's layers share.
#[derive(Debug)]
pub struct Gate {
    chassis: Arc<Chassis>,
    limits: Limits,
    slots: Arc<Semaphore>,
    quota: CallerQuota,
    service: Arc<str>,
}

impl Gate {
    /// Creates the gate of a server that keeps these limits.
    pub fn new(chassis: Arc<Chassis>, limits: Limits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS)));
        let quota = CallerQuota::new(limits.calls_per_caller).with_bytes(limits.unread_bytes_per_caller);
        Self { service: chassis.service.as_str().into(), chassis, limits, slots, quota }
    }
}

/// Puts the gate before every route.
pub fn guard(router: Router, gate: Arc<Gate>) -> Router {
    router
        .fallback(|| async { Error::UnknownMethod.into_status(Language::English).into_http::<axum::body::Body>() })
        .layer(axum::middleware::from_fn(explain))
        .layer(from_fn_with_state(gate.clone(), authorise))
        .layer(from_fn_with_state(gate.clone(), limit_time))
        .layer(from_fn_with_state(gate.clone(), limit_load))
        .layer(from_fn_with_state(gate, observe))
}

async fn observe(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let Gate { chassis, service, .. } = &*gate;
    let path = request.uri().path();
    // An orchestrator asks for health every few seconds; its calls are only logged, so that they do not drown the rest.
    let call = if path.starts_with(HEALTH) {
        Observed::logged(service, path)
    } else {
        let method = chassis.rules.at(path).map(|rule| rule.path.as_str());
        Observed::server(&chassis.telemetry, service, method, request.headers())
    };
    let mut response = next.run(request).instrument(call.span().clone()).await;
    if let Ok(time) = HeaderValue::try_from(chassis.clock.now().to_string()) {
        response.headers_mut().insert(KEFU_TIME, time);
    }
    call.of(response).map(axum::body::Body::new)
}

async fn limit_load(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(HEALTH) {
        return next.run(request).await;
    }
    match gate.slots.try_acquire() {
        Ok(_slot) => next.run(request).await,
        Err(_) => refuse(Error::Overloaded, request.headers()),
    }
}

async fn limit_time(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (limits, path) = (gate.limits, request.uri().path());
    let is_stream = gate.chassis.rules.at(path).is_some_and(|rule| rule.is_stream);
    let (usual_ms, cap_ms) = if is_stream {
        (limits.stream_deadline_ms, limits.stream_deadline_ms)
    } else {
        (limits.deadline_ms, limits.deadline_cap_ms)
    };
    let asked = request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(timeout);
    let asked = asked.map(|asked| asked.saturating_sub((asked / 10).clamp(MARGIN.0, MARGIN.1)));
    let cap = if path.starts_with(HEALTH) { HEALTH_DEADLINE } else { Duration::from_millis(cap_ms) };
    let deadline = asked.unwrap_or(Duration::from_millis(usual_ms)).min(cap);
    if deadline.is_zero() {
        return refuse(Error::Deadline, request.headers());
    }
    let language = language(request.headers());
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::Deadline.into_status(language).into_http(),
    }
}

/// Adds details to what tonic itself refuses before a handler gets it: a message that cannot be read or is too large.
async fn explain(request: Request, next: Next) -> Response {
    let language = language(request.headers());
    let is_ruled = request.extensions().get::<Arc<MethodRule>>().is_some();
    let response = next.run(request).await;
    let status = Status::from_header_map(response.headers()).filter(|status| is_ruled && status.details().is_empty());
    let (wrong, code) = match status.as_ref().map(Status::code) {
        Some(Code::Internal) => (unreadable(), Code::InvalidArgument),
        Some(Code::OutOfRange) => (too_large(), Code::InvalidArgument),
        // The protocol demands this code: it tells the client to send the message again uncompressed.
        Some(Code::Unimplemented) => (
            wrong!(Unreadable, "the message is compressed, which is not taken", "不接受压缩的消息"),
            Code::Unimplemented,
        ),
        _ => return response,
    };
    let refusal = Error::field("", wrong).into_status(language);
    let details = Bytes::copy_from_slice(refusal.details());
    Status::with_details(code, refusal.message(), details).into_http()
}

async fn authorise(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == HEALTH_CHECK {
        return next.run(request).await;
    }
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return match quota::take_anonymously(&gate.quota) {
            Ok(slot) => quota::answer(next.run(request).await, Some(slot), None),
            Err(error) => refuse(error, request.headers()),
        };
    }
    let Some(rule) = gate.chassis.rules.at(path).cloned() else {
        return refuse(Error::UnknownMethod, request.headers());
    };
    let admitted = verified(&gate, &rule, request.headers()).await;
    let (slot, Verified { caller, ends }) =
        match admitted.and_then(|verified| Ok((quota::take(&gate.quota, &verified.caller)?, verified))) {
            Ok(admitted) => admitted,
            Err(error) => return refuse(error, request.headers()),
        };
    let (is_stream, language) = (rule.is_stream, language(request.headers()));
    let refused = move |error: Error| error.into_status(language).into_http();
    let may_refuse: Option<quota::Refuse> = if rule.reads { Some(Box::new(refused)) } else { None };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(rule);
    let response =
        if is_stream { token_end::ending_at(ends, language, next.run(request)).await } else { next.run(request).await };
    quota::answer(response, slot, may_refuse)
}

/// Returns the caller by the token and the directory, and when the token ends.
async fn verified(gate: &Gate, rule: &MethodRule, headers: &HeaderMap) -> Result<Verified, Error> {
    let token = bearer(headers).ok_or(Error::Unauthenticated)?;
    let Verified { caller, ends } = gate.chassis.verifier.verify(token).await.map_err(|error| {
        tracing::debug!(cause = crate::base::error::describe(&error), "token refused");
        Error::Unauthenticated
    })?;
    let caller = gate.chassis.directory.admit(caller, rule, gate.chassis.clock.now())?;
    Ok(Verified { caller, ends })
}

fn refuse(error: Error, headers: &HeaderMap) -> Response {
    let status: Status = error.into_status(language(headers));
    status.into_http()
}

fn language(headers: &HeaderMap) -> Language {
    Language::accepted(headers.get("accept-language").and_then(|value| value.to_str().ok()))
}

/// Reads the duration of a `grpc-timeout`: up to 8 digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.len() > 8 {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts_are_read_as_the_protocol_writes_them() {
        assert_eq!(timeout("1H"), Some(Duration::from_hours(1)));
        assert_eq!(timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for text in ["", "S", "1", "-1S", "123456789S", "1d", "1µ"] {
            assert_eq!(timeout(text), None, "{text}");
        }
    }
}
