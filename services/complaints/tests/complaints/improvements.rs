//! Improvements: planned, carried out, and checked by somebody else, whom the figures bind (D8.12, A1.1).

use jiff::SignedDuration;
use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::Outcome;
use kefu_proto::complaints::v1::improvement::State;
use kefu_proto::complaints::v1::improvement_service_client::ImprovementServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused};
use tonic::{Code, Status};

use super::desk::{Desk, FIELD};

fn client(desk: &Desk, staff: &str) -> ImprovementServiceClient<Caller> {
    ImprovementServiceClient::new(desk.bench.as_(staff, &["SUPERVISOR", "MANAGER"]))
}

fn plan(desk: &Desk, complaint: &str, verifier: &str) -> pb::CreateImprovementRequest {
    pb::CreateImprovementRequest {
        complaints: vec![complaint.into()],
        cause_category: pb::root_cause::Category::People.into(),
        cause: "未培训试压".into(),
        responsible_department: FIELD.into(),
        measure: "全员培训".into(),
        owner: "staff/fieldhead".into(),
        due_time: Some(to_proto(desk.bench.now() + SignedDuration::from_hours(24 * 30))),
        verifier: verifier.into(),
        ..Default::default()
    }
}

async fn verify(desk: &Desk, staff: &str, name: &str) -> Result<pb::Improvement, Status> {
    let call = pb::VerifyImprovementRequest { name: name.into(), comment: "已核查".into(), ..Default::default() };
    Ok(client(desk, staff).verify_improvement(call).await?.into_inner())
}

/// Complaints of the cause about the field department before it, and after it; what the check finds.
async fn effect(before: usize, after: usize) -> (Desk, pb::Improvement) {
    let desk = Desk::open().await;
    let mut last = String::new();
    for _ in 0..before {
        last = desk.concluded(Outcome::Upheld).await.name;
    }
    let call = plan(&desk, &last, "staff/boss");
    let improvement = client(&desk, "staff/boss").create_improvement(call).await.unwrap().into_inner();
    desk.pass(1);
    let call = pb::CompleteImprovementRequest {
        name: improvement.name.clone(),
        report: "已培训".into(),
        ..Default::default()
    };
    let done = client(&desk, "staff/fieldhead").complete_improvement(call).await.unwrap().into_inner();
    assert_eq!(done.state(), State::Done);
    desk.pass(1);
    for _ in 0..after {
        desk.concluded(Outcome::Upheld).await;
    }
    let early = verify(&desk, "staff/boss", &improvement.name).await;
    assert_eq!(assert_refused(early, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["D8.12"]);
    desk.bench.time().advance(SignedDuration::from_hours(24 * 90));
    let checked = verify(&desk, "staff/boss", &improvement.name).await.unwrap();
    (desk, checked)
}

#[tokio::test]
async fn fewer_complaints_afterwards_make_it_effective_and_its_clocks_are_kept() {
    let (desk, checked) = effect(2, 1).await;
    assert_eq!(checked.state(), State::Effective);
    let counted = checked.effect.unwrap();
    assert_eq!((counted.days, counted.count_before, counted.count_after), (90, 2, 1));
    let kept = desk.bench.kept_of(&checked.name).await;
    let met = ["effect_check", "improvement"].map(|kind| (kind.to_owned(), Kept::Met, false));
    assert_eq!(kept, met);
}

#[tokio::test]
async fn as_many_afterwards_make_it_ineffective_whatever_the_verifier_says() {
    let (_, checked) = effect(1, 1).await;
    assert_eq!((checked.state(), checked.comment.as_str()), (State::Ineffective, "已核查"));
}

#[tokio::test]
async fn nobody_checks_what_their_own_department_carries_out() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let own = client(&desk, "staff/boss").create_improvement(plan(&desk, &complaint, "staff/qin")).await;
    assert_eq!(assert_refused(own, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A1.1"]);
    let planned = client(&desk, "staff/boss").create_improvement(plan(&desk, &complaint, "staff/boss")).await;
    let name = planned.unwrap().into_inner().name;
    let call = pb::CompleteImprovementRequest { name: name.clone(), report: "已培训".into(), ..Default::default() };
    client(&desk, "staff/fieldhead").complete_improvement(call).await.unwrap();
    // The verifier moves into that department before the time comes.
    desk.bench.time().advance(SignedDuration::from_hours(24 * 91));
    let moves = format!(
        "insert into directory_membership (staff, since_at, department) values ('staff/boss', '{}', '{FIELD}')",
        desk.bench.now() - SignedDuration::from_hours(1)
    );
    desk.bench.change_directory(&moves).await;
    let own = verify(&desk, "staff/boss", &name).await;
    assert_eq!(assert_refused(own, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A1.1"]);
    let absent = plan(&desk, "complaints/0199aaaa-0000-7000-8000-000000000009", "staff/mei");
    let refused = client(&desk, "staff/boss").create_improvement(absent).await;
    assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
}
