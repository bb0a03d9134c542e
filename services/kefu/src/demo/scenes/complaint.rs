//! A complaint from request to archive: investigated by another department; the first plan rejected, the second
//! declined, the third agreed; and a dissatisfied return call, after which everything is done once more (C5, D8, A1.1).

use jiff::SignedDuration;
use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1 as complaints;
use kefu_proto::complaints::v1::complaint::{Category, Closure, Outcome, Severity, State};
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use kefu_proto::compliance::v1::{Duty, ListDutiesRequest, duty};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::Kind;
use kefu_proto::notifications::v1::{AcknowledgeNotificationRequest, ListNotificationsRequest};
use tokio_stream::iter;
use tonic::Status;

use super::super::stage::{COMPLAINTS, Person, Stage};
use super::{classify, confirm_satisfied, customer, register, registration, resolve};

const FIELD: &str = "departments/field";
const HOTLINE: i32 = Channel::Hotline as i32;
/// The customer's written statement, uploaded as evidence.
const LETTER: &[u8] = "两次预约都无人上门，第三次来的师傅没有试机就离开。".as_bytes();

type Complaint = complaints::Complaint;

/// Plays the scene.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    let complaint = received(stage).await?;
    investigated(stage, &complaint).await?;
    rejected_and_declined(stage, &complaint.name).await?;
    called_back(stage, &complaint).await?;
    archived(stage, &complaint).await
}

/// A request becomes a complaint, and the two are linked.
async fn received(stage: &mut Stage) -> Result<Complaint, Status> {
    stage.at(10, 0);
    stage.scene("A complaint: received, and the department told");
    let (lin, li) = (stage.staff("lin")?, stage.staff("li")?);
    let school = customer(&lin, "启明小学", "0571 8790 3316").await?;
    let asked = registration(&school, Channel::Hotline, Kind::Complaint, "预约两次无人上门，打印机至今未修好");
    let request = register(&lin, asked).await?;
    let call = pb::ConvertToComplaintRequest {
        name: request.name.clone(),
        desired_remedy: "当天修好，并说明原因".into(),
        category: Category::Timeliness.into(),
        severity: Severity::Major.into(),
        ..Default::default()
    };
    let converted = lin.requests().convert_to_complaint(call).await?.into_inner();
    let get = complaints::GetComplaintRequest { name: converted.complaint.clone() };
    let complaint = lin.complaints().get_complaint(get).await?.into_inner();
    stage.say(
        &format!("{} complains by telephone: {} becomes {}", school.display_name, request.number, complaint.number),
        &["C5.1", "D8.1"],
    );
    stage.play.expect("the request that the complaint names", complaint.request.as_str(), request.name.as_str());
    classify(&lin, &request.name, "consultation", "complaint").await?;
    resolve(&lin, &request.name, "已登记为投诉，另行处理", "告知投诉编号").await?;
    confirm_satisfied(&lin, &request.name).await?;
    let call = complaints::AcknowledgeComplaintRequest {
        name: complaint.name.clone(),
        channel: HOTLINE,
        text: "致歉，三个工作日内答复".into(),
        ..Default::default()
    };
    lin.complaints().acknowledge_complaint(call).await?;
    stage.say(&format!("{} apologises and promises an answer within three working days", lin.called), &["C5.2"]);
    let call = complaints::ClassifyComplaintRequest {
        name: complaint.name.clone(),
        category: Category::Timeliness.into(),
        severity: Severity::Major.into(),
        responsible_department: FIELD.into(),
        ..Default::default()
    };
    lin.complaints().classify_complaint(call).await?;
    acknowledge(&li).await?;
    stage.say(&format!("The field service is told at once, and {} acknowledges it", li.called), &["D8.2", "D8.3"]);
    let timeline = stage.wait_for("the timeline has both", async || {
        let call = pb::GetCustomerTimelineRequest { name: school.name.clone(), ..Default::default() };
        let entries = lin.customers().get_customer_timeline(call).await?.into_inner().entries;
        Ok((entries.len() == 2).then_some(entries))
    });
    let linked = timeline.await?.iter().all(|entry| !entry.linked.is_empty());
    stage.play.expect("both stand in the customer's timeline, each with the other", linked, true);
    Ok(complaint)
}

/// Acknowledges the caller's latest notification about complaints.
async fn acknowledge(by: &Person) -> Result<(), Status> {
    let call = ListNotificationsRequest { parent: COMPLAINTS.into(), ..Default::default() };
    let told = by.notices_of_complaints().list_notifications(call).await?.into_inner().notifications;
    let last = told.into_iter().next().ok_or_else(|| Status::not_found("nothing was told"))?;
    let call = AcknowledgeNotificationRequest { name: last.name, ..Default::default() };
    by.notices_of_complaints().acknowledge_notification(call).await.map(|_| ())
}

/// An investigator of another department finds the cause.
async fn investigated(stage: &mut Stage, complaint: &Complaint) -> Result<(), Status> {
    stage.at(10, 20);
    stage.scene("Investigated by somebody of another department");
    let (mei, gao, feng) = (stage.staff("mei")?, stage.staff("gao")?, stage.staff("feng")?);
    let assign = |staff: &Person| complaints::AssignInvestigatorRequest {
        name: complaint.name.clone(),
        investigator: staff.name.clone(),
        ..Default::default()
    };
    let own = mei.complaints().assign_investigator(assign(&feng)).await;
    stage.refused(&format!("{} wants {} of the field service to investigate", mei.called, feng.called), own, "A1.1");
    mei.complaints().assign_investigator(assign(&gao)).await?;
    stage.say(&format!("{} of quality supervision investigates", gao.called), &["A1.1", "C5.3"]);
    let early = conclude(&gao, &complaint.name).await.map(tonic::Response::new);
    stage.refused(&format!("{} concludes at once", gao.called), early, "C5.4");
    speak(&gao, &complaint.name).await?;
    let header = complaints::UploadedEvidence {
        parent: complaint.name.clone(),
        kind: complaints::evidence::Kind::Statement.into(),
        source: "投诉人书面说明".into(),
        file_name: "情况说明.txt".into(),
        media_type: "text/plain".into(),
        size_bytes: i64::try_from(LETTER.len()).unwrap_or_default(),
        sha256: kefu_chassis::digest::sha256(LETTER).to_vec(),
        ..Default::default()
    };
    let parts = [Part::Evidence(header), Part::Content(LETTER.to_vec())];
    let parts = parts.map(|part| complaints::UploadEvidenceRequest { part: Some(part) });
    gao.evidence().upload_evidence(iter(parts)).await?;
    stage.say("The customer is heard, and their letter is kept as evidence", &["D8.4", "C5.4"]);
    stage.at(11, 0);
    let concluded = conclude(&gao, &complaint.name).await?;
    stage
        .say(&format!("{} concludes: it is so; no second appointment was ever planned", gao.called), &["C5.3", "D8.5"]);
    stage.play.expect("where it stands", concluded.state(), State::Concluded);
    Ok(())
}

async fn speak(by: &Person, name: &str) -> Result<(), Status> {
    let call = complaints::RecordCustomerContactRequest {
        name: name.into(),
        purpose: complaints::customer_contact::Purpose::Investigation.into(),
        outcome: complaints::customer_contact::Outcome::Reached.into(),
        channel: HOTLINE,
        text: "客户说明了两次预约的经过".into(),
        ..Default::default()
    };
    by.complaints().record_customer_contact(call).await.map(|_| ())
}

async fn conclude(by: &Person, name: &str) -> Result<Complaint, Status> {
    let call = complaints::ConcludeInvestigationRequest {
        name: name.into(),
        course: "预约后未排班，两次爽约；第三次上门后未试机".into(),
        root_cause: Some(complaints::RootCause {
            category: complaints::root_cause::Category::Process.into(),
            text: "改约后没有进入排班".into(),
            whys: vec!["无人上门".into(), "未排班".into(), "改约只记在便条上".into()],
        }),
        outcome: Outcome::Upheld.into(),
        responsible_department: FIELD.into(),
        responsible_person: "staff/ma".into(),
        ..Default::default()
    };
    Ok(by.complaints().conclude_investigation(call).await?.into_inner())
}

/// The first plan is rejected, the second is declined, the third is agreed.
async fn rejected_and_declined(stage: &mut Stage, name: &str) -> Result<(), Status> {
    stage.scene("Three plans: one rejected, one declined, one agreed");
    let (lin, chen, xu) = (stage.staff("lin")?, stage.staff("chen")?, stage.staff("xu")?);
    let plan = propose(stage, name, "书面道歉").await?;
    stage.say(&format!("{} proposes a letter of apology; four eyes are not enough", lin.called), &["C5.5", "D8.6"]);
    let call = complaints::RejectResolutionRequest {
        name: name.into(),
        digest: plan.digest.clone(),
        reason: "没有当天修好的安排".into(),
        ..Default::default()
    };
    xu.complaints().reject_resolution(call).await?;
    stage.say(&format!("{} rejects it for quality supervision: nothing is repaired by a letter", xu.called), &["C5.5"]);
    let second = propose(stage, name, "当天上门修复").await?;
    let outdated = approve(&chen, name, &plan).await;
    stage.refused(&format!("{} approves the version that was rejected", chen.called), outdated, "C5.5");
    approve_all(stage, name, &second).await?;
    let call = complaints::RecordDeclineRequest {
        name: name.into(),
        channel: HOTLINE,
        text: "要求说明为何两次爽约".into(),
        ..Default::default()
    };
    lin.complaints().record_decline(call).await?;
    stage.say("All three departments approve the second; the school declines it: it does not say why", &["C5.6"]);
    stage.at(13, 0);
    let third = propose(stage, name, "当天上门修复并说明原因").await?;
    approve_all(stage, name, &third).await?;
    let agreed = agree(&lin, name).await?;
    stage.say("The third is approved, and the school agrees to time and manner", &["C5.6", "D8.7"]);
    stage.play.expect("version and state", (third.version, agreed.state()), (3, State::Agreed));
    Ok(())
}

async fn propose(stage: &Stage, name: &str, what: &str) -> Result<complaints::Resolution, Status> {
    let due = stage.now().timestamp() + SignedDuration::from_hours(24);
    let measure =
        complaints::ProposedMeasure { text: what.into(), owner: "staff/li".into(), due_time: Some(to_proto(due)) };
    let call = complaints::ProposeResolutionRequest {
        name: name.into(),
        measures: vec![measure],
        explanation: "改约未进入排班，已改为系统登记".into(),
        departments: vec!["departments/desk".into(), "departments/quality".into()],
        ..Default::default()
    };
    let proposed = stage.staff("lin")?.complaints().propose_resolution(call).await?.into_inner();
    proposed.resolution.ok_or_else(|| Status::internal("nothing was proposed"))
}

async fn approve(by: &Person, name: &str, plan: &complaints::Resolution) -> Result<tonic::Response<Complaint>, Status> {
    let call =
        complaints::ApproveResolutionRequest { name: name.into(), digest: plan.digest.clone(), ..Default::default() };
    by.complaints().approve_resolution(call).await
}

/// Approves the plan for every department concerned, each by a member of its own.
async fn approve_all(stage: &Stage, name: &str, plan: &complaints::Resolution) -> Result<(), Status> {
    for staff in ["li", "chen", "xu"] {
        approve(&stage.staff(staff)?, name, plan).await?;
    }
    Ok(())
}

async fn agree(by: &Person, name: &str) -> Result<Complaint, Status> {
    let call = complaints::RecordAgreementRequest {
        name: name.into(),
        channel: HOTLINE,
        text: "今天十四点上门".into(),
        ..Default::default()
    };
    Ok(by.complaints().record_agreement(call).await?.into_inner())
}

async fn carry_out(stage: &Stage, name: &str) -> Result<Complaint, Status> {
    let li = stage.staff("li")?;
    let get = complaints::GetComplaintRequest { name: name.into() };
    let plan = li.complaints().get_complaint(get).await?.into_inner().resolution.unwrap_or_default();
    let measure = plan.measures.into_iter().next().unwrap_or_default();
    let call = complaints::CompleteMeasureRequest {
        name: measure.name,
        report: "已更换组件并试机".into(),
        ..Default::default()
    };
    Ok(li.complaints().complete_measure(call).await?.into_inner())
}

async fn call_back(by: &Person, name: &str, satisfaction: i32, comment: &str) -> Result<Complaint, Status> {
    let call = complaints::RecordCallbackRequest {
        name: name.into(),
        satisfied: comment.is_empty(),
        satisfaction,
        channel: HOTLINE,
        comment: comment.into(),
        ..Default::default()
    };
    Ok(by.complaints().record_callback(call).await?.into_inner())
}

/// The return call finds the customer dissatisfied; the complaint is handled once more.
async fn called_back(stage: &mut Stage, complaint: &Complaint) -> Result<(), Status> {
    stage.at(14, 30);
    stage.scene("Carried out, called back, and once more");
    let (lin, gao) = (stage.staff("lin")?, stage.staff("gao")?);
    let name = &complaint.name;
    let call = complaints::RecordComplaintProgressRequest {
        name: name.clone(),
        channel: HOTLINE,
        text: "师傅已到现场".into(),
        ..Default::default()
    };
    lin.complaints().record_complaint_progress(call).await?;
    carry_out(stage, name).await?;
    let again = call_back(&lin, name, 2, "打印仍有条纹").await?;
    stage.say(
        "It is carried out, and the school called back: still stripes. It is investigated again",
        &["C5.8", "D8.9"],
    );
    stage.play.expect("cycle and state", (again.cycle, again.state()), (1, State::Investigating));
    stage.at(15, 0);
    speak(&gao, name).await?;
    conclude(&gao, name).await?;
    let fourth = propose(stage, name, "更换整机").await?;
    approve_all(stage, name, &fourth).await?;
    agree(&lin, name).await?;
    stage.at(16, 0);
    carry_out(stage, name).await?;
    let closed = call_back(&lin, name, 5, "").await?;
    stage.say("The machine is replaced, and the school is satisfied", &["C5.7", "C5.8", "D8.10"]);
    stage.play.expect("how it was closed", (closed.state(), closed.closure()), (State::Closed, Closure::Satisfied));
    let call = ListDutiesRequest { parent: COMPLAINTS.into(), subject: name.clone(), ..Default::default() };
    let duties = stage.operator()?.duties_of_complaints().list_duties(call).await?.into_inner().duties;
    let is_kept =
        |duty: &&Duty| matches!(duty.state(), duty::State::Met | duty::State::Voided) && duty.breached_time.is_none();
    let kept = duties.iter().filter(is_kept).count();
    stage.play.expect("the duties that were kept", kept, duties.len());
    Ok(())
}

/// The file is archived and verified.
async fn archived(stage: &mut Stage, complaint: &Complaint) -> Result<(), Status> {
    stage.at(16, 30);
    stage.scene("The file is closed, and proves itself");
    let lin = stage.staff("lin")?;
    let call = complaints::ArchiveComplaintRequest { name: complaint.name.clone(), ..Default::default() };
    let archive = lin.complaints().archive_complaint(call).await?.into_inner();
    let call = complaints::VerifyArchiveRequest { name: archive.name.clone() };
    let verified = lin.complaints().verify_archive(call).await?.into_inner();
    let root = archive.root_sha256.first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
    stage.say(
        &format!(
            "{} is archived: {} parts under the digest {root:08x}…, kept for five years",
            complaint.number,
            archive.entries.len()
        ),
        &["C5.9"],
    );
    stage.play.expect("the archive is intact", (verified.intact, verified.root_sha256), (true, archive.root_sha256));
    let late = call_back(&lin, &complaint.name, 1, "不满意").await.map(tonic::Response::new);
    stage.refused(&format!("{} records another return call", lin.called), late, "D8.9");
    Ok(())
}
