//! A link between two services: a relay that can be cut, slowed, or stalled, so that it looks open but passes no data.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// State of a link between two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Data pass without delay.
    Open,
    /// Each piece of data, at most 64 KiB, is delayed by this time.
    Slow(Duration),
    /// Connections stay open, but no data arrive until the state changes.
    Stalled,
    /// Open connections are closed, and new ones are closed at once.
    Cut,
}

/// A relay from a local port to one address.
pub struct Link {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Link {
    /// Opens a link to `target` on a free local port.
    #[expect(clippy::disallowed_methods, reason = "the relay ends with the runtime")]
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let link = Self { address: listener.local_addr().unwrap(), state: watch::Sender::new(State::Open) };
        let state = link.state.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *state.borrow() != State::Cut {
                    tokio::spawn(relay(near, target, state.clone()));
                }
            }
        });
        link
    }

    /// Returns the URL of the local port, for a service to use as the address of its peer.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the state of the link, also for connections that are already open.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn relay(near: TcpStream, target: SocketAddr, state: watch::Receiver<State>) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let mut cut = state.clone();
    tokio::select! {
        () = pass(from_near, to_far, state.clone()) => {}
        () = pass(from_far, to_near, state) => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let now = *state.borrow_and_update();
        match now {
            State::Slow(delay) => tokio::time::sleep(delay).await,
            State::Stalled => drop(state.wait_for(|state| *state != State::Stalled).await),
            State::Open | State::Cut => {}
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
