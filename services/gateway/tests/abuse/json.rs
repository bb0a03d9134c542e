//! JSON that is made to be costly or ambiguous to read.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::Value;

use crate::beside::{BOUND_MIB, alone, attacked};
use crate::stage::Stage;
use crate::wire::{Answer, Wire, head, post};

const CUSTOMERS: &str = "/v1/customers";
const DEEP: usize = 100_000;

async fn lines(stage: &Stage, more: &str, body: &[u8]) -> Answer {
    let mut wire = Wire::connect(stage.address()).await;
    let more = format!("content-type: application/x-ndjson\r\n{more}content-length: {}\r\n", body.len());
    wire.send([head("POST", "/v1/requests:import", &more).as_bytes(), body].concat()).await;
    wire.answer().await.unwrap()
}

fn said(problem: &Value) -> &str {
    problem["violations"][0]["description"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_nested_without_end_is_refused_where_it_goes_too_deep() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let arrays = "[".repeat(DEEP) + &"]".repeat(DEEP);
    let objects = r#"{"a":"#.repeat(DEEP) + "1" + &"}".repeat(DEEP);
    attacked(&stage, BOUND_MIB, async {
        for nested in [&arrays, &objects] {
            for body in [
                nested.clone(),
                format!(r#"{{"displayName": {nested}}}"#),
                format!(r#"{{"contacts": [{{"phone": {nested}}}]}}"#),
                format!(r#"{{"noField": {nested}}}"#),
            ] {
                // What lies in a field that is not known is not read.
                let is_refused = |problem: &Value| {
                    let said = said(problem);
                    said.contains("recursion limit exceeded") || said.contains("is no field that is known here")
                };
                let problem = post(stage.address(), CUSTOMERS, body.as_bytes()).await.refused(400);
                assert!(is_refused(&problem), "{problem}");
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(body.as_bytes()).unwrap();
                let zipped = lines(&stage, "content-encoding: gzip\r\n", &gzip.finish().unwrap()).await;
                for answer in [zipped, lines(&stage, "", body.as_bytes()).await] {
                    let problem = answer.refused(400);
                    assert!(is_refused(&problem) && said(&problem).starts_with("line 1: "), "{problem}");
                }
            }
        }
        // JSON that breaks off is too deep all the same.
        let problem = post(stage.address(), CUSTOMERS, "[".repeat(DEEP).as_bytes()).await.refused(400);
        assert!(said(&problem).contains("recursion limit exceeded"), "{problem}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_twice_is_refused_however_it_is_written() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    for body in [
        r#"{"displayName": "a", "displayName": "b"}"#,
        r#"{"displayName": "a", "display_name": "b"}"#,
        r#"{"display_name": "a", "displayName": "b"}"#,
        r#"{"displayName": "a", "display\u004eame": "b"}"#,
        r#"{"displayName": null, "display_name": "b"}"#,
        r#"{"contacts": [{"phone": "1", "phone": "2"}]}"#,
    ] {
        let problem = post(stage.address(), CUSTOMERS, body.as_bytes()).await.refused(400);
        assert!(said(&problem).contains("stands twice"), "{body}: {problem}");
    }
    for body in
        ["{\"source\": \"a\", \"source\": \"b\"}", "{\"rows\": [{\"externalId\": \"a\", \"external_id\": \"b\"}]}"]
    {
        let problem = lines(&stage, "", body.as_bytes()).await.refused(400);
        assert!(said(&problem).contains("stands twice"), "{body}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_without_end_are_refused_and_not_told_again() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let mut many = String::from("{");
    for number in 0..300_000 {
        write!(many, r#""a{number}":0,"#).unwrap();
    }
    many.pop();
    many.push('}');
    let long = "x".repeat(3 << 20);
    attacked(&stage, 128, async {
        for body in [
            many.clone(),
            format!(r#"{{"displayName": {many}}}"#),
            format!(r#"{{"{long}": 1}}"#),
            format!(r#"{{"{0}": 1, "{0}": 1}}"#, &long[..1 << 20]),
            format!(r#"{{"contacts": [{{"{long}": 1}}]}}"#),
            format!(r#"{{"contacts": {{"{long}": 1}}}}"#),
            format!(r#"{{"contacts": [{{"phone": "1", "{long}": 1}}]}}"#),
        ] {
            assert!(body.len() < 4 << 20);
            post(stage.address(), CUSTOMERS, body.as_bytes()).await.refused(400);
        }
        let kind = format!(r#"{{"channel": "{long}"}}"#);
        post(stage.address(), "/v1/requests:register", kind.as_bytes()).await.refused(400);
        lines(&stage, "", kind.as_bytes()).await.refused(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_without_end_are_refused_where_there_are_too_many() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let many = |item: &str| {
        let items = vec![item; (3 << 20) / (item.len() + 1)].join(",");
        format!("[{items}]")
    };
    attacked(&stage, BOUND_MIB, async {
        for body in [
            format!(r#"{{"displayName": "x", "contacts": {}}}"#, many("{}")),
            format!(r#"{{"displayName": "x", "contacts": {}}}"#, many(r#"{"phone":"1"}"#)),
            format!(r#"{{"displayName": "x", "contacts": {}}}"#, many("null")),
        ] {
            let problem = post(stage.address(), CUSTOMERS, body.as_bytes()).await.refused(400);
            assert!(said(&problem).starts_with("has more values than are taken"), "{problem}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_without_end_are_no_numbers_and_hold_nobody_up() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let digits = "9".repeat(1 << 20);
    let zeros = "0".repeat(1 << 20);
    attacked(&stage, BOUND_MIB, async {
        for number in [
            "1e999999".to_owned(),
            "-1e999999".to_owned(),
            "1.5".to_owned(),
            "1e19".to_owned(),
            "9223372036854775808".to_owned(),
            "00".to_owned(),
            "NaN".to_owned(),
            "Infinity".to_owned(),
            "\"NaN\"".to_owned(),
            digits.clone(),
            format!("\"{digits}\""),
            format!("0.1{zeros}"),
            format!("1e{digits}"),
        ] {
            let body = format!(r#"{{"source": "x", "rows": [{{"externalId": "a", "line": {number}}}]}}"#);
            lines(&stage, "", body.as_bytes()).await.refused(400);
            if !number.starts_with('"') {
                let body = format!(r#"{{"displayName": {number}}}"#);
                post(stage.address(), CUSTOMERS, body.as_bytes()).await.refused(400);
            }
        }
        // These numbers count as 0.
        for number in [format!("0.{zeros}1"), format!("1e-{digits}")] {
            let body = format!(r#"{{"source": "x", "rows": [{{"line": {number}}}]}}"#);
            let answer = lines(&stage, "", body.as_bytes()).await;
            assert_eq!((answer.status, &answer.json()["rejectedCount"]), (200, &"1".into()), "{answer:?}");
        }
    })
    .await;
}
