//! `ImportStaff`: an organisation from a file, imported once; rejected rows are reported by line and column.

use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::{Bench, assert_refused};
use tonic::{Code, Status};

use super::house::{DESK, House, events, payload, told};

/// Sends a file in pieces of at most `size` bytes.
pub async fn send(
    bench: &Bench,
    file: &[u8],
    size: usize,
    create_departments: bool,
) -> Result<pb::ImportStaffResponse, Status> {
    let pieces: Vec<_> =
        file.chunks(size).map(|chunk| pb::ImportStaffRequest { chunk: chunk.to_vec(), create_departments }).collect();
    let mut client = pb::directory_service_client::DirectoryServiceClient::new(bench.as_service());
    Ok(client.import_staff(tokio_stream::iter(pieces)).await?.into_inner())
}

async fn import(house: &House, text: &str) -> pb::ImportStaffResponse {
    send(&house.bench, text.as_bytes(), 1 << 20, true).await.unwrap()
}

/// Numbers of rows created, updated, unchanged and rejected.
pub fn counts(result: &pb::ImportStaffResponse) -> (i32, i32, i32, i32) {
    (result.created_count, result.updated_count, result.unchanged_count, result.rejected_count)
}

fn rejected(result: &pb::ImportStaffResponse) -> Vec<(i64, &str, &str)> {
    result.rejected_rows.iter().map(|row| (row.line, row.field.as_str(), row.reason.as_str())).collect()
}

#[tokio::test]
async fn the_example_is_an_organisation_in_which_somebody_is_in_charge_of_everything() {
    let bench = Bench::of(&kefu_appraisal::SERVICE).await;
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/directory/example.csv")).unwrap();
    let first = send(&bench, &file, 100, true).await.unwrap();
    assert_eq!((counts(&first), first.rejected_rows), ((15, 0, 0, 0), vec![]));
    let office = pb::directory_service_client::DirectoryServiceClient::new(bench.as_service());
    let mut house = House { bench, office };
    let field = house.department("departments/field").await;
    assert_eq!((field.display_name.as_str(), field.kind()), ("现场服务部", pb::department::Kind::Executing));
    assert_eq!((field.domains.join(" ").as_str(), field.head.as_str()), ("printing cabling installation", "staff/li"));
    assert_eq!(field.deputies, [pb::department::Deputy { staff: "staff/feng".into(), domains: vec![] }]);
    for (department, head) in [("desk", "chen"), ("network", "zhao"), ("quality", "xu"), ("office", "sun")] {
        let found = house.resolve(&format!("departments/{department}"), "", "").await.unwrap();
        assert_eq!(found, format!("staff/{head}"));
    }
    let mei = house.staff("staff/mei").await;
    assert_eq!(mei.roles().collect::<Vec<_>>(), [Role::Supervisor, Role::Agent]);
    assert_eq!(
        (mei.number.as_str(), mei.supervisor.as_str(), mei.level()),
        ("2002", "staff/chen", pb::staff::Level::Senior)
    );
    let call = pb::AppointGeneralManagerRequest { staff: "staff/zhou".into(), ..Default::default() };
    house.office.appoint_general_manager(call).await.unwrap();

    let before = house.count().await;
    let again = send(&house.bench, &file, 1 << 20, true).await.unwrap();
    assert_eq!((counts(&again), house.count().await), ((0, 0, 15, 0), before), "nothing is written twice");
    let kinds: Vec<_> = house.events().await.iter().map(|event| payload(event).to_owned()).collect();
    let of = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    assert_eq!((of("DepartmentCreated"), of("StaffCreated"), of("DepartmentUpdated")), (6, 15, 6));
}

#[tokio::test]
async fn rows_stand_in_any_order_and_change_only_what_the_file_has_columns_for() {
    let mut house = House::open().await;
    let skilled = pb::Staff { name: "staff/lin".into(), skills: vec!["printers".into()], ..Default::default() };
    house.change(skilled, &[]).await.unwrap();
    // A file with a byte order mark, columns in another order, names instead of ids, and a supervisor after those
    // supervised.
    let file = "\u{feff}number,id,display_name,department,supervisor,roles\r\n\
        N-new,new,新来的,desk,staff/lin,agent ； technician\r\n\
        N-lin,staff/lin,\"林,小姐\",departments/desk,first,AGENT\r\n\
        N-first,first,第一,other,,MANAGER\r\n\
        N-zhao,zhao,zhao,other,,AGENT\r\n";
    let result = send(&house.bench, file.as_bytes(), 3, false).await.unwrap();
    assert_eq!((counts(&result), rejected(&result)), ((2, 1, 1, 0), vec![]));
    let lin = house.staff("staff/lin").await;
    assert_eq!((lin.display_name.as_str(), lin.supervisor.as_str()), ("林,小姐", "staff/first"));
    assert_eq!(lin.skills, ["printers"], "of which the file says nothing");
    assert_eq!(house.staff("staff/new").await.roles().collect::<Vec<_>>(), [Role::Agent, Role::Technician]);
    let events = house.events().await;
    let last: Vec<_> = events[events.len() - 3..].iter().map(|event| event.aggregate.as_str()).collect();
    assert_eq!(last, ["staff/first", "staff/lin", "staff/new"], "who supervises comes first");
    let update: pb::StaffUpdated = told(&events[events.len() - 2]);
    assert_eq!(update.changed_fields, ["display_name", "supervisor"]);
    assert_eq!(update.staff, Some(lin));
}

#[tokio::test]
async fn a_row_that_is_wrong_is_named_with_its_line_and_column_and_stops_nothing() {
    let mut house = House::open().await;
    house.name_head(DESK, "staff/boss").await.unwrap();
    house.leave("staff/zhao").await.unwrap();
    let mut file = b"id,number,display_name,department,level,roles,supervisor\n\
        good,1,A,desk,SENIOR,AGENT,\n\
        ,2,B,desk,,AGENT,\n\
        b c,3,B,desk,,AGENT,\n\
        d,,B,desk,,AGENT,\n\
        e,5,,desk,,AGENT,\n\
        f,6,F,nowhere,,AGENT,\n\
        g,7,G,desk,BOSS,AGENT,\n\
        h,8,H,desk,,AGENT;JANITOR,\n\
        i,9,I,desk,,CUSTOMER,\n\
        j,10,J,,,AGENT,\n\
        k,11,K,desk,,AGENT,nobody\n\
        l,12,L,desk,,AGENT,zhao\n\
        m,13,M,desk,,AGENT,m\n\
        n,14,N,desk,,AGENT,o\n\
        o,15,O,desk,,AGENT,n\n\
        good,16,P,desk,,AGENT,\n\
        q,1,Q,desk,,AGENT,\n\
        r,N-lin,R,desk,,AGENT,\n\
        boss,N-boss,boss,other,,MANAGER,\n\
        admin,N-admin,admin,desk,,AGENT,\n\
        u,21,U,desk,,AGENT\n\
        v,22,V,desk,,AGENT,f\n\
        -,23,W,desk,,AGENT,\n"
        .to_vec();
    file.extend_from_slice(b"x,24,\xff\xfe,desk,,AGENT,\nlast,25,Z,desk,,AGENT,good\n");
    let result = send(&house.bench, &file, 64, false).await.unwrap();
    assert_eq!(counts(&result), (2, 0, 0, 23), "{:?}", rejected(&result));
    let named: Vec<_> = rejected(&result).into_iter().map(|(line, field, _)| (line, field)).collect();
    let expected = [
        (3, "id"),
        (4, "id"),
        (5, "number"),
        (6, "display_name"),
        (7, "department"),
        (8, "level"),
        (9, "roles"),
        (10, "roles"),
        (11, "department"),
        (12, "supervisor"),
        (13, "supervisor"),
        (14, "supervisor"),
        (15, "supervisor"),
        (16, "supervisor"),
        (17, "id"),
        (18, "number"),
        (19, "number"),
        (20, "department"),
        (21, "roles"),
        (22, ""),
        (23, "supervisor"),
        (24, "id"),
        (25, "display_name"),
    ];
    assert_eq!(named, expected);
    assert!(rejected(&result).iter().all(|(.., reason)| !reason.is_empty()));
    assert_eq!(house.staff("staff/boss").await.department, DESK);
}

#[tokio::test]
async fn departments_are_recorded_as_the_file_describes_them_and_known_ones_stay() {
    let mut house = House::open().await;
    let header = "id,number,display_name,department,department_name,department_kind,domains,position,roles\n";
    let file = format!(
        "{header}\
        a,1,A,new,,,,deputy,AGENT\n\
        b,2,B,new,新部门,executing,x;y,head,MANAGER\n\
        c,3,C,new,另一个,,,,AGENT\n\
        d,4,D,new,新部门,EXECUTING,,head,AGENT\n\
        e,5,E,new,,,,boss,AGENT\n\
        f,6,F,plain,,,,,AGENT\n\
        g,7,G,half,半个,,,,AGENT\n\
        boss,N-boss,boss,desk,别名,OFFICE,z,head,MANAGER\n\
        lin,N-lin,lin,desk,,,,,AGENT\n\
        h,,H,unused,没人,EXECUTING,,,AGENT\n"
    );
    let result = import(&house, &file).await;
    assert_eq!(counts(&result), (2, 0, 2, 6), "{:?}", rejected(&result));
    let expected = [
        (4, "department_name", "line 3 says otherwise"),
        (5, "position", "stands in line 3 already"),
        (6, "position", "must be head or deputy, or empty"),
        (7, "department", "is not known"),
        (8, "department_kind", "is required"),
        (11, "number", "is required"),
    ];
    assert_eq!(rejected(&result), expected);
    let new = house.department("departments/new").await;
    assert_eq!(
        (new.display_name.as_str(), new.domains.join(" ").as_str(), new.head.as_str()),
        ("新部门", "x y", "staff/b")
    );
    assert_eq!(new.deputies.iter().map(|deputy| deputy.staff.as_str()).collect::<Vec<_>>(), ["staff/a"]);
    let desk = house.department(DESK).await;
    assert_eq!((desk.display_name.as_str(), desk.head.as_str()), ("desk", "staff/boss"), "but for the head it had not");
    let all = pb::ListDepartmentsRequest::default();
    let all = house.office.list_departments(all).await.unwrap().into_inner().departments;
    assert_eq!(all.len(), 4, "no department of a row that was not taken");

    // A later file does not replace a recorded head.
    let again = import(&house, &format!("{header}lin,N-lin,lin,desk,,,,head,AGENT\n")).await;
    assert_eq!((counts(&again), house.department(DESK).await), ((0, 0, 1, 0), desk));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_as_a_whole_is_refused_and_changes_nothing() {
    let house = House::open().await;
    let before = events(&house.bench).await.len();
    for (text, create_departments) in [
        ("", false),
        ("id,number\nx,1\n", false),
        ("id,number,display_name,salary\n", true),
        ("id,number,display_name,id\n", true),
        ("id,number,display_name,position\n", false),
    ] {
        let outcome = send(&house.bench, text.as_bytes(), 1 << 20, create_departments).await;
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["chunk"], "{text}");
    }
    assert_eq!(events(&house.bench).await.len(), before);
}
