//! Bodies that are too large: by their stated length, by the bytes that come, or once they are decompressed.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::beside::{BOUND_MIB, alone, attacked};
use crate::stage::Stage;
use crate::wire::{Wire, chunk, head, head_of_json};

/// A size in bytes beyond every bound of the gateway.
const LARGE: usize = 100_000_000;
/// Number of bytes that are written at once.
const PIECE: usize = 64 << 10;

const JSON: (&str, &str) = ("/v1/customers", "content-type: application/json\r\n");
const FILE: (&str, &str) = ("/v1/staff:import", "content-type: text/csv\r\n");
const FORM: (&str, &str) = ("/v1/complaints/x/evidence:upload", "content-type: multipart/form-data; boundary=edge\r\n");
const LINES: (&str, &str) = ("/v1/requests:import", "content-type: application/x-ndjson\r\n");

fn gzip(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    parts.into_iter().for_each(|part| gzip.write_all(&part).unwrap());
    gzip.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_comes() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    attacked(&stage, BOUND_MIB, async {
        for (path, kind) in [JSON, FILE, FORM, LINES] {
            for more in ["", "expect: 100-continue\r\n"] {
                let mut wire = Wire::connect(stage.address()).await;
                wire.send(head("POST", path, &format!("{kind}{more}content-length: {LARGE}\r\n"))).await;
                wire.answer().await.unwrap().refused(413);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_on_regardless_reads_why_it_was_refused() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let body = vec![b' '; LARGE];
    attacked(&stage, BOUND_MIB, async {
        for _ in 0..10 {
            let mut wire = Wire::connect(stage.address()).await;
            wire.send(head_of_json(JSON.0, LARGE)).await;
            wire.send(&body).await;
            wire.answer().await.expect("what was said is there to be read").refused(413);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_end_is_refused_once_it_is_too_large() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let chunked = "transfer-encoding: chunked\r\n";
    let piece = chunk(&vec![b' '; PIECE]);
    let beginning = "--edge\r\ncontent-disposition: form-data; name=\"evidence\"\r\n\r\n{}\r\n\
                     --edge\r\ncontent-disposition: form-data; name=\"content\"\r\n\r\n";
    attacked(&stage, BOUND_MIB, async {
        for ((path, kind), first) in [(JSON, "{"), (LINES, "{")] {
            let mut wire = Wire::connect(stage.address()).await;
            wire.send([head("POST", path, &format!("{kind}{chunked}")).as_bytes(), &chunk(first.as_bytes())].concat())
                .await;
            let answer = wire.flood(&piece, LARGE / PIECE).await.expect("it is answered");
            answer.refused(413);
        }
        // These uploads are refused by the service, by its own bound or at once.
        for ((path, kind), first) in [(FILE, "name"), (FORM, beginning)] {
            let mut wire = Wire::connect(stage.address()).await;
            wire.send([head("POST", path, &format!("{kind}{chunked}")).as_bytes(), &chunk(first.as_bytes())].concat())
                .await;
            let answer = wire.flood(&piece, LARGE / PIECE).await.expect("it is answered");
            answer.refused(400);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_unfolds_is_as_large_as_it_unfolds_to() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let spaces = gzip((0..LARGE / PIECE).map(|_| vec![b' '; PIECE]));
    let name = std::iter::once(br#"{"displayName": ""#.to_vec());
    let names = gzip(name.chain((0..LARGE / PIECE).map(|_| vec![b'x'; PIECE])));
    assert!(spaces.len() < 1 << 20 && names.len() < 1 << 20);
    attacked(&stage, BOUND_MIB, async {
        for ((path, kind), body) in [(JSON, &spaces), (JSON, &names), (LINES, &spaces), (LINES, &names)] {
            let mut wire = Wire::connect(stage.address()).await;
            let more = format!("{kind}content-encoding: gzip\r\ncontent-length: {}\r\n", body.len());
            wire.send([head("POST", path, &more).as_bytes(), body].concat()).await;
            wire.answer().await.unwrap().refused(413);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_a_coding_that_is_not_taken_or_not_kept_to_is_refused() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let whole = gzip([json!({"displayName": "x"}).to_string().into_bytes()]);
    let mut other = whole.clone();
    other[12] ^= 0xff;
    let half = &whole[..whole.len() / 2];
    for (coding, body, status) in [
        ("zstd", whole.as_slice(), 415),
        ("gzip, gzip", &whole, 415),
        ("no-such", &whole, 415),
        ("gzip", &other, 400),
        ("gzip", half, 400),
        ("br", &whole, 400),
    ] {
        let mut wire = Wire::connect(stage.address()).await;
        let more = format!("{}content-encoding: {coding}\r\ncontent-length: {}\r\n", JSON.1, body.len());
        wire.send([head("POST", JSON.0, &more).as_bytes(), body].concat()).await;
        let answer = wire.answer().await.unwrap();
        println!("{coding}");
        answer.refused(status);
        if status == 415 {
            assert_eq!(answer.header("accept-encoding"), Some("gzip, br"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_the_smallest_pieces_is_held_as_what_it_is() {
    let _alone = alone().await;
    // The body does not end, so it is held until its time is over.
    let stage = Stage::with(|setup| setup.limits.body_ms = 4_000).await;
    let bytes = chunk(b" ").repeat(PIECE);
    attacked(&stage, 16, async {
        let mut wire = Wire::connect(stage.address()).await;
        wire.send(head("POST", JSON.0, &format!("{}transfer-encoding: chunked\r\n", JSON.1))).await;
        // Somewhat fewer bytes than a body of JSON may have.
        wire.flood(&bytes, (3 << 20) / PIECE).await.unwrap().refused(408);
    })
    .await;
}
