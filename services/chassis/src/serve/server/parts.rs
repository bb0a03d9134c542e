//! Wrappers of an answer's body that see each part when it is polled, and keep the length of the whole known.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AnyBody;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

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
