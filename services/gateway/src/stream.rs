//! Streams of answers on HTTP: Server-Sent Events that can be resumed, one line of JSON a message, or the bytes of a
//! file.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use bytes::Bytes;
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use crate::call::Answers;
use crate::gateway::Gateway;
use crate::json;
use crate::problem::{AnswerContext, Problem};
use crate::routes::Route;

/// The media type of Server-Sent Events.
pub const EVENTS: &str = "text/event-stream";
/// The media type of a line of JSON a message.
pub const LINES: &str = "application/x-ndjson";
/// The media type of bytes.
pub const BYTES: &str = "application/octet-stream";

/// The form of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Server-Sent Events.
    Events,
    /// A line of JSON a message.
    Lines,
    /// The bytes of the field that is the answer's body.
    Bytes,
}

impl Form {
    /// Returns the form that the caller asks for; otherwise bytes where the answer's body is bytes, and lines
    /// elsewhere.
    pub fn of(route: &Route, accept: Option<&HeaderValue>) -> Self {
        let accept = accept.and_then(|accept| accept.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        let is_bytes = route.answer.as_ref().is_some_and(|field| field.kind() == Kind::Bytes);
        let asks_for =
            |kind: &str| accept.split(',').any(|range| range.split(';').next().unwrap_or_default().trim() == kind);
        if asks_for(EVENTS) {
            Self::Events
        } else if is_bytes && !asks_for(LINES) {
            Self::Bytes
        } else {
            Self::Lines
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Events => EVENTS,
            Self::Lines => LINES,
            Self::Bytes => BYTES,
        }
    }
}

/// Makes the answer of a stream, which goes on until the service ends it, the caller leaves or the gateway stops.
pub fn answer(
    gateway: &Gateway,
    context: &AnswerContext,
    route: &Arc<Route>,
    form: Form,
    answers: Answers,
) -> Response<HttpBody> {
    let parts = parts(form, route.clone(), context.clone(), answers, gateway.stopping());
    let mut response = Response::new(HttpBody::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Without this, proxies that buffer answers would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    if form == Form::Bytes {
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    response
}

fn parts(
    form: Form,
    route: Arc<Route>,
    context: AnswerContext,
    mut answers: Answers,
    mut stop: tokio::sync::watch::Receiver<bool>,
) -> impl Stream<Item = Result<Bytes, BrokenOff>> {
    async_stream::stream! {
        loop {
            let next = tokio::select! {
                next = answers.next() => next,
                _ = stop.wait_for(|stopping| *stopping) => return,
            };
            let part = match next {
                Ok(Some(message)) => part(form, &route, message),
                Ok(None) => return,
                Err(problem) => Err(problem),
            };
            match part {
                Ok(part) => yield Ok(part),
                // Bytes cannot say what went wrong, so the stream breaks off.
                Err(_) if form == Form::Bytes => {
                    yield Err(BrokenOff);
                    return;
                }
                Err(problem) => {
                    yield Ok(last_words(form, &problem, &context));
                    return;
                }
            }
        }
    }
}

/// The error of a stream that breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the stream broke off")]
struct BrokenOff;

fn part(form: Form, route: &Route, message: Bytes) -> Result<Bytes, Problem> {
    let method = &route.method;
    let message = DynamicMessage::decode(method.descriptor.output(), message).map_err(Problem::unexpected)?;
    let mut text = Vec::with_capacity(512);
    if form == Form::Bytes {
        let field = route.answer.as_ref().map(|field| message.get_field(field).into_owned());
        return Ok(field.and_then(|field| field.as_bytes().cloned()).unwrap_or_default());
    }
    if form == Form::Events {
        if let Some(position) = method.position.as_deref().and_then(|path| position(&message, path)) {
            text.extend_from_slice(format!("id: {position}\n").as_bytes());
        }
        text.extend_from_slice(b"data: ");
    }
    json::write(&message, &mut text)?;
    text.extend_from_slice(if form == Form::Events { b"\n\n" } else { b"\n" });
    Ok(text.into())
}

/// Returns the position of an answer in its stream, if it has one; a heartbeat may have none.
fn position(message: &DynamicMessage, path: &[FieldDescriptor]) -> Option<String> {
    let (field, rest) = path.split_first()?;
    if !message.has_field(field) {
        return None;
    }
    match &*message.get_field(field) {
        Value::Message(inner) => position(inner, rest),
        Value::String(position) => Some(position.clone()),
        Value::I64(position) => Some(position.to_string()),
        _ => None,
    }
}

fn last_words(form: Form, problem: &Problem, context: &AnswerContext) -> Bytes {
    let (document, _) = problem.document(context);
    match form {
        Form::Events => [b"event: error\ndata: ".as_slice(), &document, b"\n\n"].concat().into(),
        _ => [b"{\"error\":".as_slice(), &document, b"}\n"].concat().into(),
    }
}
