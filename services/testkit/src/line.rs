//! The line between a service and Postgres: a test can cut and mend it, and counts the round trips on it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Codes of encryption requests, which precede the startup message.
const BEFORE_START: [u32; 2] = [80_877_103, 80_877_104];

/// A relay for the service's connections.
#[derive(Debug)]
pub struct Line {
    port: u16,
    cut: watch::Sender<bool>,
    round_trips: Arc<AtomicUsize>,
}

impl Line {
    /// A line to `port` of this machine.
    #[expect(clippy::disallowed_methods, reason = "the relay ends with the test's runtime")]
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let line = Self {
            port: listener.local_addr().unwrap().port(),
            cut: watch::Sender::new(false),
            round_trips: Arc::default(),
        };
        let (cut, round_trips) = (line.cut.subscribe(), line.round_trips.clone());
        tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                if !*cut.borrow() {
                    tokio::spawn(relay(service, port, cut.clone(), round_trips.clone()));
                }
            }
        });
        line
    }

    /// Port of the relay.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections and lets no new one through.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.cut.send_replace(false);
    }

    /// Number of round trips since the line was made.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.round_trips.load(Ordering::Acquire)
    }
}

async fn relay(service: TcpStream, port: u16, mut cut: watch::Receiver<bool>, round_trips: Arc<AtomicUsize>) {
    let Ok(postgres) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await else { return };
    let _ = (service.set_nodelay(true), postgres.set_nodelay(true));
    let (from_service, to_service) = service.into_split();
    let (from_postgres, to_postgres) = postgres.into_split();
    let mut counter = Counter::default();
    tokio::select! {
        () = pass(from_service, to_postgres, |bytes| { round_trips.fetch_add(counter.count(bytes), Ordering::AcqRel); }) => {}
        () = pass(from_postgres, to_service, |_| {}) => {}
        _ = cut.wait_for(|cut| *cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut seen: impl FnMut(&[u8])) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        seen(&bytes[..length]);
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

/// Counts round trips in the messages of a client. A caller waits after each simple query, and after each `Sync` that
/// follows other messages. The pool sends a `Sync` alone to check a returned connection; no caller waits for it.
#[derive(Default)]
struct Counter {
    started: bool,
    asked: bool,
    header: Vec<u8>,
    skip: usize,
}

impl Counter {
    fn count(&mut self, bytes: &[u8]) -> usize {
        let mut round_trips = 0;
        for &byte in bytes {
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.header.push(byte);
            let number = |at: usize, header: &[u8]| {
                header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
            };
            if self.started && self.header.len() == 5 {
                let kind = self.header[0];
                round_trips += usize::from(kind == b'Q' || (kind == b'S' && self.asked));
                self.asked = !b"QS".contains(&kind);
                self.skip = (number(1, &self.header) as usize).saturating_sub(4);
                self.header.clear();
            } else if !self.started && self.header.len() == 8 {
                self.started = !BEFORE_START.contains(&number(4, &self.header));
                self.skip = (number(0, &self.header) as usize).saturating_sub(8);
                self.header.clear();
            }
        }
        round_trips
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_and_a_sync_are_round_trips_however_the_bytes_arrive() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
        bytes.extend_from_slice(&[0, 0, 0, 11, 0, 3, 0, 0, b'S', b'Q', 0]);
        bytes.extend_from_slice(b"Q\0\0\0\x0abegin\0");
        bytes.extend_from_slice(b"B\0\0\0\x06SQE\0\0\0\x05QS\0\0\0\x04S\0\0\0\x04");
        assert_eq!(Counter::default().count(&bytes), 2);
        let mut counter = Counter::default();
        assert_eq!(bytes.iter().map(|byte| counter.count(&[*byte])).sum::<usize>(), 2);
    }
}
