//! Departments: their business, and who is in charge of it.

use jiff::Timestamp;
use kefu_chassis::call::{check_etag, etag};
use kefu_chassis::directory::Deputy;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::language::Text;
use kefu_chassis::mask::masked;
use kefu_chassis::paging::Page;
use kefu_chassis::record::Record;
use kefu_chassis::{Call, Error};
use kefu_proto::Changeable as _;
use kefu_proto::directory::v1 as pb;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::known::DirectorySnapshot;
use super::responsible::Deputies;
use super::staff::StaffRow;
use super::{Directory, Name, Organisation, lock_organisation, new_name, no_department, staff};

const HAS_MEMBERS: Text = Text::new("it has active members: move them first", "部门尚有在职成员：须先调离");

/// A department as it is stored: its fields are the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Record)]
#[record(table = "appraisal.department", query = departments, upsert)]
#[record(shows = pb::Department, computed(deputies = Self::shown_deputies))]
pub struct DepartmentRow {
    pub name: String,
    display_name: String,
    kind: i16,
    domains: Vec<String>,
    /// Empty for none.
    #[record(nullable)]
    pub head: String,
    #[record(read_as = "crate::directory::responsible::Deputies", hidden)]
    pub deputies: Deputies,
    pub dissolved: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    pub version: i64,
}

impl DepartmentRow {
    /// A new one, as given, recorded at `now`.
    pub fn of(name: String, given: &pb::Department, now: Timestamp) -> Self {
        let mut record = Self { name, ..Self::blank(now) };
        for field in pb::Department::FIELDS {
            record.set(field, given);
        }
        record
    }

    /// Who stands in for the head, in their order.
    fn shown_deputies(&self) -> Vec<pb::department::Deputy> {
        let deputy =
            |deputy: &Deputy| pb::department::Deputy { staff: deputy.staff.clone(), domains: deputy.domains.clone() };
        self.deputies.iter().map(deputy).collect()
    }

    /// Takes the field as given.
    fn set(&mut self, field: &str, given: &pb::Department) {
        let deputy =
            |deputy: &pb::department::Deputy| Deputy { staff: deputy.staff.clone(), domains: deputy.domains.clone() };
        match field {
            "display_name" => self.display_name.clone_from(&given.display_name),
            "kind" => self.kind = given.kind() as i16,
            "domains" => self.domains.clone_from(&given.domains),
            "head" => self.head.clone_from(&given.head),
            "deputies" => self.deputies = Json(given.deputies.iter().map(deputy).collect()),
            "dissolved" => self.dissolved = given.dissolved,
            _ => {}
        }
    }

    /// What an update makes of it at `now`, and the fields that differ then.
    pub fn updated(
        &self,
        fields: &[&'static str],
        given: &pb::Department,
        now: Timestamp,
    ) -> (Self, Vec<&'static str>) {
        let mut new = self.clone();
        let mut changed = Vec::new();
        for field in fields {
            let before = new.clone();
            new.set(field, given);
            if new != before {
                changed.push(*field);
            }
        }
        new.version += 1;
        new.updated_at = now;
        (new, changed)
    }
}

/// The event of a new one.
pub fn created(call: &Call, record: &DepartmentRow) -> NewEvent {
    let payload = pb::DepartmentCreated { department: Some(record.show()) };
    NewEvent::new(record.name.clone(), record.version, call.now, &call.rule.clauses, &payload)
}

/// The event of a change.
pub fn updated(call: &Call, record: &DepartmentRow, changed: &[&str]) -> NewEvent {
    let changed_fields = changed.iter().map(|&field| field.to_owned()).collect();
    let payload = pb::DepartmentUpdated { department: Some(record.show()), changed_fields };
    NewEvent::new(record.name.clone(), record.version, call.now, &call.rule.clauses, &payload)
}

impl Directory {
    pub(super) async fn create_department(
        &self,
        call: &Call,
        request: pb::CreateDepartmentRequest,
    ) -> Result<pb::Department, Error> {
        let name = new_name("departments", &request.department_id)?;
        let record = DepartmentRow::of(name, &request.department.unwrap_or_default(), call.now);
        let mut change = self.chassis.begin(call).await?;
        let organisation = lock_organisation(change.connection()).await?;
        let exists = departments!("where name = $1", record.name).fetch_optional(change.connection()).await?;
        if exists.is_some() {
            return Err(Error::Exists { kind: "kefu/Department", name: record.name });
        }
        check(change.connection(), organisation, &record, pb::Department::FIELDS).await?;
        DepartmentRow::upsert(change.connection(), &[&record]).await?;
        change.record(created(call, &record));
        change.commit(record.show()).await
    }

    pub(super) async fn get_department(
        &self,
        _call: &Call,
        request: pb::GetDepartmentRequest,
    ) -> Result<pb::Department, Error> {
        let row = departments!("where name = $1", request.name).fetch_optional(self.chassis.pool()).await?;
        row.map(|record| record.show()).ok_or_else(|| no_department(&request.name))
    }

    pub(super) async fn list_departments(
        &self,
        call: &Call,
        request: pb::ListDepartmentsRequest,
    ) -> Result<pb::ListDepartmentsResponse, Error> {
        let page: Page<Name> = Page::of(call, &request)?;
        let rows = departments!(
            "where ($1::text is null or name > $1) and ($2 or not dissolved) order by name limit $3",
            page.after.as_ref().map(|name| name.0.as_str()),
            request.show_dissolved,
            page.limit
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (rows, next_page_token) = page.cut(rows, |row| Name(row.name.clone()));
        Ok(pb::ListDepartmentsResponse { departments: rows.iter().map(DepartmentRow::show).collect(), next_page_token })
    }

    pub(super) async fn update_department(
        &self,
        call: &Call,
        request: pb::UpdateDepartmentRequest,
    ) -> Result<pb::Department, Error> {
        let given = request.department.unwrap_or_default();
        let fields = masked(request.update_mask.as_ref(), &given)?;
        let mut change = self.chassis.begin(call).await?;
        let organisation = lock_organisation(change.connection()).await?;
        let row = departments!("where name = $1", given.name);
        let old = row.fetch_optional(change.connection()).await?.ok_or_else(|| no_department(&given.name))?;
        check_etag(&given.etag, &etag(old.version), &given.name)?;
        let (new, changed) = old.updated(&fields, &given, call.now);
        if changed.is_empty() {
            return change.commit(old.show()).await;
        }
        check(change.connection(), organisation, &new, &changed).await?;
        DepartmentRow::upsert(change.connection(), &[&new]).await?;
        change.record(updated(call, &new, &changed));
        change.commit(new.show()).await
    }
}

/// Whether a department may become as `new` says.
async fn check(
    connection: &mut PgConnection,
    organisation: Organisation,
    new: &DepartmentRow,
    changed: &[&str],
) -> Result<(), Error> {
    let leaders: Vec<String> = std::iter::once(&new.head)
        .filter(|head| !head.is_empty())
        .chain(new.deputies.iter().map(|deputy| &deputy.staff))
        .cloned()
        .collect();
    if !leaders.is_empty() {
        let staff = staff::of_names(&mut *connection, &leaders).await?;
        DirectorySnapshot::new(staff, [], organisation).check_leaders(new, changed)?;
    }
    if new.dissolved && changed.contains(&"dissolved") {
        let has_members = sqlx::query_scalar!(
            r#"select exists (select from appraisal.staff where department = $1 and not inactive) as "exists!""#,
            new.name
        );
        if has_members.fetch_one(connection).await? {
            return Err(Error::Gate { subject: new.name.clone(), clause: "A2.4".into(), missing: HAS_MEMBERS });
        }
    }
    Ok(())
}

/// The departments that a change of a member of staff concerns: the one they are to belong to, and those they head.
pub async fn around_staff(connection: &mut PgConnection, staff: &StaffRow) -> Result<Vec<DepartmentRow>, sqlx::Error> {
    departments!("where name = $1 or head = $2", staff.department, staff.name).fetch_all(connection).await
}

/// All departments.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<DepartmentRow>, sqlx::Error> {
    departments!("").fetch_all(connection).await
}
