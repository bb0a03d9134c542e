//! gRPC by hand: any headers and bytes, over correct HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use kefu_testkit::{Bench, sign};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::{Code, Status};

pub const LIST: &str = "/kefu.compliance.v1.ComplianceService/ListDuties";
pub const SUBSCRIBE: &str = "/kefu.events.v1.EventFeed/Subscribe";

/// An HTTP/2 connection of a client.
pub struct Wire {
    send: SendRequest<Bytes>,
    connection: JoinSet<()>,
}

/// A call whose headers were sent.
pub struct Sent {
    pub body: SendStream<Bytes>,
    pub answer: ResponseFuture,
}

impl Wire {
    /// Connects. Each stream may receive `window` bytes before they are read.
    pub async fn connect(bench: &Bench, window: u32) -> Self {
        let stream = TcpStream::connect(bench.address()).await.unwrap();
        let (send, driver) = h2::client::Builder::new()
            .initial_window_size(window)
            .initial_max_send_streams(10_000)
            .handshake(stream)
            .await
            .unwrap();
        let mut connection = JoinSet::new();
        connection.spawn(async move {
            let _ = driver.await;
        });
        Self { send, connection }
    }

    /// Sends the headers of a call.
    pub async fn begin(&mut self, path: &str, token: &str, more: &[(&'static str, &str)]) -> Sent {
        let mut request = Request::post(format!("http://kefu{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let mut ready = self.send.clone().ready().await.unwrap();
        let (answer, body) = ready.send_request(request.body(()).unwrap(), false).unwrap();
        Sent { body, answer }
    }

    /// Makes a call of an operator with these bytes as its body. Returns its status.
    pub async fn status(&mut self, path: &str, more: &[(&'static str, &str)], body: Bytes) -> Status {
        let mut sent = self.begin(path, &sign("staff/root", &["ADMIN"]), more).await;
        // The answer may come before everything is sent.
        let _ = sent.body.send_data(body, true);
        sent.status().await
    }

    /// Returns when the other side has closed the connection.
    pub async fn closed(&mut self) {
        self.connection.join_next().await;
    }
}

impl Sent {
    /// Returns the status of the answer, after dropping its messages.
    pub async fn status(self) -> Status {
        let answer = tokio::time::timeout(Duration::from_secs(15), self.answer).await.expect("it is answered");
        let (head, mut body) = answer.unwrap().into_parts();
        if let Some(status) = Status::from_header_map(&head.headers) {
            return status;
        }
        while let Some(part) = body.data().await {
            let _ = body.flow_control().release_capacity(part.unwrap().len());
        }
        trailers(body).await
    }

    /// Returns the body of the answer, once its headers have come, and the body of the call.
    pub async fn stream(self) -> (RecvStream, SendStream<Bytes>) {
        let answer = tokio::time::timeout(Duration::from_secs(15), self.answer).await.expect("it is answered");
        let (head, body) = answer.unwrap().into_parts();
        assert!(Status::from_header_map(&head.headers).is_none(), "{head:?}");
        (body, self.body)
    }
}

async fn trailers(mut body: RecvStream) -> Status {
    let trailers: Option<HeaderMap> = body.trailers().await.unwrap();
    trailers.as_ref().and_then(Status::from_header_map).unwrap_or_else(|| Status::new(Code::Unknown, "no trailers"))
}

/// Returns a message as gRPC frames it.
pub fn message(message: &impl prost::Message) -> Bytes {
    framed(0, &message.encode_to_vec())
}

/// Returns bytes framed as a gRPC message; flag 1 says that they are compressed.
pub fn framed(flag: u8, bytes: &[u8]) -> Bytes {
    let length = u32::try_from(bytes.len()).unwrap();
    [&[flag], length.to_be_bytes().as_slice(), bytes].concat().into()
}
