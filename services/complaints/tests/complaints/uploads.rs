//! Uploads: invalid, cut off, stalled, repeated, too many at once; a refused one leaves nothing behind.

use std::io::Write as _;

use futures::{Stream, StreamExt as _, stream};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Bench, assert_refused, eventually, request_id};
use sqlx::{AssertSqlSafe, Executor as _};
use tonic::{Code, Status};

use super::desk::Desk;
use super::evidence::{LARGEST, PIECE, client, download, kept, parts, picture, send, sha256, stated, upload};

type Request = pb::UploadEvidenceRequest;

fn header(stated: pb::UploadedEvidence) -> Request {
    Request { part: Some(Part::Evidence(stated)) }
}

fn piece(content: &[u8]) -> Request {
    Request { part: Some(Part::Content(content.to_vec())) }
}

fn of_type(complaint: &str, media_type: &str, content: &[u8]) -> pb::UploadedEvidence {
    // A name without an extension fits any media type.
    pb::UploadedEvidence { media_type: media_type.into(), file_name: "现场".into(), ..stated(complaint, content) }
}

/// A stream that sends these parts and then stalls without ending.
fn stalling(parts: Vec<Request>) -> impl Stream<Item = Request> + Send + 'static {
    stream::iter(parts).chain(stream::pending())
}

async fn send_stalling(desk: &Desk, parts: Vec<Request>) -> Result<pb::Evidence, Status> {
    Ok(client(desk, "staff/lin").upload_evidence(stalling(parts)).await?.into_inner())
}

/// Whether this process has an unnamed temporary file of this size open.
fn is_spooled(size: u64) -> bool {
    let folder = std::env::temp_dir();
    std::fs::read_dir("/proc/self/fd").unwrap().flatten().any(|file| {
        let is_nameless = std::fs::read_link(file.path())
            .is_ok_and(|target| target.starts_with(&folder) && target.to_string_lossy().ends_with(" (deleted)"));
        is_nameless && std::fs::metadata(file.path()).is_ok_and(|known| known.len() == size)
    })
}

async fn spooled(size: u64) {
    eventually("it is kept in a file without a name", async || is_spooled(size).then_some(())).await;
}

async fn unspooled(size: u64) {
    eventually("its file is gone", async || (!is_spooled(size)).then_some(())).await;
}

/// A valid ZIP archive of ten kilobytes, whose one entry, `0.jpg`, is ten mebibytes of zeros.
fn zip_bomb() -> Vec<u8> {
    let zeros = vec![0; 10 << 20];
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&zeros).unwrap();
    let (deflated, mut sum) = (deflated.finish().unwrap(), flate2::Crc::new());
    sum.update(&zeros);
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let sizes = [sum.sum().to_le_bytes(), number(deflated.len()), number(zeros.len())].concat();
    let about = [b"\0\0\x08\0\0\0\x21\0".as_slice(), &sizes, b"\x05\0\0\0"].concat();
    let entry = [b"PK\x03\x04\x14\0".as_slice(), &about, b"0.jpg", &deflated].concat();
    let listed = [b"PK\x01\x02\x14\0\x14\0".as_slice(), &about, &[0; 14], b"0.jpg"].concat();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &number(listed.len()), &number(entry.len()), &[0; 2]];
    [entry, listed, end.concat()].concat()
}

/// A fault, the field that the refusal names, and the upload.
type Case = (&'static str, &'static str, Vec<Request>);

/// Uploads with a fault in their description.
fn wrongly_stated(complaint: &str) -> Vec<Case> {
    let content = picture(1_000);
    let with = |change: &dyn Fn(&mut pb::UploadedEvidence)| {
        let mut changed = stated(complaint, &content);
        change(&mut changed);
        parts(changed, &content)
    };
    let named = |name: &str| with(&|it| name.clone_into(&mut it.file_name));
    let late = prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 };
    vec![
        ("more than is taken", "evidence.size_bytes", with(&|it| it.size_bytes = 16_777_217)),
        ("nothing", "evidence.size_bytes", with(&|it| it.size_bytes = 0)),
        ("half a digest", "evidence.sha256", with(&|it| it.sha256.truncate(16))),
        ("no digest", "evidence.sha256", with(&|it| it.sha256.clear())),
        ("a type not taken", "evidence.media_type", with(&|it| it.media_type = "text/html".into())),
        ("a type as others write it", "evidence.media_type", with(&|it| it.media_type = "IMAGE/PNG".into())),
        ("an id that is none", "evidence.request_id", with(&|it| it.request_id = "1".into())),
        ("no kind", "evidence.kind", with(&|it| it.kind = 0)),
        ("what has not happened yet", "evidence.occurred_time", with(&|it| it.occurred_time = Some(late))),
        ("no name", "evidence.file_name", named("")),
        ("a path up", "evidence.file_name", named("../../etc/passwd")),
        ("the folder", "evidence.file_name", named(".")),
        ("a path with a drive", "evidence.file_name", named("C:\\x.png")),
        ("another system's path", "evidence.file_name", named("..\\x.png")),
        ("a device", "evidence.file_name", named("NUL.png")),
        ("a name that reads backwards", "evidence.file_name", named("gnp.\u{202e}exe")),
        ("an isolate", "evidence.file_name", named("a\u{2066}.png")),
        ("two lines", "evidence.file_name", named("a\u{2028}.png")),
        ("a name with a NUL", "evidence.file_name", named("a\0.png")),
        ("a name with a blank after it", "evidence.file_name", named("a.png ")),
        ("201 characters", "evidence.file_name", named(&"长".repeat(201))),
    ]
}

/// Uploads with a valid description and a fault in what follows.
fn wrongly_sent(complaint: &str) -> Vec<Case> {
    let content = picture(600_000);
    let good = || stated(complaint, &content);
    let whole = || parts(good(), &content);
    let other = |change: &dyn Fn(&mut pb::UploadedEvidence)| {
        let mut changed = good();
        change(&mut changed);
        parts(changed, &content)
    };
    let as_ = |content: &[u8], media_type: &str, file_name: &str| {
        let named = pb::UploadedEvidence { file_name: file_name.into(), ..of_type(complaint, media_type, content) };
        parts(named, content)
    };
    let then = |mut parts: Vec<Request>, more: Request| {
        parts.push(more);
        parts
    };
    vec![
        ("a stream that is cut", "evidence.size_bytes", parts(good(), &content[..400_000])),
        ("nothing at all", "evidence.size_bytes", parts(good(), &[])),
        ("one byte less", "evidence.size_bytes", parts(good(), &content[..599_999])),
        ("more than stated", "evidence.size_bytes", other(&|it| it.size_bytes -= 1)),
        ("more after the last", "evidence.size_bytes", then(whole(), piece(b"x"))),
        ("another digest", "evidence.sha256", other(&|it| it.sha256[0] ^= 1)),
        ("a PNG as a JPEG", "evidence.media_type", as_(&content, "image/jpeg", "x.jpg")),
        ("a PNG as text", "evidence.media_type", as_(&content, "text/plain", "x.txt")),
        ("a PNG named as a JPEG", "evidence.file_name", as_(&content, "image/png", "x.jpg")),
        ("a PNG named as a program", "evidence.file_name", as_(&content, "image/png", "x.exe")),
        ("text named as a program", "evidence.file_name", as_(b"del *", "text/plain", "x.bat")),
        ("content before what it is", "evidence", whole().split_off(1)),
        ("what it is, twice", "evidence", then(whole(), header(good()))),
        ("no message", "evidence", Vec::new()),
        ("a first message of nothing", "part", vec![Request::default()]),
        ("a last message of nothing", "part", then(whole(), Request::default())),
        ("a piece too large", "content", vec![header(good()), piece(&vec![0; PIECE + 1])]),
        ("a message too large", "content", vec![header(good()), piece(&content)]),
    ]
}

/// Uploads whose content is not of the stated media type, as a whole or at its beginning.
fn disguised(complaint: &str) -> Vec<Case> {
    let as_ = |media_type: &str, content: &[u8]| parts(of_type(complaint, media_type, content), content);
    let cut = "漏".as_bytes();
    let polyglot = [b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), &zip_bomb()].concat();
    let late = [&vec![b'a'; 300_000], b"\0".as_slice()].concat();
    vec![
        ("a zip bomb named .jpg", "evidence.media_type", as_("image/jpeg", &zip_bomb())),
        ("a zip bomb behind the beginning of a JPEG", "evidence.media_type", as_("image/jpeg", &polyglot)),
        ("a zip bomb as text", "evidence.media_type", as_("text/plain", &zip_bomb())),
        ("a zip bomb as it is", "evidence.media_type", as_("application/zip", &zip_bomb())),
        ("a page as text", "evidence.media_type", as_("text/plain", b"<html><script>alert(1)</script></html>")),
        ("a drawing as text", "evidence.media_type", as_("text/plain", b"<svg onload='alert(1)'/>")),
        ("a page behind a byte order mark", "evidence.media_type", as_("text/plain", b"\xef\xbb\xbf<html onload=a()>")),
        ("a program as text", "evidence.media_type", as_("text/plain", b"#!/bin/sh\nrm -rf /\n")),
        ("text with a NUL, late", "evidence.media_type", as_("text/plain", &late)),
        ("text in GBK", "evidence.media_type", as_("text/plain", b"\xb0\xb2\xd7\xb0")),
        ("text cut in a character", "evidence.media_type", as_("text/plain", &cut[..2])),
        ("text as a picture", "evidence.media_type", as_("image/png", "经过".as_bytes())),
        ("one byte", "evidence.media_type", as_("image/png", b"\x89")),
    ]
}

#[tokio::test]
async fn what_is_not_just_as_stated_is_refused_by_its_field_and_nothing_of_it_is_left() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    for (what, field, parts) in [wrongly_stated(&name), wrongly_sent(&name), disguised(&name)].concat() {
        let outcome = send(&desk, parts).await;
        assert!(outcome.is_err(), "{what}");
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), [field], "{what}");
        assert_eq!(kept(&desk).await, (0, 0, 0), "{what}");
    }
    assert_eq!(desk.get(&name).await.evidence_count, 0);
    for size in [600_000, 600_001, 400_000, 599_999] {
        unspooled(size).await;
    }
    let text = "投诉经过🙂".repeat(100_000);
    let taken = [(text.as_bytes(), "经过.txt"), ("BMW 车主投诉".as_bytes(), "comb.txt")];
    for (content, file_name) in taken {
        let as_text = pb::UploadedEvidence { file_name: file_name.into(), ..of_type(&name, "text/plain", content) };
        upload(&desk, as_text, content).await.unwrap();
    }
}

#[tokio::test]
async fn more_than_stated_and_who_may_not_are_refused_while_more_could_come() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let mut larger = picture(LARGEST);
    let said = stated(&name, &larger);
    larger.push(0);
    let refusal = send_stalling(&desk, parts(said, &larger)).await;
    let refusal = assert_refused(refusal, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["evidence.size_bytes"]);
    let small = picture(1_000);
    for staff in ["staff/chief", "staff/qin"] {
        let theirs = pb::UploadedEvidence { request_id: request_id(), ..stated(&name, &small) };
        let refused = client(&desk, staff).upload_evidence(stalling(vec![header(theirs)])).await;
        let refusal = assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
        assert_eq!(refusal.resource(), name);
    }
    let bad = send_stalling(&desk, vec![header(of_type(&name, "text/html", &small))]).await;
    assert_refused(bad, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(kept(&desk).await, (0, 0, 0));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_and_what_came_was_in_a_file_without_a_name() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(5_000_017);
    let sent = parts(stated(&name, &content), &content[..4_000_011]);
    tokio::select! {
        outcome = send_stalling(&desk, sent) => panic!("it waits for the rest: {outcome:?}"),
        () = spooled(4_000_011) => {}
    }
    unspooled(4_000_011).await;
    assert_eq!(kept(&desk).await, (0, 0, 0));
    let evidence = upload(&desk, stated(&name, &content), &content).await.unwrap();
    assert!(download(&desk, "staff/lin", &evidence.name).await.unwrap() == content);
    unspooled(5_000_017).await;
}

#[tokio::test]
async fn an_upload_is_bounded_in_number_in_waiting_and_in_all() {
    let told = serde_json::json!({ "uploads": { "at_once": 1, "idle_ms": 1_500, "whole_ms": 3_000 } });
    let desk = Desk::on(Bench::builder(&kefu_complaints::SERVICE).settings(told).start().await).await;
    let name = desk.register().await.name;
    let content = picture(200_003);
    let stalls = send_stalling(&desk, parts(stated(&name, &content), &content[..100_003]));
    let second = async {
        spooled(100_003).await;
        upload(&desk, stated(&name, &content), &content).await
    };
    let (stalled, second) = futures::join!(stalls, second);
    assert_refused(second, Code::ResourceExhausted, ErrorReason::Overloaded);
    assert_refused(stalled, Code::DeadlineExceeded, ErrorReason::DeadlinePassed);
    // Empty pieces do not extend the time.
    let every = tokio::time::interval(std::time::Duration::from_millis(100));
    let trickle = tokio_stream::wrappers::IntervalStream::new(every).map(|_| piece(&[]));
    let trickle = stream::iter([header(stated(&name, &content))]).chain(trickle);
    let trickled = client(&desk, "staff/lin").upload_evidence(trickle).await;
    assert_refused(trickled, Code::DeadlineExceeded, ErrorReason::DeadlinePassed);
    assert_eq!(kept(&desk).await, (0, 0, 0));
    upload(&desk, stated(&name, &content), &content).await.unwrap();
}

/// Uploads all content but the last byte, awaits `meanwhile`, then sends the last byte.
async fn while_it_comes(
    desk: &Desk,
    complaint: &str,
    size: usize,
    meanwhile: impl Future<Output = ()>,
) -> Result<pb::Evidence, Status> {
    let content = picture(size);
    let (last, rest) = tokio::sync::oneshot::channel();
    let sent = parts(stated(complaint, &content), &content[..size - 1]);
    let end = content[size - 1..].to_vec();
    let sent = stream::iter(sent).chain(stream::once(async move {
        rest.await.unwrap();
        piece(&end)
    }));
    let meanwhile = async {
        spooled(size as u64 - 1).await;
        meanwhile.await;
        last.send(()).unwrap();
    };
    let mut client = client(desk, "staff/lin");
    let (outcome, ()) = futures::join!(client.upload_evidence(sent), meanwhile);
    Ok(outcome?.into_inner())
}

#[tokio::test]
async fn what_took_its_time_to_come_is_added_when_it_is_there_by_who_may_and_to_what_is_open_then() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let added = while_it_comes(&desk, &name, 70_001, async { desk.pass(7) }).await.unwrap();
    assert_eq!(added.create_time, Some(kefu_chassis::time::to_proto(desk.bench.now())));
    let withdrawn = while_it_comes(&desk, &name, 70_003, async {
        let call =
            pb::WithdrawComplaintRequest { name: name.clone(), reason: "已自行解决".into(), ..Default::default() };
        desk.as_("staff/lin").withdraw_complaint(call).await.unwrap();
        desk.archive(&name).await.unwrap();
    });
    assert_refused(withdrawn.await, Code::FailedPrecondition, ErrorReason::StateForbids);
    assert_eq!(kept(&desk).await, (1, 1, 1));
    let other = desk.register().await.name;
    let left = while_it_comes(&desk, &other, 70_005, async {
        desk.bench.change_directory("update directory_staff set inactive = true where name = 'staff/lin'").await;
    });
    assert_refused(left.await, Code::PermissionDenied, ErrorReason::RoleMissing);
    assert_eq!(kept(&desk).await, (1, 1, 1));
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_stored_once_and_another_under_its_id_is_refused() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(300_000);
    let first = pb::UploadedEvidence { request_id: request_id(), ..stated(&name, &content) };
    let (one, two) = futures::join!(upload(&desk, first.clone(), &content), upload(&desk, first.clone(), &content));
    let evidence = one.unwrap();
    assert_eq!(two.unwrap(), evidence, "both at once");
    assert_eq!(upload(&desk, first.clone(), &content).await.unwrap(), evidence);
    let other = picture(300_001);
    let said = pb::UploadedEvidence { request_id: first.request_id.clone(), ..stated(&name, &other) };
    let refused = upload(&desk, said, &other).await;
    assert_refused(refused, Code::InvalidArgument, ErrorReason::RequestIdReused);
    let described = pb::UploadedEvidence { description: "另一张".into(), ..first.clone() };
    let refused = upload(&desk, described, &content).await;
    assert_refused(refused, Code::InvalidArgument, ErrorReason::RequestIdReused);
    let mut forged = content.clone();
    forged[299_999] ^= 1;
    assert_eq!(upload(&desk, first.clone(), &forged).await.unwrap(), evidence, "what comes behind is not looked at");
    assert_eq!(download(&desk, "staff/lin", &evidence.name).await.unwrap(), content);
    // A repetition is answered even if the caller can no longer reach the complaint.
    let away =
        "update complaints.complaint set handler = 'staff/zhao', department = 'departments/other', parties = '{}'";
    desk.bench.admin().execute(sqlx::raw_sql(AssertSqlSafe(away))).await.unwrap();
    assert_eq!(upload(&desk, first.clone(), &content).await.unwrap(), evidence);
    let anew = pb::UploadedEvidence { request_id: request_id(), ..first };
    assert_refused(upload(&desk, anew, &content).await, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!(kept(&desk).await, (1, 2, 1));
}

#[tokio::test]
async fn an_upload_beside_the_closing_of_the_file_is_in_it_or_nowhere() {
    let desk = Desk::open().await;
    let content = picture(600_000);
    for _ in 0..5 {
        let name = desk.register().await.name;
        let first = pb::UploadedEvidence { request_id: request_id(), ..stated(&name, &content) };
        let close = async {
            let call =
                pb::WithdrawComplaintRequest {
                    name: name.clone(), reason: "已自行解决".into(), ..Default::default()
                };
            desk.as_("staff/lin").withdraw_complaint(call).await.unwrap();
            desk.archive(&name).await.unwrap()
        };
        let (uploaded, archive) = futures::join!(upload(&desk, first.clone(), &content), close);
        assert_eq!(desk.get(&name).await.state(), State::Archived);
        let listed = |suffix: &str| archive.entries.iter().find(|entry| entry.name.ends_with(suffix));
        match uploaded {
            Ok(evidence) => {
                assert_eq!(listed("/content").unwrap().sha256, sha256(&content));
                assert_eq!(upload(&desk, first, &content).await.unwrap(), evidence, "repeated after the end");
            }
            refused => {
                assert_refused(refused, Code::FailedPrecondition, ErrorReason::StateForbids);
                assert!(archive.entries.iter().all(|entry| !entry.name.contains("/evidence/")));
            }
        }
        let verify = pb::VerifyArchiveRequest { name: archive.name.clone() };
        let verified = desk.as_("staff/lin").verify_archive(verify).await.unwrap().into_inner();
        assert!(verified.intact, "{:?}", verified.faults);
    }
}
