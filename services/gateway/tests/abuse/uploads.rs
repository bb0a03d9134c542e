//! Uploads that are made to be costly to read: parts that do not begin, lines that do not end, pieces of one byte.

use crate::beside::{BOUND_MIB, alone, attacked};
use crate::stage::Stage;
use crate::wire::{Answer, Wire, chunk, head};

const FORM: &str = "content-type: multipart/form-data; boundary=edge\r\ntransfer-encoding: chunked\r\n";
const LINES: &str = "content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n";
const EVIDENCE: &str = "/v1/complaints/x/evidence:upload";
const PIECE: usize = 64 << 10;

/// Sends a chunked body that begins with `first` and goes on with `chunks` so many times, and returns the answer.
async fn flood(stage: &Stage, path: &str, more: &str, first: &str, chunks: &[u8], times: usize) -> Answer {
    let mut wire = Wire::connect(stage.address()).await;
    let head = head("POST", path, more);
    let first = if first.is_empty() { Vec::new() } else { chunk(first.as_bytes()) };
    wire.send([head.as_bytes(), &first].concat()).await;
    wire.flood(chunks, times).await.expect("it is answered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_form_that_does_not_begin_is_not_waited_for() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let begun = "--edge\r\ncontent-disposition: form-data; name=\"evidence\"\r\nx: ";
    attacked(&stage, 32, async {
        for (first, rest) in [
            // Bytes before the first part; a head without end, in one line or in many; a boundary without end.
            ("", "x"),
            (begun, "x"),
            (begun, "x\r\nx: "),
            ("--edge", "-"),
            ("--edge", " "),
        ] {
            let piece = chunk(rest.repeat(PIECE / rest.len()).as_bytes());
            let answer = flood(&stage, EVIDENCE, FORM, first, &piece, 1_000).await;
            println!("{first:?} {rest:?}: {}", answer.status);
            answer.refused(400);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_many_parts_or_of_a_part_that_is_none_is_refused() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let part = |name: &str, value: &str| {
        format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let content = part("content", "x");
    let long = "x".repeat(300_000);
    let deep = "[".repeat(100_000);
    attacked(&stage, BOUND_MIB, async {
        for (parts, status) in [
            (part("noField", "x"), 400),
            (part(&"x".repeat(6_000), "x"), 400),
            (part("evidence", "{}").repeat(2) + &content, 400),
            (content.clone() + &part("evidence", "{}"), 400),
            (part("evidence", "{\"name\": \"a\", \"name\": \"b\"}") + &content, 400),
            (part("evidence", &deep) + &content, 400),
            (part("evidence", &long) + &content, 413),
            (part("evidence", "{}"), 400),
            ("--edge\r\n\r\nx\r\n".into(), 400),
            (format!("--edge\r\n{}\r\n\r\n", "x: 1\r\n".repeat(100)), 400),
            ("--edge--".into(), 400),
            (String::new(), 400),
        ] {
            let body = format!("{parts}--edge--\r\n");
            let mut wire = Wire::connect(stage.address()).await;
            let whole = [head("POST", EVIDENCE, FORM).as_bytes(), &chunk(body.as_bytes()), b"0\r\n\r\n"].concat();
            wire.send(whole).await;
            let answer = wire.answer().await.unwrap();
            println!("{}…: {}", &parts[..parts.len().min(90)].escape_debug(), answer.status);
            answer.refused(status);
        }
        for kind in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"",
            "multipart/mixed; boundary=edge",
        ] {
            let mut wire = Wire::connect(stage.address()).await;
            wire.send(
                [head("POST", EVIDENCE, &format!("content-type: {kind}\r\ncontent-length: 2\r\n")).as_bytes(), b"xx"]
                    .concat(),
            )
            .await;
            let answer = wire.answer().await.unwrap();
            answer.refused(if kind.starts_with("multipart/form-data") { 400 } else { 415 });
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_comes_in_small_pieces_costs_what_its_bytes_cost() {
    let _alone = alone().await;
    let stage = Stage::with(|setup| setup.limits.body_bytes = 1 << 20).await;
    // If the line were searched from its start with every piece, this would take minutes.
    let pieces = chunk(&[b' '; 16]).repeat(PIECE / 16);
    attacked(&stage, BOUND_MIB, async {
        flood(&stage, "/v1/requests:import", LINES, "", &pieces, 100).await.refused(413);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_comes_in_the_smallest_pieces_is_taken_in_larger_ones() {
    let _alone = alone().await;
    let stage = Stage::start().await;
    let more = "content-type: text/csv\r\ntransfer-encoding: chunked\r\n";
    let bytes = chunk(b"x").repeat(PIECE);
    attacked(&stage, BOUND_MIB, async {
        let mut wire = Wire::connect(stage.address()).await;
        wire.send([head("POST", "/v1/staff:import", more).as_bytes(), &bytes, b"0\r\n\r\n"].concat()).await;
        wire.answer().await.expect("it is answered").refused(400);
    })
    .await;
}
