//! Departments: their heads and deputies, and their dissolution.

use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::assert_refused;
use tonic::Code;

use super::house::{DESK, House, OTHER, payload, told};

fn deputy(staff: &str) -> pb::department::Deputy {
    pb::department::Deputy { staff: staff.into(), domains: vec!["network".into()] }
}

#[tokio::test]
async fn a_department_is_recorded_and_changed_and_every_change_tells_all_of_it() {
    let mut house = House::open().await;
    let network = pb::Department {
        display_name: "网络部".into(),
        kind: pb::department::Kind::Executing.into(),
        domains: vec!["network".into()],
        deputies: vec![deputy("staff/lin")],
        ..Default::default()
    };
    let call = pb::CreateDepartmentRequest {
        department: Some(network),
        department_id: "network".into(),
        ..Default::default()
    };
    let created = house.office.create_department(call).await.unwrap().into_inner();
    assert_eq!(created, house.department("departments/network").await);
    house.create("net", Role::Manager, "departments/network").await;
    let led = house.name_head("departments/network", "staff/net").await.unwrap();
    assert_eq!((led.head.as_str(), &led.deputies, led.etag.as_str()), ("staff/net", &created.deputies, "\"2\""));
    let events = house.events().await;
    let of_it: Vec<_> = events.iter().filter(|event| event.aggregate == "departments/network").collect();
    assert_eq!(
        of_it.iter().map(|event| payload(event)).collect::<Vec<_>>(),
        ["DepartmentCreated", "DepartmentUpdated"]
    );
    assert_eq!(told::<pb::DepartmentCreated>(of_it[0]).department, Some(created));
    let update: pb::DepartmentUpdated = told(of_it[1]);
    assert_eq!((update.department, update.changed_fields), (Some(led), vec!["head".to_owned()]));
}

#[tokio::test]
async fn a_department_with_members_is_not_dissolved_and_a_dissolved_one_gets_none() {
    let mut house = House::open().await;
    let dissolved = pb::Department { name: OTHER.into(), dissolved: true, ..Default::default() };
    let refusal = assert_refused(
        house.change_department(dissolved.clone(), &[]).await,
        Code::FailedPrecondition,
        ErrorReason::GateClosed,
    );
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A2.4"], OTHER));
    house.leave("staff/zhao").await.unwrap();
    assert!(house.change_department(dissolved, &[]).await.unwrap().dissolved);

    let mut call = super::house::newcomer("late", Role::Agent, OTHER);
    let refused = house.office.create_staff(call.clone()).await;
    assert_eq!(
        assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(),
        ["staff.department"]
    );
    call.staff.as_mut().unwrap().inactive = true;
    house.office.create_staff(call).await.unwrap();
    let back = pb::Staff { name: "staff/zhao".into(), ..Default::default() };
    let refused = house.change(back, &["inactive"]).await;
    assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    let refused = house.resolve(OTHER, "", "").await;
    assert_eq!(assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.4"]);

    let mut shown = async |show_dissolved| {
        let call = pb::ListDepartmentsRequest { show_dissolved, ..Default::default() };
        let listed = house.office.list_departments(call).await.unwrap().into_inner().departments;
        listed.into_iter().map(|department| department.name).collect::<Vec<_>>()
    };
    assert_eq!(shown(false).await, [DESK, "departments/office"]);
    assert_eq!(shown(true).await, [DESK, "departments/office", OTHER]);
}

#[tokio::test]
async fn whoever_heads_a_department_neither_leaves_nor_moves_before_another_is_named() {
    let mut house = House::open().await;
    house.name_head(DESK, "staff/boss").await.unwrap();
    let moved = pb::Staff { name: "staff/boss".into(), department: OTHER.into(), ..Default::default() };
    let left = house.leave("staff/boss").await;
    for outcome in [left, house.change(moved.clone(), &[]).await] {
        let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
        assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A2.4"], DESK));
    }
    house.name_head(DESK, "staff/lin").await.unwrap();
    assert_eq!(house.change(moved, &[]).await.unwrap().department, OTHER);
    house.name_head(DESK, "").await.unwrap();
    house.leave("staff/lin").await.unwrap();
}
