//! The connections of a server. Their number is bounded, those that never begin a call or are idle for long are closed, and
//! all end in order.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{Request, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use super::connection::{Connection, Origin};
use super::parts;
use super::read_watch::{self, Streams};
use super::write_limit::WriteLimit;
use crate::serve::server::settings::ConnectionLimits;

/// The most streams of one connection: as many as a server has calls at once by default.
const STREAMS: u32 = 1_000;
/// The longest headers of a call, in bytes as each protocol counts them.
const HEADERS: u32 = 16 << 10;
/// The bytes that a connection may send ahead of being read.
const AHEAD: u32 = 1 << 20;
/// The most streams that may be reset before they are looked at; with more the connection is ended.
const RESETS: usize = 20;
/// How often a connection is pinged, and how long the answer may take.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// How long an idle connection that was told to end may take to end, unless the bound of idleness is shorter.
const FAREWELL: Duration = Duration::from_secs(5);
/// The pause after nothing could be accepted because the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// The protocols of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/2 alone, the protocol of gRPC.
    Http2,
    /// HTTP/2 and HTTP/1.1.
    Both,
}

impl Protocols {
    /// Returns the protocols as TLS negotiates them, the best first.
    #[must_use]
    pub fn offered(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http2 => vec![b"h2".to_vec()],
            Self::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// The setup of the connections.
#[derive(Clone)]
pub struct Serving {
    /// The router that answers.
    pub router: Router,
    /// The protocols.
    pub protocols: Protocols,
    /// Bounds of the connections.
    pub limits: ConnectionLimits,
    /// The TLS acceptor; plain text when none.
    pub tls: Option<TlsAcceptor>,
    /// Becomes true when the connections are to end.
    pub stop: watch::Receiver<bool>,
}

/// The open connections, by the task that serves them.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    connections: HashMap<tokio::task::Id, Arc<Connection>>,
}

impl Open {
    fn add(&mut self, stream: TcpStream, origin: Origin, serving: &Serving) {
        let connection = Arc::new(Connection::new(origin));
        let task = self.tasks.spawn(serve_one(stream, connection.clone(), serving.clone()));
        self.connections.insert(task.id(), connection);
    }

    /// Closes the connection that has been without a call longest; false when all have one.
    fn make_room(&mut self) -> bool {
        let quiet = self.connections.iter().filter_map(|(&id, open)| Some((open.quiet_since()?, id)));
        let Some((_, id)) = quiet.min() else { return false };
        if let Some(connection) = self.connections.remove(&id) {
            connection.make_room.notify_one();
        }
        true
    }

    async fn closed(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.connections.remove(&id);
        Some(())
    }
}

/// Serves connections to `listener` until told to stop, and then until the last one has ended.
pub async fn serve(listener: TcpListener, serving: Serving) {
    let mut open = Open::default();
    let mut stop = serving.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(()) = open.closed() => continue,
            _ = stop.wait_for(|stopping| *stopping) => break,
        };
        match accepted {
            Ok((stream, from)) => {
                if open.connections.len() < serving.limits.connections || open.make_room() {
                    let _ = stream.set_nodelay(true);
                    open.add(stream, Origin(from.ip()), &serving);
                }
            }
            // The connection that was to be accepted is gone.
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::warn!(cause = %error, connections = open.connections.len(), "nothing can be accepted");
                open.make_room();
                sleep(PAUSE).await;
            }
        }
    }
    // The listener is closed, so that nobody waits in the queue of one that accepts no more.
    drop(listener);
    while open.closed().await.is_some() {}
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn serve_one(stream: TcpStream, connection: Arc<Connection>, serving: Serving) {
    let begin = Duration::from_millis(serving.limits.handshake_ms);
    let tls = serving.tls.clone();
    let made_room = connection.clone();
    let served = async {
        match tls {
            Some(tls) => match timeout(begin, tls.accept(stream)).await {
                Ok(Ok(stream)) => talk(stream, connection, serving).await,
                Ok(Err(error)) => tracing::debug!(cause = %error, "no TLS"),
                Err(_) => {}
            },
            None => {
                if let Ok(Ok(1)) = timeout(begin, stream.peek(&mut [0])).await {
                    talk(stream, connection, serving).await;
                }
            }
        }
    };
    tokio::select! {
        () = served => {}
        () = made_room.make_room.notified() => {}
    }
}

async fn talk<I>(io: I, connection: Arc<Connection>, serving: Serving)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Serving { router, protocols, limits, mut stop, .. } = serving;
    let calls = connection.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(calls.origin);
        // With HTTP/2 the task of a stream counts it.
        let busy = (request.version() < Version::HTTP_2).then(|| calls.busy());
        let answer = router.clone().call(request);
        async move {
            let answer = read_watch::watch(answer.await.unwrap_or_else(|never| match never {}));
            Ok::<_, Infallible>(match busy {
                Some(busy) => parts::holding(answer, busy),
                None => answer,
            })
        }
    });
    let patience = Duration::from_millis(limits.stall_ms);
    let idle = Duration::from_millis(limits.idle_ms);
    let mut builder = auto::Builder::new(Streams { connection: connection.clone(), patience });
    if protocols == Protocols::Http2 {
        builder = builder.http2_only();
    }
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(HEADERS as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS)
        .initial_connection_window_size(AHEAD)
        .max_pending_accept_reset_streams(RESETS)
        .keep_alive_interval(KEEPALIVE.0)
        .keep_alive_timeout(KEEPALIVE.1);
    let mut talk = pin!(builder.serve_connection(TokioIo::new(WriteLimit::new(io, patience)), service));
    let ended = tokio::select! {
        ended = talk.as_mut() => Some(ended),
        () = quiet_for(&connection, idle) => None,
        _ = stop.wait_for(|stopping| *stopping) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        talk.as_mut().graceful_shutdown();
        tokio::select! {
            ended = talk.as_mut() => ended,
            () = quiet_for(&connection, FAREWELL.min(idle)) => Ok(()),
        }
    };
    if let Err(error) = ended {
        tracing::debug!(cause = crate::base::error::describe(error.as_ref()), "a connection broke");
    }
}

/// Returns when the connection has been without a call for `bound`, from now on.
async fn quiet_for(connection: &Connection, bound: Duration) {
    let began = Instant::now();
    loop {
        let now = Instant::now();
        let until = connection.quiet_since().unwrap_or(now).max(began) + bound;
        if until <= now {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}
