//! HTTP/2 by hand: writes any frames, valid or not, to attack servers. Services and the gateway share a serving loop and
//! are attacked alike.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// Connection preface of a client.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frame type DATA: a part of a body.
pub const DATA: u8 = 0;
/// Frame type HEADERS: the headers of a call.
pub const HEADERS: u8 = 1;
/// Frame type `RST_STREAM`: aborts a stream.
pub const RST_STREAM: u8 = 3;
/// Frame type SETTINGS: limits of a side.
pub const SETTINGS: u8 = 4;
/// Frame type PING: asks for an acknowledgement.
pub const PING: u8 = 6;
/// Frame type GOAWAY: ends a connection.
pub const GOAWAY: u8 = 7;
/// Frame type `WINDOW_UPDATE`: allows more bytes.
pub const WINDOW_UPDATE: u8 = 8;
/// Frame type CONTINUATION: more headers.
pub const CONTINUATION: u8 = 9;
/// Flag of the last frame of a side.
pub const END_STREAM: u8 = 1;
/// Flag of complete headers.
pub const END_HEADERS: u8 = 4;
/// Error code with which a server ends an abusive connection.
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// Encodes a frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Encodes a header of any length, without adding it to the dynamic table.
#[must_use]
pub fn header(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        // HPACK integer: 7 bits in the first byte, the rest in groups of 7 (RFC 7541, 5.1).
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

/// Encodes headers, without adding them to the dynamic table.
#[must_use]
pub fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| header(name, value)).collect()
}

/// Encodes the headers of a gRPC call of `path` with `token`.
#[must_use]
pub fn call(path: &str, token: &str) -> Vec<u8> {
    // Indices of `:method POST` and `:scheme http` in the static table.
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

/// Frames received until the connection ended.
#[derive(Debug, Default)]
pub struct Seen {
    /// Streams ended, by a reset or by the end of their answer.
    pub ended: usize,
    /// Number of frames by type.
    pub frames: BTreeMap<u8, usize>,
    /// Error code of the server's GOAWAY, if any.
    pub goaway: Option<u32>,
}

/// A connection that has sent its preface and its settings.
pub struct Raw {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
}

impl Raw {
    /// Connects to a server.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::greet(stream, &frame(SETTINGS, 0, 0, &[])).await
    }

    /// Connects with the largest flow control windows and a small receive buffer, so that the server has to keep the data.
    pub async fn connect_greedily(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let most = (u32::MAX >> 1).to_be_bytes();
        let settings = frame(SETTINGS, 0, 0, &[&[0, 4], most.as_slice()].concat());
        // The connection's window starts at 65,535 bytes.
        let window = frame(WINDOW_UPDATE, 0, 0, &((u32::MAX >> 1) - 65_535).to_be_bytes());
        Self::greet(socket.connect(address).await.unwrap(), &[settings, window].concat()).await
    }

    async fn greet(mut stream: TcpStream, first: &[u8]) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.write_all(&[PREFACE, first].concat()).await.unwrap();
        let (read, write) = stream.into_split();
        Self { read, write }
    }

    /// Writes bytes; false when the connection is lost.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.write.write_all(bytes).await.is_ok()
    }

    /// Reads until the connection ends.
    pub async fn ending(self) -> Seen {
        let Self { read, write: _write } = self;
        count_frames(read, watch::Sender::new(0)).await
    }

    /// Writes `parts`, as far as the server accepts them, while reading. When `answers` streams or the connection have
    /// ended, runs `held` with everything else open, then disconnects.
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
        tokio::join!(count_frames(read, ended), flood).0
    }

    /// Writes `parts` and reads nothing, until the server has accepted nothing for `patience`. Then runs `held` and
    /// disconnects.
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

async fn count_frames(mut read: OwnedReadHalf, ended: watch::Sender<usize>) -> Seen {
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
