//! Uploads: streams of messages from the body of one request, which is a file, a form with a file, or a line of JSON a
//! message. An upload that breaks off cancels the call, so a service never takes a part for the whole.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body as HttpBody;
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use kefu_chassis::wrong;
use multer::Multipart;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tokio::sync::{mpsc, oneshot};

use crate::backends::Backend;
use crate::body::stated_length;
use crate::call::Caller;
use crate::gateway::Gateway;
use crate::json;
use crate::problem::Problem;
use crate::request::{RequestHead, complete, part_into};
use crate::routes::{Body, Route};
use crate::stream::LINES;

/// The most bytes of a message.
const PIECE: usize = 256 << 10;
/// The most bytes of a form before a part begins, the part's head included.
const HEAD: usize = 16 << 10;
/// The most messages that wait to be sent: a body is not read further ahead than the service takes it.
const AHEAD: usize = 2;

/// The sender of the messages.
type Messages = mpsc::Sender<Bytes>;

/// Sends the body as messages, and returns the answer.
pub async fn send(
    gateway: &Gateway,
    caller: &Caller,
    backend: &Arc<Backend>,
    route: &Arc<Route>,
    head: RequestHead<'_>,
    body: HttpBody,
) -> Result<Bytes, Problem> {
    let at_most = gateway.limits.upload_bytes;
    if stated_length(head.headers).is_some_and(|length| length > at_most) {
        return Err(Problem::too_large());
    }
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (sender, messages) = mpsc::channel(AHEAD);
    let bytes = bounded(body, at_most, Duration::from_millis(gateway.limits.stall_ms));
    let reading = async move {
        match &route.body {
            Body::Field(field) => file(&sender, route, field, head, bytes).await,
            _ if kind.starts_with("multipart/form-data") => form(&sender, route, head, kind, bytes).await,
            _ if kind.split(';').next().unwrap_or_default().trim() == LINES => {
                lines(&sender, route, head, gateway.limits.body_bytes, bytes).await
            }
            _ => Err(Problem::media_type(&format!("multipart/form-data, {LINES}"))),
        }
    };
    // The stream ends only when everything was read, because a service takes its end for the end of the content.
    let (whole, is_whole) = oneshot::channel::<()>();
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let messages = messages.chain(
        futures::stream::once(async move {
            match is_whole.await {
                Ok(()) => futures::stream::empty().boxed(),
                Err(_) => futures::stream::pending().boxed(),
            }
        })
        .flatten(),
    );
    let mut call = pin!(caller.send(backend, &route.method, messages));
    let mut reading = pin!(reading);
    tokio::select! {
        // The service refused or answered before everything was read.
        answer = call.as_mut() => return answer,
        read = reading.as_mut() => read?,
    }
    let _ = whole.send(());
    call.await
}

/// Returns the bytes of a body, as long as they come in time and are not too many.
fn bounded(
    body: HttpBody,
    at_most: usize,
    patience: Duration,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin {
    let mut frames = body.into_data_stream();
    Box::pin(async_stream::stream! {
        let mut left = at_most;
        loop {
            match tokio::time::timeout(patience, frames.next()).await {
                Ok(Some(Ok(bytes))) if bytes.len() <= left => {
                    left -= bytes.len();
                    yield Ok(bytes);
                }
                Ok(Some(Ok(_))) => {
                    yield Err(Problem::too_large());
                    return;
                }
                Ok(Some(Err(error))) => {
                    yield Err(Problem::broken_off(error));
                    return;
                }
                Ok(None) => return,
                Err(_) => {
                    yield Err(Problem::too_slow());
                    return;
                }
            }
        }
    })
}

/// Sends a body that is the file; path and query set the other fields.
async fn file(
    sender: &Messages,
    route: &Route,
    field: &FieldDescriptor,
    head: RequestHead<'_>,
    mut bytes: impl Stream<Item = Result<Bytes, Problem>> + Unpin,
) -> Result<(), Problem> {
    let mut first = DynamicMessage::new(route.method.descriptor.input());
    complete(route, head, &mut first)?;
    pass(sender, &first).await;
    let mut pieces = Pieces::new(sender, field);
    while let Some(bytes) = bytes.next().await {
        pieces.add(&bytes?).await;
    }
    pieces.end().await;
    Ok(())
}

/// Sends a body that is a form: its parts are fields of the message, and the file is the last part.
async fn form(
    sender: &Messages,
    route: &Route,
    head: RequestHead<'_>,
    kind: &str,
    bytes: impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin + 'static,
) -> Result<(), Problem> {
    let boundary = multer::parse_boundary(kind).map_err(|error| malformed(&error))?;
    let input = route.method.descriptor.input();
    let pending = Arc::new(AtomicUsize::new(0));
    let mut form = Multipart::new(apart(bytes, pending.clone()), boundary);
    let mut first = Some(DynamicMessage::new(input.clone()));
    while let Some(mut part) = form.next_field().await.map_err(problem_of)? {
        pending.store(0, Ordering::Relaxed);
        let name = part.name().unwrap_or_default().to_owned();
        let field = field_of(&input, &name)?;
        let Some(mut message) = first.take() else {
            let wrong =
                wrong!(OutOfPlace, "stands after the file, which is the last part", "须排在文件之前，文件为最后一部分");
            return Err(Problem::invalid(field.json_name(), wrong));
        };
        if field.kind() == Kind::Bytes {
            complete(route, head, &mut message)?;
            pass(sender, &message).await;
            let mut pieces = Pieces::new(sender, &field);
            while let Some(bytes) = part.chunk().await.map_err(problem_of)? {
                pending.store(0, Ordering::Relaxed);
                pieces.add(&bytes).await;
            }
            pieces.end().await;
        } else {
            let mut text = BytesMut::new();
            while let Some(bytes) = part.chunk().await.map_err(problem_of)? {
                pending.store(0, Ordering::Relaxed);
                if text.len() + bytes.len() > PIECE {
                    return Err(Problem::too_large());
                }
                text.extend_from_slice(&bytes);
            }
            part_into(&mut message, &field, &text)?;
            first = Some(message);
        }
    }
    match first {
        Some(_) => {
            let file = input.fields().find(|field| field.kind() == Kind::Bytes);
            let name = file.as_ref().map_or("", FieldDescriptor::json_name);
            Err(Problem::invalid(
                name,
                wrong!(Required, "is missing: the form has no part with the file", "缺失，表单须包含文件"),
            ))
        }
        None => Ok(()),
    }
}

/// Passes the bytes of a form to its reader one chunk at a time, because the reader keeps every chunk that is ready,
/// and everything before a part. Fails when `pending`, the bytes kept since the reader last returned something, are too
/// many.
fn apart(
    mut bytes: impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin + 'static,
    pending: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, Carried>> + Send + 'static {
    async_stream::stream! {
        while let Some(next) = bytes.next().await {
            let next = match next {
                Ok(_) if pending.load(Ordering::Relaxed) > HEAD => {
                    Err(Problem::invalid("", wrong!(Unreadable, "no part of the form begins", "表单中没有可读取的部分")))
                }
                next => next,
            };
            let is_over = next.is_err();
            pending.fetch_add(next.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
            yield next.map_err(Carried);
            if is_over {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Sends a body of a line of JSON a message.
async fn lines(
    sender: &Messages,
    route: &Route,
    head: RequestHead<'_>,
    line_at_most: usize,
    mut bytes: impl Stream<Item = Result<Bytes, Problem>> + Unpin,
) -> Result<(), Problem> {
    let input = route.method.descriptor.input();
    let (mut waiting, mut is_first, mut number) = (BytesMut::new(), true, 0_u64);
    // The length of the waiting bytes that are known to have no end of a line.
    let mut seen = 0;
    let mut is_over = false;
    while !is_over {
        match bytes.next().await {
            Some(bytes) => waiting.extend_from_slice(&bytes?),
            None => is_over = true,
        }
        loop {
            let end = waiting[seen..].iter().position(|&byte| byte == b'\n').map(|end| seen + end);
            let Some(end) = end.or(is_over.then_some(waiting.len())) else {
                seen = waiting.len();
                break;
            };
            seen = 0;
            let line = waiting.split_to(end);
            waiting.advance(usize::from(!waiting.is_empty()));
            number += 1;
            if !line.trim_ascii().is_empty() {
                let mut message = json::read(&input, &line, "").map_err(|problem| problem.on_line(number))?;
                if std::mem::take(&mut is_first) {
                    complete(route, head, &mut message)?;
                }
                pass(sender, &message).await;
            }
            if waiting.is_empty() {
                break;
            }
        }
        if waiting.len() > line_at_most {
            return Err(Problem::too_large());
        }
    }
    Ok(())
}

fn field_of(input: &MessageDescriptor, name: &str) -> Result<FieldDescriptor, Problem> {
    let field = input.get_field_by_json_name(name).or_else(|| input.get_field_by_name(name));
    field.ok_or_else(|| Problem::invalid(name, wrong!(UnknownField, "is no part of this form", "不是此表单的内容")))
}

/// The bytes of a file, gathered into messages: a message for every few bytes would cost many times their size.
struct Pieces<'u> {
    sender: &'u Messages,
    field: &'u FieldDescriptor,
    gathered: BytesMut,
}

impl<'u> Pieces<'u> {
    fn new(sender: &'u Messages, field: &'u FieldDescriptor) -> Self {
        Self { sender, field, gathered: BytesMut::new() }
    }

    async fn add(&mut self, mut bytes: &[u8]) {
        while let Some((now, later)) = bytes.split_at_checked(PIECE - self.gathered.len()) {
            self.gathered.extend_from_slice(now);
            self.end().await;
            bytes = later;
        }
        self.gathered.extend_from_slice(bytes);
    }

    /// Sends the gathered bytes.
    async fn end(&mut self) {
        if !self.gathered.is_empty() {
            let mut message = DynamicMessage::new(self.field.parent_message().clone());
            message.set_field(self.field, Value::Bytes(self.gathered.split().freeze()));
            pass(self.sender, &message).await;
        }
    }
}

/// Passes a message to the call. A service that has answered takes no more, and then its answer counts.
async fn pass(sender: &Messages, message: &DynamicMessage) {
    let _ = sender.send(message.encode_to_vec().into()).await;
}

/// A problem as an error of the form's reader.
#[derive(Debug, thiserror::Error)]
#[error("the body cannot be read")]
struct Carried(Problem);

fn problem_of(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(source) => match source.downcast::<Carried>() {
            Ok(carried) => carried.0,
            Err(source) => Problem::broken_off(source),
        },
        error => malformed(&error),
    }
}

fn malformed(error: &multer::Error) -> Problem {
    Problem::invalid("", wrong!(Unreadable, "the form cannot be read", "表单无法读取")).because(error)
}
