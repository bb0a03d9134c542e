//! The parts of an answer, each seen when it is asked for, with the length of the whole still known.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AnyBody;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// What comes of asking for a part: it, the end, a failure, or nothing yet.
pub type Asked = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

/// The answer, of which `see` sees, and may change, what comes each time that a part is asked for. It is dropped with the answer.
pub fn seen(response: Response, see: impl FnMut(Asked) -> Asked + Send + Unpin + 'static) -> Response {
    response.map(|inner| AnyBody::new(Seen { inner, see }))
}

/// The answer, which holds something until it has ended or is given up.
pub fn holding(response: Response, held: impl Send + Unpin + 'static) -> Response {
    seen(response, move |asked| {
        let _until_the_end = &held;
        asked
    })
}

struct Seen<F> {
    inner: AnyBody,
    see: F,
}

impl<F: FnMut(Asked) -> Asked + Unpin> Body for Seen<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Asked {
        let asked = Pin::new(&mut self.inner).poll_frame(context);
        (self.see)(asked)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
