//! Ownership of requests: transfers to the head or a deputy, their answers, bounces, claims, assignments (A2.3, A2.4,
//! A2.7, A2.8).

use std::collections::BTreeSet;

use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_proto::intake::v1::request_bounced::Cause;
use kefu_proto::intake::v1::transfer::{Capacity, State as Answer};
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_proto::notifications::v1::{ListNotificationsRequest, Notification};
use kefu_proto::rules::v1::{ErrorReason, FieldRule};
use kefu_testkit::assert_refused;
use prost::Message as _;
use tonic::{Code, Status};

use super::desk::{DESK, Desk, payload, proto};

const FIELD: &str = "departments/field";

impl Desk {
    /// A request that was answered and classified.
    pub(super) async fn working(&mut self, domain: &str) -> String {
        let name = self.register(Channel::Chat).await.name;
        self.respond(&name).await.unwrap();
        self.classify_as(&name, domain).await;
        name
    }

    async fn classify_as(&mut self, name: &str, domain: &str) -> pb::Request {
        let call = pb::ClassifyRequestRequest {
            name: name.into(),
            business_domain: domain.into(),
            problem_type: format!("{domain} {name}"),
            ..Default::default()
        };
        self.requests.classify_request(call).await.unwrap().into_inner()
    }

    async fn hand_to(&mut self, name: &str, department: &str, reason: &str) -> Result<pb::Transfer, Status> {
        let (name, department, reason) = (name.into(), department.into(), reason.into());
        let call = pb::TransferRequestRequest { name, department, reason, ..Default::default() };
        Ok(self.requests.transfer_request(call).await?.into_inner())
    }

    async fn accept(&self, by: &str, transfer: &str) -> Result<pb::Transfer, Status> {
        let call = pb::AcceptTransferRequest { name: transfer.into(), ..Default::default() };
        Ok(self.as_(by, "MANAGER").accept_transfer(call).await?.into_inner())
    }

    async fn decline(&self, by: &str, transfer: &str) -> Result<pb::Transfer, Status> {
        let call =
            pb::DeclineTransferRequest { name: transfer.into(), reason: "不归我部".into(), ..Default::default() };
        Ok(self.as_(by, "MANAGER").decline_transfer(call).await?.into_inner())
    }

    async fn get(&self, name: &str) -> pb::Request {
        let call = pb::GetRequestRequest { name: name.into() };
        self.requests.clone().get_request(call).await.unwrap().into_inner()
    }

    /// The notifications of a member of staff, newest first.
    pub(super) async fn notifications_of(&self, staff: &str) -> Vec<Notification> {
        let mut client = NotificationServiceClient::new(self.bench.as_(staff, &["AGENT"]));
        let call = ListNotificationsRequest { parent: self.bench.name(), ..Default::default() };
        client.list_notifications(call).await.unwrap().into_inner().notifications
    }

    pub(super) async fn away(&self, staff: &str, from: &str, until: &str) {
        let statement = format!(
            "insert into directory_absence values ('staff/{staff}/absences/1', 'staff/{staff}', '{from}', '{until}')
            on conflict (name) do update set start_at = excluded.start_at, end_at = excluded.end_at"
        );
        self.bench.change_directory(&statement).await;
    }

    async fn bounces(&self, name: &str) -> Vec<pb::RequestBounced> {
        let events = self.events().await;
        let bounced = events.iter().filter(|event| event.aggregate == name && payload(event) == "RequestBounced");
        bounced
            .map(|event| {
                assert_eq!(event.clauses, ["A2.7"]);
                pb::RequestBounced::decode(event.payload.as_ref().unwrap().value.as_slice()).unwrap()
            })
            .collect()
    }
}

#[tokio::test]
async fn what_lies_outside_the_scope_goes_to_the_head_in_charge_with_its_unbroken_clocks() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    // The first answer comes too late; the breached duty keeps its owner when the request changes hands.
    desk.pass(10);
    desk.bench.mark_overdue().await;
    desk.respond(&name).await.unwrap();
    let classified = desk.classify_as(&name, "power").await;
    assert_eq!(classified.in_scope, Some(false));
    assert_eq!(desk.duty(&name, "pass_on").await.state(), Kept::Open, "not with the right people yet");

    let transfer = desk.hand_to(&name, FIELD, "").await.unwrap();
    assert_eq!((transfer.recipient.as_str(), transfer.capacity()), ("staff/fieldhead", Capacity::Head));
    let pending = desk.get(&name).await;
    assert_eq!((pending.state(), pending.pending_transfer.as_str()), (State::TransferPending, transfer.name.as_str()));
    assert_eq!((pending.owner.as_str(), pending.department.as_str()), ("staff/lin", DESK), "until they accept");
    assert_eq!(desk.duty(&name, "pass_on").await.state(), Kept::Met);
    let answer = desk.duty(&name, "transfer_answer").await;
    assert_eq!((answer.owner.as_str(), answer.department.as_str()), ("staff/fieldhead", FIELD));
    assert_eq!(answer.due_time, proto("2026-11-20T10:40:00+08:00"), "A2.4: half an hour of working time");
    let told = desk.notifications_of("staff/fieldhead").await;
    assert_eq!((told[0].kind.as_str(), told[0].subject.as_str()), ("transfer_received", name.as_str()));
    assert!(told[0].text.contains(&pending.number), "{}", told[0].text);

    desk.pass(20);
    let refused = desk.accept("staff/zhao", &transfer.name).await;
    assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
    let accepted = desk.accept("staff/fieldhead", &transfer.name).await.unwrap();
    assert_eq!((accepted.state(), accepted.answered_by.as_str()), (Answer::Accepted, "staff/fieldhead"));
    let request = desk.get(&name).await;
    assert_eq!((request.owner.as_str(), request.department.as_str()), ("staff/fieldhead", FIELD));
    assert_eq!((request.state(), request.first_responder.as_str()), (State::InProgress, "staff/lin"));
    assert_eq!(desk.duty(&name, "transfer_answer").await.state(), Kept::Met);
    assert_eq!(desk.duty(&name, "progress").await.owner, "staff/fieldhead");
    assert_eq!(desk.duty(&name, "first_response").await.owner, "staff/lin", "what was broken stays with whom it was");
    let events = desk.events().await;
    let reassigned: Vec<_> = events
        .iter()
        .flat_map(|event| &event.duty_changes)
        .filter(|change| change.kind() == Kind::Reassigned)
        .map(|change| (change.clause.as_str(), change.owner.as_str(), change.department.as_str()))
        .collect();
    assert_eq!(reassigned, [("C4.1", "staff/fieldhead", FIELD)]);
    let again = assert_refused(
        desk.accept("staff/fieldhead", &transfer.name).await,
        Code::FailedPrecondition,
        ErrorReason::StateForbids,
    );
    assert_eq!(again.clauses(), ["A2.4"]);
}

#[tokio::test]
async fn an_absent_head_is_stood_in_for_by_the_deputy_for_the_matter_and_without_one_nothing_is_handed_over() {
    let mut desk = Desk::open().await;
    let name = desk.working("power").await;
    desk.away("fieldhead", "2026-11-20T09:00:00+08:00", "2026-11-20T12:00:00+08:00").await;
    let refused = desk.hand_to(&name, FIELD, "").await;
    let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A2.4"], name.as_str()));
    let deputies = r#"update directory_department
        set deputies = '[{"staff": "staff/mei", "domains": ["cabling"]}, {"staff": "staff/wu", "domains": ["power"]}]'
        where name = 'departments/field'"#;
    desk.bench.change_directory(deputies).await;
    let transfer = desk.hand_to(&name, FIELD, "").await.unwrap();
    assert_eq!((transfer.recipient.as_str(), transfer.capacity()), ("staff/wu", Capacity::Deputy));
    // A transfer a microsecond before the absence begins goes to the head.
    let name = desk.working("power").await;
    desk.away("fieldhead", "2026-11-20T10:00:00.000001+08:00", "2026-11-20T12:00:00+08:00").await;
    assert_eq!(desk.hand_to(&name, FIELD, "").await.unwrap().recipient, "staff/fieldhead");
}

#[tokio::test]
async fn what_lies_within_the_scope_is_handed_over_only_for_a_reason_and_not_where_it_is() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    for name in [name.clone(), desk.register(Channel::Chat).await.name] {
        let refused = desk.hand_to(&name, FIELD, " ").await;
        let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
        assert_eq!((refusal.clauses(), refusal.fields()), (vec!["A2.3"], vec!["reason"]));
    }
    let here = desk.hand_to(&name, DESK, "x").await;
    assert_eq!(assert_refused(here, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["department"]);
    let nowhere = desk.hand_to(&name, "departments/nowhere", "x").await;
    let refusal = assert_refused(nowhere, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!((refusal.resource(), refusal.fields()), ("departments/nowhere", vec!["department"]));
    assert_eq!(refusal.said()[0].rule, FieldRule::Unknown);
    assert_eq!(desk.hand_to(&name, FIELD, "需要现场检查").await.unwrap().state(), Answer::Pending);
}

#[tokio::test]
async fn what_is_declined_stays_with_whom_it_came_from_and_shirking_is_a_breach() {
    let mut desk = Desk::open().await;
    let name = desk.working("power").await;
    let transfer = desk.hand_to(&name, "departments/other", "").await.unwrap();
    let declined = desk.decline("staff/chief", &transfer.name).await.unwrap();
    assert_eq!((declined.state(), declined.decline_reason.as_str()), (Answer::Declined, "不归我部"));
    let request = desk.get(&name).await;
    assert_eq!((request.state(), request.owner.as_str(), request.transfer_count), (State::InProgress, "staff/lin", 1));
    let pass_on: Vec<_> = desk.kept(&name).await.into_iter().filter(|(kind, ..)| kind == "pass_on").collect();
    assert_eq!(pass_on.len(), 2, "A2.8: it has to get to the right people once more");
    assert_eq!(desk.bounces(&name).await, [], "logistics has nothing to do with power");

    // The field service is in charge of power, so declining counts as a bounce.
    let transfer = desk.hand_to(&name, FIELD, "").await.unwrap();
    desk.decline("staff/fieldhead", &transfer.name).await.unwrap();
    let bounced = desk.bounces(&name).await;
    assert_eq!((bounced[0].cause(), bounced[0].staff.as_str()), (Cause::DeclinedInScope, "staff/fieldhead"));
    assert_eq!(bounced[0].department, FIELD);
    // The third transfer is a bounce of whoever transfers.
    desk.hand_to(&name, FIELD, "").await.unwrap();
    let bounced = desk.bounces(&name).await;
    assert_eq!((bounced[1].cause(), bounced[1].staff.as_str()), (Cause::Transfers, "staff/lin"));
    assert_eq!((bounced.len(), bounced[1].transfer_count), (2, 3));
    let told: Vec<_> =
        desk.notifications_of("staff/boss").await.into_iter().map(|each| (each.kind, each.clause)).collect();
    assert_eq!(told, [("request_bounced".to_owned(), "A2.7".to_owned())]);
    let versions: Vec<_> = desk.events().await.into_iter().filter(|event| event.aggregate == name).collect();
    let versions: Vec<i64> = versions.iter().map(|event| event.aggregate_version).collect();
    assert_eq!(versions, (1..=i64::try_from(versions.len()).unwrap()).collect::<Vec<_>>(), "each event its own");
    assert_eq!(desk.get(&name).await.etag, format!("\"{}\"", versions.len()));
}

#[tokio::test]
async fn a_customer_who_waits_is_answered_while_a_transfer_waits_and_giving_up_withdraws_it() {
    let mut desk = Desk::open().await;
    let unanswered = desk.register(Channel::Chat).await.name;
    let transfer = desk.hand_to(&unanswered, FIELD, "线路").await.unwrap();
    desk.accept("staff/fieldhead", &transfer.name).await.unwrap();
    assert_eq!(desk.get(&unanswered).await.state(), State::Registered, "the customer still waits");
    assert_eq!(desk.duty(&unanswered, "first_response").await.owner, "staff/fieldhead");

    let name = desk.register(Channel::Chat).await.name;
    desk.hand_to(&name, FIELD, "线路").await.unwrap();
    assert_eq!(desk.respond(&name).await.unwrap().state(), State::TransferPending);
    assert_eq!(desk.duty(&name, "first_response").await.state(), Kept::Met);
    let twice = assert_refused(desk.respond(&name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(twice.clauses(), ["C2.1"]);
    let call = pb::CancelRequestRequest { name: name.clone(), reason: "好了".into(), ..Default::default() };
    desk.requests.cancel_request(call).await.unwrap();
    let call = pb::ListTransfersRequest { parent: name.clone(), ..Default::default() };
    let transfers = desk.requests.list_transfers(call).await.unwrap().into_inner().transfers;
    assert_eq!(transfers[0].state(), Answer::Withdrawn);
    assert_eq!(desk.duty(&name, "transfer_answer").await.state(), Kept::Voided);
    let late = desk.accept("staff/fieldhead", &transfers[0].name).await;
    assert_refused(late, Code::FailedPrecondition, ErrorReason::StateForbids);
}

#[tokio::test]
async fn nobody_takes_what_somebody_is_at_work_on_and_what_the_head_took_over_is_there_to_be_claimed() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    let claim = || pb::ClaimRequestRequest { name: name.clone(), ..Default::default() };
    let mut mei = desk.as_("staff/mei", "AGENT");
    let refused = assert_refused(mei.claim_request(claim()).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refused.clauses(), ["A2.1"]);
    desk.away("lin", "2026-11-20T09:00:00+08:00", "2026-11-21T09:00:00+08:00").await;
    let claimed = mei.claim_request(claim()).await.unwrap().into_inner();
    assert_eq!((claimed.owner.as_str(), claimed.first_responder.as_str()), ("staff/mei", "staff/lin"));
    assert_eq!(desk.duty(&name, "progress").await.owner, "staff/mei");

    let handed = desk.working("power").await;
    let transfer = desk.hand_to(&handed, FIELD, "").await.unwrap();
    desk.accept("staff/fieldhead", &transfer.name).await.unwrap();
    let claim = pb::ClaimRequestRequest { name: handed.clone(), ..Default::default() };
    let stranger = mei.claim_request(claim.clone()).await;
    assert_refused(stranger, Code::NotFound, ErrorReason::ResourceNotFound);
    desk.bench.enrol("staff/x", FIELD).await;
    let taken = desk.as_("staff/x", "TECHNICIAN").claim_request(claim).await.unwrap().into_inner();
    assert_eq!(taken.owner, "staff/x", "the head took it over for the department");
}

#[tokio::test]
async fn a_leader_assigns_within_the_department_only() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    let mut boss = desk.as_("staff/boss", "SUPERVISOR");
    let assign =
        |owner: &str| pb::AssignRequestRequest { name: name.clone(), owner: owner.into(), ..Default::default() };
    for owner in ["staff/zhao", "staff/nobody"] {
        let refused = boss.assign_request(assign(owner)).await;
        assert_eq!(assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.1"]);
    }
    let same = boss.assign_request(assign("staff/lin")).await;
    assert_eq!(assert_refused(same, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["owner"]);
    let far = desk.as_("staff/chief", "SUPERVISOR").assign_request(assign("staff/mei")).await;
    assert_refused(far, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!(boss.assign_request(assign("staff/mei")).await.unwrap().into_inner().owner, "staff/mei");
}

#[tokio::test]
async fn requests_are_reassigned_all_or_none_and_those_of_other_departments_are_out_of_reach() {
    let mut desk = Desk::open().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(desk.register(Channel::Chat).await.name);
    }
    let pending = desk.working("power").await;
    desk.hand_to(&pending, FIELD, "").await.unwrap();
    let mut boss = desk.as_("staff/boss", "SUPERVISOR");
    let call = |from: &str, to: &str, requests: &[String]| pb::ReassignRequestsRequest {
        from_owner: from.into(),
        to_owner: to.into(),
        requests: requests.to_vec(),
        reason: "请假".into(),
        ..Default::default()
    };
    let both = [names[0].clone(), pending.clone()];
    let refused = boss.reassign_requests(call("staff/lin", "staff/mei", &both)).await;
    assert_refused(refused, Code::FailedPrecondition, ErrorReason::StateForbids);
    assert_eq!(desk.get(&names[0]).await.owner, "staff/lin", "all or none");
    let not_theirs = boss.reassign_requests(call("staff/mei", "staff/wu", &names[..1])).await;
    assert_refused(not_theirs, Code::NotFound, ErrorReason::ResourceNotFound);
    let nobody = boss.reassign_requests(call("staff/nobody", "staff/wu", &[])).await;
    assert_eq!(assert_refused(nobody, Code::NotFound, ErrorReason::ResourceNotFound).resource(), "staff/nobody");
    let mut chief = desk.as_("staff/chief", "SUPERVISOR");
    let elsewhere = chief.reassign_requests(call("staff/lin", "staff/zhao", &names[..1])).await;
    assert_refused(elsewhere, Code::NotFound, ErrorReason::ResourceNotFound);
    let nothing = chief.reassign_requests(call("staff/lin", "staff/zhao", &[])).await.unwrap().into_inner();
    assert_eq!(nothing.requests, [""; 0], "none of them is the other department's");
    let stranger = boss.reassign_requests(call("staff/lin", "staff/zhao", &[])).await;
    assert_eq!(assert_refused(stranger, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.1"]);
    let moved = boss.reassign_requests(call("staff/lin", "staff/mei", &[])).await.unwrap().into_inner();
    let sorted = |names: &[String]| BTreeSet::from_iter(names.to_vec());
    assert_eq!((sorted(&moved.requests), moved.more), (sorted(&names), false));
    for name in &names {
        let request = desk.get(name).await;
        assert_eq!((request.owner.as_str(), request.first_responder.as_str()), ("staff/mei", "staff/lin"));
        assert_eq!(desk.duty(name, "first_response").await.owner, "staff/mei");
    }
    assert_eq!(desk.get(&pending).await.owner, "staff/lin", "who answers the transfer decides");
}

#[tokio::test]
async fn who_is_told_of_a_transfer_late_has_their_time_from_then_on() {
    let mut desk = Desk::open().await;
    let name = desk.working("power").await;
    desk.pass(120);
    let call = pb::TransferRequestRequest {
        name: name.clone(),
        department: FIELD.into(),
        occurred_time: proto("2026-11-20T10:05:00+08:00"),
        ..Default::default()
    };
    desk.requests.transfer_request(call).await.unwrap();
    // The lunch break, from noon to half past one, does not count.
    assert_eq!(desk.duty(&name, "transfer_answer").await.due_time, proto("2026-11-20T13:30:00+08:00"));
}

#[tokio::test]
async fn neither_a_colleague_nor_an_order_to_oneself_nor_a_second_judgement_gets_around_handing_over() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    assert_eq!(desk.duty(&name, "pass_on").await.state(), Kept::Met);
    desk.classify_as(&name, "power").await;
    let pass_on: Vec<_> = desk.kept(&name).await.into_iter().filter(|(kind, ..)| kind == "pass_on").collect();
    assert_eq!(pass_on.iter().filter(|(_, state, _)| *state == Kept::Open).count(), 1, "it lies elsewhere after all");
    let order = pb::FileWorkOrderRequest {
        parent: name.clone(),
        for_department: DESK.into(),
        content: "检修".into(),
        ..Default::default()
    };
    let own = desk.requests.file_work_order(order).await;
    assert_eq!(assert_refused(own, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["for_department"]);
    let assign = pb::AssignRequestRequest { name: name.clone(), owner: "staff/mei".into(), ..Default::default() };
    desk.as_("staff/boss", "SUPERVISOR").assign_request(assign).await.unwrap();
    let call = pb::ResolveRequestRequest {
        name: name.clone(),
        resolution: "送电".into(),
        assistance: "无".into(),
        ..Default::default()
    };
    let refused = desk.as_("staff/mei", "AGENT").resolve_request(call).await;
    assert_eq!(assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.4"]);
}

#[tokio::test]
async fn whoever_is_in_charge_now_answers_a_transfer_whose_recipient_fell_ill() {
    let mut desk = Desk::open().await;
    let name = desk.working("power").await;
    let deputies = r#"update directory_department set deputies = '[{"staff": "staff/wu", "domains": ["power"]}]'
        where name = 'departments/field'"#;
    desk.bench.change_directory(deputies).await;
    let transfer = desk.hand_to(&name, FIELD, "").await.unwrap();
    let wu = pb::AcceptTransferRequest { name: transfer.name.clone(), ..Default::default() };
    let mut deputy = desk.as_("staff/wu", "AGENT");
    assert_refused(deputy.accept_transfer(wu.clone()).await, Code::NotFound, ErrorReason::ResourceNotFound);
    desk.away("fieldhead", "2026-11-20T10:00:00+08:00", "2026-11-21T10:00:00+08:00").await;
    assert_eq!(deputy.accept_transfer(wu).await.unwrap().into_inner().answered_by, "staff/wu");
}
