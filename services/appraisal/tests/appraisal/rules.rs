//! Calls that break a rule of the directory: each is refused with its field, clause or resource, and changes nothing.

use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::any::World as _;
use kefu_testkit::assert_refused;
use serde_json::{Value as Json, json};
use tonic::Code;

use super::any::World;
use super::house::{DESK, House, OTHER, newcomer};

/// A valid request of a method with some fields of its resource changed.
fn changed(world: &World, method: &str, resource: &str, change: &Json) -> Json {
    let mut request = world.json(method);
    let target = if resource.is_empty() { &mut request } else { &mut request[resource] };
    for (field, value) in change.as_object().unwrap() {
        target[field] = value.clone();
    }
    request
}

/// Invalid requests: the method, the resource, the change, and the field that the refusal names.
fn broken() -> Vec<(&'static str, &'static str, Json, &'static str)> {
    let mut cases = Vec::new();
    for method in ["CreateStaff", "UpdateStaff"] {
        cases.extend([
            (method, "staff", json!({ "roles": ["CUSTOMER"] }), "staff.roles"),
            (method, "staff", json!({ "roles": ["AGENT", "SERVICE"] }), "staff.roles"),
            (method, "staff", json!({ "roles": ["ROLE_UNSPECIFIED"] }), "staff.roles"),
            (method, "staff", json!({ "department": "" }), "staff.department"),
            (method, "staff", json!({ "department": "", "roles": [] }), "staff.department"),
            (method, "staff", json!({ "department": "", "roles": ["ADMIN", "OFFICE"] }), "staff.department"),
            (method, "staff", json!({ "supervisor": "staff/gone" }), "staff.supervisor"),
        ]);
    }
    let times = |start: &str, end: &str| json!({ "start_time": start, "end_time": end });
    cases.extend([
        ("CreateStaff", "staff", json!({ "supervisor": "staff/new" }), "staff.supervisor"),
        ("UpdateStaff", "staff", json!({ "supervisor": "staff/lin" }), "staff.supervisor"),
        ("CreateStaff", "", json!({ "staff_id": "-" }), "staff_id"),
        ("CreateDepartment", "", json!({ "department_id": "-" }), "department_id"),
        ("CreateDepartment", "department", json!({ "head": "staff/boss" }), "department.head"),
        ("UpdateDepartment", "department", json!({ "head": "staff/zhao" }), "department.head"),
        ("UpdateDepartment", "department", json!({ "head": "staff/gone" }), "department.head"),
        (
            "UpdateDepartment",
            "department",
            json!({ "deputies": [{ "staff": "staff/gone" }] }),
            "department.deputies[0].staff",
        ),
        (
            "UpdateDepartment",
            "department",
            json!({ "deputies": [{ "staff": "staff/lin" }, { "staff": "staff/zhao" }, { "staff": "staff/lin" }] }),
            "department.deputies[2].staff",
        ),
        ("UpdateStaff", "", json!({ "update_mask": "etag" }), "update_mask"),
        ("UpdateDepartment", "", json!({ "update_mask": "head,createTime" }), "update_mask"),
        (
            "RecordAbsence",
            "absence",
            times("2026-11-21T08:00:00+08:00", "2026-11-21T08:00:00+08:00"),
            "absence.end_time",
        ),
        (
            "RecordAbsence",
            "absence",
            times("2026-11-21T08:00:00+08:00", "2026-11-21T07:59:59+08:00"),
            "absence.end_time",
        ),
        ("RecordAbsence", "absence", times("2026-01-01T00:00:00Z", "2027-01-02T00:00:00.000001Z"), "absence.end_time"),
        ("EndAbsence", "", json!({ "end_time": "2026-11-20T07:59:59+08:00" }), "end_time"),
        ("EndAbsence", "", json!({ "end_time": "2026-11-21T08:00:01+08:00" }), "end_time"),
        ("AppointGeneralManager", "", json!({ "staff": "staff/gone" }), "staff"),
    ]);
    cases
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_its_field_and_changes_nothing() {
    let world = World::new().await;
    let gone = json!({ "staff_id": "gone", "staff": {
        "number": "N-gone", "display_name": "走了", "department": DESK, "inactive": true } });
    world.call(&world.admin, "CreateStaff", gone).await.unwrap();
    let before = world.digest().await;
    for (method, resource, change, field) in broken() {
        let outcome = world.call(&world.admin, method, changed(&world, method, resource, &change)).await;
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), [field], "{method} {change}");
    }
    assert_eq!(world.digest().await, before);
    let longest = json!({ "start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-02T00:00:00Z" });
    world.call(&world.admin, "RecordAbsence", changed(&world, "RecordAbsence", "absence", &longest)).await.unwrap();
}

#[tokio::test]
async fn a_name_and_a_number_belong_to_one_only() {
    let world = World::new().await;
    let before = world.digest().await;
    for (method, resource, change, kind, name) in [
        ("CreateStaff", "", json!({ "staff_id": "lin" }), "kefu/Staff", "staff/lin"),
        ("CreateStaff", "staff", json!({ "number": "N-zhao" }), "kefu/Staff", "staff/zhao"),
        ("UpdateStaff", "staff", json!({ "number": "N-zhao" }), "kefu/Staff", "staff/zhao"),
        ("CreateDepartment", "", json!({ "department_id": "desk" }), "kefu/Department", DESK),
    ] {
        let outcome = world.call(&world.admin, method, changed(&world, method, resource, &change)).await;
        let refusal = assert_refused(outcome, Code::AlreadyExists, ErrorReason::ResourceExists);
        let told = refusal.details.resource_info().unwrap();
        assert_eq!((told.resource_type.as_str(), told.resource_name.as_str()), (kind, name), "{method} {change}");
    }
    assert_eq!(world.digest().await, before);
}

#[tokio::test]
async fn nobody_supervises_themselves_also_not_by_way_of_others() {
    let mut house = House::open().await;
    let supervised = |staff: &str, by: &str| pb::Staff {
        name: format!("staff/{staff}"),
        supervisor: format!("staff/{by}"),
        ..Default::default()
    };
    for (staff, by) in [("lin", "boss"), ("boss", "office"), ("office", "zhao")] {
        house.change(supervised(staff, by), &[]).await.unwrap();
    }
    for by in ["zhao", "office", "boss", "lin"] {
        let outcome = house.change(supervised("zhao", by), &[]).await;
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["staff.supervisor"], "{by}");
    }
    // At most 64 supervisors may stand above anybody; staff/zhao, at the top, has none.
    let mut above = "lin".to_owned();
    for level in 4..=64 {
        let id = format!("l{level}");
        let mut call = newcomer(&id, Role::Agent, DESK);
        call.staff.as_mut().unwrap().supervisor = format!("staff/{above}");
        house.office.create_staff(call).await.unwrap();
        above = id;
    }
    let mut call = newcomer("deepest", Role::Agent, DESK);
    call.staff.as_mut().unwrap().supervisor = format!("staff/{above}");
    let refusal =
        assert_refused(house.office.create_staff(call).await, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["staff.supervisor"]);
}

#[tokio::test]
async fn the_last_active_admin_stays_one_and_the_general_manager_stays() {
    let mut house = House::open().await;
    let mut refused = async |staff: pb::Staff, mask: &[&str], clause: &str| {
        let name = staff.name.clone();
        let outcome = house.change(staff, mask).await;
        let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
        assert_eq!((refusal.clauses(), refusal.resource()), (vec![clause], name.as_str()));
    };
    let admin = |roles: Vec<i32>, inactive: bool| pb::Staff {
        name: "staff/admin".into(),
        roles,
        inactive,
        department: DESK.into(),
        ..Default::default()
    };
    refused(admin(vec![], true), &["inactive"], "A1.1").await;
    refused(admin(vec![Role::Office.into()], false), &["roles", "department"], "A1.1").await;
    let call = pb::AppointGeneralManagerRequest { staff: "staff/zhao".into(), ..Default::default() };
    house.office.appoint_general_manager(call).await.unwrap();
    let zhao = || pb::Staff { name: "staff/zhao".into(), inactive: true, ..Default::default() };
    let outcome = house.change(zhao(), &["inactive"]).await;
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A2.5"], "staff/zhao"));

    // The last ADMIN may leave once there is another; one who has left does not count.
    house.create("second", Role::Admin, "").await;
    house.leave("staff/second").await.unwrap();
    let outcome = house.leave("staff/admin").await;
    assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    house.create("third", Role::Admin, OTHER).await;
    house.leave("staff/admin").await.unwrap();
    let call = pb::AppointGeneralManagerRequest { staff: "staff/boss".into(), ..Default::default() };
    house.office.appoint_general_manager(call).await.unwrap();
    assert!(house.change(zhao(), &["inactive"]).await.unwrap().inactive);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_admins_who_leave_at_once_one_stays() {
    let mut house = House::open().await;
    house.create("second", Role::Admin, "").await;
    let replica = house.bench.replica().await;
    for _ in 0..10 {
        let leave = |staff: &str| pb::UpdateStaffRequest {
            staff: Some(pb::Staff { name: staff.into(), inactive: true, ..Default::default() }),
            ..Default::default()
        };
        let (mut one, mut other) =
            (house.office.clone(), pb::directory_service_client::DirectoryServiceClient::new(replica.as_service()));
        let (first, second) =
            tokio::join!(one.update_staff(leave("staff/admin")), other.update_staff(leave("staff/second")));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let left = if first.is_ok() { "staff/admin" } else { "staff/second" };
        house.change(pb::Staff { name: left.into(), ..Default::default() }, &["inactive"]).await.unwrap();
    }
}
