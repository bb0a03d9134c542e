//! Staff and the general manager: recorded, listed, changed; events carry the whole resource and the time of the
//! change.

use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::{Bench, assert_refused};
use tonic::Code;

use super::house::{DESK, House, OTHER, newcomer, payload, proto, told};

#[tokio::test]
async fn a_newcomer_is_recorded_listed_and_told_of_as_of_the_day_they_came() {
    let mut house = House::open().await;
    let mut call = newcomer("mei", Role::Agent, DESK);
    let staff = call.staff.as_mut().unwrap();
    staff.skills = vec!["printers".into()];
    staff.level = pb::staff::Level::Senior.into();
    staff.supervisor = "staff/boss".into();
    staff.qualifications =
        vec![pb::staff::Qualification { code: "high-voltage".into(), expire_time: proto("2027-06-30T23:59:59+08:00") }];
    call.occurred_time = proto("2026-11-18T09:00:00+08:00");
    let created = house.office.create_staff(call.clone()).await.unwrap().into_inner();
    let given = call.staff.unwrap();
    let expected = pb::Staff {
        name: "staff/mei".into(),
        create_time: proto("2026-11-20T10:00:00+08:00"),
        update_time: proto("2026-11-20T10:00:00+08:00"),
        etag: "\"1\"".into(),
        ..given
    };
    assert_eq!(created, expected);
    assert_eq!(house.staff("staff/mei").await, created);
    let event = house.events().await.pop().unwrap();
    assert_eq!((payload(&event), event.aggregate.as_str()), ("StaffCreated", "staff/mei"));
    assert_eq!(event.occurred_time, proto("2026-11-18T09:00:00+08:00"), "they belong to the desk since then");
    assert_eq!(told::<pb::StaffCreated>(&event).staff, Some(created));
}

#[tokio::test]
async fn a_list_of_staff_is_by_name_and_shows_who_is_asked_for() {
    let mut house = House::open().await;
    for (id, role) in [("yang", Role::Technician), ("Bo", Role::Agent), ("an", Role::Agent)] {
        house.create(id, role, OTHER).await;
    }
    house.leave("staff/an").await.unwrap();
    let mut names = async |department: &str, role: Role, show_inactive: bool| {
        let call = pb::ListStaffRequest {
            department: department.into(),
            role: role.into(),
            show_inactive,
            ..Default::default()
        };
        let listed = house.office.list_staff(call).await.unwrap().into_inner().staff;
        listed.into_iter().map(|staff| staff.name.trim_start_matches("staff/").to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("", Role::Unspecified, false).await, "Bo admin boss lin office yang zhao");
    assert_eq!(names("", Role::Unspecified, true).await, "Bo admin an boss lin office yang zhao");
    assert_eq!(names(OTHER, Role::Unspecified, false).await, "Bo yang zhao");
    assert_eq!(names(OTHER, Role::Agent, true).await, "Bo an zhao");
    assert_eq!(names("", Role::Admin, false).await, "admin");
    assert_eq!(names("departments/none", Role::Unspecified, true).await, "");
}

#[tokio::test]
async fn a_move_counts_from_when_it_happened_and_not_before_the_last_one() {
    let mut house = House::open().await;
    let mut call = newcomer("mei", Role::Agent, DESK);
    call.occurred_time = proto("2026-11-10T09:00:00+08:00");
    house.office.create_staff(call).await.unwrap();
    let mut moved = async |department: &str, at: &str| {
        let staff = pb::Staff { name: "staff/mei".into(), department: department.into(), ..Default::default() };
        let call = pb::UpdateStaffRequest { staff: Some(staff), occurred_time: proto(at), ..Default::default() };
        house.office.update_staff(call).await
    };
    let refusal = assert_refused(
        moved(OTHER, "2026-11-10T08:59:59.999999+08:00").await,
        Code::InvalidArgument,
        ErrorReason::FieldInvalid,
    );
    assert_eq!(refusal.fields(), ["occurred_time"]);
    moved(OTHER, "2026-11-16T09:00:00+08:00").await.unwrap();
    let back = moved(DESK, "2026-11-16T08:00:00+08:00").await;
    assert_refused(back, Code::InvalidArgument, ErrorReason::FieldInvalid);
    moved(DESK, "2026-11-16T09:00:00+08:00").await.unwrap();
    for (at, clause) in [("2026-11-20T10:01:00.000001+08:00", ""), ("2026-10-01T10:00:00+08:00", "A9.1")] {
        let refusal = assert_refused(moved(OTHER, at).await, Code::InvalidArgument, ErrorReason::FieldInvalid);
        let reason = &refusal.details.bad_request().unwrap().field_violations[0].description;
        assert!(reason.contains(clause), "{reason}");
    }
    let updates: Vec<_> =
        house.events().await.iter().filter(|event| payload(event) == "StaffUpdated").cloned().collect();
    let times: Vec<_> = updates.iter().map(|event| event.occurred_time).collect();
    assert_eq!(times, [proto("2026-11-16T09:00:00+08:00"); 2]);
    let told: pb::StaffUpdated = told(&updates[0]);
    assert_eq!((told.staff.unwrap().department.as_str(), told.changed_fields), (OTHER, vec!["department".to_owned()]));
}

#[tokio::test]
async fn a_clock_that_is_a_little_behind_records_changes_when_the_record_began_and_no_sooner() {
    let house = House::open().await;
    let mut office = house.office.clone();
    let created = office.create_staff(newcomer("mei", Role::Agent, DESK)).await.unwrap().into_inner();
    let behind = Bench::builder(&kefu_appraisal::SERVICE).starting_at("2026-11-20T09:59:56+08:00");
    let behind = behind.start_on(house.bench.database()).await.unwrap();
    let mut office = DirectoryServiceClient::new(behind.as_("staff/office", &["OFFICE"]));
    let staff = pb::Staff { name: "staff/mei".into(), department: OTHER.into(), ..Default::default() };
    let moved = pb::UpdateStaffRequest { staff: Some(staff), ..Default::default() };
    let moved = office.update_staff(moved).await.unwrap().into_inner();
    assert_eq!((moved.department.as_str(), moved.update_time), (OTHER, created.create_time));
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_tells_only_what_differs() {
    let mut house = House::open().await;
    let before = house.staff("staff/lin").await;
    let given = pb::Staff {
        name: "staff/lin".into(),
        post: "组长".into(),
        level: pb::staff::Level::Lead.into(),
        department: DESK.into(),
        ..Default::default()
    };
    // Without a mask, an update changes only the fields that are set.
    let after = house.change(given.clone(), &[]).await.unwrap();
    assert_eq!((after.post.as_str(), after.level()), ("组长", pb::staff::Level::Lead));
    assert_eq!((&after.number, &after.roles, after.etag.as_str()), (&before.number, &before.roles, "\"2\""));
    let event = house.events().await.pop().unwrap();
    let update: pb::StaffUpdated = told(&event);
    assert_eq!(
        (update.staff, update.changed_fields),
        (Some(after.clone()), vec!["post".to_owned(), "level".to_owned()])
    );
    // With a mask, it changes only the fields that the mask names, and clears those that are not set.
    let after = house.change(given, &["level", "skills"]).await.unwrap();
    assert_eq!(after.etag, "\"2\"", "nothing differs");
    let cleared = pb::Staff { name: "staff/lin".into(), ..Default::default() };
    let after = house.change(cleared, &["post"]).await.unwrap();
    assert_eq!((after.post.as_str(), after.etag.as_str()), ("", "\"3\""));
    // An update without a difference appends no event.
    let events = house.count().await;
    assert_eq!(house.change(after.clone(), &["*"]).await.unwrap(), after);
    assert_eq!(house.count().await, events);
}

#[tokio::test]
async fn the_general_manager_is_whom_the_office_appointed_last() {
    let mut house = House::open().await;
    let nobody = house.office.get_general_manager(pb::GetGeneralManagerRequest {}).await;
    assert_refused(nobody, Code::NotFound, ErrorReason::ResourceNotFound);
    let mut appoint = async |staff: &str| {
        let call = pb::AppointGeneralManagerRequest { staff: staff.into(), ..Default::default() };
        house.office.appoint_general_manager(call).await.unwrap().into_inner().name
    };
    for staff in ["staff/boss", "staff/boss", "staff/office"] {
        assert_eq!(appoint(staff).await, staff);
    }
    let manager = house.office.get_general_manager(pb::GetGeneralManagerRequest {}).await.unwrap().into_inner();
    assert_eq!(manager, house.staff("staff/office").await);
    let appointed: Vec<pb::GeneralManagerAppointed> = house
        .events()
        .await
        .iter()
        .filter(|event| payload(event) == "GeneralManagerAppointed")
        .map(|event| {
            assert_eq!(event.clauses, ["A2.5"]);
            told(event)
        })
        .collect();
    let of =
        |staff: &str, previous: &str| pb::GeneralManagerAppointed { staff: staff.into(), previous: previous.into() };
    assert_eq!(appointed, [of("staff/boss", ""), of("staff/office", "staff/boss")]);
    house.create("gone", Role::Executive, DESK).await;
    house.leave("staff/gone").await.unwrap();
    let call = pb::AppointGeneralManagerRequest { staff: "staff/gone".into(), ..Default::default() };
    let refused = house.office.appoint_general_manager(call).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["staff"]);
}

#[tokio::test]
async fn several_are_got_at_once_in_the_order_asked_and_not_without_one_of_them() {
    let mut house = House::open().await;
    for id in ["yang", "bo"] {
        house.create(id, Role::Agent, OTHER).await;
    }
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let asked = names(&["staff/yang", "staff/bo"]);
    let call = pb::BatchGetStaffRequest { names: asked.clone() };
    let found = house.office.batch_get_staff(call).await.unwrap().into_inner().staff;
    assert_eq!(found.into_iter().map(|staff| staff.name).collect::<Vec<_>>(), asked);
    let call = pb::BatchGetStaffRequest { names: names(&["staff/bo", "staff/nobody"]) };
    let refusal =
        assert_refused(house.office.batch_get_staff(call).await, Code::NotFound, ErrorReason::ResourceNotFound);
    assert_eq!(refusal.resource(), "staff/nobody");
    let asked = names(&[OTHER, DESK]);
    let call = pb::BatchGetDepartmentsRequest { names: asked.clone() };
    let found = house.office.batch_get_departments(call).await.unwrap().into_inner().departments;
    assert_eq!(found.into_iter().map(|department| department.name).collect::<Vec<_>>(), asked);
}
