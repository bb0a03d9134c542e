//! Pausing, resuming and waiving a duty: who may, in which state, and what the journal holds afterwards.

use jiff::SignedDuration;
use kefu_chassis::time::to_proto;
use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::duty::State;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest};
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused};
use tonic::Code;

use crate::stage::{compliance, duty, entry, get, store};

fn pause(name: &str) -> pb::PauseDutyRequest {
    pb::PauseDutyRequest { name: name.into(), reason: "waits for parts".into(), ..pb::PauseDutyRequest::default() }
}

fn resume(name: &str) -> pb::ResumeDutyRequest {
    pb::ResumeDutyRequest { name: name.into(), ..pb::ResumeDutyRequest::default() }
}

fn waive(name: &str) -> pb::WaiveDutyRequest {
    pb::WaiveDutyRequest { name: name.into(), reason: "the house is gone".into(), ..pb::WaiveDutyRequest::default() }
}

/// Returns the event at `position`.
async fn event(bench: &Bench, position: i64) -> Event {
    let request =
        SubscribeRequest { parent: bench.name(), after_position: position - 1, ..SubscribeRequest::default() };
    let mut stream = EventFeedClient::new(bench.as_service()).subscribe(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap().event.unwrap()
}

#[tokio::test]
async fn a_pause_stops_the_clock_and_a_resume_lets_it_run_with_the_time_that_was_left() {
    let bench = Bench::of(&BARE).await;
    let opened = bench.now();
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    let mut head = compliance(bench.as_("staff/head", &["SUPERVISOR"]));
    bench.time().advance(SignedDuration::from_hours(3));
    let paused = head.pause_duty(pause(&name)).await.unwrap().into_inner();
    assert_eq!(
        (paused.state(), paused.reason.as_str(), paused.decided_by.as_str()),
        (State::Paused, "waits for parts", "staff/head")
    );
    assert_eq!((paused.due_time, paused.elapsed.map(|elapsed| elapsed.seconds)), (None, Some(3 * 3_600)));
    // A paused duty does not become overdue.
    bench.time().advance(SignedDuration::from_hours(100));
    bench.mark_overdue().await;
    let resumed = head.resume_duty(resume(&name)).await.unwrap().into_inner();
    assert_eq!(resumed.due_time, Some(to_proto(opened + SignedDuration::from_hours(108))));
    assert_eq!((resumed.paused.map(|paused| paused.seconds), resumed.breached_time), (Some(100 * 3_600), None));
    assert_eq!(get(&bench, &name).await, resumed);

    let event = event(&bench, 2).await;
    assert_eq!(
        (event.aggregate.as_str(), event.actor.as_str(), event.clauses),
        (name.as_str(), "staff/head", vec!["C4.1".to_owned()])
    );
    let change = &event.duty_changes[0];
    assert_eq!((change.kind(), change.reason.as_str(), change.due_time), (Kind::Paused, "waits for parts", None));
    assert_eq!(change.duty, name);
}

#[tokio::test]
async fn a_waived_duty_is_over_and_its_breach_stays_on_record() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 1)]).await.remove(0);
    bench.time().advance(SignedDuration::from_hours(2));
    bench.mark_overdue().await;
    let mut head = compliance(bench.as_("staff/head", &["MANAGER"]));
    let waived = head.waive_duty(waive(&name)).await.unwrap().into_inner();
    assert_eq!(
        (waived.state(), waived.reason.as_str(), waived.decided_by.as_str()),
        (State::Waived, "the house is gone", "staff/head")
    );
    assert!(waived.breached_time.is_some());
}

#[tokio::test]
async fn nobody_decides_on_a_duty_of_their_own() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    for role in ["MANAGER", "OFFICE", "ADMIN"] {
        let mut own = compliance(bench.as_("staff/lin", &[role]));
        assert_refused(own.pause_duty(pause(&name)).await, Code::PermissionDenied, ErrorReason::SelfDealing);
        assert_refused(own.resume_duty(resume(&name)).await, Code::PermissionDenied, ErrorReason::SelfDealing);
        assert_refused(own.waive_duty(waive(&name)).await, Code::PermissionDenied, ErrorReason::SelfDealing);
    }
    assert_eq!(get(&bench, &name).await.etag, "\"1\"");
}

#[tokio::test]
async fn only_the_roles_of_the_contract_decide_and_only_in_their_department() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    for role in ["AGENT", "TECHNICIAN", "EXECUTIVE", "TRAINER"] {
        let mut client = compliance(bench.as_("staff/x", &[role]));
        assert_refused(client.pause_duty(pause(&name)).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
    let mut supervisor = compliance(bench.as_("staff/head", &["SUPERVISOR"]));
    assert_refused(supervisor.waive_duty(waive(&name)).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    let mut stranger = compliance(bench.as_("staff/fieldhead", &["MANAGER"]));
    assert_refused(stranger.pause_duty(pause(&name)).await, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_refused(stranger.waive_duty(waive(&name)).await, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!(get(&bench, &name).await.etag, "\"1\"");
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_the_current_one_is_taken() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    let mut head = compliance(bench.as_("staff/head", &["MANAGER"]));
    let seen = head.get_duty(pb::GetDutyRequest { name: name.clone() }).await.unwrap().into_inner().etag;
    head.pause_duty(pb::PauseDutyRequest { etag: seen.clone(), ..pause(&name) }).await.unwrap();
    let refused = head.resume_duty(pb::ResumeDutyRequest { etag: seen.clone(), ..resume(&name) }).await;
    assert_eq!(assert_refused(refused, Code::Aborted, ErrorReason::EtagStale).resource(), name);
    let refused = head.waive_duty(pb::WaiveDutyRequest { etag: seen, ..waive(&name) }).await;
    assert_refused(refused, Code::Aborted, ErrorReason::EtagStale);
    assert_eq!(get(&bench, &name).await.state(), State::Paused);
}

#[tokio::test]
async fn an_action_that_the_state_forbids_names_the_clause_and_changes_nothing() {
    let bench = Bench::of(&BARE).await;
    let now = bench.now();
    let fresh = || duty(&bench, "things/1", "staff/lin", "departments/desk", 8);
    let made = |change: &dyn Fn(&mut kefu_chassis::duties::Duty)| {
        let mut duty = fresh();
        change(&mut duty);
        duty
    };
    let duties = vec![
        fresh(),
        made(&|duty| drop(duty.pause(entry(&bench, "staff/y"), "x"))),
        made(&|duty| drop(duty.meet(now, now))),
        made(&|duty| drop(duty.waive(now, "x", "staff/y"))),
        made(&|duty| drop(duty.void(now, now, "x", "staff/y"))),
    ];
    let names = store(&bench, duties).await;
    let mut head = compliance(bench.as_("staff/head", &["MANAGER"]));
    // Each state, and which of pause, resume and waive it forbids.
    for (name, forbidden) in names.iter().zip([
        vec!["resume"],
        vec!["pause"],
        vec!["pause", "resume", "waive"],
        vec!["pause", "resume", "waive"],
        vec!["pause", "resume", "waive"],
    ]) {
        let before = get(&bench, name).await;
        for action in forbidden {
            let refused = match action {
                "pause" => head.pause_duty(pause(name)).await,
                "resume" => head.resume_duty(resume(name)).await,
                _ => head.waive_duty(waive(name)).await,
            };
            let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::StateForbids);
            assert_eq!(
                (refusal.clauses(), refusal.resource()),
                (vec!["C4.1"], name.as_str()),
                "{action} of {:?}",
                before.state()
            );
        }
        assert_eq!(get(&bench, name).await, before);
    }
    assert_eq!(bench.number("select count(*) from journal").await, 1);
}

#[tokio::test]
async fn a_decision_needs_a_reason_and_takes_four_round_trips() {
    let bench = Bench::builder(&BARE).counting().start().await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    let mut head = compliance(bench.as_("staff/head", &["MANAGER"]));
    for reason in ["", " \t ", &"客".repeat(501)] {
        let refused = head.pause_duty(pb::PauseDutyRequest { reason: reason.into(), ..pause(&name) }).await;
        assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["reason"]);
    }
    let refused =
        head.waive_duty(pb::WaiveDutyRequest { reason: String::new(), request_id: "x".into(), ..waive(&name) }).await;
    assert_eq!(
        assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(),
        ["reason", "request_id"]
    );

    let head = &head;
    let read = bench
        .round_trips(|| async { head.clone().get_duty(pb::GetDutyRequest { name: name.clone() }).await.unwrap() })
        .await;
    assert_eq!(read, 1);
    // A decision begins, locks the duty, writes everything in one statement and commits.
    let is_open = std::cell::Cell::new(true);
    let change = bench.round_trips(|| async {
        let mut head = head.clone();
        let request_id = kefu_testkit::request_id();
        if is_open.replace(!is_open.get()) {
            head.pause_duty(pb::PauseDutyRequest { request_id, ..pause(&name) }).await.unwrap();
        } else {
            head.resume_duty(pb::ResumeDutyRequest { request_id, ..resume(&name) }).await.unwrap();
        }
    });
    assert_eq!(change.await, 4);
}
