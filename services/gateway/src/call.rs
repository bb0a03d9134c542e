//! Calls to services: messages are passed on as bytes, with the caller's headers and a deadline. A lost call is made
//! once more where that does no harm.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::HeaderMap;
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, HeaderName};
use kefu_chassis::peer::is_lost;
use kefu_chassis::raw::Raw;
use tonic::client::Grpc;
use tonic::codec::Streaming;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};

use crate::backends::{Backend, Kind, Lease, NoLease};
use crate::problem::{AnswerContext, Problem, ServiceTime};
use crate::routes::Method;

/// The headers of a caller that are passed on.
const PASSED: [HeaderName; 3] = [AUTHORIZATION, ACCEPT_LANGUAGE, HeaderName::from_static("traceparent")];
/// The longest answer, in bytes; services send less.
const ANSWER: usize = 64 << 20;

/// A caller, and how long they wait.
#[derive(Clone, Debug)]
pub struct Caller {
    metadata: MetadataMap,
    deadline: Duration,
    service_time: ServiceTime,
}

impl Caller {
    /// Creates the caller of a request with these headers.
    pub fn of(headers: &HeaderMap, deadline: Duration, context: &AnswerContext) -> Self {
        let mut passed = HeaderMap::new();
        for name in PASSED {
            if let Some(value) = headers.get(&name) {
                passed.insert(name, value.clone());
            }
        }
        Self { metadata: MetadataMap::from_headers(passed), deadline, service_time: context.service_time.clone() }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(self.deadline);
        request
    }

    /// Calls a method that takes one message and gives one. A lost call is made once more at another replica if that
    /// does no harm: the method changes nothing, or the request has a request id.
    pub async fn once(
        &self,
        backend: &Backend,
        method: &Method,
        message: Bytes,
        is_repeatable: bool,
    ) -> Result<Bytes, Problem> {
        let call = async |message| {
            let lease = backend.lease(Kind::Call).map_err(Failed::NoLease)?;
            let mut grpc = grpc(&lease).await?;
            let answer = grpc.unary(self.request(message), method.path.clone(), Raw).await;
            self.note(&lease, answer)
        };
        let calls = async {
            match call(message.clone()).await {
                Err(Failed::Lost(_)) if is_repeatable => call(message).await,
                outcome => outcome,
            }
        };
        Ok(self.within(calls).await?.into_inner())
    }

    /// Calls a method that takes one message and gives a stream.
    pub async fn stream(&self, backend: &Backend, method: &Method, message: Bytes) -> Result<Answers, Problem> {
        let lease = backend.lease(Kind::Stream).map_err(Failed::NoLease)?;
        let call = async {
            let mut grpc = grpc(&lease).await?;
            // A stream has no deadline: it ends when the caller ends it.
            let mut request = self.request(message);
            request.metadata_mut().remove("grpc-timeout");
            let answer = grpc.server_streaming(request, method.path.clone(), Raw).await;
            self.note(&lease, answer)
        };
        let messages = self.within(call).await?.into_inner();
        Ok(Answers { messages, _lease: lease })
    }

    /// Calls a method that takes a stream and gives one message.
    pub async fn send(
        &self,
        backend: &Backend,
        method: &Method,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let lease = backend.lease(Kind::Stream).map_err(Failed::NoLease)?;
        let call = async {
            let mut grpc = grpc(&lease).await?;
            let answer = grpc.client_streaming(self.request(messages), method.path.clone(), Raw).await;
            self.note(&lease, answer)
        };
        Ok(self.within(call).await?.into_inner())
    }

    /// Notes the time of the service and whether its replica is suspect.
    fn note<T>(&self, lease: &Lease, answer: Result<Response<T>, Status>) -> Result<Response<T>, Failed> {
        let metadata = answer.as_ref().map_or_else(Status::metadata, Response::metadata);
        self.service_time.note(metadata.as_ref());
        answer.map_err(|status| {
            if is_lost(&status) && status.code() != Code::Cancelled {
                lease.suspect();
                Failed::Lost(status)
            } else {
                Failed::Refused(status)
            }
        })
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, Failed>>) -> Result<T, Problem> {
        match tokio::time::timeout(self.deadline, call).await {
            Ok(outcome) => outcome.map_err(Problem::from),
            Err(_) => Err(Problem::too_late()),
        }
    }
}

/// The messages of a stream, and the place that the stream takes.
#[derive(Debug)]
pub struct Answers {
    messages: Streaming<Bytes>,
    _lease: Lease,
}

impl Answers {
    /// Returns the next message; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        self.messages.message().await.map_err(Problem::of)
    }
}

/// Why a call gave no answer.
enum Failed {
    /// The call was lost, and nobody knows whether it arrived.
    Lost(Status),
    Refused(Status),
    NoLease(NoLease),
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Lost(status) | Failed::Refused(status) => Self::of(status),
            Failed::NoLease(NoLease::Away) => Self::away(),
            Failed::NoLease(NoLease::Full) => Self::too_often(Duration::from_secs(1)),
        }
    }
}

type Client = Grpc<kefu_chassis::telemetry::traced::Traced<tonic::transport::Channel>>;

async fn grpc(lease: &Lease) -> Result<Client, Failed> {
    let mut grpc = Grpc::new(lease.channel()).max_decoding_message_size(ANSWER);
    grpc.ready().await.map_err(|error| {
        lease.suspect();
        Failed::Lost(Status::from_error(error.into()))
    })?;
    Ok(grpc)
}

/// Whether the gateway itself gave the call up because its time was over, which says nothing about the service.
pub fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<tonic::TimeoutExpired>)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn a_call_whose_time_was_over_is_late_and_no_sign_of_a_service_that_is_away() {
        let late = Status::from_error(Box::new(tonic::TimeoutExpired(())));
        assert!(std::error::Error::source(&late).is_some() && is_late(&late));
        assert_eq!(Problem::of(late).status, StatusCode::GATEWAY_TIMEOUT);
        let lost = Status::from_error(Box::new(std::io::Error::other("gone")));
        assert!(!is_late(&lost));
        assert_eq!(Problem::of(lost).status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
