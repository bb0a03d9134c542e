//! Bytes that are not UTF-8, and texts that are not what they seem: in JSON, addresses and headers.

use crate::beside::{BOUND_MIB, alone, attacked};
use crate::stage::Stage;
use crate::wire::{Wire, head, head_of_json, post};

/// Bytes that are not UTF-8: a byte that begins nothing, half a character, a surrogate, an overlong slash.
const NO_TEXT: [&[u8]; 4] = [b"\xff", b"\xe4\xbd", b"\xed\xa0\x80", b"\xc0\xaf"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_text_is_refused_in_json() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let address = stage.address();
    for bytes in NO_TEXT {
        for (before, after) in [(r#"{"displayName": ""#, r#""}"#), (r#"{""#, r#"": 1}"#), ("", "")] {
            let body = [before.as_bytes(), bytes, after.as_bytes()].concat();
            post(address, "/v1/customers", &body).await.refused(400);
        }
    }
    for text in [r"\ud800", r"\udc00\ud800", r"\u12", r"\x41", r"\u0000", r"\u001b", "\u{0}", "\u{1b}", "\n"] {
        for body in [format!(r#"{{"displayName": "{text}"}}"#), format!(r#"{{"{text}": 1}}"#)] {
            println!("{body:?}");
            post(address, "/v1/customers", body.as_bytes()).await.refused(400);
        }
    }
    // A byte order mark, and UTF-16.
    post(address, "/v1/customers", "\u{feff}{}".as_bytes()).await.refused(400);
    post(address, "/v1/customers", b"{\0}\0").await.refused(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_text_is_refused_in_an_address() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    for (path, statuses) in [
        ("/v1/customers/%ff", [400, 404]),
        ("/v1/customers/%00", [400, 404]),
        ("/v1/customers/%1b", [400, 404]),
        ("/v1/customers/%c0%af", [400, 404]),
        ("/v1/customers/..%2f..%2fetc", [400, 404]),
        ("/v1/customers/%2e%2e", [400, 404]),
        ("/v1/customers/..", [400, 404]),
        ("/v1/customers/%", [400, 404]),
        ("/v1/customers/%zz", [400, 404]),
        ("/v1/services/%00/duties", [400, 404]),
        ("/v1/services/intake%00/duties", [400, 404]),
        ("/v1/services/intake%2fduties/duties", [400, 404]),
        ("/v1/%00", [404, 404]),
        ("//v1//customers", [404, 404]),
        ("/v1/customers?pageToken=%00", [400, 400]),
        ("/v1/customers?pageToken=%ff", [400, 400]),
        ("/v1/customers?%00=1", [400, 400]),
        ("/v1/customers?%ff=1", [400, 400]),
        ("/v1/requests?owner=%00", [400, 400]),
        ("/v1/requests?owner=staff/%00", [400, 400]),
        ("/v1/requests?owner=staff/lin%00", [400, 400]),
        ("/v1/requests?owner=%ed%a0%80", [400, 400]),
        ("/v1/requests?pageSize=%00", [400, 400]),
        ("/v1/requests?pageSize=1e999999", [400, 400]),
        ("/v1/requests?pageSize=99999999999999999999", [400, 400]),
    ] {
        let mut wire = Wire::connect(stage.address()).await;
        wire.send(head("GET", path, "")).await;
        let answer = wire.answer().await.unwrap();
        println!("{path}: {}", answer.status);
        assert!(statuses.contains(&answer.status), "{path}: {answer:?}");
        answer.refused(answer.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_as_long_as_it_may_be_and_not_told_again() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let long = "x".repeat(12_000);
    let many = "state=CLOSED&".repeat(900);
    let names = (0..2_000).map(|number| format!("a{number}=")).collect::<Vec<_>>().join("&");
    attacked(&stage, BOUND_MIB, async {
        for path in [
            format!("/v1/customers/{long}"),
            format!("/v1/customers?{long}=1"),
            format!("/v1/customers?pageToken={long}"),
            format!("/v1/requests?owner={long}"),
            format!("/v1/requests?state={long}"),
            format!("/v1/requests?pageSize={}", "9".repeat(12_000)),
            format!("/v1/requests?{many}"),
            format!("/v1/requests?{names}"),
            format!("/v1/requests?{}", "&".repeat(12_000)),
            format!("/v1/{}", "a/".repeat(6_000)),
            format!("/{}", ":".repeat(12_000)),
            format!("/v1/services/{long}/duties"),
            format!("/v1/customers?readMask={}", "a.".repeat(6_000)),
        ] {
            let mut wire = Wire::connect(stage.address()).await;
            wire.send(head("GET", &path, "")).await;
            let answer = wire.answer().await.unwrap();
            println!("{}…: {}", &path[..40], answer.status);
            if answer.status != 200 {
                assert!([400, 404].contains(&answer.status), "{answer:?}");
                answer.refused(answer.status);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_text_is_refused_in_headers_that_are_read() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let body = br#"{"displayName": "x", "contacts": [{"phone": "13800138000"}]}"#;
    for bytes in NO_TEXT {
        for name in ["idempotency-key", "if-match"] {
            let whole = head_of_json("/v1/customers", body.len());
            let whole = whole.strip_suffix("\r\n").unwrap();
            let line = [name.as_bytes(), b": ", bytes, b"\r\n\r\n"].concat();
            let mut wire = Wire::connect(stage.address()).await;
            wire.send([whole.as_bytes(), &line, body].concat()).await;
            wire.answer().await.unwrap().refused(400);
        }
        // A token that is not text names nobody.
        let mut wire = Wire::connect(stage.address()).await;
        wire.send([b"GET /v1/requests HTTP/1.1\r\nhost: kefu\r\nauthorization: Bearer ", bytes, b"\r\n\r\n"].concat())
            .await;
        wire.answer().await.unwrap().refused(401);
        for name in ["accept", "accept-language", "traceparent", "if-none-match", "origin", "accept-encoding"] {
            let whole = head("GET", "/v1/requests", "");
            let line = [name.as_bytes(), b": ", bytes, b"\r\n\r\n"].concat();
            let mut wire = Wire::connect(stage.address()).await;
            wire.send([whole.strip_suffix("\r\n").unwrap().as_bytes(), &line].concat()).await;
            assert_eq!(wire.answer().await.unwrap().status, 200, "{name} is a wish");
        }
    }
}
