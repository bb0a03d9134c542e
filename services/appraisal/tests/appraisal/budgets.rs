//! Round trips to Postgres of each kind of call.

use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::Role;
use kefu_testkit::Bench;

use super::house::{DESK, House, newcomer, proto};

#[tokio::test]
async fn every_kind_of_call_keeps_to_its_budget_of_round_trips() {
    let house = House::on(Bench::builder(&kefu_appraisal::SERVICE).counting().start().await).await;
    let client = || house.office.clone();
    let mut number = 0;
    let create = house.bench.round_trips(|| {
        number += 1;
        let (mut client, call) = (client(), newcomer(&format!("n{number}"), Role::Agent, DESK));
        async move { client.create_staff(call).await.unwrap() }
    });
    assert_eq!(create.await, 7, "begin, lock, staff, departments, insert, record, commit");
    let change = house.bench.round_trips(|| {
        number += 1;
        let staff = pb::Staff { name: "staff/lin".into(), post: format!("{number}"), ..Default::default() };
        let (mut client, call) = (client(), pb::UpdateStaffRequest { staff: Some(staff), ..Default::default() });
        async move { client.update_staff(call).await.unwrap() }
    });
    assert_eq!(change.await, 8, "begin, lock, load, staff, departments, update, record, commit");
    let department = house.bench.round_trips(|| {
        number += 1;
        let department = pb::Department { name: DESK.into(), display_name: format!("{number}"), ..Default::default() };
        let call = pb::UpdateDepartmentRequest { department: Some(department), ..Default::default() };
        let mut client = client();
        async move { client.update_department(call).await.unwrap() }
    });
    assert_eq!(department.await, 6, "begin, lock, load, update, record, commit");
    let absence = pb::Absence {
        start_time: proto("2026-11-20T08:00:00+08:00"),
        end_time: proto("2026-11-21T08:00:00+08:00"),
        kind: pb::absence::Kind::Leave.into(),
        ..Default::default()
    };
    let call = || pb::RecordAbsenceRequest {
        parent: "staff/lin".into(),
        absence: Some(absence.clone()),
        ..Default::default()
    };
    let absence = house.bench.round_trips(async || client().record_absence(call()).await.unwrap());
    assert_eq!(absence.await, 5, "begin, staff, insert, record, commit");
}

#[tokio::test]
async fn every_reading_call_takes_one_round_trip() {
    let mut house = House::on(Bench::builder(&kefu_appraisal::SERVICE).counting().start().await).await;
    house.name_head(DESK, "staff/boss").await.unwrap();
    let client = || house.office.clone();
    let get = pb::GetStaffRequest { name: "staff/lin".into() };
    assert_eq!(house.bench.round_trips(async || client().get_staff(get.clone()).await.unwrap()).await, 1);
    let list = pb::ListStaffRequest { department: DESK.into(), ..Default::default() };
    assert_eq!(house.bench.round_trips(async || client().list_staff(list.clone()).await.unwrap()).await, 1);
    let responsible = pb::ResolveResponsibleRequest { department: DESK.into(), ..Default::default() };
    let resolve = house.bench.round_trips(async || client().resolve_responsible(responsible.clone()).await.unwrap());
    assert_eq!(resolve.await, 1);
    let absences = pb::ListAbsencesRequest { parent: "staff/-".into(), ..Default::default() };
    assert_eq!(house.bench.round_trips(async || client().list_absences(absences.clone()).await.unwrap()).await, 1);
}
