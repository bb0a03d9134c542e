//! HTTP/2 by hand: frames as they are asked for, whether they make sense or not. The servers of services and the gateway share
//! a loop, and are attacked alike.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A part of a body.
pub const DATA: u8 = 0;
/// The headers of a call.
pub const HEADERS: u8 = 1;
/// The end of a stream before its end.
pub const RST_STREAM: u8 = 3;
/// What a side takes.
pub const SETTINGS: u8 = 4;
/// Asks for a sign of life.
pub const PING: u8 = 6;
/// The end of a connection.
pub const GOAWAY: u8 = 7;
/// So many bytes more may come.
pub const WINDOW_UPDATE: u8 = 8;
/// More of the headers.
pub const CONTINUATION: u8 = 9;
/// The flag of the last frame of a side.
pub const END_STREAM: u8 = 1;
/// The flag of headers that are all there.
pub const END_HEADERS: u8 = 4;
/// The code with which a server ends a connection that asks too much of it.
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame as it is written.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that asks for no place in the table; it may be of any length.
#[must_use]
pub fn header(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        // A length of seven bits, and what is beyond in groups of seven.
        if text.len() < 127 {
            block.push(u8::try_from(text.len()).unwrap());
        } else {
            block.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap());
        }
        block.extend_from_slice(text.as_bytes());
    }
    block
}

/// Headers that ask for no place in the table.
#[must_use]
pub fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| header(name, value)).collect()
}

/// The headers of a call of `path` with `token`.
#[must_use]
pub fn call(path: &str, token: &str) -> Vec<u8> {
    // POST and http stand in the static table.
    let mut block = vec![0x83, 0x86];
    let authorization = format!("Bearer {token}");
    let rest = [
        (":path", path),
        (":authority", "kefu"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("authorization", &authorization),
    ];
    block.extend(headers(&rest));
    block
}

/// What came until the connection ended.
#[derive(Debug, Default)]
pub struct Seen {
    /// How many streams ended, by a reset or with their answer.
    pub ended: usize,
    /// Frames by their kind.
    pub frames: BTreeMap<u8, usize>,
    /// With which code the connection was ended by the other side, if it said so.
    pub goaway: Option<u32>,
}

/// A connection that has sent its preface and its settings.
pub struct Raw {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
}

impl Raw {
    /// To a server that is there.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::greet(stream, &frame(SETTINGS, 0, 0, &[])).await
    }

    /// One that takes as much ahead of being read as can be said, and has little room for it.
    pub async fn connect_greedily(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let most = (u32::MAX >> 1).to_be_bytes();
        let settings = frame(SETTINGS, 0, 0, &[&[0, 4], most.as_slice()].concat());
        // The connection's window has its first 65,535 bytes already.
        let window = frame(WINDOW_UPDATE, 0, 0, &((u32::MAX >> 1) - 65_535).to_be_bytes());
        Self::greet(socket.connect(address).await.unwrap(), &[settings, window].concat()).await
    }

    async fn greet(mut stream: TcpStream, first: &[u8]) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.write_all(&[PREFACE, first].concat()).await.unwrap();
        let (read, write) = stream.into_split();
        Self { read, write }
    }

    /// Writes; false when the other side is there no more.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.write.write_all(bytes).await.is_ok()
    }

    /// What comes until the connection ends.
    pub async fn ending(self) -> Seen {
        let Self { read, write: _write } = self;
        see(read, watch::Sender::new(0)).await
    }

    /// Writes all of `parts`, as far as they are taken, while it reads what comes; then, when `answers` streams or the connection
    /// have ended, does `held`, with everything else open, and leaves.
    pub async fn flood<F: Future<Output = ()>>(
        self,
        parts: impl Iterator<Item = Vec<u8>>,
        answers: usize,
        held: F,
    ) -> Seen {
        let Self { read, mut write } = self;
        let ended = watch::Sender::new(0);
        let mut enough = ended.subscribe();
        let flood = async {
            for part in parts {
                if write.write_all(&part).await.is_err() {
                    break;
                }
            }
            let _ = enough.wait_for(|&ended| ended >= answers).await;
            held.await;
            drop(write);
        };
        tokio::join!(see(read, ended), flood).0
    }

    /// Writes all of `parts` and reads nothing, until the other side has taken no more for `patience`; then does `held`, and
    /// leaves.
    pub async fn flood_unread(
        mut self,
        parts: impl Iterator<Item = Vec<u8>>,
        patience: Duration,
        held: impl Future<Output = ()>,
    ) {
        for part in parts {
            match timeout(patience, self.write.write_all(&part)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        held.await;
    }
}

async fn see(mut read: OwnedReadHalf, ended: watch::Sender<usize>) -> Seen {
    let mut seen = Seen::default();
    let mut head = [0; 9];
    while read.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if read.read_exact(&mut payload).await.is_err() {
            break;
        }
        *seen.frames.entry(head[3]).or_default() += 1;
        let ends = head[3] == RST_STREAM || head[3] == HEADERS && head[4] & END_STREAM != 0;
        seen.ended += usize::from(ends);
        ended.send_replace(seen.ended);
        if head[3] == GOAWAY {
            seen.goaway = payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
        }
    }
    seen
}
