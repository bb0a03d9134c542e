//! Times of events: an event recorded late is judged at its own time, and none is dated before the step it depends on.

use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Outcome, State};
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::customer_contact::{Outcome as Answer, Purpose};
use kefu_proto::complaints::v1::evidence::Kind;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::{Code, Status};

use super::desk::Desk;
use super::evidence::{picture, stated, upload};

#[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
fn at(time: &str) -> Option<prost_types::Timestamp> {
    Some(to_proto(time.parse().unwrap()))
}

fn too_early<T: std::fmt::Debug>(outcome: Result<T, Status>) {
    let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["occurred_time"]);
}

fn contact(name: &str, purpose: Purpose, outcome: Answer) -> pb::RecordCustomerContactRequest {
    pb::RecordCustomerContactRequest {
        name: name.into(),
        purpose: purpose.into(),
        outcome: outcome.into(),
        channel: Channel::Hotline.into(),
        text: "—".into(),
        ..Default::default()
    }
}

/// Records an attempt at `time` by staff/boss, who may record late.
async fn tried(desk: &Desk, name: &str, purpose: Purpose, time: &str) -> Result<pb::Paper, Status> {
    let call =
        pb::RecordCustomerContactRequest { occurred_time: at(time), ..contact(name, purpose, Answer::NotReached) };
    Ok(desk.as_("staff/boss").record_customer_contact(call).await?.into_inner())
}

#[tokio::test]
async fn attempts_from_before_a_step_are_no_attempts_at_it() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    desk.pass_to("2026-11-26T10:00:00+08:00");
    desk.propose(&name).await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    for day in ["2026-11-23T10:00:00+08:00", "2026-11-24T10:00:00+08:00", "2026-11-26T09:59:59+08:00"] {
        too_early(tried(&desk, &name, Purpose::Agreement, day).await);
    }
    let agreed = desk.agree(&name).await.unwrap();
    desk.pass_to("2026-11-27T10:00:00+08:00");
    for measure in &agreed.resolution.unwrap().measures {
        desk.complete(measure).await.unwrap();
    }
    desk.pass_to("2026-11-28T10:00:00+08:00");
    too_early(tried(&desk, &name, Purpose::Callback, "2026-11-26T11:00:00+08:00").await);
    tried(&desk, &name, Purpose::Callback, "2026-11-27T10:30:00+08:00").await.unwrap();
    assert_eq!(desk.get(&name).await.unreached_attempts, 1);
}

#[tokio::test]
async fn who_can_be_spoken_to_can_be_reached() {
    let desk = Desk::open().await;
    let name = desk.approved().await.name;
    desk.attempt(&name, Purpose::Agreement).await.unwrap();
    let spoken = contact(&name, Purpose::Investigation, Answer::Reached);
    desk.as_("staff/lin").record_customer_contact(spoken).await.unwrap();
    assert_eq!(desk.get(&name).await.unreached_attempts, 0);
    let told = desk.as_("staff/lin").record_customer_contact(contact(&name, Purpose::Progress, Answer::Reached)).await;
    let refusal = assert_refused(told, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["purpose"], "progress has a method, and a clock, of its own");
}

#[tokio::test]
async fn a_refusal_is_of_the_step_it_was_written_for() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let content = picture(1_000);
    let letter = pb::UploadedEvidence { kind: Kind::Document.into(), ..stated(&name, &content) };
    let letter = upload(&desk, letter, &content).await.unwrap();
    desk.pass(1);
    desk.acknowledge(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    desk.investigate(&name, "staff/zhao").await.unwrap();
    desk.speak(&name).await.unwrap();
    desk.conclude(&name, Outcome::Upheld).await.unwrap();
    desk.propose(&name).await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    let old = desk.waive(&name, Ground::WrittenRefusal, Decision::Close, &letter.name).await;
    assert_eq!(assert_refused(old, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["evidence"]);
}

#[tokio::test]
async fn an_investigation_hears_and_concludes_in_its_own_time() {
    let desk = Desk::open().await;
    let name = desk.executed().await.name;
    desk.pass_to("2026-11-20T15:00:00+08:00");
    assert_eq!(desk.call_back(&name, false).await.unwrap().cycle, 1);
    let heard = pb::RecordCustomerContactRequest {
        occurred_time: at("2026-11-20T10:30:00+08:00"),
        ..contact(&name, Purpose::Investigation, Answer::Reached)
    };
    desk.as_("staff/zhao").record_customer_contact(heard).await.unwrap();
    let deaf = desk.conclude(&name, Outcome::Upheld).await;
    let refusal = assert_refused(deaf, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["D8.4"], "those words were of the cycle before");
    desk.speak(&name).await.unwrap();
    let early = pb::ConcludeInvestigationRequest {
        occurred_time: at("2026-11-20T14:59:00+08:00"),
        ..Desk::conclusion(&name, Outcome::Upheld)
    };
    too_early(desk.as_("staff/zhao").conclude_investigation(early).await);
}

#[tokio::test]
async fn an_approval_is_of_a_version_that_was_there_and_the_last_one_counts_whichever_was_recorded_last() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    desk.pass_to("2026-11-20T13:30:00+08:00");
    let digest = desk.propose(&name).await.unwrap().resolution.unwrap().digest;
    desk.pass_to("2026-11-20T15:00:00+08:00");
    desk.approve(&name, "staff/mei").await.unwrap();
    let late = |time: &str| pb::ApproveResolutionRequest {
        name: name.clone(),
        digest: digest.clone(),
        occurred_time: at(time),
        ..Default::default()
    };
    too_early(desk.as_("staff/qin").approve_resolution(late("2026-11-20T13:29:59+08:00")).await);
    let approved = desk.as_("staff/qin").approve_resolution(late("2026-11-20T14:00:00+08:00")).await.unwrap();
    let approved = approved.into_inner();
    assert_eq!((approved.state(), approved.approved_time), (State::Approved, at("2026-11-20T15:00:00+08:00")));
    let agreement = pb::RecordAgreementRequest {
        name: name.clone(),
        channel: Channel::Hotline.into(),
        text: "—".into(),
        occurred_time: at("2026-11-20T14:30:00+08:00"),
        ..Default::default()
    };
    too_early(desk.as_("staff/lin").record_agreement(agreement).await);
    let measures = desk.agree(&name).await.unwrap().resolution.unwrap().measures;
    desk.pass_to("2026-11-20T17:00:00+08:00");
    desk.complete(&measures[0]).await.unwrap();
    let done = pb::CompleteMeasureRequest {
        name: measures[1].name.clone(),
        report: "—".into(),
        occurred_time: at("2026-11-20T15:30:00+08:00"),
        ..Default::default()
    };
    let executed = desk.as_("staff/lin").complete_measure(done).await.unwrap().into_inner();
    assert_eq!((executed.state(), executed.executed_time), (State::Callback, at("2026-11-20T17:00:00+08:00")));
    let due = desk.bench.duty_of(&name, "callback").await.due_time;
    assert_eq!(due, at("2026-11-24T17:00:00+08:00"), "C5.8: two working days from when the last measure was done");
}

#[tokio::test]
async fn a_withdrawal_is_judged_when_it_happened_whether_or_not_the_clock_had_marked_its_duties() {
    for recorded in ["2026-11-20T10:04:00+08:00", "2026-11-26T10:00:00+08:00"] {
        let desk = Desk::open().await;
        let name = desk.register().await.name;
        desk.pass_to(recorded);
        desk.bench.mark_overdue().await;
        let marks = desk.bench.number("select count(*) from duty where breached_at is not null").await;
        let call = pb::WithdrawComplaintRequest {
            name: name.clone(),
            reason: "已解决".into(),
            occurred_time: at("2026-11-20T10:03:20+08:00"),
            ..Default::default()
        };
        desk.as_("staff/boss").withdraw_complaint(call).await.unwrap();
        let duties = desk.bench.duties_of(&name).await;
        assert_eq!(duties.len(), 2);
        assert!(duties.iter().all(|duty| duty.state() == Kept::Voided && !duty.late), "{recorded}: {duties:?}");
        let taken_back: i32 = duties.iter().map(|duty| duty.taken_back).sum();
        assert_eq!(i64::from(taken_back), marks, "{recorded}: each mark was taken back");
        assert_eq!(duties.iter().all(|duty| duty.recorded_late), marks == 2, "{recorded}");
    }
}
