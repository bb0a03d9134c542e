//! A listener before a real service that records every call and passes it on.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::BodyExt as _;
use kefu_chassis::config::Limits;
use kefu_chassis::server::connections::{Protocols, Serving, serve};
use kefu_chassis::tasks::spawn;
use kefu_testkit::Bench;
use prost::bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Channel;
use tower_service::Service as _;

/// A call that reached a service: its path, and its body as gRPC frames it.
#[derive(Clone, Debug)]
pub struct Reached {
    pub path: String,
    pub body: Bytes,
}

/// The listener before one service, and the calls that came since they were last taken.
pub struct Recorder {
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<Reached>>>,
    _stop: watch::Sender<bool>,
}

#[derive(Clone)]
struct Passing {
    channel: Channel,
    calls: Arc<Mutex<Vec<Reached>>>,
}

impl Recorder {
    pub async fn before(bench: &Bench) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::<Mutex<Vec<Reached>>>::default();
        let passing = Passing { channel: bench.channel(), calls: calls.clone() };
        let (stop, stopping) = watch::channel(false);
        let serving = Serving {
            router: Router::new().fallback(pass).with_state(passing),
            protocols: Protocols::Http2,
            limits: Limits::default().of_connections(),
            tls: None,
            stop: stopping,
        };
        spawn(serve(listener, serving));
        Self { address, calls, _stop: stop }
    }

    /// Removes and returns the calls so far, except checks of health.
    pub fn take(&self) -> Vec<Reached> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.retain(|call| !call.path.starts_with("/grpc.health."));
        calls
    }
}

async fn pass(State(mut passing): State<Passing>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    passing.calls.lock().unwrap().push(Reached { path, body: body.clone() });
    std::future::poll_fn(|cx| passing.channel.poll_ready(cx)).await.unwrap();
    let request = Request::from_parts(parts, tonic::body::Body::new(http_body_util::Full::new(body)));
    passing.channel.call(request).await.unwrap().map(Body::new)
}
