//! The clocks of a request: what starts, pauses, moves and ends each, and events recorded late or out of order.

use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::compliance::v1::{PauseDutyRequest, ResumeDutyRequest, SummarizeComplianceRequest};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request::State;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::{ErrorReason, FieldRule};
use kefu_testkit::{Bench, START, assert_refused};
use tonic::Code;

use super::desk::{Desk, payload, proto};

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
async fn a_replica_whose_clock_is_a_little_behind_records_after_the_other_and_one_far_behind_refuses_for_now() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    for (started, is_far) in [("2026-11-20T09:58:59+08:00", true), ("2026-11-20T09:59:00+08:00", false)] {
        let replica = Bench::builder(&kefu_intake::SERVICE).starting_at(started);
        let replica = replica.start_on(desk.bench.database()).await.unwrap();
        let mut requests = RequestServiceClient::new(replica.as_("staff/lin", &["AGENT"]));
        let call =
            pb::RespondRequestRequest { name: name.clone(), text: "已联系工程师".into(), ..Default::default() };
        let answered = requests.respond_request(call).await;
        if is_far {
            let refused = assert_refused(answered, Code::Unavailable, ErrorReason::BackendAway);
            assert!(refused.details.retry_info().is_some(), "another replica is asked");
            continue;
        }
        let answered = answered.unwrap().into_inner();
        assert_eq!(answered.first_response_time, proto(START), "when it was registered, no sooner");
        assert_eq!((answered.create_time, answered.update_time), (proto(START), proto(START)));
        let duty = desk.duty(&name, "first_response").await;
        assert_eq!((duty.state(), duty.met_time), (Kept::Met, proto(START)));
    }
}

#[tokio::test]
async fn a_clock_that_is_a_little_behind_changes_a_customer_when_it_was_created_and_no_sooner() {
    let desk = Desk::open().await;
    let behind = Bench::builder(&kefu_intake::SERVICE).starting_at("2026-11-20T09:59:56+08:00");
    let behind = behind.start_on(desk.bench.database()).await.unwrap();
    let contact = kefu_proto::contacts::v1::Contact { phone: "13800138000".into(), ..Default::default() };
    let customer = pb::Customer { display_name: "王".into(), contacts: vec![contact], ..Default::default() };
    let create =
        pb::CreateCustomerRequest { customer: Some(customer), allow_shared_contacts: true, ..Default::default() };
    let mut customers = CustomerServiceClient::new(desk.bench.as_("staff/lin", &["AGENT"]));
    let mut customer = customers.create_customer(create).await.unwrap().into_inner();
    customer.display_name = "王小明".into();
    let mut customers = CustomerServiceClient::new(behind.as_("staff/lin", &["AGENT"]));
    let update = pb::UpdateCustomerRequest { customer: Some(customer), ..Default::default() };
    let updated = customers.update_customer(update).await.unwrap().into_inner();
    assert_eq!((updated.create_time, updated.update_time), (proto(START), proto(START)));
}

#[tokio::test]
async fn a_time_up_to_a_minute_ahead_is_now_and_a_later_one_is_in_the_future() {
    let mut desk = Desk::open().await;
    let ahead = proto("2026-11-20T10:01:00+08:00");
    let name = desk.register(Channel::Chat).await.name;
    let call = |occurred_time| pb::RespondRequestRequest {
        name: name.clone(),
        occurred_time,
        text: "已联系工程师".into(),
        ..Default::default()
    };
    let refused = desk.requests.respond_request(call(proto("2026-11-20T10:01:00.000001+08:00"))).await;
    let refused = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!((refused.fields(), refused.said()[0].rule), (vec!["occurred_time"], FieldRule::TooLate));
    let answered = desk.requests.respond_request(call(ahead)).await.unwrap().into_inner();
    assert_eq!(answered.first_response_time, proto(START));
    let answered = pb::RegisterRequestRequest { answered_time: ahead, ..desk.registration(Channel::Hotline) };
    let answered = desk.requests.register_request(answered).await.unwrap().into_inner();
    assert_eq!((answered.contact_time, answered.first_response_time), (proto(START), proto(START)));
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
    assert_eq!((duty.state(), duty.late, duty.taken_back), (Kept::Met, true, 0));
    assert!(duty.breached_time.is_some(), "the breach stays on record");
}

#[tokio::test]
async fn an_answer_recorded_late_is_judged_when_it_was_given_and_takes_the_mark_back() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.pass(30);
    desk.bench.mark_overdue().await;
    let call = pb::RespondRequestRequest {
        name: name.clone(),
        occurred_time: proto("2026-11-20T10:02:00+08:00"),
        text: "已联系工程师".into(),
        ..Default::default()
    };
    desk.requests.respond_request(call).await.unwrap();
    let duty = desk.duty(&name, "first_response").await;
    assert_eq!((duty.state(), duty.late, duty.breached_time), (Kept::Met, false, None));
    assert_eq!((duty.recorded_late, duty.taken_back), (true, 1));
    let events = desk.events().await;
    let changes: Vec<_> = events
        .iter()
        .flat_map(|event| &event.duty_changes)
        .filter(|change| change.clause == "C2.1")
        .map(kefu_proto::events::v1::DutyChange::kind)
        .collect();
    assert_eq!(
        changes,
        [Kind::Opened, Kind::Breached, Kind::Escalated, Kind::Corrected, Kind::Met],
        "both stay visible"
    );
}

#[tokio::test]
async fn a_promised_wait_replaces_the_due_time_once_and_a_second_promise_is_a_deviation() {
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
    assert_eq!(desk.duty(&name, "promised_wait").await.breached_time, None);
    let second = desk.duty(&name, "second_promise").await;
    assert_eq!((second.state(), second.open_time), (Kept::Deviated, proto("2026-11-20T10:31:00+08:00")), "C2.2");

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
    let call = pb::RecordCustomerReplyRequest { name: name.clone(), ..Default::default() };
    let replied = desk.requests.record_customer_reply(call).await.unwrap().into_inner();
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
async fn what_a_supervisor_stopped_no_reply_of_the_customer_starts_again() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    let progress = desk.duty(&name, "progress").await.name;
    let mut duties = ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR"]));
    let pause = PauseDutyRequest { name: progress.clone(), reason: "停电".into(), ..Default::default() };
    duties.pause_duty(pause).await.unwrap();
    let call = pb::AwaitCustomerRequest { name: name.clone(), awaited: "序列号".into(), ..Default::default() };
    desk.requests.await_customer(call).await.unwrap();
    desk.requests
        .record_customer_reply(pb::RecordCustomerReplyRequest { name: name.clone(), ..Default::default() })
        .await
        .unwrap();
    let duty = desk.duty(&name, "progress").await;
    assert_eq!((duty.state(), duty.reason.as_str(), duty.decided_by.as_str()), (Kept::Paused, "停电", "staff/head"));
    duties.resume_duty(ResumeDutyRequest { name: progress, ..Default::default() }).await.unwrap();
    assert_eq!(desk.duty(&name, "progress").await.state(), Kept::Open);
}

#[tokio::test]
async fn a_wait_promised_while_a_supervisor_stopped_the_clock_counts_from_when_it_runs() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.pass(2);
    let duty = desk.duty(&name, "first_response").await.name;
    let mut duties = ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR"]));
    let pause = PauseDutyRequest { name: duty.clone(), reason: "停电".into(), ..Default::default() };
    duties.pause_duty(pause).await.unwrap();
    desk.pass(8);
    let promise = pb::PromiseWaitRequest {
        name: name.clone(),
        reason: "停电".into(),
        promised_time: proto("2026-11-20T10:30:00+08:00"),
        ..Default::default()
    };
    desk.requests.promise_wait(promise).await.unwrap();
    desk.pass(5);
    let resumed =
        duties.resume_duty(ResumeDutyRequest { name: duty, ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(resumed.due_time, proto("2026-11-20T10:35:00+08:00"), "twenty minutes from when the clock runs");
}

#[tokio::test]
async fn a_word_to_the_customer_recorded_out_of_order_divides_the_interval_in_which_it_was() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.pass(120);
    desk.tell(&name).await.unwrap();
    desk.bench.mark_overdue().await;
    let told_by = Channel::Hotline.into();
    let earlier = pb::RecordProgressRequest {
        parent: name.clone(),
        text: "补记".into(),
        told_by,
        occurred_time: proto("2026-11-20T11:00:00+08:00"),
        ..Default::default()
    };
    desk.requests.record_progress(earlier).await.unwrap();
    let mut intervals: Vec<_> = desk
        .duties(&name)
        .await
        .into_iter()
        .filter(|duty| duty.kind == "progress")
        .map(|duty| (duty.open_time.map(|time| time.seconds), duty.met_time.map(|time| time.seconds)))
        .collect();
    intervals.sort_unstable();
    let at = |hour: &str| proto(&format!("2026-11-20T{hour}:00:00+08:00")).map(|time| time.seconds);
    assert_eq!(intervals, [(at("10"), at("11")), (at("11"), at("12")), (at("12"), None)]);
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
async fn a_second_promise_is_a_deviation_and_a_chat_given_up_unanswered_stays_on_record() {
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
    assert_eq!((row("C2.2").met_in_time, row("C2.2").breached, row("C2.2").deviated), (1, 0, 1));
    assert_eq!((row("C2.1").met_in_time, row("C2.1").voided, row("C2.1").breached), (1, 1, 1));
}

#[tokio::test]
async fn whoever_says_only_when_a_customer_was_answered_means_at_once() {
    let mut desk = Desk::open().await;
    let answered_time = proto("2026-11-20T09:59:00+08:00");
    let call = pb::RegisterRequestRequest { answered_time, ..desk.registration(Channel::Hotline) };
    let request = desk.requests.register_request(call).await.unwrap().into_inner();
    assert_eq!((request.contact_time, request.first_response_time), (answered_time, answered_time));
}

#[tokio::test]
async fn a_duty_bears_the_number_of_its_request() {
    let mut desk = Desk::open().await;
    let request = desk.register(Channel::Chat).await;
    assert!(!request.number.is_empty());
    for kind in ["first_response", "classification"] {
        assert_eq!(desk.duty(&request.name, kind).await.number, request.number, "{kind}");
    }
}

#[tokio::test]
async fn a_person_who_registers_a_call_has_answered_it_and_a_service_has_not() {
    let mut desk = Desk::open().await;
    let occurred_time = proto("2026-11-20T09:55:00+08:00");
    let call = pb::RegisterRequestRequest { occurred_time, ..desk.registration(Channel::Hotline) };
    let request = desk.requests.register_request(call.clone()).await.unwrap().into_inner();
    assert_eq!((request.state(), request.first_response_time), (State::InProgress, occurred_time));
    let duty = desk.duty(&request.name, "first_response").await;
    assert_eq!((duty.state(), duty.met_time), (Kept::Met, occurred_time), "C2.1");
    let by_service = pb::RegisterRequestRequest { first_responder: "staff/lin".into(), ..call };
    let switchboard = desk.as_("services/switchboard", "SERVICE").register_request(by_service).await;
    assert_eq!(switchboard.unwrap().into_inner().state(), State::Registered);
}

#[tokio::test]
async fn whatever_the_customer_is_told_first_is_the_first_answer() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Email).await.name;
    desk.pass(60);
    let call = pb::RecordProgressRequest {
        parent: name.clone(),
        text: "已联系工程师".into(),
        told_by: Channel::Email.into(),
        ..Default::default()
    };
    desk.requests.record_progress(call).await.unwrap();
    let request = desk.requests.get_request(pb::GetRequestRequest { name: name.clone() }).await.unwrap().into_inner();
    let told = proto("2026-11-20T11:00:00+08:00");
    assert_eq!((request.state(), request.first_response_time), (State::InProgress, told));
    desk.pass(5 * 60);
    desk.bench.mark_overdue().await;
    let duty = desk.duty(&name, "first_response").await;
    assert_eq!((duty.state(), duty.met_time, duty.breached_time), (Kept::Met, told, None), "C2.1");
}
