//! The stories of a request with the clock of each clause, from the first contact to the customer's confirmation.

use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::{CarrierState, State};
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::{ErrorReason, FieldRule};
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{DESK, Desk, payload, proto};

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
    assert!(!resolved.first_contact_resolution, "only the customer knows");
    let closed = desk.confirm(&name, Outcome::Satisfied).await.unwrap();
    assert!(closed.first_contact_resolution, "A2.3: settled at once by the first responder, as the customer confirms");
    assert_eq!((closed.state(), closed.closed_time), (State::Closed, proto("2026-11-20T10:10:00+08:00")));
    let met =
        ["classification", "first_response", "pass_on", "progress", "question"].map(|kind| (kind, Kept::Met, false));
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
    assert_eq!(opened, [("C2.1", Kind::Opened), ("C2.4", Kind::Opened), ("A2.8", Kind::Opened)]);
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
        kept(&["classification", "first_response", "pass_on"].map(|kind| (kind, Kept::Voided, false)))
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
    let named = pb::RegisterRequestRequest { first_responder: "staff/zhao".into(), ..registration };
    let elsewhere = pb::RegisterRequestRequest { department: DESK.into(), ..named.clone() };
    let refused = web.register_request(elsewhere).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["department"]);
    let request = web.register_request(named).await.unwrap().into_inner();
    assert_eq!((request.first_responder.as_str(), request.owner.as_str()), ("staff/zhao", "staff/zhao"));
    assert_eq!(request.department, "departments/other", "as the directory says");
}

#[tokio::test]
async fn who_belongs_to_no_department_registers_nothing() {
    let desk = Desk::open().await;
    let mut client = RequestServiceClient::new(desk.bench.as_("staff/root", &["AGENT"]));
    let registration = desk.registration(Channel::Chat);
    let refused = client.register_request(registration.clone()).await;
    let refused = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!((refused.fields(), refused.said()[0].rule), (vec!["first_responder"], FieldRule::NotAccepted));
    let mut admin = RequestServiceClient::new(desk.bench.as_("staff/root", &["ADMIN"]));
    for department in ["", DESK] {
        let own = pb::RegisterRequestRequest { department: department.into(), ..registration.clone() };
        let refused =
            assert_refused(admin.register_request(own).await, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!((refused.fields(), refused.said()[0].rule), (vec!["first_responder"], FieldRule::RequiredWhen));
    }
    let named = pb::RegisterRequestRequest { first_responder: "staff/lin".into(), ..registration };
    assert_eq!(admin.register_request(named).await.unwrap().into_inner().owner, "staff/lin", "which cures it");
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
        problem_type: "\u{3000}".into(),
        ..desk.registration(Channel::Chat)
    };
    let name = desk.requests.register_request(blank).await.unwrap().into_inner().name;
    assert_eq!(desk.duty(&name, "classification").await.state(), Kept::Open);
    let mut customer = RequestServiceClient::new(desk.bench.as_(&desk.customer, &["CUSTOMER"]));
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
    assert_eq!(desk.duties(&name).await.len(), 5);
    desk.events().await;
}
