//! The directory (`kefu.directory.v1`): who belongs where, acts as what, is in charge of what, and is away.

use std::sync::Arc;

use kefu_chassis::paging::Key;
use kefu_chassis::{Chassis, Error};
use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::directory_service_server::DirectoryService;
use sqlx::PgConnection;
use tonic::{Request, Response, Status, Streaming};

mod absence;
pub mod bootstrap;
mod department;
mod general_manager;
mod import;
mod known;
mod responsible;
mod staff;

/// Serves the directory.
#[derive(Clone, Debug)]
pub struct Directory(pub Arc<Chassis>);

kefu_chassis::delegate! {
    impl DirectoryService for Directory {
        create_department(pb::CreateDepartmentRequest) -> pb::Department = create_department;
        get_department(pb::GetDepartmentRequest) -> pb::Department = get_department;
        list_departments(pb::ListDepartmentsRequest) -> pb::ListDepartmentsResponse = list_departments;
        update_department(pb::UpdateDepartmentRequest) -> pb::Department = update_department;
        create_staff(pb::CreateStaffRequest) -> pb::Staff = create_staff;
        get_staff(pb::GetStaffRequest) -> pb::Staff = get_staff;
        list_staff(pb::ListStaffRequest) -> pb::ListStaffResponse = list_staff;
        update_staff(pb::UpdateStaffRequest) -> pb::Staff = update_staff;
        record_absence(pb::RecordAbsenceRequest) -> pb::Absence = record_absence;
        end_absence(pb::EndAbsenceRequest) -> pb::Absence = end_absence;
        list_absences(pb::ListAbsencesRequest) -> pb::ListAbsencesResponse = list_absences;
        resolve_responsible(pb::ResolveResponsibleRequest) -> pb::ResolveResponsibleResponse = resolve_responsible;
        appoint_general_manager(pb::AppointGeneralManagerRequest) -> pb::Staff = appoint_general_manager;
        get_general_manager(pb::GetGeneralManagerRequest) -> pb::Staff = get_general_manager;
    }
    {
        async fn import_staff(
            &self,
            request: Request<Streaming<pb::ImportStaffRequest>>,
        ) -> Result<Response<pb::ImportStaffResponse>, Status> {
            let (call, pieces) = self.0.admit_stream(request)?;
            let outcome = self.import(&call, pieces).await;
            self.0.settle(&call, outcome).await
        }
    }
}

/// The organisation as a whole.
#[derive(Clone, Debug, Default)]
struct Organisation {
    /// Their name, or empty.
    general_manager: String,
    general_manager_version: i64,
    /// Counts the changes of departments and staff.
    version: i64,
}

/// Takes the organisation for a change of departments or staff, until the transaction ends, and counts the change. In turn: the
/// row alone would let a long import, which takes it again and again, overtake whoever waits.
async fn hold(connection: &mut PgConnection) -> Result<Organisation, sqlx::Error> {
    sqlx::query_as!(
        Organisation,
        r#"with turn as materialized (select pg_advisory_xact_lock(hashtextextended('kefu.appraisal.organisation', 0)))
        update appraisal.organisation set version = version + 1 from turn
        returning coalesce(general_manager, '') as "general_manager!", general_manager_version, version"#
    )
    .fetch_one(connection)
    .await
}

/// Where a page of a list by name ends.
struct Name(String);

impl Key for Name {
    fn write(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

/// There is no such department.
fn no_department(name: &str) -> Error {
    Error::NotFound { kind: "kefu/Department", name: name.to_owned() }
}

/// There is no such member of staff.
fn no_staff(name: &str) -> Error {
    Error::NotFound { kind: "kefu/Staff", name: name.to_owned() }
}

/// The name of a new resource of `collection` with this id. `-` stands for all of a collection and names none of it.
fn new_name(collection: &str, id: &str) -> Result<String, Error> {
    if id == "-" {
        let field = if collection == "staff" { "staff_id" } else { "department_id" };
        return Err(Error::field(field, "- stands for all"));
    }
    Ok(format!("{collection}/{id}"))
}
