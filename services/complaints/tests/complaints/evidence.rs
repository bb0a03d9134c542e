//! Evidence: stored only if complete and as stated, read by those who may, and part of the archive.

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::Closure;
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::evidence::Kind;
use kefu_proto::complaints::v1::evidence_service_client::EvidenceServiceClient;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused};
use sha2::Digest as _;
use sqlx::{AssertSqlSafe, Executor as _};
use tonic::{Code, Status};

use super::desk::Desk;

pub const PIECE: usize = 256 * 1024;
pub const LARGEST: usize = 16 * 1024 * 1024;

pub fn client(desk: &Desk, staff: &str) -> EvidenceServiceClient<Caller> {
    EvidenceServiceClient::new(desk.bench.as_(staff, &["AGENT", "INVESTIGATOR", "APPROVER"]))
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha256::digest(bytes).to_vec()
}

/// A picture of `size` bytes.
pub fn picture(size: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((bytes.len()..size).map(|place| u8::try_from(place * 31 % 251).unwrap()));
    bytes
}

pub fn stated(complaint: &str, content: &[u8]) -> pb::UploadedEvidence {
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

pub fn parts(stated: pb::UploadedEvidence, content: &[u8]) -> Vec<pb::UploadEvidenceRequest> {
    let mut parts = vec![pb::UploadEvidenceRequest { part: Some(Part::Evidence(stated)) }];
    parts.extend(
        content.chunks(PIECE).map(|piece| pb::UploadEvidenceRequest { part: Some(Part::Content(piece.to_vec())) }),
    );
    parts
}

pub async fn send(desk: &Desk, parts: Vec<pb::UploadEvidenceRequest>) -> Result<pb::Evidence, Status> {
    Ok(client(desk, "staff/lin").upload_evidence(tokio_stream::iter(parts)).await?.into_inner())
}

pub async fn upload(desk: &Desk, stated: pb::UploadedEvidence, content: &[u8]) -> Result<pb::Evidence, Status> {
    send(desk, parts(stated, content)).await
}

pub async fn download(desk: &Desk, staff: &str, name: &str) -> Result<Vec<u8>, Status> {
    let call = pb::GetEvidenceContentRequest { name: name.into() };
    let mut pieces = client(desk, staff).get_evidence_content(call).await?.into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await? {
        content.extend(piece.content);
    }
    Ok(content)
}

pub async fn kept(desk: &Desk) -> (i64, i64, i64) {
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
    let letter = pb::UploadedEvidence { kind: Kind::Document.into(), ..stated(&name, &content) };
    let refusal = upload(&desk, letter, &content).await.unwrap();
    let link = pb::AddEvidenceRequest {
        parent: name.clone(),
        kind: Kind::CallRecording.into(),
        source: "呼叫中心".into(),
        uri: "https://recordings.example/42".into(),
        ..Default::default()
    };
    let link = client(&desk, "staff/zhao").add_evidence(link).await.unwrap().into_inner();
    let elsewhere = download(&desk, "staff/lin", &link.name).await;
    let elsewhere = assert_refused(elsewhere, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(elsewhere.fields(), ["name"], "its content is not here");
    let other = desk.register().await.name;
    let theirs = refusal.name.replace(&name, &other);
    let wrong = desk.waive(&other, Ground::WrittenRefusal, Decision::Close, &theirs).await;
    assert_eq!(assert_refused(wrong, Code::NotFound, ErrorReason::ResourceNotFound).resource(), theirs);
    let spoken = desk.waive(&name, Ground::WrittenRefusal, Decision::Close, &link.name).await;
    assert_eq!(assert_refused(spoken, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["evidence"]);
    let closed = desk.waive(&name, Ground::WrittenRefusal, Decision::Close, &refusal.name).await.unwrap();
    assert_eq!((closed.closure(), closed.satisfaction), (Closure::Refused, 0));
    let archive = desk.archive(&name).await.unwrap();
    let kept = format!("{}/content", refusal.name);
    let entry = archive.entries.iter().find(|entry| entry.name == kept).unwrap();
    assert_eq!((entry.sha256.as_slice(), entry.media_type.as_str()), (sha256(&content).as_slice(), "image/png"));
    let closed = upload(&desk, stated(&name, &content), &content).await;
    assert_refused(closed, Code::FailedPrecondition, ErrorReason::StateForbids);
    let verify = pb::VerifyArchiveRequest { name: archive.name.clone() };
    let verified = desk.as_("staff/lin").verify_archive(verify.clone()).await.unwrap().into_inner();
    assert!(verified.intact, "{:?}", verified.faults);
    // Flips one bit of the picture, without triggers.
    let flip = "begin; set local session_replication_role = replica;
        update complaints.evidence_content set bytes = set_bit(bytes, 4242, 1 - get_bit(bytes, 4242)) where ordinal = 1; commit";
    desk.bench.admin().execute(sqlx::raw_sql(AssertSqlSafe(flip))).await.unwrap();
    let verified = desk.as_("staff/lin").verify_archive(verify).await.unwrap().into_inner();
    assert_eq!(verified.faults.iter().map(|fault| fault.name.as_str()).collect::<Vec<_>>(), [kept.as_str()]);
    let broken = download(&desk, "staff/lin", &refusal.name).await;
    assert_refused(broken, Code::Internal, ErrorReason::Unexpected);
}
