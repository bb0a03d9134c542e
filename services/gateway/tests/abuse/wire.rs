//! A client of HTTP/1.1 that sends any bytes, whether they make sense or not.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::stage::lin;

/// How long an answer, or the end of a connection, may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(15);

/// A connection, with the bytes that were read and not yet returned.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Connects with a small receive buffer, so that little fits into the kernel while nobody reads.
    pub async fn connect_narrowly(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        Self { stream: socket.connect(address).await.unwrap(), read: Vec::new() }
    }

    /// Writes bytes. Returns false if the other side has gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Writes `part` so many times, or until the other side takes no more, and reads meanwhile. Returns the answer.
    pub async fn flood(self, part: &[u8], times: usize) -> Option<Answer> {
        let Self { stream, mut read } = self;
        let (mut reading, mut writing) = stream.into_split();
        let flood = async {
            for _ in 0..times {
                if writing.write_all(part).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            answer = answer(&mut reading, &mut read) => answer,
            () = flood => answer(&mut reading, &mut read).await,
        }
    }

    /// Writes `part` at each beat, and reads meanwhile. Returns the answer.
    pub async fn drip(self, part: &[u8], beat: Duration) -> Option<Answer> {
        let Self { stream, mut read } = self;
        let (mut reading, mut writing) = stream.into_split();
        let drip = async {
            while writing.write_all(part).await.is_ok() {
                tokio::time::sleep(beat).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = answer(&mut reading, &mut read) => answer,
            () = drip => None,
        }
    }

    /// Returns when an answer begins to come.
    pub async fn begun(&mut self) {
        timeout(SOON, self.stream.readable()).await.expect("it is answered").unwrap();
    }

    /// Returns the next answer; none if the connection ends before the answer does.
    pub async fn answer(&mut self) -> Option<Answer> {
        answer(&mut self.stream, &mut self.read).await
    }

    /// Waits until the other side has ended the connection, and returns all bytes that came.
    pub async fn ended(mut self) -> Vec<u8> {
        timeout(SOON, async {
            let mut bytes = vec![0; 65_536];
            loop {
                match self.stream.read(&mut bytes).await {
                    Ok(read) if read > 0 => self.read.extend_from_slice(&bytes[..read]),
                    _ => return self.read,
                }
            }
        })
        .await
        .expect("it is ended")
    }
}

async fn answer(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<Answer> {
    let mut whole = async || {
        loop {
            if let Some(answer) = taken(read) {
                return Some(answer);
            }
            match stream.read_buf(read).await {
                Ok(more) if more > 0 => {}
                _ => return None,
            }
        }
    };
    timeout(SOON, whole()).await.expect("it is answered, or ended")
}

/// Removes the first answer from what was read, once all of it is there, and skips statuses 100.
fn taken(read: &mut Vec<u8>) -> Option<Answer> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(read[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head[9..12].parse().unwrap();
    if status == 100 {
        read.drain(..end);
        return taken(read);
    }
    let mut answer = Answer { status, head, body: Vec::new() };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    if read.len() < end + length {
        return None;
    }
    answer.body = read.drain(..end + length).skip(end).collect();
    Some(answer)
}

impl Answer {
    /// Returns the value of a header in lower case, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the problem in the answer. It must have this status, be short, and reveal nothing of the implementation.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert!(self.body.len() < 4_096, "{} bytes", self.body.len());
        let text = String::from_utf8(self.body.clone()).unwrap();
        for internal in ["hyper", "tonic", "serde", "prost", "sqlx", "postgres", ".rs", "panick", "127.0.0.1"] {
            assert!(!text.contains(internal), "{internal}: {text}");
        }
        assert_eq!(self.json()["status"], status, "{text}");
        self.json()
    }
}

/// Writes the head of a request by an agent, with the header lines in `more`, each ended by CRLF.
pub fn head(verb: &str, path: &str, more: &str) -> String {
    head_of(&lin(), verb, path, more)
}

/// Writes the head of a request with a token.
pub fn head_of(token: &str, verb: &str, path: &str, more: &str) -> String {
    format!("{verb} {path} HTTP/1.1\r\nhost: kefu\r\nauthorization: Bearer {token}\r\n{more}\r\n")
}

/// Writes the head of a request with a body of JSON of this length.
pub fn head_of_json(path: &str, length: usize) -> String {
    head("POST", path, &format!("content-type: application/json\r\ncontent-length: {length}\r\n"))
}

/// Writes a chunk of a chunked body.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Sends a whole body of JSON to a path, and returns the answer.
pub async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Answer {
    let mut wire = Wire::connect(address).await;
    wire.send([head_of_json(path, body.len()).as_bytes(), body].concat()).await;
    wire.answer().await.expect("it is answered")
}
