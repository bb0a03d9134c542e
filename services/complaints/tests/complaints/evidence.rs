//! Evidence: taken whole and as stated or not at all, read by those allowed, and part of the archive.

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::evidence::Kind;
use kefu_proto::complaints::v1::evidence_service_client::EvidenceServiceClient;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused, request_id};
use sha2::Digest as _;
use sqlx::{AssertSqlSafe, Executor as _};
use tonic::{Code, Status};

use super::desk::Desk;

const PIECE: usize = 256 * 1024;
const LARGEST: usize = 16 * 1024 * 1024;

fn client(desk: &Desk, staff: &str) -> EvidenceServiceClient<Caller> {
    EvidenceServiceClient::new(desk.bench.as_(staff, &["AGENT", "INVESTIGATOR", "APPROVER"]))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha256::digest(bytes).to_vec()
}

/// A picture of so many bytes.
fn picture(size: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((bytes.len()..size).map(|place| u8::try_from(place * 31 % 251).unwrap()));
    bytes
}

fn stated(complaint: &str, content: &[u8]) -> pb::UploadedEvidence {
    pb::UploadedEvidence {
        parent: complaint.into(),
        kind: Kind::Photo.into(),
        source: "师傅手机".into(),
        file_name: "漏水现场.png".into(),
        media_type: "image/png".into(),
        size_bytes: i64::try_from(content.len()).unwrap(),
        sha256: sha256(content),
        ..Default::default()
    }
}

fn parts(stated: pb::UploadedEvidence, content: &[u8]) -> Vec<pb::UploadEvidenceRequest> {
    let mut parts = vec![pb::UploadEvidenceRequest { part: Some(Part::Evidence(stated)) }];
    parts.extend(
        content.chunks(PIECE).map(|piece| pb::UploadEvidenceRequest { part: Some(Part::Content(piece.to_vec())) }),
    );
    parts
}

async fn send(desk: &Desk, parts: Vec<pb::UploadEvidenceRequest>) -> Result<pb::Evidence, Status> {
    Ok(client(desk, "staff/lin").upload_evidence(tokio_stream::iter(parts)).await?.into_inner())
}

async fn upload(desk: &Desk, stated: pb::UploadedEvidence, content: &[u8]) -> Result<pb::Evidence, Status> {
    send(desk, parts(stated, content)).await
}

async fn download(desk: &Desk, staff: &str, name: &str) -> Result<Vec<u8>, Status> {
    let call = pb::GetEvidenceContentRequest { name: name.into() };
    let mut pieces = client(desk, staff).get_evidence_content(call).await?.into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await? {
        content.extend(piece.content);
    }
    Ok(content)
}

async fn kept(desk: &Desk) -> (i64, i64, i64) {
    (
        desk.bench.number("select count(*) from complaints.evidence").await,
        desk.bench.number("select count(*) from complaints.evidence_content").await,
        desk.bench.number("select count(*) from journal where payload_type = 'kefu.complaints.v1.EvidenceAdded'").await,
    )
}

#[tokio::test]
async fn sixteen_mebibytes_come_and_go_byte_for_byte() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(LARGEST);
    let evidence = upload(&desk, stated(&name, &content), &content).await.unwrap();
    assert_eq!((evidence.sha256.as_slice(), evidence.collector.as_str()), (sha256(&content).as_slice(), "staff/lin"));
    assert_eq!(kept(&desk).await, (1, 64, 1));
    assert!(download(&desk, "staff/lin", &evidence.name).await.unwrap() == content);
    assert_eq!(desk.get(&name).await.evidence_count, 1);
    let listed = pb::ListEvidenceRequest { parent: name, ..Default::default() };
    let listed = client(&desk, "staff/lin").list_evidence(listed).await.unwrap().into_inner().evidence;
    assert_eq!(listed, [evidence]);
}

#[tokio::test]
async fn what_is_not_just_as_stated_is_refused_by_its_field_and_nothing_of_it_is_left() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(600_000);
    let good = || stated(&name, &content);
    let bomb = zip_bomb();
    let jpeg =
        pb::UploadedEvidence {
            file_name: "现场.jpg".into(), media_type: "image/jpeg".into(), ..stated(&name, &bomb)
        };
    let with = |change: fn(&mut pb::UploadedEvidence)| {
        let mut changed = good();
        change(&mut changed);
        changed
    };
    let header = |stated| pb::UploadEvidenceRequest { part: Some(Part::Evidence(stated)) };
    let mut twice = parts(good(), &content);
    twice.push(header(good()));
    let mut without = parts(good(), &content);
    without.remove(0);
    let large = pb::UploadEvidenceRequest { part: Some(Part::Content(vec![0; PIECE + 1])) };
    let cases: Vec<(&str, &str, Vec<pb::UploadEvidenceRequest>)> = vec![
        ("a stream that is cut", "evidence.size_bytes", parts(good(), &content[..400_000])),
        ("nothing at all", "evidence.size_bytes", parts(good(), &[])),
        ("more than stated", "evidence.size_bytes", parts(with(|it| it.size_bytes -= 1), &content)),
        ("more than is taken", "evidence.size_bytes", parts(with(|it| it.size_bytes = 16_777_217), &content)),
        ("another digest", "evidence.sha256", parts(with(|it| it.sha256[0] ^= 1), &content)),
        ("half a digest", "evidence.sha256", parts(with(|it| it.sha256.truncate(16)), &content)),
        ("a zip bomb named .jpg", "evidence.media_type", parts(jpeg, &bomb)),
        (
            "a picture of another kind",
            "evidence.media_type",
            parts(with(|it| it.media_type = "image/jpeg".into()), &content),
        ),
        ("a picture as text", "evidence.media_type", parts(with(|it| it.media_type = "text/plain".into()), &content)),
        ("a type not taken", "evidence.media_type", parts(with(|it| it.media_type = "text/html".into()), &content)),
        ("a path up", "evidence.file_name", parts(with(|it| it.file_name = "../../etc/passwd".into()), &content)),
        ("a path with a drive", "evidence.file_name", parts(with(|it| it.file_name = "C:\\x.png".into()), &content)),
        (
            "a name that reads backwards",
            "evidence.file_name",
            parts(with(|it| it.file_name = "gnp.\u{202e}exe".into()), &content),
        ),
        ("a name with a NUL", "evidence.file_name", parts(with(|it| it.file_name = "a\0.png".into()), &content)),
        ("content before what it is", "evidence", without),
        ("what it is, twice", "evidence", twice),
        ("no message", "evidence", Vec::new()),
        ("a piece too large", "content", vec![header(good()), large]),
    ];
    for (what, field, parts) in cases {
        let refusal = assert_refused(send(&desk, parts).await, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), [field], "{what}");
    }
    assert_eq!(kept(&desk).await, (0, 0, 0), "nothing is left behind");
    assert_eq!(desk.get(&name).await.evidence_count, 0);
    let text = "投诉经过🙂".repeat(100_000);
    let as_text = pb::UploadedEvidence {
        file_name: "经过.txt".into(),
        media_type: "text/plain".into(),
        ..stated(&name, text.as_bytes())
    };
    upload(&desk, as_text, text.as_bytes()).await.unwrap();
}

/// An archive of one entry that says to be a gibibyte of zeros: what is sniffed is only how it begins.
fn zip_bomb() -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    bytes.extend([0; 8]);
    bytes.extend(1_000_u32.to_le_bytes());
    bytes.extend((1_u32 << 30).to_le_bytes());
    bytes.extend([5, 0, 0, 0]);
    bytes.extend(b"0.jpg");
    bytes.extend([0x55; 1_000]);
    bytes
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(600_000);
    let mut parts = parts(stated(&name, &content), &content);
    parts.pop();
    let stalls = tokio_stream::StreamExt::chain(tokio_stream::iter(parts), tokio_stream::pending());
    let mut client = client(&desk, "staff/lin");
    let going = tokio::time::timeout(std::time::Duration::from_millis(300), client.upload_evidence(stalls)).await;
    assert!(going.is_err(), "it waits for the rest");
    assert_eq!(kept(&desk).await, (0, 0, 0));
    upload(&desk, stated(&name, &content), &content).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_stored_once_and_another_under_its_id_is_refused() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(300_000);
    let first = pb::UploadedEvidence { request_id: request_id(), ..stated(&name, &content) };
    let evidence = upload(&desk, first.clone(), &content).await.unwrap();
    assert_eq!(upload(&desk, first.clone(), &content).await.unwrap(), evidence);
    assert_eq!(kept(&desk).await, (1, 2, 1));
    let other = picture(300_001);
    let other_stated = pb::UploadedEvidence { request_id: first.request_id, ..stated(&name, &other) };
    let refused = upload(&desk, other_stated, &other).await;
    assert_refused(refused, Code::InvalidArgument, ErrorReason::RequestIdReused);
    assert_eq!(kept(&desk).await, (1, 2, 1));
}

#[tokio::test]
async fn the_accused_and_those_it_does_not_concern_get_no_content() {
    let desk = Desk::open().await;
    let name = desk.concluded(kefu_proto::complaints::v1::complaint::Outcome::Upheld).await.name;
    let content = picture(1_000);
    let evidence = upload(&desk, stated(&name, &content), &content).await.unwrap();
    assert!(download(&desk, "staff/qin", &evidence.name).await.is_ok(), "a colleague in the responsible department");
    for staff in ["staff/lei", "staff/chief"] {
        let refused = download(&desk, staff, &evidence.name).await;
        assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
        let get = pb::GetEvidenceRequest { name: evidence.name.clone() };
        let refused = client(&desk, staff).get_evidence(get).await;
        assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
        let list = pb::ListEvidenceRequest { parent: name.clone(), ..Default::default() };
        let refused = client(&desk, staff).list_evidence(list).await;
        assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
    }
}

#[tokio::test]
async fn a_written_refusal_on_the_file_lets_a_supervisor_go_on_and_link_and_content_are_archived_and_verified() {
    let desk = Desk::open().await;
    let name = desk.approved().await.name;
    let content = picture(300_000);
    let refusal = upload(&desk, stated(&name, &content), &content).await.unwrap();
    let link = pb::AddEvidenceRequest {
        parent: name.clone(),
        kind: Kind::CallRecording.into(),
        source: "呼叫中心".into(),
        uri: "https://recordings.example/42".into(),
        ..Default::default()
    };
    client(&desk, "staff/zhao").add_evidence(link).await.unwrap();
    let other = desk.register().await.name;
    let theirs = refusal.name.replace(&name, &other);
    let wrong = desk.waive(&other, Ground::WrittenRefusal, Decision::Close, &theirs).await;
    assert_eq!(assert_refused(wrong, Code::NotFound, ErrorReason::ResourceNotFound).resource(), theirs);
    desk.waive(&name, Ground::WrittenRefusal, Decision::Close, &refusal.name).await.unwrap();
    let archive = desk.archive(&name).await.unwrap();
    let kept = format!("{}/content", refusal.name);
    let entry = archive.entries.iter().find(|entry| entry.name == kept).unwrap();
    assert_eq!((entry.sha256.as_slice(), entry.media_type.as_str()), (sha256(&content).as_slice(), "image/png"));
    let closed = upload(&desk, stated(&name, &content), &content).await;
    assert_refused(closed, Code::FailedPrecondition, ErrorReason::StateForbids);
    let verify = pb::VerifyArchiveRequest { name: archive.name.clone() };
    let verified = desk.as_("staff/lin").verify_archive(verify.clone()).await.unwrap().into_inner();
    assert!(verified.intact, "{:?}", verified.faults);
    // One bit of the picture, behind the guards.
    let flip = "begin; set local session_replication_role = replica;
        update complaints.evidence_content set bytes = set_bit(bytes, 4242, 1 - get_bit(bytes, 4242)) where ordinal = 1; commit";
    desk.bench.admin().execute(sqlx::raw_sql(AssertSqlSafe(flip))).await.unwrap();
    let verified = desk.as_("staff/lin").verify_archive(verify).await.unwrap().into_inner();
    assert_eq!(verified.faults.iter().map(|fault| fault.name.as_str()).collect::<Vec<_>>(), [kept.as_str()]);
    let broken = download(&desk, "staff/lin", &refusal.name).await;
    assert_refused(broken, Code::Internal, ErrorReason::Unexpected);
}
