//! The stories of a complaint with the clock of each clause, from its receipt to its archive.

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Closure, Outcome, State};
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::compliance::v1::Duty;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_proto::notifications::v1::{AcknowledgeNotificationRequest, ListNotificationsRequest};
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{DESK, Desk, FIELD};

#[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
fn proto(time: &str) -> Option<prost_types::Timestamp> {
    Some(kefu_chassis::time::to_proto(time.parse().unwrap()))
}

#[tokio::test]
async fn a_complaint_goes_from_its_receipt_to_its_archive_with_every_clock_and_paper_on_record() {
    let desk = Desk::open().await;
    let complaint = desk.register().await;
    assert_eq!((complaint.state(), complaint.number.as_str()), (State::Registered, "C-20261120-000001"));
    assert_eq!((complaint.handler.as_str(), complaint.department.as_str()), ("staff/lin", DESK));
    let name = complaint.name;
    let due = desk.bench.duty_of(&name, "acknowledgement").await.due_time;
    assert_eq!(due, proto("2026-11-20T11:00:00+08:00"), "C5.2: an apology within an hour of working time");
    let due = desk.bench.duty_of(&name, "investigation").await.due_time;
    assert_eq!(due, proto("2026-11-25T10:00:00+08:00"), "C5.3: concluded within three working days");

    desk.acknowledge(&name).await.unwrap();
    assert_eq!(desk.classify(&name).await.unwrap().notified_departments, [FIELD], "D8.3: at once");
    let told = desk.bench.duty_of(&name, "department_notice").await;
    assert_eq!((told.owner.as_str(), told.due_time), ("staff/fieldhead", proto("2026-11-20T12:00:00+08:00")), "D8.3");
    let mut inbox = NotificationServiceClient::new(desk.bench.as_("staff/fieldhead", &["MANAGER"]));
    let list = ListNotificationsRequest { parent: desk.bench.name(), ..Default::default() };
    let notice = inbox.list_notifications(list).await.unwrap().into_inner().notifications.remove(0);
    inbox
        .acknowledge_notification(AcknowledgeNotificationRequest { name: notice.name, ..Default::default() })
        .await
        .unwrap();

    let investigated = desk.investigate(&name, "staff/zhao").await.unwrap();
    assert_eq!(investigated.state(), State::Investigating);
    assert_eq!(desk.bench.duty_of(&name, "investigation").await.owner, "staff/zhao", "the clock is the investigator's");
    desk.speak(&name).await.unwrap();
    desk.conclude(&name, Outcome::Upheld).await.unwrap();
    let proposed = desk.propose(&name).await.unwrap();
    assert_eq!(proposed.resolution.as_ref().unwrap().departments, [DESK, FIELD], "the responsible one and the owners'");
    assert_eq!(desk.approve(&name, "staff/qin").await.unwrap().state(), State::Proposed);
    assert_eq!(desk.approve(&name, "staff/mei").await.unwrap().state(), State::Approved);
    let agreed = desk.agree(&name).await.unwrap();
    assert_eq!(agreed.state(), State::Agreed);
    let measures = agreed.resolution.unwrap().measures;
    let due = desk.bench.duty_of(&measures[0].name, "measure").await;
    assert_eq!((due.owner.as_str(), due.due_time), ("staff/fieldhead", measures[0].due_time), "D8.8");

    desk.pass_to("2026-11-23T10:00:00+08:00");
    assert_eq!(desk.complete(&measures[0]).await.unwrap().state(), State::Executing);
    assert_eq!(desk.bench.duty_of(&measures[1].name, "measure").await.state(), Kept::Open, "only its own is met");
    assert_eq!(desk.complete(&measures[1]).await.unwrap().state(), State::Callback);
    let due = desk.bench.duty_of(&name, "callback").await.due_time;
    assert_eq!(due, proto("2026-11-25T10:00:00+08:00"), "C5.8: two working days after the execution");
    let closed = desk.call_back(&name, true).await.unwrap();
    assert_eq!((closed.state(), closed.closure(), closed.satisfaction), (State::Closed, Closure::Satisfied, 5));
    let kept = desk.bench.kept_of(&name).await;
    let expected = [
        ("acknowledgement", Kept::Met),
        ("callback", Kept::Met),
        ("department_notice", Kept::Met),
        ("investigation", Kept::Met),
        ("progress", Kept::Voided),
    ];
    assert_eq!(kept, expected.map(|(kind, kept)| (kind.to_owned(), kept, false)));

    desk.archive(&name).await.unwrap();
    assert_eq!(desk.get(&name).await.state(), State::Archived);
    let papers = pb::ListPapersRequest { parent: name.clone(), ..Default::default() };
    let papers = desk.as_("staff/lin").list_papers(papers).await.unwrap().into_inner().papers;
    let mut kinds: Vec<_> = papers.iter().map(|paper| paper.kind().as_str_name()).collect();
    // Under the fixed clock, papers of one moment are listed in any order.
    kinds.sort_unstable();
    let mut course = [
        "CUSTOMER_CONTACT",
        "CUSTOMER_CONTACT",
        "FINDING",
        "RESOLUTION",
        "APPROVAL",
        "APPROVAL",
        "AGREEMENT",
        "MEASURE",
        "MEASURE",
        "CALLBACK",
    ];
    course.sort_unstable();
    assert_eq!(kinds, course);
    let events = desk.bench.events().await;
    let of_it: Vec<_> =
        events.iter().filter(|event| event.aggregate == name).map(|event| event.aggregate_version).collect();
    assert!(of_it.windows(2).all(|pair| pair[0] <= pair[1]), "{of_it:?}");
}

#[tokio::test]
async fn a_rejected_a_declined_and_a_dissatisfying_resolution_are_each_drawn_up_anew() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::PartlyUpheld).await.name;
    let first = desk.propose(&name).await.unwrap().resolution.unwrap();
    let rejected = desk.reject(&name, "staff/mei", first.digest.clone()).await.unwrap();
    assert_eq!(rejected.state(), State::Concluded);
    let second = desk.propose(&name).await.unwrap().resolution.unwrap();
    assert_eq!((second.version, second.approvals.len()), (2, 0));
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    assert_eq!(desk.decline(&name).await.unwrap().state(), State::Concluded);
    desk.propose(&name).await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    let agreed = desk.agree(&name).await.unwrap();
    for measure in &agreed.resolution.unwrap().measures {
        desk.complete(measure).await.unwrap();
    }
    let again = desk.call_back(&name, false).await.unwrap();
    assert_eq!((again.state(), again.cycle, again.closure()), (State::Investigating, 1, Closure::Unspecified));
    let refused = desk.conclude(&name, Outcome::Upheld).await;
    let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["D8.4"], "each cycle speaks with the complainant");
    desk.speak(&name).await.unwrap();
    desk.conclude(&name, Outcome::Upheld).await.unwrap();
    let opened = desk.bench.duties_of(&name).await.into_iter().filter(|duty| duty.kind == "investigation").count();
    assert_eq!(opened, 2, "D8.9: a new clock, and the old record stays");
}

#[tokio::test]
async fn editing_a_resolution_voids_the_approvals_of_the_version_before() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    let first = desk.propose(&name).await.unwrap().resolution.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    let edited = desk.propose(&name).await.unwrap();
    let second = edited.resolution.clone().unwrap();
    assert!(second.approvals.is_empty() && second.digest != first.digest);
    let stale = desk.approve_version(&name, "staff/mei", first.digest.clone()).await;
    let refusal = assert_refused(stale, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["C5.5"]);
    assert_eq!(desk.approve(&name, "staff/mei").await.unwrap().state(), State::Proposed);
    assert_eq!(desk.approve(&name, "staff/qin").await.unwrap().state(), State::Approved);
    // A new version after the approval needs approval too, before the complainant can agree.
    assert_eq!(desk.propose(&name).await.unwrap().state(), State::Proposed);
    let told = desk.agree(&name).await;
    assert_eq!(assert_refused(told, Code::FailedPrecondition, ErrorReason::StateForbids).clauses(), ["C5.6"]);
}

#[tokio::test]
async fn a_complaint_that_is_not_upheld_is_explained_approved_told_and_called_back_all_the_same() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::NotUpheld).await.name;
    let explanation = pb::ProposeResolutionRequest { measures: Vec::new(), ..desk.proposal(&name) };
    let alone = desk.as_("staff/lin").propose_resolution(explanation.clone()).await;
    let refusal = assert_refused(alone, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["A1.1"], "the responsible department alone does not approve it");
    let call = pb::ProposeResolutionRequest { departments: vec![DESK.into()], ..explanation };
    desk.as_("staff/lin").propose_resolution(call).await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    assert_eq!(desk.agree(&name).await.unwrap().state(), State::Callback, "there is nothing to carry out");
    assert_eq!(desk.call_back(&name, true).await.unwrap().state(), State::Closed);
}

#[tokio::test]
async fn a_complaint_is_concluded_only_with_what_the_clauses_ask() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.investigate(&name, "staff/zhao").await.unwrap();
    let conclusion = Desk::conclusion(&name, Outcome::Upheld);
    let conclude = async |call: pb::ConcludeInvestigationRequest| {
        let outcome = desk.as_("staff/zhao").conclude_investigation(call).await;
        let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
        refusal.clauses().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(conclude(conclusion.clone()).await, ["C5.2"], "who investigates at once still owes the apology");
    assert_eq!(desk.acknowledge(&name).await.unwrap().state(), State::Investigating);
    let without = pb::ConcludeInvestigationRequest { no_evidence_reason: " ".into(), ..conclusion.clone() };
    assert_eq!(conclude(without).await, ["C5.4"]);
    assert_eq!(conclude(conclusion.clone()).await, ["D8.4"]);
    desk.speak(&name).await.unwrap();
    let nobody = pb::ConcludeInvestigationRequest { responsible_person: String::new(), ..conclusion.clone() };
    let outcome = desk.as_("staff/zhao").conclude_investigation(nobody).await;
    let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["responsible_person"], "D8.5: somebody is responsible, or why nobody is");
    let both = pb::ConcludeInvestigationRequest { no_person_reason: "none".into(), ..conclusion.clone() };
    let outcome = desk.as_("staff/zhao").conclude_investigation(both).await;
    let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["responsible_person", "no_person_reason"], "D8.5: not both");
    assert_eq!(desk.conclude(&name, Outcome::Upheld).await.unwrap().state(), State::Concluded);
}

#[tokio::test]
async fn one_request_becomes_one_complaint_and_the_second_is_told_which() {
    let desk = Desk::open().await;
    let mut service = ComplaintServiceClient::new(desk.bench.as_service());
    let request = "requests/0199aaaa-0000-7000-8000-000000000001";
    let call =
        pb::RegisterComplaintRequest { request: request.into(), handler: "staff/lin".into(), ..Desk::registration() };
    let first = service.register_complaint(call.clone()).await.unwrap().into_inner();
    let refusal =
        assert_refused(service.register_complaint(call).await, Code::AlreadyExists, ErrorReason::ResourceExists);
    assert_eq!(refusal.resource(), first.name);
}

#[tokio::test]
async fn a_customer_sees_their_own_without_what_is_internal_and_may_take_it_back() {
    let desk = Desk::open().await;
    let customer = "customers/0199aaaa-0000-7000-8000-000000000002";
    let call = pb::RegisterComplaintRequest { customer: customer.into(), ..Desk::registration() };
    let name = desk.as_("staff/lin").register_complaint(call).await.unwrap().into_inner().name;
    desk.acknowledge(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    desk.investigate(&name, "staff/zhao").await.unwrap();
    desk.speak(&name).await.unwrap();
    desk.conclude(&name, Outcome::PartlyUpheld).await.unwrap();
    desk.propose(&name).await.unwrap();
    let mut own = ComplaintServiceClient::new(desk.bench.as_(customer, &["CUSTOMER"]));
    let seen = own.get_complaint(pb::GetComplaintRequest { name: name.clone() }).await.unwrap().into_inner();
    let all = desk.get(&name).await;
    let internal = pb::Complaint {
        severity: 0,
        responsible_department: String::new(),
        responsible_person: String::new(),
        notified_departments: Vec::new(),
        investigator: String::new(),
        namings: Vec::new(),
        root_cause: None,
        outcome: 0,
        resolution: None,
        ..all.clone()
    };
    assert!(all.severity != 0 && all.root_cause.is_some() && all.outcome != 0 && all.resolution.is_some());
    assert_eq!(seen, internal);
    for hidden in [
        pb::ListComplaintsRequest { responsible_department: FIELD.into(), ..Default::default() },
        pb::ListComplaintsRequest { investigator: "staff/zhao".into(), ..Default::default() },
        pb::ListComplaintsRequest { severity: all.severity, ..Default::default() },
    ] {
        let probed = own.list_complaints(hidden).await;
        assert_refused(probed, Code::InvalidArgument, ErrorReason::FieldInvalid);
    }
    let mut other =
        ComplaintServiceClient::new(desk.bench.as_("customers/0199aaaa-0000-7000-8000-000000000003", &["CUSTOMER"]));
    let hidden = other.get_complaint(pb::GetComplaintRequest { name: name.clone() }).await;
    assert_refused(hidden, Code::NotFound, ErrorReason::ResourceNotFound);
    let call = pb::WithdrawComplaintRequest { name, reason: "已解决".into(), ..Default::default() };
    assert_eq!(own.withdraw_complaint(call).await.unwrap().into_inner().state(), State::Withdrawn);
}

#[tokio::test]
async fn a_plan_that_proves_impossible_is_replaced_and_agreed_to_anew() {
    let desk = Desk::open().await;
    let name = desk.approved().await.name;
    let agreed = desk.agree(&name).await.unwrap().resolution.unwrap();
    desk.complete(&agreed.measures[1]).await.unwrap();
    let again = desk.complete(&agreed.measures[1]).await;
    let refusal = assert_refused(again, Code::FailedPrecondition, ErrorReason::StateForbids);
    assert_eq!(refusal.clauses(), ["D8.8"]);

    let mut plan = desk.proposal(&name);
    plan.measures.truncate(1);
    plan.departments = vec![DESK.into()];
    let compensation =
        |currency: &str| pb::Compensation {
            amount_minor: 10_000, currency_code: currency.into(), text: "退款".into()
        };
    let wrong = pb::ProposeResolutionRequest { compensation: Some(compensation("ZZZ")), ..plan.clone() };
    let refused = desk.as_("staff/lin").propose_resolution(wrong).await;
    let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["compensation.currency_code"]);
    let plan = pb::ProposeResolutionRequest { compensation: Some(compensation("CNY")), ..plan };
    let anew = desk.as_("staff/lin").propose_resolution(plan).await.unwrap().into_inner();
    assert_eq!((anew.state(), anew.resolution.as_ref().unwrap().version), (State::Proposed, 2));
    let live = desk.bench.duties_of(&agreed.measures[0].name).await;
    assert_eq!(live.iter().map(Duty::state).collect::<Vec<_>>(), [Kept::Voided], "what is left falls away");
    for approver in ["staff/qin", "staff/mei"] {
        desk.approve(&name, approver).await.unwrap();
    }
    let agreed = desk.agree(&name).await.unwrap().resolution.unwrap();
    let done = desk.complete(&agreed.measures[0]).await.unwrap();
    assert_eq!(done.state(), State::Callback);
}

#[tokio::test]
async fn a_colleague_does_not_take_a_complaint_back() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    let call = pb::WithdrawComplaintRequest { name: name.clone(), reason: "已解决".into(), ..Default::default() };
    let refused = desk.as_("staff/mei").withdraw_complaint(call.clone()).await;
    assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!(desk.as_("staff/lin").withdraw_complaint(call).await.unwrap().into_inner().state(), State::Withdrawn);
}
