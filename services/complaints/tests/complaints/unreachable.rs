//! A complainant who cannot be reached, at each of the three steps that need them (the extension of C5.8).

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Closure, Outcome, State};
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::customer_contact::Purpose;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::compliance::v1::{Duty, PauseDutyRequest};
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::Desk;

/// Records attempts on three working days, from Friday on.
async fn attempts(desk: &Desk, name: &str, purpose: Purpose) {
    let start = desk.bench.now().to_zoned(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap());
    let mut day = start.clone();
    for _ in 0..3 {
        desk.attempt(name, purpose).await.unwrap();
        day = day.saturating_add(jiff::Span::new().days(if day.weekday() == jiff::civil::Weekday::Friday {
            3
        } else {
            1
        }));
        desk.pass_to(&day.timestamp().to_string());
    }
}

/// The duties of the apology, in their order: state, whether only attempted, whether late, and while open the due time.
async fn owed(desk: &Desk, name: &str) -> Vec<(Kept, bool, bool, Option<&'static str>)> {
    let mut duties = desk.bench.duties_of(name).await;
    duties.sort_by_key(|duty| duty.due_time.map(|due| due.seconds));
    let monday = "2026-11-23T18:00:00+08:00";
    let due = |duty: &Duty| {
        let is_monday = duty.due_time == Some(kefu_chassis::time::to_proto(monday.parse().unwrap()));
        (duty.state() == Kept::Open && is_monday).then_some(monday)
    };
    let apologies = duties.iter().filter(|duty| duty.kind == "acknowledgement");
    apologies.map(|duty| (duty.state(), duty.attempted, duty.late, due(duty))).collect()
}

async fn not_yet(desk: &Desk, name: &str) {
    let outcome = desk.waive(name, Ground::Unreachable, Decision::GoOn, "").await;
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["C5.8"]);
}

#[tokio::test]
async fn an_attempt_meets_its_part_and_the_next_is_owed_on_the_next_working_day_until_it_goes_on() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    not_yet(&desk, &name).await;
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    // 2026-11-20 is a Friday.
    let monday = Some("2026-11-23T18:00:00+08:00");
    assert_eq!(owed(&desk, &name).await, [(Kept::Met, true, false, None), (Kept::Open, false, false, monday)]);
    // Three attempts on one day are not enough, and days off do not count.
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    assert_eq!(owed(&desk, &name).await.len(), 2, "another on the same day changes nothing");
    desk.pass_to("2026-11-21T10:00:00+08:00");
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    assert_eq!(owed(&desk, &name).await.len(), 3);
    not_yet(&desk, &name).await;
    desk.pass_to("2026-11-23T10:00:00+08:00");
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    not_yet(&desk, &name).await;
    desk.pass_to("2026-11-24T10:00:00+08:00");
    assert_eq!(desk.attempt(&name, Purpose::Acknowledgement).await.unwrap().cycle, 0);
    let on = desk.waive(&name, Ground::Unreachable, Decision::GoOn, "").await.unwrap();
    assert_eq!((on.state(), on.unreached_attempts), (State::Acknowledged, 0));
    let last = owed(&desk, &name).await.pop().unwrap();
    assert_eq!((last.0, last.1), (Kept::Voided, false), "nobody apologised: the rest falls away");
}

#[tokio::test]
async fn a_complainant_who_is_not_tried_again_leaves_the_apology_overdue() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    desk.pass_to("2026-11-28T10:00:00+08:00");
    let states: Vec<_> = owed(&desk, &name).await.into_iter().map(|(state, _, late, _)| (state, late)).collect();
    assert_eq!(states, [(Kept::Met, false), (Kept::Open, true)]);
}

#[tokio::test]
async fn an_attempt_counts_only_if_it_is_recorded_by_the_end_of_the_next_working_day() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let tried = desk.bench.now();
    let record = async || {
        let call = pb::RecordCustomerContactRequest {
            name: name.clone(),
            purpose: Purpose::Acknowledgement.into(),
            outcome: pb::customer_contact::Outcome::NotReached.into(),
            channel: kefu_proto::contacts::v1::Channel::Hotline.into(),
            occurred_time: Some(kefu_chassis::time::to_proto(tried)),
            ..Default::default()
        };
        desk.as_("staff/boss").record_customer_contact(call).await
    };
    desk.pass_to("2026-11-23T18:00:00+08:00");
    record().await.unwrap();
    desk.pass_to("2026-11-23T18:00:01+08:00");
    let refusal = assert_refused(record().await, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["occurred_time"]);
}

#[tokio::test]
async fn who_recorded_an_attempt_decides_neither_that_it_goes_on_nor_about_the_duty() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let call = pb::RecordCustomerContactRequest {
        name: name.clone(),
        purpose: Purpose::Acknowledgement.into(),
        outcome: pb::customer_contact::Outcome::NotReached.into(),
        channel: kefu_proto::contacts::v1::Channel::Hotline.into(),
        ..Default::default()
    };
    desk.as_("staff/boss").record_customer_contact(call).await.unwrap();
    desk.pass_to("2026-11-23T10:00:00+08:00");
    attempts(&desk, &name, Purpose::Acknowledgement).await;
    not_yet(&desk, &name).await;
    let duties = desk.bench.duties_of(&name).await;
    let open = duties.iter().find(|duty| duty.kind == "acknowledgement" && duty.state() == Kept::Open).unwrap();
    let pause = |name: &str| PauseDutyRequest { name: name.into(), reason: "x".into(), ..Default::default() };
    let boss = || ComplianceServiceClient::new(desk.bench.as_("staff/boss", &["SUPERVISOR"]));
    assert_refused(boss().pause_duty(pause(&open.name)).await, Code::PermissionDenied, ErrorReason::SelfDealing);
    let chief = ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR"]));
    chief.clone().pause_duty(pause(&open.name)).await.unwrap();
}

#[tokio::test]
async fn an_attempt_after_the_time_meets_its_part_late() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.pass_to("2026-11-20T16:00:00+08:00");
    desk.bench.mark_overdue().await;
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    let monday = Some("2026-11-23T18:00:00+08:00");
    assert_eq!(owed(&desk, &name).await, [(Kept::Met, true, true, None), (Kept::Open, false, false, monday)]);
}

#[tokio::test]
async fn without_an_agreement_it_is_carried_out_and_without_a_return_call_it_is_closed_but_never_as_satisfied() {
    let desk = Desk::open().await;
    let name = desk.approved().await.name;
    let wrong = desk.attempt(&name, Purpose::Callback).await;
    let refusal = assert_refused(wrong, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["purpose"], "that is not what they are wanted for");
    // Overdue measures need a new proposal even if the complainant is never reached.
    attempts(&desk, &name, Purpose::Agreement).await;
    let late = desk.waive(&name, Ground::Unreachable, Decision::GoOn, "").await;
    let refusal = assert_refused(late, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["D8.6"]);
    let mut plan = desk.proposal(&name);
    for measure in &mut plan.measures {
        let due = desk.bench.now() + jiff::SignedDuration::from_hours(24 * 30);
        measure.due_time = Some(kefu_chassis::time::to_proto(due));
    }
    desk.as_("staff/lin").propose_resolution(plan).await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    attempts(&desk, &name, Purpose::Agreement).await;
    let on = desk.waive(&name, Ground::Unreachable, Decision::GoOn, "").await.unwrap();
    assert_eq!(on.state(), State::Agreed);
    for measure in &on.resolution.unwrap().measures {
        desk.complete(measure).await.unwrap();
    }
    // Duties are listed by when they began.
    desk.pass(1);
    desk.attempt(&name, Purpose::Callback).await.unwrap();
    let callbacks = desk.bench.duties_of(&name).await;
    let callbacks: Vec<_> = callbacks.iter().filter(|duty| duty.kind == "callback").map(Duty::state).collect();
    assert_eq!(callbacks, [Kept::Met, Kept::Open]);
    let on = desk.waive(&name, Ground::Unreachable, Decision::GoOn, "").await;
    assert_refused(on, Code::FailedPrecondition, ErrorReason::StateForbids);
    attempts(&desk, &name, Purpose::Callback).await;
    let closed = desk.waive(&name, Ground::Unreachable, Decision::Close, "").await.unwrap();
    assert_eq!(
        (closed.state(), closed.closure(), closed.satisfaction),
        (State::Closed, Closure::Unreachable, 0),
        "never satisfied"
    );
}

#[tokio::test]
async fn a_written_refusal_has_to_be_on_the_file() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    desk.propose(&name).await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    let nothing = desk.waive(&name, Ground::WrittenRefusal, Decision::GoOn, "").await;
    assert_eq!(assert_refused(nothing, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["evidence"]);
    let absent = format!("{name}/evidence/0199aaaa-0000-7000-8000-000000000009");
    let refused = desk.waive(&name, Ground::WrittenRefusal, Decision::GoOn, &absent).await;
    assert_eq!(assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound).resource(), absent);
}

#[tokio::test]
async fn attempts_of_two_days_give_the_same_duties_in_whichever_order_they_are_recorded() {
    let times = ["2026-11-20T10:30:00+08:00", "2026-11-23T10:00:00+08:00"];
    let mut kept = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let desk = Desk::open().await;
        let name = desk.register().await.name;
        desk.pass_to("2026-11-23T11:00:00+08:00");
        for place in order {
            let call = pb::RecordCustomerContactRequest {
                name: name.clone(),
                purpose: Purpose::Acknowledgement.into(),
                outcome: pb::customer_contact::Outcome::NotReached.into(),
                channel: kefu_proto::contacts::v1::Channel::Hotline.into(),
                occurred_time: Some(kefu_chassis::time::to_proto(times[place].parse().unwrap())),
                ..Default::default()
            };
            desk.as_("staff/boss").record_customer_contact(call).await.unwrap();
        }
        let duties = desk.bench.duties_of(&name).await.into_iter().filter(|duty| duty.kind == "acknowledgement");
        let seconds = |time: Option<prost_types::Timestamp>| time.map(|time| time.seconds);
        let figures = duties.map(|duty| {
            let (opened, due, met) = (seconds(duty.open_time), seconds(duty.due_time), seconds(duty.met_time));
            (opened, due, met, duty.state(), duty.attempted, duty.late)
        });
        let mut figures: Vec<_> = figures.collect();
        figures.sort_by_key(|(opened, ..)| *opened);
        kept.push(figures);
    }
    assert_eq!((kept[0].len(), &kept[0]), (3, &kept[1]));
}

#[tokio::test]
async fn an_apology_that_came_before_an_attempt_counts_once() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.pass(40);
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    let call = pb::AcknowledgeComplaintRequest {
        name: name.clone(),
        channel: kefu_proto::contacts::v1::Channel::Hotline.into(),
        text: "致歉".into(),
        occurred_time: Some(kefu_chassis::time::to_proto("2026-11-20T10:20:00+08:00".parse().unwrap())),
        ..Default::default()
    };
    desk.as_("staff/lin").acknowledge_complaint(call).await.unwrap();
    let duties = desk.bench.duties_of(&name).await.into_iter().filter(|duty| duty.kind == "acknowledgement");
    let figures: Vec<_> = duties.map(|duty| (duty.state(), duty.attempted)).collect();
    assert_eq!(figures, [(Kept::Met, false), (Kept::Voided, false)]);
}
