//! The end of streams with their caller's token: a stream, of requests or of answers, ends as unauthenticated when the token
//! holds no more. It stands in the gate, so that no handler can forget it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body as AnyBody;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep_until, timeout_at};
use tonic::Status;

use crate::base::error::Error;
use crate::base::language::Language;
use crate::serve::server::parts::Polled;

/// Awaits the answer of a call with a stream, and passes it on, until `ends`; then the call is refused as unauthenticated,
/// whatever was sent before.
pub async fn ending_at(ends: Instant, language: Language, answer: impl Future<Output = Response>) -> Response {
    match timeout_at(ends.into(), answer).await {
        Ok(response) if is_refusal(&response) => response,
        Ok(response) => {
            let end = Box::pin(sleep_until(ends.into()));
            response.map(|inner| AnyBody::new(EndingBody { inner: Some(inner), end, language }))
        }
        Err(_) => refusal(language).into_http(),
    }
}

/// Whether the headers already say how the call ended.
fn is_refusal(response: &Response) -> bool {
    response.headers().contains_key("grpc-status")
}

fn refusal(language: Language) -> Status {
    Error::Unauthenticated.into_status(language)
}

/// An answer that ends with a refusal at a given time, unless it ends before.
struct EndingBody {
    /// The answer; none once the time has come.
    inner: Option<AnyBody>,
    end: Pin<Box<Sleep>>,
    language: Language,
}

impl Body for EndingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        // The end is asked first, because a busy stream always has something to send.
        if this.end.as_mut().poll(context).is_pending() {
            return Pin::new(inner).poll_frame(context);
        }
        self.inner = None;
        let mut trailers = HeaderMap::new();
        let written = refusal(self.language).add_header(&mut trailers);
        Poll::Ready(Some(written.map(|()| Frame::trailers(trailers)).map_err(axum::Error::new)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(AnyBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
