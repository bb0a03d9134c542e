//! Wrappers of an answer's body that see each part when it is polled, and keep the length of the whole known.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AnyBody;
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt as _;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// The outcome of polling for a part: a part, the end, a failure, or nothing yet.
pub type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

/// Wraps the answer so that `see` gets, and may change, the outcome of each poll for a part. `see` is dropped with the
/// answer.
pub fn seen(response: Response, see: impl FnMut(Polled) -> Polled + Send + Unpin + 'static) -> Response {
    response.map(|inner| AnyBody::new(Seen { inner, see }))
}

/// Wraps the answer so that it keeps `held` alive until the answer has ended or is dropped.
pub fn holding(response: Response, held: impl Send + Unpin + 'static) -> Response {
    seen(response, move |polled| {
        let _until_the_end = &held;
        polled
    })
}

/// Polls the answer for its first part, which an answer in one piece has at once. Returns the answer, still whole, and the length
/// of the part in bytes; none if the part is yet to come, or has no data.
#[must_use]
pub fn begun(response: Response) -> (Response, Option<usize>) {
    let (head, mut inner) = response.into_parts();
    let hint = inner.size_hint();
    let is_ended = inner.is_end_stream();
    let first = if is_ended { None } else { inner.frame().now_or_never().flatten() };
    let length = first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref().map(Bytes::len));
    let body = if first.is_some() { AnyBody::new(Begun { first, hint, inner }) } else { inner };
    (Response::from_parts(head, body), length)
}

/// An answer whose first part was polled for.
struct Begun {
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    /// The length of the whole, as it was known before.
    hint: SizeHint,
    inner: AnyBody,
}

impl Body for Begun {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.inner).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.first.is_some() { self.hint } else { self.inner.size_hint() }
    }
}

struct Seen<F> {
    inner: AnyBody,
    see: F,
}

impl<F: FnMut(Polled) -> Polled + Unpin> Body for Seen<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        (self.see)(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
