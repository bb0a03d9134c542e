//! Requests that another department has to help with: solved before or after their work order (A2.6, A9.2).

use jiff::SignedDuration;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::intake::v1 as pb;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{Desk, proto};

const FIELD: &str = "departments/field";

#[tokio::test]
async fn what_is_solved_first_owes_its_work_order_even_after_it_is_closed() {
    let mut desk = Desk::open().await;
    let name = desk.working("power").await;
    let refused = assert_refused(desk.resolve(&name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refused.clauses(), ["A2.4"], "out of scope: hand it over, or solve first and file after");
    let call = pb::ResolveRequestRequest {
        name: name.clone(),
        resolution: "先行送电".into(),
        assistance: "现场指导".into(),
        emergency_reason: "医院停电".into(),
        ..Default::default()
    };
    let resolved = desk.requests.resolve_request(call).await.unwrap().into_inner();
    assert_eq!((resolved.solved_first, resolved.emergency_reason.as_str()), (true, "医院停电"));
    assert_eq!(desk.duty(&name, "work_order").await.due_time, proto("2026-11-23T10:00:00+08:00"), "a working day");
    desk.confirm(&name, pb::contact_attempt::Outcome::Satisfied).await.unwrap();
    assert_eq!(desk.duty(&name, "work_order").await.state(), Kept::Open);

    desk.bench.time().advance(SignedDuration::from_hours(4 * 24));
    desk.bench.mark_overdue().await;
    let order = |reason: &str| pb::FileWorkOrderRequest {
        parent: name.clone(),
        for_department: FIELD.into(),
        content: "检修线路".into(),
        reason: reason.into(),
        ..Default::default()
    };
    let silent = desk.requests.file_work_order(order("")).await;
    assert_eq!(assert_refused(silent, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["reason"]);
    let filed = desk.requests.file_work_order(order("紧急处理")).await.unwrap().into_inner();
    assert!(filed.retroactive);
    let duty = desk.duty(&name, "work_order").await;
    assert_eq!((duty.state(), duty.late, duty.taken_back), (Kept::Met, true, 0), "met late");
    let told: Vec<_> = desk.notifications_of("staff/head").await.into_iter().map(|each| each.clause).collect();
    assert_eq!(told, ["A2.6"], "owner, supervisor and head were told of it");
}

#[tokio::test]
async fn a_work_order_filed_before_the_solution_needs_no_reason_and_opens_no_clock() {
    let mut desk = Desk::open().await;
    let name = desk.working("power").await;
    let order = pb::FileWorkOrderRequest {
        parent: name.clone(),
        for_department: FIELD.into(),
        content: "检修线路".into(),
        ..Default::default()
    };
    assert!(!desk.requests.file_work_order(order).await.unwrap().into_inner().retroactive);
    assert!(!desk.resolve(&name).await.unwrap().solved_first, "the order goes before");
    assert!(desk.duties(&name).await.iter().all(|duty| duty.kind != "work_order"));
}
