//! Separation of persons and departments (A1.1, C5.5), judged by the directory since the complaint was received.

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Outcome, State};
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::{Code, Status};

use super::desk::{DESK, Desk, FIELD};

fn refused_under<T: std::fmt::Debug>(outcome: Result<T, Status>) -> Vec<String> {
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    refusal.clauses().into_iter().map(str::to_owned).collect()
}

/// Moves a member of staff to another department now.
async fn moves(desk: &Desk, staff: &str, department: &str) {
    let statement = format!(
        "insert into directory_membership (staff, since_at, department) values ('{staff}', '{}', '{department}')",
        desk.bench.now()
    );
    desk.bench.change_directory(&statement).await;
    desk.pass(1);
}

#[tokio::test]
async fn nobody_of_the_responsible_department_investigates_and_moving_meanwhile_makes_nobody_an_outsider() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.acknowledge(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    assert_eq!(refused_under(desk.investigate(&name, "staff/qin").await), ["A1.1"]);
    desk.pass(1);
    moves(&desk, "staff/qin", "departments/other").await;
    assert_eq!(refused_under(desk.investigate(&name, "staff/qin").await), ["A1.1"], "was of it when it was received");
    assert_eq!(desk.investigate(&name, "staff/zhao").await.unwrap().state(), State::Investigating);
    desk.speak(&name).await.unwrap();
    // The investigator finds their own department responsible instead of the presumed one.
    let mut conclusion = Desk::conclusion(&name, Outcome::Upheld);
    conclusion.responsible_department = "departments/other".into();
    conclusion.responsible_person = "staff/chief".into();
    let own = desk.as_("staff/zhao").conclude_investigation(conclusion).await;
    assert_eq!(refused_under(own), ["A1.1"]);
    // An investigator who has moved into the responsible department is not outside it.
    moves(&desk, "staff/zhao", FIELD).await;
    assert_eq!(refused_under(desk.conclude(&name, Outcome::Upheld).await), ["A1.1"]);
}

#[tokio::test]
async fn who_left_the_department_shortly_before_the_receipt_does_not_investigate_it_and_who_left_long_before_does() {
    let desk = Desk::open().await;
    moves(&desk, "staff/qin", "departments/other").await;
    let left_long_before = format!(
        "insert into directory_membership (staff, since_at, department) values ('staff/lei', '{}', 'departments/other')",
        desk.bench.now() - jiff::SignedDuration::from_hours(24 * 91)
    );
    desk.bench.change_directory(&left_long_before).await;
    let name = desk.register().await.name;
    desk.classify(&name).await.unwrap();
    assert_eq!(refused_under(desk.investigate(&name, "staff/qin").await), ["A1.1"], "left within `insider_for`");
    assert_eq!(desk.investigate(&name, "staff/lei").await.unwrap().state(), State::Investigating);
}

#[tokio::test]
async fn an_investigator_who_moved_into_the_presumed_department_does_not_blame_another() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.acknowledge(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    desk.investigate(&name, "staff/zhao").await.unwrap();
    desk.speak(&name).await.unwrap();
    moves(&desk, "staff/zhao", FIELD).await;
    let mut conclusion = Desk::conclusion(&name, Outcome::Upheld);
    (conclusion.responsible_department, conclusion.responsible_person) = (DESK.into(), "staff/mei".into());
    assert_eq!(refused_under(desk.as_("staff/zhao").conclude_investigation(conclusion).await), ["A1.1"]);
}

#[tokio::test]
async fn the_author_the_accused_and_the_unconcerned_approve_nothing() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    let author = desk.as_("staff/head").propose_resolution(desk.proposal(&name)).await.unwrap().into_inner();
    assert_eq!(author.resolution.unwrap().author, "staff/head");
    assert_eq!(refused_under(desk.approve(&name, "staff/head").await), ["C5.5"], "the author");
    assert_eq!(refused_under(desk.approve(&name, "staff/lei").await), ["A1.1"], "the accused");
    assert_eq!(refused_under(desk.approve(&name, "staff/ceo").await), ["C5.5"], "a department not concerned");
    let hidden = desk.approve(&name, "staff/chief").await;
    assert_refused(hidden, Code::NotFound, ErrorReason::ResourceNotFound);
    desk.approve(&name, "staff/qin").await.unwrap();
    assert_eq!(refused_under(desk.approve(&name, "staff/fieldhead").await), ["C5.5"], "the department has said it");
    assert_eq!(desk.approve(&name, "staff/mei").await.unwrap().state(), State::Approved);
}

#[tokio::test]
async fn who_was_of_the_responsible_department_speaks_for_no_other_and_an_approval_given_stays() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    desk.propose(&name).await.unwrap();
    desk.pass(1);
    moves(&desk, "staff/qin", DESK).await;
    assert_eq!(refused_under(desk.approve(&name, "staff/qin").await), ["A1.1"]);
    assert_eq!(desk.approve(&name, "staff/mei").await.unwrap().state(), State::Proposed);
    moves(&desk, "staff/mei", FIELD).await;
    let approved = desk.approve(&name, "staff/fieldhead").await.unwrap();
    assert_eq!(approved.state(), State::Approved, "what mei said counts for the department she was of");
    let said = approved.resolution.unwrap().approvals;
    let by: Vec<_> = said.iter().map(|said| (said.approver.as_str(), said.department.as_str())).collect();
    assert_eq!(by, [("staff/mei", DESK), ("staff/fieldhead", FIELD)]);
}

#[tokio::test]
async fn nobody_speaks_for_two_departments_by_moving_from_one_to_the_other() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    desk.propose(&name).await.unwrap();
    desk.pass(1);
    desk.approve(&name, "staff/mei").await.unwrap();
    moves(&desk, "staff/mei", FIELD).await;
    assert_eq!(refused_under(desk.approve(&name, "staff/mei").await), ["C5.5"], "four eyes are two people's");
    assert_eq!(desk.approve(&name, "staff/qin").await.unwrap().state(), State::Approved);
}

#[tokio::test]
async fn whoever_drew_up_an_earlier_version_approves_none_of_what_others_made_of_it() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    desk.as_("staff/head").propose_resolution(desk.proposal(&name)).await.unwrap();
    let second = desk.propose(&name).await.unwrap().resolution.unwrap();
    assert_eq!(
        (second.author.as_str(), second.earlier_authors.as_slice()),
        ("staff/lin", ["staff/head".into()].as_slice())
    );
    assert_eq!(refused_under(desk.approve(&name, "staff/head").await), ["C5.5"]);
}

#[tokio::test]
async fn the_accused_speak_for_no_complainant() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.acknowledge(&name).await.unwrap();
    desk.investigate(&name, "staff/zhao").await.unwrap();
    desk.speak(&name).await.unwrap();
    // The person held responsible is staff/lin, who registered the complaint.
    let mut conclusion = Desk::conclusion(&name, Outcome::Upheld);
    (conclusion.responsible_department, conclusion.responsible_person) = (DESK.into(), "staff/lin".into());
    desk.as_("staff/zhao").conclude_investigation(conclusion).await.unwrap();
    let mut plan = desk.proposal(&name);
    plan.measures.truncate(1);
    desk.as_("staff/boss").propose_resolution(plan).await.unwrap();
    desk.approve(&name, "staff/mei").await.unwrap();
    desk.approve(&name, "staff/qin").await.unwrap();
    assert_eq!(refused_under(desk.agree(&name).await), ["A1.1"]);
    assert_eq!(refused_under(desk.decline(&name).await), ["A1.1"]);
    let alone = desk.attempt(&name, pb::customer_contact::Purpose::Agreement).await;
    assert_eq!(refused_under(alone), ["A1.1"]);
    let call = pb::WithdrawComplaintRequest { name: name.clone(), reason: "—".into(), ..Default::default() };
    assert_eq!(refused_under(desk.as_("staff/lin").withdraw_complaint(call).await), ["A1.1"]);
    let call = pb::AssignComplaintRequest { name: name.clone(), handler: "staff/wu".into(), ..Default::default() };
    desk.as_("staff/boss").assign_complaint(call).await.unwrap();
    let call = pb::RecordAgreementRequest {
        name: name.clone(),
        channel: kefu_proto::contacts::v1::Channel::Hotline.into(),
        text: "—".into(),
        ..Default::default()
    };
    assert_eq!(desk.as_("staff/wu").record_agreement(call).await.unwrap().into_inner().state(), State::Agreed);
}

#[tokio::test]
async fn a_duty_is_given_to_nobody_who_may_not_fulfil_it() {
    let desk = Desk::open().await;
    desk.bench.change_directory("update directory_staff set roles = '{1}' where name = 'staff/wu'").await;
    let name = desk.register().await.name;
    let agent = desk.investigate(&name, "staff/wu").await;
    let refusal = assert_refused(agent, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["investigator"]);
}

#[tokio::test]
async fn who_left_the_department_before_the_complaint_came_may_still_be_the_one_responsible() {
    let desk = Desk::open().await;
    moves(&desk, "staff/lei", "departments/other").await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    assert_eq!(desk.get(&name).await.responsible_person, "staff/lei");
}

#[tokio::test]
async fn an_operator_neither_concludes_nor_approves_nor_goes_on_without_the_complainant() {
    let desk = Desk::open().await;
    let name = desk.concluded(Outcome::Upheld).await.name;
    let digest = desk.propose(&name).await.unwrap().resolution.unwrap().digest;
    let operator = kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient::new(
        desk.bench.as_("staff/admin", &["ADMIN"]),
    );
    let approve = pb::ApproveResolutionRequest { name: name.clone(), digest, ..Default::default() };
    let outcome = operator.clone().approve_resolution(approve).await;
    assert_refused(outcome, Code::PermissionDenied, ErrorReason::RoleMissing);
    let outcome = operator.clone().conclude_investigation(Desk::conclusion(&name, Outcome::Upheld)).await;
    assert_refused(outcome, Code::PermissionDenied, ErrorReason::RoleMissing);
    let waive = pb::WaiveContactRequest {
        name,
        ground: pb::contact_waiver::Ground::Unreachable.into(),
        decision: pb::contact_waiver::Decision::Close.into(),
        reason: "—".into(),
        ..Default::default()
    };
    assert_refused(operator.clone().waive_contact(waive).await, Code::PermissionDenied, ErrorReason::RoleMissing);
}
