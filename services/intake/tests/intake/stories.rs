//! The stories of a request, each clause with its clock, from the customer's first word to the last.

use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::compliance::v1::{PauseDutyRequest, ResumeDutyRequest, SummarizeComplianceRequest};
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::{CarrierState, Channel, State};
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{DESK, Desk, proto};

fn kept(kinds: &[(&str, Kept, bool)]) -> Vec<(String, Kept, bool)> {
    kinds.iter().map(|&(kind, state, breached)| (kind.to_owned(), state, breached)).collect()
}

#[tokio::test]
async fn a_request_is_registered_answered_classified_resolved_and_confirmed_with_every_clock_and_change_on_record() {
    let mut desk = Desk::open().await;
    let request = desk.register(Channel::Chat).await;
    assert_eq!(
        (request.state(), request.first_responder.as_str(), request.owner.as_str()),
        (State::Registered, "staff/lin", "staff/lin")
    );
    assert_eq!((request.department.as_str(), request.number.as_str()), (DESK, "R-20261120-000001"));
    assert_eq!(request.contact.as_ref().unwrap().phone, "+8613800138000");
    let name = request.name;
    assert_eq!(
        desk.duty(&name, "first_response").await.due_time,
        proto("2026-11-20T10:03:00+08:00"),
        "C2.1: a chat within 3 minutes"
    );
    assert_eq!(desk.duty(&name, "classification").await.due_time, proto("2026-11-20T10:30:00+08:00"));

    desk.pass(2);
    let answered = desk.respond(&name).await.unwrap();
    assert_eq!(
        (answered.state(), answered.first_response_time),
        (State::InProgress, proto("2026-11-20T10:02:00+08:00"))
    );
    assert_eq!(
        desk.duty(&name, "progress").await.due_time,
        proto("2026-11-23T10:02:00+08:00"),
        "C4.1: a working day after the answer, over the weekend"
    );
    desk.classify(&name).await.unwrap();
    desk.pass(8);
    let resolved = desk.resolve(&name).await.unwrap();
    assert!(resolved.first_contact_resolution, "A2.3: settled at once by the first responder");
    let closed = desk.confirm(&name, Outcome::Satisfied).await.unwrap();
    assert_eq!((closed.state(), closed.closed_time), (State::Closed, proto("2026-11-20T10:10:00+08:00")));
    let met =
        [("classification", Kept::Met, false), ("first_response", Kept::Met, false), ("progress", Kept::Met, false)];
    assert_eq!(desk.kept(&name).await, kept(&met));

    let events = desk.events().await;
    let told: Vec<_> = events
        .iter()
        .filter(|event| event.aggregate == name)
        .map(|event| (event.aggregate_version, payload(event)))
        .collect();
    let names = ["RequestRegistered", "RequestResponded", "RequestClassified", "RequestResolved", "ResolutionAsked"];
    assert_eq!(told, (1_i64..).zip(names).collect::<Vec<_>>());
    let registered = events.iter().find(|event| event.aggregate == name).unwrap();
    assert!(registered.clauses.contains(&"A2.1".to_owned()) && registered.actor == "staff/lin");
    let opened: Vec<_> = registered.duty_changes.iter().map(|change| (change.clause.as_str(), change.kind())).collect();
    assert_eq!(opened, [("C2.1", Kind::Opened), ("C2.4", Kind::Opened)]);
}

fn payload(event: &kefu_proto::events::v1::Event) -> &str {
    event.payload.as_ref().unwrap().type_url.rsplit('.').next().unwrap()
}

#[tokio::test]
async fn a_call_that_was_picked_up_before_it_was_registered_is_judged_at_the_time_it_was_picked_up() {
    let mut desk = Desk::open().await;
    for (answered, is_late) in [("2026-11-20T09:50:15+08:00", false), ("2026-11-20T09:50:15.000001+08:00", true)] {
        let registration = pb::RegisterRequestRequest {
            occurred_time: proto("2026-11-20T09:50:00+08:00"),
            answered_time: proto(answered),
            business_domain: "printing".into(),
            problem_type: "offline".into(),
            ..desk.registration(Channel::Hotline)
        };
        let request = desk.requests.register_request(registration).await.unwrap().into_inner();
        assert_eq!(request.state(), State::InProgress);
        let duty = desk.duty(&request.name, "first_response").await;
        assert_eq!(duty.due_time, proto("2026-11-20T09:50:15+08:00"), "C2.1: three rings of five seconds");
        assert_eq!((duty.state(), duty.met_time), (Kept::Met, proto(answered)));
        let events = desk.events().await;
        let changes = &events.iter().find(|event| event.aggregate == request.name).unwrap().duty_changes;
        assert!(
            changes
                .iter()
                .any(|change| change.clause == "C2.1" && change.kind() == Kind::Met && change.late == is_late)
        );
        assert_eq!(desk.duty(&request.name, "classification").await.state(), Kept::Met, "C2.4: judged at once");
    }
}

#[tokio::test]
async fn the_clock_marks_an_answer_that_does_not_come_and_it_still_has_to_be_given() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.pass(3);
    desk.bench.mark_overdue().await;
    assert_eq!(
        desk.duty(&name, "first_response").await.breached_time,
        None,
        "at its due time a duty is not breached yet"
    );
    desk.pass(1);
    desk.bench.mark_overdue().await;
    let duty = desk.duty(&name, "first_response").await;
    assert_eq!((duty.state(), duty.breached_time), (Kept::Open, proto("2026-11-20T10:03:00+08:00")));
    desk.respond(&name).await.unwrap();
    let duty = desk.duty(&name, "first_response").await;
    assert_eq!((duty.state(), duty.corrected), (Kept::Met, false));
    assert!(duty.breached_time.is_some(), "the breach stays on record");
}

#[tokio::test]
async fn an_answer_recorded_late_is_judged_when_it_was_given_and_corrects_the_breach() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.pass(30);
    desk.bench.mark_overdue().await;
    let call = pb::RespondRequestRequest {
        name: name.clone(),
        occurred_time: proto("2026-11-20T10:02:00+08:00"),
        ..Default::default()
    };
    desk.requests.respond_request(call).await.unwrap();
    let duty = desk.duty(&name, "first_response").await;
    assert_eq!((duty.state(), duty.corrected, duty.breached_time.is_some()), (Kept::Met, true, true));
    let events = desk.events().await;
    let changes: Vec<_> = events
        .iter()
        .flat_map(|event| &event.duty_changes)
        .filter(|change| change.clause == "C2.1")
        .map(kefu_proto::events::v1::DutyChange::kind)
        .collect();
    assert_eq!(changes, [Kind::Opened, Kind::Breached, Kind::Corrected], "both stay visible");
}

#[tokio::test]
async fn a_promised_wait_replaces_the_due_time_once_and_a_second_promise_is_a_breach() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.pass(1);
    let promise = |until: &str| pb::PromiseWaitRequest {
        name: name.clone(),
        reason: "配件在途".into(),
        promised_time: proto(until),
        ..Default::default()
    };
    let request = desk.requests.promise_wait(promise("2026-11-20T11:00:00+08:00")).await.unwrap().into_inner();
    assert_eq!((request.state(), request.promised_time), (State::Registered, proto("2026-11-20T11:00:00+08:00")));
    assert_eq!(desk.duty(&name, "first_response").await.due_time, proto("2026-11-20T11:00:00+08:00"));
    desk.pass(30);
    desk.bench.mark_overdue().await;
    assert_eq!(desk.duty(&name, "first_response").await.breached_time, None);
    desk.requests.promise_wait(promise("2026-11-20T16:00:00+08:00")).await.unwrap();
    assert_eq!(desk.duty(&name, "first_response").await.due_time, proto("2026-11-20T11:00:00+08:00"), "replaced once");
    assert_eq!(desk.duty(&name, "promised_wait").await.breached_time, proto("2026-11-20T10:31:00+08:00"), "C2.2");

    let too_long = desk.requests.promise_wait(promise("2026-11-27T16:00:00+08:00")).await;
    assert_eq!(assert_refused(too_long, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["C2.2"]);
    let past = desk.requests.promise_wait(promise("2026-11-20T10:31:00+08:00")).await;
    assert_eq!(assert_refused(past, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["promised_time"]);
}

#[tokio::test]
async fn waiting_for_the_customer_stops_the_progress_clock_and_no_other() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.pass(60);
    let call = pb::AwaitCustomerRequest { name: name.clone(), awaited: "序列号".into(), ..Default::default() };
    let awaited = desk.requests.await_customer(call).await.unwrap().into_inner();
    assert_eq!((awaited.state(), awaited.awaited.as_str()), (State::AwaitingCustomer, "序列号"));
    let progress = desk.duty(&name, "progress").await;
    assert_eq!((progress.state(), progress.due_time), (Kept::Paused, None));
    desk.bench.mark_overdue().await;
    assert!(desk.duty(&name, "classification").await.breached_time.is_some(), "C2.4 went on and ran out");
    desk.pass_to("2026-11-25T10:00:00+08:00");
    let call = pb::CustomerRepliedRequest { name: name.clone(), ..Default::default() };
    let replied = desk.requests.customer_replied(call).await.unwrap().into_inner();
    assert_eq!((replied.state(), replied.awaited.as_str()), (State::InProgress, ""));
    let progress = desk.duty(&name, "progress").await;
    assert_eq!(
        (progress.state(), progress.due_time),
        (Kept::Open, proto("2026-11-25T18:00:00+08:00")),
        "seven of eight hours were left"
    );
}

#[tokio::test]
async fn each_word_to_the_customer_ends_one_interval_and_starts_the_next() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.pass(60);
    let note = pb::RecordProgressRequest { parent: name.clone(), text: "已派单".into(), ..Default::default() };
    desk.requests.record_progress(note).await.unwrap();
    assert_eq!(desk.duty(&name, "progress").await.state(), Kept::Open, "an internal note tells the customer nothing");
    let told = desk.tell(&name).await.unwrap();
    assert_eq!(told.occurred_time, proto("2026-11-20T11:00:00+08:00"));
    let intervals: Vec<_> = desk
        .duties(&name)
        .await
        .into_iter()
        .filter(|duty| duty.kind == "progress")
        .map(|duty| (duty.state(), duty.due_time))
        .collect();
    assert_eq!(
        intervals,
        [(Kept::Met, proto("2026-11-23T10:00:00+08:00")), (Kept::Open, proto("2026-11-23T11:00:00+08:00"))]
    );
}

#[tokio::test]
async fn a_delayed_shipment_starts_the_clock_until_the_customer_is_told() {
    let mut desk = Desk::open().await;
    let registration = pb::RegisterRequestRequest {
        kind: pb::request::Kind::Shipment.into(),
        order_number: "JD-1".into(),
        ..desk.registration(Channel::Web)
    };
    let name = desk.requests.register_request(registration).await.unwrap().into_inner().name;
    let delayed = pb::RecordProgressRequest {
        parent: name.clone(),
        text: "承运商延误".into(),
        carrier_state: CarrierState::Delayed.into(),
        ..Default::default()
    };
    desk.requests.record_progress(delayed).await.unwrap();
    assert_eq!(
        desk.duty(&name, "delay_notice").await.due_time,
        proto("2026-11-20T14:00:00+08:00"),
        "B1.3: four hours, whatever the lunch break"
    );
    desk.tell(&name).await.unwrap();
    assert_eq!(desk.duty(&name, "delay_notice").await.state(), Kept::Met);
}

#[tokio::test]
async fn a_request_without_classification_is_not_resolved() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    let refused = assert_refused(desk.resolve(&name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refused.clauses(), refused.resource()), (vec!["C2.4"], name.as_str()));
}

#[tokio::test]
async fn a_dissatisfied_customer_is_handled_again_until_satisfied_and_the_cycle_counts() {
    let mut desk = Desk::open().await;
    let name = desk.resolved().await.name;
    let again = desk.confirm(&name, Outcome::Dissatisfied).await.unwrap();
    assert_eq!((again.state(), again.cycle, again.first_contact_resolution), (State::InProgress, 1, false));
    let resolved = desk.resolve(&name).await.unwrap();
    assert!(!resolved.first_contact_resolution, "A2.3: not at the first contact any more");
    assert_eq!(desk.confirm(&name, Outcome::Satisfied).await.unwrap().state(), State::Closed);
    let reopened = desk
        .requests
        .reopen_request(pb::ReopenRequestRequest {
            name: name.clone(), reason: "又坏了".into(), ..Default::default()
        })
        .await;
    assert_eq!(reopened.unwrap().into_inner().cycle, 2);
    desk.resolve(&name).await.unwrap();
    desk.confirm(&name, Outcome::Satisfied).await.unwrap();
    desk.bench.time().advance(jiff::SignedDuration::from_hours(30 * 24 + 1));
    let late = desk
        .requests
        .reopen_request(pb::ReopenRequestRequest { name, reason: "又坏了".into(), ..Default::default() })
        .await;
    assert_eq!(assert_refused(late, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["C4.3"]);
}

#[tokio::test]
async fn an_unreachable_customer_is_given_up_after_three_attempts_on_three_working_days() {
    let mut desk = Desk::open().await;
    let name = desk.resolved().await.name;
    // Friday twice, Saturday (no working day), Monday: three attempts, but two working days.
    for time in [
        "2026-11-20T11:00:00+08:00",
        "2026-11-20T15:00:00+08:00",
        "2026-11-21T10:00:00+08:00",
        "2026-11-23T10:00:00+08:00",
    ] {
        desk.pass_to(time);
        let refused = assert_refused(
            desk.confirm(&name, Outcome::GivenUp).await,
            Code::FailedPrecondition,
            ErrorReason::GateClosed,
        );
        assert_eq!(refused.clauses(), ["C4.2"], "{time}");
        assert_eq!(desk.confirm(&name, Outcome::NotReached).await.unwrap().state(), State::Resolved);
    }
    assert_refused(desk.confirm(&name, Outcome::GivenUp).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    desk.pass_to("2026-11-24T10:00:00+08:00");
    desk.confirm(&name, Outcome::NotReached).await.unwrap();
    let closed = desk.confirm(&name, Outcome::GivenUp).await.unwrap();
    assert_eq!((closed.state(), closed.unreached_attempts), (State::Closed, 5));
}

#[tokio::test]
async fn a_request_the_customer_gives_up_has_no_live_duty_left() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Web).await.name;
    let call = pb::CancelRequestRequest { name: name.clone(), reason: "已自行解决".into(), ..Default::default() };
    assert_eq!(desk.requests.cancel_request(call).await.unwrap().into_inner().state(), State::Cancelled);
    assert_eq!(
        desk.kept(&name).await,
        kept(&[("classification", Kept::Voided, false), ("first_response", Kept::Voided, false)])
    );
}

#[tokio::test]
async fn the_first_responder_never_changes_not_even_by_sql() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    let changed =
        sqlx::query("update intake.request set first_responder = 'staff/eve'").execute(desk.bench.pool()).await;
    assert!(changed.unwrap_err().to_string().contains("A2.1"));
    assert_eq!(desk.respond(&name).await.unwrap().first_responder, "staff/lin");
}

#[tokio::test]
async fn a_service_registers_on_behalf_of_the_employee_it_names() {
    let desk = Desk::open().await;
    let mut web = RequestServiceClient::new(desk.bench.as_service());
    let registration = desk.registration(Channel::Web);
    let refused = assert_refused(
        web.register_request(registration.clone()).await,
        Code::InvalidArgument,
        ErrorReason::FieldInvalid,
    );
    assert_eq!(refused.fields(), ["first_responder"]);
    let named =
        pb::RegisterRequestRequest { first_responder: "staff/zhao".into(), department: DESK.into(), ..registration };
    let request = web.register_request(named).await.unwrap().into_inner();
    assert_eq!((request.first_responder.as_str(), request.owner.as_str()), ("staff/zhao", "staff/zhao"));
}

#[tokio::test]
async fn who_belongs_to_no_department_registers_nothing() {
    let desk = Desk::open().await;
    let mut client = RequestServiceClient::new(desk.bench.as_("staff/lin", &["AGENT"], ""));
    let refused = client.register_request(desk.registration(Channel::Chat)).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["department"]);
}

#[tokio::test]
async fn what_a_supervisor_stopped_no_reply_of_the_customer_starts_again() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    let progress = desk.duty(&name, "progress").await.name;
    let mut duties = ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR"], DESK));
    let pause = PauseDutyRequest { name: progress.clone(), reason: "停电".into(), ..Default::default() };
    duties.pause_duty(pause).await.unwrap();
    let call = pb::AwaitCustomerRequest { name: name.clone(), awaited: "序列号".into(), ..Default::default() };
    desk.requests.await_customer(call).await.unwrap();
    desk.requests
        .customer_replied(pb::CustomerRepliedRequest { name: name.clone(), ..Default::default() })
        .await
        .unwrap();
    let duty = desk.duty(&name, "progress").await;
    assert_eq!((duty.state(), duty.reason.as_str(), duty.decided_by.as_str()), (Kept::Paused, "停电", "staff/head"));
    duties.resume_duty(ResumeDutyRequest { name: progress, ..Default::default() }).await.unwrap();
    assert_eq!(desk.duty(&name, "progress").await.state(), Kept::Open);
}

#[tokio::test]
async fn a_word_to_the_customer_recorded_out_of_order_changes_no_later_interval() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.pass(120);
    desk.tell(&name).await.unwrap();
    let before = desk.duties(&name).await;
    let told_by = Channel::Hotline.into();
    let earlier = pb::RecordProgressRequest {
        parent: name.clone(),
        text: "补记".into(),
        told_by,
        occurred_time: proto("2026-11-20T11:00:00+08:00"),
        ..Default::default()
    };
    desk.requests.record_progress(earlier).await.unwrap();
    assert_eq!(desk.duties(&name).await, before);
    let request = desk.requests.get_request(pb::GetRequestRequest { name }).await.unwrap().into_inner();
    assert_eq!(request.last_informed_time, proto("2026-11-20T12:00:00+08:00"), "A9.1: the silence is no longer for it");
}

#[tokio::test]
async fn a_promise_made_in_time_and_recorded_after_the_clock_takes_its_mark_back() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.pass(10);
    desk.bench.mark_overdue().await;
    let promise = pb::PromiseWaitRequest {
        name: name.clone(),
        reason: "配件在途".into(),
        promised_time: proto("2026-11-20T11:00:00+08:00"),
        occurred_time: proto("2026-11-20T10:02:00+08:00"),
        ..Default::default()
    };
    desk.requests.promise_wait(promise).await.unwrap();
    desk.pass(10);
    desk.respond(&name).await.unwrap();
    let duty = desk.duty(&name, "first_response").await;
    assert_eq!((duty.state(), duty.breached_time), (Kept::Met, None));
    let events = desk.events().await;
    let marked =
        events.iter().find(|event| event.duty_changes.iter().any(|change| change.kind() == Kind::Breached)).unwrap();
    let promised = events.iter().find(|event| payload(event) == "WaitPromised").unwrap();
    assert_eq!(promised.corrects, marked.event_id, "the correction names the event that it corrects");
}

#[tokio::test]
async fn a_second_promise_counts_as_broken_and_a_chat_given_up_unanswered_stays_on_record() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    for until in ["2026-11-20T11:00:00+08:00", "2026-11-20T12:00:00+08:00"] {
        let promise = pb::PromiseWaitRequest {
            name: name.clone(),
            reason: "忙".into(),
            promised_time: proto(until),
            ..Default::default()
        };
        desk.requests.promise_wait(promise).await.unwrap();
    }
    desk.respond(&name).await.unwrap();
    let ignored = desk.register(Channel::Chat).await.name;
    desk.bench.time().advance(jiff::SignedDuration::from_mins(60));
    let call = pb::CancelRequestRequest { name: ignored, reason: "等不及了".into(), ..Default::default() };
    desk.requests.cancel_request(call).await.unwrap();

    let mut client = ComplianceServiceClient::new(desk.bench.as_service());
    let call = SummarizeComplianceRequest { parent: desk.bench.name(), ..Default::default() };
    let rows = client.summarize_compliance(call).await.unwrap().into_inner().rows;
    let row = |clause: &str| rows.iter().find(|row| row.clause == clause).unwrap();
    assert_eq!((row("C2.2").met_in_time, row("C2.2").late, row("C2.2").breached), (0, 1, 1));
    assert_eq!((row("C2.1").met_in_time, row("C2.1").voided, row("C2.1").breached), (1, 1, 1));
}

#[tokio::test]
async fn a_shipment_registered_as_delayed_has_its_notice_due() {
    let mut desk = Desk::open().await;
    let registration = pb::RegisterRequestRequest {
        kind: pb::request::Kind::Shipment.into(),
        order_number: "JD-1".into(),
        carrier_state: CarrierState::Delayed.into(),
        ..desk.registration(Channel::Web)
    };
    let name = desk.requests.register_request(registration).await.unwrap().into_inner().name;
    assert_eq!(desk.duty(&name, "delay_notice").await.due_time, proto("2026-11-20T14:00:00+08:00"));
}

#[tokio::test]
async fn a_classification_of_blanks_is_none_and_a_customer_dates_nothing_back() {
    let mut desk = Desk::open().await;
    let blank = pb::RegisterRequestRequest {
        business_domain: " ".into(),
        problem_type: "\t".into(),
        ..desk.registration(Channel::Chat)
    };
    let name = desk.requests.register_request(blank).await.unwrap().into_inner().name;
    assert_eq!(desk.duty(&name, "classification").await.state(), Kept::Open);
    let mut customer = RequestServiceClient::new(desk.bench.as_(&desk.customer, &["CUSTOMER"], ""));
    desk.pass(60);
    let call = pb::CancelRequestRequest {
        name,
        reason: "x".into(),
        occurred_time: proto("2026-11-20T10:00:00+08:00"),
        ..Default::default()
    };
    let refused = assert_refused(customer.cancel_request(call).await, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refused.fields(), ["occurred_time"]);
}

#[tokio::test]
async fn a_column_that_the_next_version_adds_disturbs_no_running_one() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.duties(&name).await;
    for table in ["customer", "request", "duty", "journal", "reply", "progress"] {
        let add = sqlx::AssertSqlSafe(format!("alter table {table} add column next text"));
        sqlx::query(add).execute(desk.bench.admin()).await.unwrap();
    }
    desk.classify(&name).await.unwrap();
    desk.tell(&name).await.unwrap();
    desk.requests.get_request(pb::GetRequestRequest { name: name.clone() }).await.unwrap();
    desk.customers.get_customer(pb::GetCustomerRequest { name: desk.customer.clone() }).await.unwrap();
    assert_eq!(desk.duties(&name).await.len(), 4);
    desk.events().await;
}

#[tokio::test]
async fn whoever_says_only_when_a_customer_was_answered_means_at_once() {
    let mut desk = Desk::open().await;
    let answered_time = proto("2026-11-20T09:59:00+08:00");
    let call = pb::RegisterRequestRequest { answered_time, ..desk.registration(Channel::Hotline) };
    let request = desk.requests.register_request(call).await.unwrap().into_inner();
    assert_eq!((request.contact_time, request.first_response_time), (answered_time, answered_time));
}
