//! A complainant who cannot be reached, at each of the three steps that need them (the extension of C5.8).

use kefu_proto::complaints::v1::complaint::{Closure, Outcome, State};
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::customer_contact::Purpose;
use kefu_proto::compliance::v1::duty::State as Kept;
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

async fn not_yet(desk: &Desk, name: &str) {
    let outcome = desk.waive(name, Ground::Unreachable, Decision::GoOn, "").await;
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["C5.8"]);
}

#[tokio::test]
async fn the_first_attempt_in_time_meets_the_duty_of_the_apology_and_three_on_three_days_let_it_go_on() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    not_yet(&desk, &name).await;
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    assert_eq!(desk.bench.duty_of(&name, "acknowledgement").await.state(), Kept::Met);
    // Three attempts on one day are not enough, and days off do not count.
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    desk.pass_to("2026-11-21T10:00:00+08:00");
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    not_yet(&desk, &name).await;
    desk.pass_to("2026-11-23T10:00:00+08:00");
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    not_yet(&desk, &name).await;
    desk.pass_to("2026-11-24T10:00:00+08:00");
    assert_eq!(desk.attempt(&name, Purpose::Acknowledgement).await.unwrap().cycle, 0);
    let on = desk.waive(&name, Ground::Unreachable, Decision::GoOn, "").await.unwrap();
    assert_eq!((on.state(), on.unreached_attempts), (State::Acknowledged, 0));
}

#[tokio::test]
async fn an_attempt_after_the_time_meets_nothing() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.pass_to("2026-11-20T16:00:00+08:00");
    desk.bench.mark_overdue().await;
    desk.attempt(&name, Purpose::Acknowledgement).await.unwrap();
    let duty = desk.bench.duty_of(&name, "acknowledgement").await;
    assert_eq!((duty.state(), duty.breached_time.is_some()), (Kept::Open, true));
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
    desk.attempt(&name, Purpose::Callback).await.unwrap();
    assert_eq!(desk.bench.duty_of(&name, "callback").await.state(), Kept::Met);
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
