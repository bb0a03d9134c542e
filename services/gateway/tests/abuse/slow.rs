//! Slow callers, who send a byte now and then, or stop sending.

use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use h2::SendStream;
use h2::client::ResponseFuture;
use http::Request;
use kefu_testkit::raw::{HEADERS, PREFACE, SETTINGS, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::beside::{BOUND_MIB, alone, attacked};
use crate::stage::{Stage, lin};
use crate::wire::{SOON, Wire, chunk, head, head_of_json};

/// How long a slow caller waits before the next byte.
const BEAT: Duration = Duration::from_millis(100);

const CUSTOMERS: &str = "/v1/customers";
const CHUNKED_JSON: &str = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";

/// Calls `write` at each beat until it returns false, for as long as `until` takes.
async fn slowly<T>(mut write: impl AsyncFnMut() -> bool, until: impl Future<Output = T>) -> T {
    let drip = async {
        while write().await {
            tokio::time::sleep(BEAT).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        outcome = until => outcome,
        never = drip => never,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_comes_a_byte_at_a_time_ends_its_connection() {
    let _alone = alone().await;
    let stage = Stage::with(|setup| setup.limits.idle_ms = 2_000).await;
    let began = Instant::now();
    attacked(&stage, BOUND_MIB, async {
        let sent = |first: &'static [u8]| async {
            let (mut reading, mut writing) = TcpStream::connect(stage.address()).await.unwrap().into_split();
            writing.write_all(first).await.unwrap();
            let mut come = Vec::new();
            let ended = timeout(SOON, reading.read_to_end(&mut come));
            let ended = slowly(async || writing.write_all(b"x").await.is_ok(), ended).await;
            assert!(ended.is_ok(), "it is ended");
            assert!(!come.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&come));
        };
        let heads: [&[u8]; 4] = [b"", b"GET /v1/requests HTTP/1.1\r\nhost: kefu\r\nx: ", b"GET /", PREFACE];
        join_all(heads.iter().flat_map(|head| std::iter::repeat_n(head, 50)).map(|head| sent(head))).await;
    })
    .await;
    assert!(began.elapsed() > Duration::from_millis(500), "the first of them was not ended at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_says_nothing_or_not_enough_is_ended() {
    let _alone = alone().await;
    let stage = Stage::with(|setup| {
        setup.limits.idle_ms = 1_000;
        setup.limits.handshake_ms = 1_000;
    })
    .await;
    let settled = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let begun = [settled.as_slice(), &frame(HEADERS, 0, 1, &[0x82])].concat();
    attacked(&stage, BOUND_MIB, async {
        let silent: [&[u8]; 7] =
            [b"", b"G", b"GET / HTTP/1.1\r\nhost: kefu\r\n", &PREFACE[..10], PREFACE, &settled, &begun];
        let address = stage.address();
        join_all(silent.into_iter().map(|first| async move {
            let mut wire = Wire::connect(address).await;
            wire.send(first).await;
            wire.ended().await;
        }))
        .await;
        // A connection whose request was answered is ended as well.
        let mut wire = Wire::connect(stage.address()).await;
        wire.send(head("GET", "/v1/requests", "")).await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        assert!(wire.ended().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_json_that_does_not_come_in_time_is_refused() {
    let _alone = alone().await;
    let stage = Stage::with(|setup| setup.limits.body_ms = 1_500).await;
    attacked(&stage, BOUND_MIB, async {
        let slow = [
            (head_of_json(CUSTOMERS, 4_000), b" ".to_vec()),
            (head("POST", CUSTOMERS, CHUNKED_JSON), chunk(b" ")),
            // These bodies stop in the middle of a chunk, or before the last.
            (head("POST", CUSTOMERS, CHUNKED_JSON) + "10\r\n{", Vec::new()),
            (head("POST", CUSTOMERS, CHUNKED_JSON) + "2\r\n{}\r\n", Vec::new()),
            (head("POST", CUSTOMERS, CHUNKED_JSON) + "2\r", Vec::new()),
            (head_of_json(CUSTOMERS, 2), Vec::new()),
        ];
        let slow = slow.into_iter().map(|(head, part)| {
            let address = stage.address();
            async move {
                let mut wire = Wire::connect(address).await;
                wire.send(head).await;
                wire.drip(&part, BEAT).await.expect("it is answered").refused(408);
            }
        });
        join_all(slow).await;
        // Over HTTP/2 only the request is refused: the connection goes on.
        let mut wire = Http2::connect(&stage).await;
        for _ in 0..2 {
            let (answer, mut body) = wire.begin("POST", CUSTOMERS, "application/json").await;
            body.send_data("{".into(), false).unwrap();
            let answer = timeout(SOON, answer);
            let answer = slowly(async || body.send_data(" ".into(), false).is_ok(), answer).await.unwrap().unwrap();
            assert_eq!(answer.status(), 408);
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_stops_is_refused_and_one_that_goes_on_too_long() {
    let _alone = alone().await;
    let stage = Stage::with(|setup| {
        setup.limits.stall_ms = 500;
        setup.limits.upload_ms = 2_000;
    })
    .await;
    let address = stage.address();
    let content = "--edge\r\ncontent-disposition: form-data; name=\"content\"\r\n\r\nx";
    let uploads = [
        ("/v1/staff:import", "text/csv", "name"),
        ("/v1/requests:import", "application/x-ndjson", "{\"source\""),
        ("/v1/complaints/x/evidence:upload", "multipart/form-data; boundary=edge", "--edge\r\n"),
        ("/v1/complaints/x/evidence:upload", "multipart/form-data; boundary=edge", content),
    ];
    attacked(&stage, BOUND_MIB, async {
        let slow = uploads.into_iter().flat_map(|upload| [(upload, b"".as_slice(), 408), (upload, b"x", 504)]);
        join_all(slow.map(|((path, kind, first), part, status)| async move {
            let mut wire = Wire::connect(address).await;
            let more = format!("content-type: {kind}\r\ncontent-length: 1000\r\n");
            wire.send(head("POST", path, &more) + first).await;
            let answer = wire.drip(part, BEAT).await.expect("it is answered");
            println!("{path} {part:?}: {}", answer.status);
            // The service refuses the first message of this form at once, before any time is over.
            answer.refused(if first == content { 400 } else { status });
        }))
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_all_but_there_are_held_for_as_many_calls_as_a_caller_may_have() {
    const SHARE: usize = 10;
    let _alone = alone().await;
    let stage = Stage::with(|setup| {
        setup.limits.body_ms = 5_000;
        setup.limits.calls_per_caller = SHARE;
    })
    .await;
    let body = vec![b' '; 4_000_000];
    let statuses = attacked(&stage, 128, async {
        let answers = (0..100).map(|_| async {
            let mut wire = Wire::connect(stage.address()).await;
            wire.send(head_of_json(CUSTOMERS, body.len())).await;
            let status = wire.flood(&body[1..], 1).await.map(|answer| answer.status);
            status.unwrap_or_default()
        });
        join_all(answers).await
    })
    .await;
    let of = |status: u16| statuses.iter().filter(|&&known| known == status).count();
    println!("408: {}, 429: {}", of(408), of(429));
    assert!((1..=SHARE).contains(&of(408)) && of(429) >= 80, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_gives_itself_no_time_is_late_and_its_service_not_away() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    attacked(&stage, BOUND_MIB, async {
        let mut wire = Http2::connect(&stage).await;
        for timeout in ["1n", "500u", "1m", "2m", "3m"].repeat(10) {
            let more = [("content-type", "application/grpc"), ("kefu-service", "intake"), ("grpc-timeout", timeout)];
            let path = "/kefu.compliance.v1.ComplianceService/ListDuties";
            let (answer, mut body) = wire.begin_with("POST", path, &more).await;
            // Sending may fail, because the answer may come first.
            let _ = body.send_data(b"\0\0\0\0\0".as_slice().into(), true);
            let answer = answer.await.unwrap();
            // The call is late (4), or was fast enough for the service to refuse its empty message (3).
            let status = answer.headers()["grpc-status"].to_str().unwrap();
            assert!(["3", "4"].contains(&status), "{timeout}: {answer:?}");
        }
    })
    .await;
}

/// A connection of HTTP/2.
struct Http2 {
    send: h2::client::SendRequest<bytes::Bytes>,
    _driver: JoinSet<()>,
}

impl Http2 {
    async fn connect(stage: &Stage) -> Self {
        let stream = TcpStream::connect(stage.address()).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        Self { send, _driver: driver }
    }

    async fn begin(&mut self, verb: &str, path: &str, kind: &str) -> (ResponseFuture, SendStream<bytes::Bytes>) {
        self.begin_with(verb, path, &[("content-type", kind)]).await
    }

    async fn begin_with(
        &mut self,
        verb: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> (ResponseFuture, SendStream<bytes::Bytes>) {
        let request = Request::builder()
            .method(verb)
            .uri(format!("http://kefu{path}"))
            .header("authorization", format!("Bearer {}", lin()));
        let request = more.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut ready = self.send.clone().ready().await.unwrap();
        ready.send_request(request.body(()).unwrap(), false).unwrap()
    }
}
