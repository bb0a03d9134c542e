//! HTTP requests as calls: the method, its message, and the answer as JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as HttpBody;
use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use http::request::Parts;
use http::{Method as Verb, Request, Response, StatusCode};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};

use crate::backends::Backend;
use crate::body::{JSON, json_body};
use crate::call::Caller;
use crate::gateway::Gateway;
use crate::observe::Routed;
use crate::problem::{AnswerContext, Problem};
use crate::request::{self, RequestHead};
use crate::routes::{Body, Found, Method, Route};
use crate::{json, stream, upload};

/// Answers a request by calling the method that it is for.
pub async fn serve(gateway: &Arc<Gateway>, context: &AnswerContext, request: Request<HttpBody>) -> Response<HttpBody> {
    let (parts, body) = request.into_parts();
    let (route, captures) = match gateway.routes.find(&parts.method, parts.uri.path()) {
        Found::Route(route, captures) => (route, captures),
        Found::Verbs(verbs) => return Problem::verb(verbs).answer(context),
        Found::Nothing => return Problem::nowhere().answer(context),
    };
    let head =
        RequestHead { captures: &captures, query: parts.uri.query().unwrap_or_default(), headers: &parts.headers };
    let outcome = call(gateway, context, route, head, &parts, body).await;
    let body = if let Body::Field(field) = &route.body { field.json_name() } else { "" };
    let refuse = |problem: Problem| problem.of_request(route.method.descriptor.input()).of_body(body).answer(context);
    let mut response = outcome.unwrap_or_else(refuse);
    response.extensions_mut().insert(Routed(route.pattern.clone()));
    response
}

async fn call(
    gateway: &Arc<Gateway>,
    context: &AnswerContext,
    route: &Arc<Route>,
    head: RequestHead<'_>,
    parts: &Parts,
    body: HttpBody,
) -> Result<Response<HttpBody>, Problem> {
    let backend = backend(gateway, &route.method, head.captures)?;
    // Every method needs one caller, so a request of nobody or of several is refused before its body is read.
    if parts.headers.get_all(AUTHORIZATION).iter().count() != 1 {
        return Err(Problem::nobody());
    }
    // An accepted coding was removed before, together with its header.
    let coding = parts.headers.get(CONTENT_ENCODING).filter(|coding| *coding != "identity");
    if route.body != Body::None && coding.is_some() {
        return Err(Problem::coding());
    }
    let limits = &gateway.limits;
    if route.method.takes_stream() {
        let caller = Caller::of(&parts.headers, Duration::from_millis(limits.upload_ms), context);
        let answer = upload::send(gateway, &caller, backend, route, head, body).await?;
        return answered(route, &parts.method, &parts.headers, answer);
    }
    let body = match route.body {
        Body::None => Bytes::new(),
        _ => json_body(&parts.headers, body, limits.body_bytes, Duration::from_millis(limits.body_ms)).await?,
    };
    let (encoded, is_repeatable) = {
        let message = request::message(route, head, &body)?;
        (Bytes::from(message.encode_to_vec()), is_repeatable(&route.method, &message))
    };
    // While the service is at work, only the bytes of the message are kept.
    drop(body);
    let caller = Caller::of(&parts.headers, Duration::from_millis(limits.deadline_ms), context);
    if route.method.gives_stream() {
        let answers = caller.stream(backend, &route.method, encoded).await?;
        let form = stream::Form::of(route, parts.headers.get(ACCEPT));
        return Ok(stream::answer(gateway, context, route, form, answers));
    }
    let answer = caller.once(backend, &route.method, encoded, is_repeatable).await?;
    answered(route, &parts.method, &parts.headers, answer)
}

/// Whether a lost call may be made again: it changes nothing, or has a request id.
fn is_repeatable(method: &Method, message: &DynamicMessage) -> bool {
    match method.request_id.as_deref() {
        None => true,
        Some([field]) => message.has_field(field),
        Some(_) => false,
    }
}

/// Returns the service that serves a method, or that the path names.
fn backend<'g>(
    gateway: &'g Gateway,
    method: &Method,
    captures: &[(&str, String)],
) -> Result<&'g Arc<Backend>, Problem> {
    let named = captures.iter().find_map(|(_, value)| service_in(value));
    let name = method.served_by.as_deref().or(named).ok_or_else(Problem::nowhere)?;
    match gateway.backends.get(name) {
        Some(backend) => Ok(backend),
        // The service exists in the suite, but not in this installation.
        None if method.served_by.is_some() => Err(Problem::away()),
        None => Err(Problem::nowhere()),
    }
}

/// Returns the service at the beginning of a resource name: `services/intake` of `services/intake/duties/1`.
pub fn service_in(name: &str) -> Option<&str> {
    let id = name.strip_prefix("services/")?;
    let end = id.find('/').unwrap_or(id.len());
    Some(&name[.."services/".len() + end])
}

/// Makes the answer of a service into one of JSON.
fn answered(route: &Route, verb: &Verb, headers: &HeaderMap, answer: Bytes) -> Result<Response<HttpBody>, Problem> {
    let output = route.method.descriptor.output();
    let message = DynamicMessage::decode(output, answer).map_err(Problem::unexpected)?;
    let etag = route.method.answered_etag.as_ref().and_then(|field| match &*message.get_field(field) {
        Value::String(etag) if !etag.is_empty() => HeaderValue::try_from(etag).ok(),
        _ => None,
    });
    let mut response = Response::new(HttpBody::empty());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Some(etag) = etag {
        let is_known = *verb == Verb::GET && headers.get_all(IF_NONE_MATCH).iter().any(|known| lists(known, &etag));
        response.headers_mut().insert(ETAG, etag);
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
    }
    let mut text = Vec::with_capacity(1024);
    match &route.answer {
        None => json::write(&message, &mut text)?,
        Some(field) => json::write_field(&message, field, &mut text)?,
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    *response.body_mut() = HttpBody::from(text);
    Ok(response)
}

/// Whether an `If-None-Match` lists an etag.
fn lists(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(known), Ok(etag)) = (known.to_str(), etag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_read_from_the_name_of_a_resource() {
        for (name, service) in [
            ("services/intake", Some("services/intake")),
            ("services/intake/duties/1", Some("services/intake")),
            ("requests/1", None),
            ("services", None),
        ] {
            assert_eq!(service_in(name), service);
        }
    }

    #[test]
    fn an_etag_is_found_among_those_that_are_known() {
        let etag = HeaderValue::from_static("\"7\"");
        for (known, expected) in
            [("\"7\"", true), ("\"6\", W/\"7\"", true), ("*", true), ("\"77\"", false), ("7", false)]
        {
            assert_eq!(lists(&HeaderValue::from_static(known), &etag), expected, "{known}");
        }
    }
}
