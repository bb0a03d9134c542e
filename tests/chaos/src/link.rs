//! A link between two services: a relay that can be cut, slowed, or made to swallow everything while it looks open.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As a good network.
    Open,
    /// Each piece of data takes so long.
    Slow(Duration),
    /// Connections stay and nothing arrives.
    Stalled,
    /// Connections end, and none is made.
    Cut,
}

/// A relay to one address.
pub struct Link {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Link {
    /// Opens one to `target`.
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

    /// Its near end, as a peer's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// It is so from now on.
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
