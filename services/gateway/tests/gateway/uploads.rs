//! Uploads as a form with a file, as the bytes of a file and as lines of JSON; each is taken whole or not at all.

use base64::Engine as _;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Stage, lin, told};

const FORM: &str = "multipart/form-data; boundary=kefu";

fn part(name: &str, more: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--kefu\r\ncontent-disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), b"--kefu--\r\n".to_vec()].concat()
}

/// Makes a picture that takes more than one message.
fn picture() -> Vec<u8> {
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend((0..600_000_u32).map(|number| u8::try_from(number * 7 % 251).unwrap()));
    picture
}

fn stated(content: &[u8]) -> Value {
    let sha256 = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(content));
    json!({
        "kind": "PHOTO",
        "source": "师傅手机",
        "fileName": "漏水现场.png",
        "mediaType": "image/png",
        "sizeBytes": content.len().to_string(),
        "sha256": sha256,
    })
}

async fn complain(stage: &Stage) -> String {
    let complaint = json!({
        "channel": "HOTLINE",
        "contact": {"phone": "13800138000"},
        "matter": "安装后漏水",
        "desiredRemedy": "重新安装并道歉",
    });
    let (status, complaint) = stage.post("/v1/complaints:register", &complaint).await;
    assert_eq!(status, 200, "{complaint}");
    complaint["name"].as_str().unwrap().to_owned()
}

async fn send(stage: &Stage, path: &str, kind: &str, body: Vec<u8>) -> (u16, Value) {
    told(stage.request(Method::POST, path).header(CONTENT_TYPE, kind).body(body).send().await.unwrap()).await
}

/// Uploads evidence as a form, and returns its name and content.
pub async fn upload(stage: &Stage) -> (String, Vec<u8>) {
    let (complaint, content) = (complain(stage).await, picture());
    let body = form(&[
        part("evidence", "", stated(&content).to_string().as_bytes()),
        part("content", "; filename=\"漏水现场.png\"", &content),
    ]);
    let (status, evidence) = send(stage, &format!("/v1/{complaint}/evidence:upload"), FORM, body).await;
    assert_eq!((status, &evidence["sizeBytes"]), (200, &json!(content.len().to_string())), "{evidence}");
    (evidence["name"].as_str().unwrap().to_owned(), content)
}

#[tokio::test]
async fn a_form_is_what_its_parts_say_and_refused_by_the_part_that_is_wrong() {
    let stage = Stage::start().await;
    upload(&stage).await;
    let (complaint, content) = (complain(&stage).await, picture());
    let path = format!("/v1/{complaint}/evidence:upload");
    let said = part("evidence", "", stated(&content).to_string().as_bytes());
    let file = part("content", "", &content);
    let other = json!({"parent": "complaints/other"}).to_string();
    for (body, field) in [
        (form(&[file.clone(), said.clone()]), "evidence"),
        (form(&[said.clone(), file.clone(), said.clone()]), "evidence"),
        (form(std::slice::from_ref(&said)), "content"),
        (form(&[part("nothing", "", b"1"), file.clone()]), "nothing"),
        (form(&[part("evidence", "", b"{\"kind\": 1.5}"), file.clone()]), "evidence.kind"),
        (form(&[part("evidence", "", other.as_bytes()), file.clone()]), "evidence.parent"),
        ([said.clone(), file].concat(), ""),
    ] {
        let (status, problem) = send(&stage, &path, FORM, body).await;
        let violation = problem["violations"][0]["field"].as_str().unwrap_or_default();
        // A file before its description is refused by whoever is first: the gateway, which sees the part come too late, or the
        // service, which misses what the part would have said.
        let is_named = violation == field || field == "evidence" && violation.starts_with("evidence.");
        assert!(status == 400 && is_named, "{field}: {problem}");
    }
    let short = part("content", "", &content[..1_000]);
    let (status, problem) = send(&stage, &path, FORM, form(&[said, short])).await;
    assert_eq!((status, &problem["reason"]), (400, &json!("FIELD_INVALID")), "{problem}");
    let (status, _) = send(&stage, &path, "image/png", content).await;
    assert_eq!(status, 415);
    let (_, list) = stage.get(&format!("/v1/{complaint}/evidence")).await;
    assert_eq!(list, json!({}), "nothing of it is kept");
}

#[tokio::test]
async fn the_bytes_of_a_file_are_a_body_and_what_else_there_is_to_say_the_query() {
    let stage = Stage::start().await;
    let csv = "id,number,display_name,department,department_name,department_kind,roles\n\
        hua,3100,华,shop,门店,EXECUTING,AGENT\n";
    let path = "/v1/staff:import?createDepartments=true";
    let (status, answer) = send(&stage, path, "text/csv", csv.as_bytes().to_vec()).await;
    assert_eq!((status, &answer["createdCount"]), (200, &json!(1)), "{answer}");
    let (status, staff) = stage.get("/v1/staff/hua").await;
    assert_eq!((status, &staff["displayName"]), (200, &json!("华")));
}

#[tokio::test]
async fn lines_are_messages_and_a_wrong_one_is_told_by_its_number() {
    let stage = Stage::start().await;
    let row = |id: &str| {
        json!({"line": "1", "externalId": id, "channel": "HOTLINE", "kind": "SERVICE", "state": "CLOSED", "department": "departments/desk",
            "contactTime": "2026-01-05T09:00:00+08:00", "closedTime": "2026-01-06T09:00:00+08:00"})
    };
    let line = |source: &str, ids: &[&str]| {
        let rows: Vec<Value> = ids.iter().map(|id| row(id)).collect();
        json!({"source": source, "rows": rows}).to_string()
    };
    let lines = "application/x-ndjson";
    let body = format!("{}\n\n{}", line("old", &["1", "2"]), line("", &["3"]));
    let (status, answer) = send(&stage, "/v1/requests:import", lines, body.into_bytes()).await;
    assert_eq!((status, &answer["importedCount"]), (200, &json!("3")), "{answer}");
    let body = format!("{}\n{{\"rows\": 7}}\n", line("old", &["4"]));
    let (status, problem) = send(&stage, "/v1/requests:import", lines, body.into_bytes()).await;
    let violation = &problem["violations"][0];
    assert_eq!((status, &violation["field"]), (400, &json!("rows")), "{problem}");
    assert!(violation["description"].as_str().unwrap().starts_with("line 2"), "{problem}");
}

#[tokio::test]
async fn what_breaks_off_is_taken_for_no_whole() {
    let stage = Stage::start().await;
    let begun = "id,number,display_name,department,department_name,department_kind,roles\n\
        hua,3100,华,shop,门店,EXECUTING,AGENT\n";
    let head = format!(
        "POST /v1/staff:import?createDepartments=true HTTP/1.1\r\nhost: kefu\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{begun}\r\n",
        lin(),
        begun.len()
    );
    let mut stream = TcpStream::connect(stage.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    // The directory takes imports in turn, so this one begins after the broken one has ended.
    let other = "id,number,display_name,department,roles\nwen,3101,文,shop,AGENT\n";
    let (status, answer) = send(&stage, "/v1/staff:import", "text/csv", other.as_bytes().to_vec()).await;
    assert_eq!(
        (status, &answer["rejectedCount"]),
        (200, &json!(1)),
        "the department of the other was not recorded: {answer}"
    );
}
