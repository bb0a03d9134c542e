//! Holds ten thousand connections that do nothing, and makes room for those that do something.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use kefu_testkit::within;
use reqwest::Method;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::beside::{alone, attacked};
use crate::stage::Stage;

const CONNECTIONS: usize = 10_000;
/// Number of files that this process opens beside the connections.
const OTHER_FILES: usize = 1_000;
/// Number of connections made after the gateway has as many as it takes.
const MORE: usize = 500;
/// Most memory that an idle connection may take, in KiB.
const EACH_KIB: usize = 24;
/// Environment variable with the address that the other process attacks.
const ADDRESS: &str = "KEFU_ABUSED";

/// Raises this process's limit of open files as far as allowed, and returns it.
fn files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    limit.maximum.map_or(usize::MAX, |files| usize::try_from(files).unwrap())
}

/// The process that holds the callers' ends: one process may not open enough files for both ends of every connection.
struct Callers {
    process: Child,
    say: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Callers {
    fn start(address: SocketAddr) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "--nocapture", "idle::the_callers_who_do_nothing"]);
        command.env(ADDRESS, address.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (say, hear) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, say, hear }
    }

    /// Lets `connect` more connect, and returns how many of all their connections the gateway has not ended.
    fn have(&mut self, connect: usize) -> usize {
        writeln!(self.say, "{connect}").unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.hear.read_line(&mut line).unwrap() > 0, "the callers are there");
            if let Some(open) = line.strip_prefix("open: ") {
                return open.trim().parse().unwrap();
            }
        }
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "the other process of the test below, which starts it"]
fn the_callers_who_do_nothing() {
    files();
    #[expect(clippy::disallowed_methods, reason = "told by the test that starts it")]
    let address: SocketAddr = std::env::var(ADDRESS).unwrap().parse().unwrap();
    let mut open: Vec<TcpStream> = Vec::new();
    for line in std::io::stdin().lines() {
        for number in 0..line.unwrap().parse().unwrap() {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // Of each three, one sends nothing, one sends part of a request, and one sends all of it and is answered.
            match number % 3 {
                0 => {}
                1 => stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: kefu\r\nx: ").unwrap(),
                _ => {
                    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: kefu\r\n\r\n").unwrap();
                    let read = stream.read(&mut [0; 1_024]);
                    assert!(read.is_ok_and(|read| read > 0), "it is answered");
                }
            }
            stream.set_nonblocking(true).unwrap();
            open.push(stream);
        }
        open.retain(|stream| stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
        println!("open: {}", open.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_that_do_nothing_are_held_and_make_room_for_those_that_do_something() {
    let _alone = alone().await;
    let connections = CONNECTIONS.min(files().saturating_sub(OTHER_FILES));
    println!("{connections} connections");
    let stage = Stage::with(|setup| {
        setup.limits.connections = connections;
        setup.limits.idle_ms = 600_000;
        setup.limits.handshake_ms = 600_000;
    })
    .await;
    // This caller has a call under way all the while.
    let events =
        stage.request(Method::GET, "/v1/services/intake/events:subscribe").header("accept", "text/event-stream");
    let mut events = events.send().await.unwrap();
    let mut callers = Callers::start(stage.address());
    let bound_mib = i64::try_from(connections * EACH_KIB / 1_024).unwrap();
    let (mut callers, open) = attacked(&stage, bound_mib, async {
        tokio::task::spawn_blocking(move || {
            let open = callers.have(connections);
            (callers, open)
        })
        .await
        .unwrap()
    })
    .await;
    println!("{open} open");
    assert!(open + 100 > connections, "{open}");
    let callers = attacked(&stage, bound_mib, async {
        tokio::task::spawn_blocking(move || {
            callers.have(MORE);
            Mutex::new(callers)
        })
        .await
        .unwrap()
    })
    .await;
    // The callers that the attack runs beside have connections too.
    let open = within(Duration::from_secs(15), "the quietest make room", async || {
        let open = callers.lock().unwrap().have(0);
        (open < connections).then_some(open)
    })
    .await;
    println!("{open} open");
    assert!(open + 100 > connections, "{open}");
    let body = serde_json::json!({"displayName": "林", "contacts": [{"phone": "13800138000"}]});
    assert_eq!(stage.post("/v1/customers", &body).await.0, 200);
    stage.intake.seal().await;
    let mut read = String::new();
    while !read.contains("id: ") {
        let part = tokio::time::timeout(Duration::from_secs(15), events.chunk()).await.expect("an event comes");
        read.push_str(std::str::from_utf8(&part.unwrap().expect("it goes on")).unwrap());
    }
}
