//! Namings of whoever is said to be responsible: whom they bar, who judges them, and what a struck one leaves (A1.1).

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Category, Outcome, Severity, State};
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::complaints::v1::evidence_service_client::EvidenceServiceClient;
use kefu_proto::complaints::v1::naming;
use kefu_proto::compliance::v1 as compliance;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused};
use tonic::{Code, Status};

use super::desk::{DESK, Desk, FIELD};
use super::posts::{EVERY, open};

/// A client with every role; the directory says which of them somebody has.
fn client(desk: &Desk, staff: &str) -> ComplaintServiceClient<Caller> {
    ComplaintServiceClient::new(desk.bench.as_(staff, &EVERY))
}

fn refused_under<T: std::fmt::Debug>(outcome: Result<T, Status>) -> Vec<String> {
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    refusal.clauses().into_iter().map(str::to_owned).collect()
}

/// Names somebody as responsible by a classification.
async fn name(
    desk: &Desk,
    by: &str,
    complaint: &str,
    (department, person): (&str, &str),
) -> Result<pb::Complaint, Status> {
    let call = pb::ClassifyComplaintRequest {
        name: complaint.into(),
        category: Category::ServiceAttitude.into(),
        severity: Severity::Critical.into(),
        responsible_department: department.into(),
        responsible_person: person.into(),
        ..Default::default()
    };
    Ok(client(desk, by).classify_complaint(call).await?.into_inner())
}

async fn withdraw(desk: &Desk, by: &str, complaint: &str) -> Result<pb::Complaint, Status> {
    let call =
        pb::WithdrawComplaintRequest { name: complaint.into(), reason: "已解决".into(), ..Default::default() };
    Ok(client(desk, by).withdraw_complaint(call).await?.into_inner())
}

async fn judge(
    desk: &Desk,
    by: &str,
    complaint: &str,
    staff: &str,
    judgement: naming::State,
) -> Result<pb::Complaint, Status> {
    let call = pb::JudgeNamingRequest {
        name: complaint.into(),
        staff: staff.into(),
        judgement: judgement.into(),
        reason: "已核实通话录音".into(),
        ..Default::default()
    };
    Ok(client(desk, by).judge_naming(call).await?.into_inner())
}

async fn assign(desk: &Desk, by: &str, complaint: &str, handler: &str) -> Result<pb::Complaint, Status> {
    let call = pb::AssignComplaintRequest { name: complaint.into(), handler: handler.into(), ..Default::default() };
    Ok(client(desk, by).assign_complaint(call).await?.into_inner())
}

async fn assign_investigator(desk: &Desk, by: &str, complaint: &str, staff: &str) -> Result<pb::Complaint, Status> {
    let call =
        pb::AssignInvestigatorRequest { name: complaint.into(), investigator: staff.into(), ..Default::default() };
    Ok(client(desk, by).assign_investigator(call).await?.into_inner())
}

#[tokio::test]
async fn an_accused_supervisor_neither_makes_it_smaller_nor_blames_another_nor_takes_it_back() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    // Their head names the supervisor: that counts at once.
    let named = name(&desk, "staff/head", &complaint, (DESK, "staff/boss")).await.unwrap();
    assert_eq!(named.namings[0].state(), naming::State::Confirmed);
    for by in ["staff/boss"] {
        assert_eq!(refused_under(name(&desk, by, &complaint, (DESK, "staff/lin")).await), ["A1.1"]);
        assert_eq!(refused_under(withdraw(&desk, by, &complaint).await), ["A1.1"]);
        assert_eq!(refused_under(assign(&desk, by, &complaint, "staff/wu").await), ["A1.1"]);
        assert_eq!(refused_under(assign_investigator(&desk, by, &complaint, "staff/zhao").await), ["A1.1"]);
        let strikes = judge(&desk, by, &complaint, "staff/boss", naming::State::Struck).await;
        assert_eq!(refused_under(strikes), ["A1.1"]);
    }
    // Nobody makes the accused the handler or the investigator.
    assert_eq!(refused_under(assign(&desk, "staff/head", &complaint, "staff/boss").await), ["A1.1"]);
    assert_eq!(refused_under(assign_investigator(&desk, "staff/head", &complaint, "staff/boss").await), ["A1.1"]);
    // When another is presumed instead, whoever was named before stays barred.
    name(&desk, "staff/office", &complaint, (FIELD, "staff/lei")).await.unwrap();
    assert_eq!(refused_under(withdraw(&desk, "staff/boss", &complaint).await), ["A1.1"]);
    let shown = desk.get(&complaint).await;
    assert_eq!((shown.responsible_person.as_str(), shown.namings.len()), ("staff/lei", 2));
    assert_eq!((shown.state(), shown.severity()), (State::Registered, Severity::Critical));
}

#[tokio::test]
async fn naming_upwards_is_a_report_that_bars_both_until_a_leader_outside_judges_it() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    let reported = name(&desk, "staff/lin", &complaint, (DESK, "staff/boss")).await.unwrap();
    assert_eq!(reported.namings[0].state(), naming::State::Reported);
    assert_eq!(refused_under(withdraw(&desk, "staff/boss", &complaint).await), ["A1.1"], "who is named");
    assert_eq!(refused_under(withdraw(&desk, "staff/lin", &complaint).await), ["A1.1"], "who named");
    let told = "select count(*) from notification where kind = 'naming_reported' and recipient = 'staff/ceo'";
    assert_eq!(desk.bench.number(told).await, 1, "whoever can judge it is told");
    desk.acknowledge(&complaint).await.unwrap();
    // The head of the same department is no leader outside, and an agent is no leader.
    let inside = judge(&desk, "staff/head", &complaint, "staff/boss", naming::State::Struck).await;
    assert_eq!(refused_under(inside), ["A1.1"]);
    let agent = judge(&desk, "staff/mei", &complaint, "staff/boss", naming::State::Struck).await;
    assert_refused(agent, Code::PermissionDenied, ErrorReason::RoleMissing);
    let struck = judge(&desk, "staff/office", &complaint, "staff/boss", naming::State::Struck).await.unwrap();
    let [naming] = struck.namings.as_slice() else { panic!("{:?}", struck.namings) };
    assert_eq!((naming.state(), naming.judged_by.as_str()), (naming::State::Struck, "staff/office"));
    assert!(struck.responsible_person.is_empty());
    // The same report again is no weapon; the struck one shows, and bars nobody.
    assert_eq!(refused_under(name(&desk, "staff/lin", &complaint, (DESK, "staff/boss")).await), ["A1.1"]);
    assert_eq!(withdraw(&desk, "staff/boss", &complaint).await.unwrap().state(), State::Withdrawn);
    let told = "select count(*) from journal where payload_type = 'kefu.complaints.v1.NamingJudged'";
    assert_eq!(desk.bench.number(told).await, 1);
}

#[tokio::test]
async fn a_confirmed_report_bars_the_accused_alone_and_whoever_is_named_does_not_see_by_whom() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    name(&desk, "staff/lin", &complaint, (DESK, "staff/boss")).await.unwrap();
    judge(&desk, "staff/ceo", &complaint, "staff/boss", naming::State::Confirmed).await.unwrap();
    assert_eq!(refused_under(withdraw(&desk, "staff/boss", &complaint).await), ["A1.1"]);
    let get = pb::GetComplaintRequest { name: complaint.clone() };
    let seen = client(&desk, "staff/boss").get_complaint(get).await.unwrap().into_inner();
    assert_eq!(seen.namings[0].named_by, "");
    assert_eq!(desk.get(&complaint).await.namings[0].named_by, "staff/lin");
    let again = judge(&desk, "staff/ceo", &complaint, "staff/boss", naming::State::Confirmed).await;
    assert_eq!(refused_under(again), ["A1.1"], "it is confirmed already");
    assert_eq!(withdraw(&desk, "staff/lin", &complaint).await.unwrap().state(), State::Withdrawn);
}

#[tokio::test]
async fn neither_the_accused_nor_whoever_reported_them_stops_the_clocks_of_the_case() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    let list =
        compliance::ListDutiesRequest { parent: desk.bench.name(), subject: complaint.clone(), ..Default::default() };
    let duties = |staff: &str| ComplianceServiceClient::new(desk.bench.as_(staff, &EVERY));
    let listed = duties("staff/office").list_duties(list).await.unwrap().into_inner().duties;
    let pause =
        || compliance::PauseDutyRequest { name: listed[0].name.clone(), reason: "停电".into(), ..Default::default() };
    let waive =
        || compliance::WaiveDutyRequest { name: listed[0].name.clone(), reason: "停电".into(), ..Default::default() };
    name(&desk, "staff/boss", &complaint, (DESK, "staff/head")).await.unwrap();
    for by in ["staff/head", "staff/boss"] {
        assert_eq!(refused_under(duties(by).pause_duty(pause()).await), ["A1.1"], "{by}");
    }
    judge(&desk, "staff/ceo", &complaint, "staff/head", naming::State::Confirmed).await.unwrap();
    assert_eq!(refused_under(duties("staff/head").waive_duty(waive()).await), ["A1.1"]);
    duties("staff/boss").pause_duty(pause()).await.unwrap();
}

#[tokio::test]
async fn insiders_neither_clear_their_department_nor_choose_who_judges() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    name(&desk, "staff/lin", &complaint, (DESK, "staff/boss")).await.unwrap();
    assert_eq!(refused_under(name(&desk, "staff/head", &complaint, (FIELD, "")).await), ["A1.1"]);
    let moved = name(&desk, "staff/office", &complaint, (FIELD, "")).await.unwrap();
    assert_eq!(moved.responsible_department, FIELD);
    assert_eq!(moved.namings[0].state(), naming::State::Reported, "the report stays");
}

#[tokio::test]
async fn naming_somebody_who_has_a_say_in_the_case_is_a_report_unless_one_leads_them() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    let sideways = name(&desk, "staff/boss", &complaint, (FIELD, "staff/fieldhead")).await.unwrap();
    assert_eq!(sideways.namings[0].state(), naming::State::Reported);
    assert_eq!(refused_under(withdraw(&desk, "staff/boss", &complaint).await), ["A1.1"], "who named decides nothing");

    let other = desk.register().await.name;
    let led = name(&desk, "staff/ceo", &other, (FIELD, "staff/fieldhead")).await.unwrap();
    assert_eq!(led.namings[0].state(), naming::State::Confirmed);
}

#[tokio::test]
async fn a_leader_who_names_the_same_person_is_heard_and_so_is_the_investigation() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    name(&desk, "staff/lin", &complaint, (DESK, "staff/boss")).await.unwrap();
    let named = name(&desk, "staff/ceo", &complaint, (DESK, "staff/boss")).await.unwrap();
    let states: Vec<_> = named.namings.iter().map(|each| (each.named_by.as_str(), each.state())).collect();
    assert_eq!(states, [("staff/lin", naming::State::Confirmed), ("staff/ceo", naming::State::Confirmed)]);
    judge(&desk, "staff/office", &complaint, "staff/boss", naming::State::Struck).await.unwrap();
    assert_eq!(refused_under(withdraw(&desk, "staff/boss", &complaint).await), ["A1.1"], "one is struck, one stands");
}

#[tokio::test]
async fn nobody_goes_on_without_the_complainant_by_their_own_paper_or_to_be_rid_of_their_own_duty() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    let statement = |by: &str| {
        let call = pb::AddEvidenceRequest {
            parent: complaint.clone(),
            kind: pb::evidence::Kind::Statement.into(),
            source: "书面拒绝".into(),
            uri: "https://example.com/refusal".into(),
            ..Default::default()
        };
        let mut client = EvidenceServiceClient::new(desk.bench.as_(by, &EVERY));
        async move { client.add_evidence(call).await.unwrap().into_inner().name }
    };
    let waive = async |by: &str, evidence: &str| {
        let call = pb::WaiveContactRequest {
            name: complaint.clone(),
            ground: pb::contact_waiver::Ground::WrittenRefusal.into(),
            decision: pb::contact_waiver::Decision::Close.into(),
            reason: "投诉人书面拒绝".into(),
            evidence: evidence.into(),
            ..Default::default()
        };
        client(&desk, by).waive_contact(call).await
    };
    let (by_handler, by_head) = (statement("staff/lin").await, statement("staff/head").await);
    assign(&desk, "staff/head", &complaint, "staff/boss").await.unwrap();
    assert_eq!(refused_under(waive("staff/boss", &by_head).await), ["C5.8"], "who owes the apology");
    assert_eq!(refused_under(waive("staff/head", &by_head).await), ["C5.8"], "who made the paper");
    assert_eq!(waive("staff/office", &by_handler).await.unwrap().into_inner().state(), State::Closed);
}

#[tokio::test]
async fn an_accused_handler_is_replaced_first_and_the_office_does_it_where_the_leaders_are_accused() {
    let desk = open().await;
    let complaint = desk.register().await.name;
    name(&desk, "staff/head", &complaint, (DESK, "staff/lin")).await.unwrap();
    assert_eq!(refused_under(desk.acknowledge(&complaint).await), ["A1.1"]);
    name(&desk, "staff/office", &complaint, (DESK, "staff/boss")).await.unwrap();
    name(&desk, "staff/office", &complaint, (DESK, "staff/head")).await.unwrap();
    for leader in ["staff/boss", "staff/head"] {
        assert_eq!(refused_under(assign(&desk, leader, &complaint, "staff/wu").await), ["A1.1"], "{leader}");
    }
    let assigned = assign(&desk, "staff/office", &complaint, "staff/wu").await.unwrap();
    assert_eq!(assigned.handler, "staff/wu");
    let call = pb::AcknowledgeComplaintRequest {
        name: complaint.clone(),
        channel: Channel::Hotline.into(),
        text: "致歉".into(),
        ..Default::default()
    };
    client(&desk, "staff/wu").acknowledge_complaint(call).await.unwrap();
}

#[tokio::test]
async fn what_the_investigation_found_is_struck_by_nobody() {
    let desk = open().await;
    let complaint = desk.concluded(Outcome::Upheld).await;
    let found = complaint.namings.last().unwrap();
    assert_eq!((found.staff.as_str(), found.found), ("staff/lei", true));
    let strikes = judge(&desk, "staff/ceo", &complaint.name, "staff/lei", naming::State::Struck).await;
    assert_eq!(refused_under(strikes), ["A1.1"]);
}

#[tokio::test]
async fn the_head_of_a_department_stands_in_where_its_only_approver_is_accused_and_explain_says_so_before() {
    let desk = open().await;
    // staff/lei is accused; staff/qin has left: the head, who approves for the field service, is all there is.
    desk.bench.change_directory("update directory_staff set inactive = true where name = 'staff/qin'").await;
    desk.bench.change_directory("update directory_staff set roles = '{5}' where name = 'staff/fieldhead'").await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let mut plan = desk.proposal(&complaint);
    plan.measures.truncate(1);
    plan.departments = vec![DESK.into()];
    desk.as_("staff/lin").propose_resolution(plan).await.unwrap();
    let explained = explain(&desk, "staff/ceo", &complaint).await;
    let field = explained.approvers.iter().find(|each| each.department == FIELD).unwrap();
    assert_eq!(
        (field.post(), field.staff.as_slice()),
        (pb::approvers::Post::Superior, ["staff/ceo".into()].as_slice())
    );
    let digest = desk.get(&complaint).await.resolution.unwrap().digest;
    let call = pb::ApproveResolutionRequest { name: complaint.clone(), digest, ..Default::default() };
    assert_eq!(refused_under(client(&desk, "staff/lei").approve_resolution(call.clone()).await), ["A1.1"]);
    client(&desk, "staff/head").approve_resolution(call.clone()).await.unwrap();
    let approved = client(&desk, "staff/ceo").approve_resolution(call).await.unwrap().into_inner();
    assert_eq!(approved.state(), State::Approved);
    let approvals = approved.resolution.unwrap().approvals;
    assert_eq!(approvals.last().map(|each| each.department.as_str()), Some(FIELD));
}

async fn explain(desk: &Desk, by: &str, complaint: &str) -> pb::ExplainComplaintResponse {
    let call = pb::ExplainComplaintRequest { name: complaint.into() };
    client(desk, by).explain_complaint(call).await.unwrap().into_inner()
}
