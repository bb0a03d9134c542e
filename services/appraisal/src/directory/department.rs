//! Departments: business domains, head and deputies.

use kefu_chassis::call::{check_etag, etag};
use kefu_chassis::language::Text;
use kefu_chassis::mask::masked;
use kefu_chassis::paging::Page;
use kefu_chassis::{Call, Error};
use kefu_proto::Changeable as _;
use kefu_proto::directory::v1 as pb;
use sqlx::PgConnection;

use super::snapshot::DirectorySnapshot;
use super::staff;
use super::{Directory, Name, Organisation, lock_organisation, new_name, no_department};

pub mod row;

use row::{DepartmentRow, created, departments, updated};

const HAS_MEMBERS: Text = Text::new("it has active members: move them first", "该部门尚有在职成员，须先将其调离");

impl Directory {
    pub(super) async fn create_department(
        &self,
        call: &Call,
        request: pb::CreateDepartmentRequest,
    ) -> Result<pb::Department, Error> {
        let name = new_name("departments", &request.department_id)?;
        let record = DepartmentRow::of(name, &request.department.unwrap_or_default(), call.now);
        let mut work = self.chassis.begin(call).await?;
        let organisation = lock_organisation(work.connection()).await?;
        let exists = departments!("where name = $1", record.name).fetch_optional(work.connection()).await?;
        if exists.is_some() {
            return Err(Error::Exists { kind: "kefu/Department", name: record.name });
        }
        check_department(work.connection(), organisation, &record, pb::Department::FIELDS).await?;
        DepartmentRow::upsert(work.connection(), &[&record]).await?;
        work.record(created(call, &record));
        work.commit(record.show()).await
    }

    pub(super) async fn get_department(
        &self,
        _call: &Call,
        request: pb::GetDepartmentRequest,
    ) -> Result<pb::Department, Error> {
        let row = departments!("where name = $1", request.name).fetch_optional(self.chassis.pool()).await?;
        row.map(|record| record.show()).ok_or_else(|| no_department(&request.name))
    }

    pub(super) async fn batch_get_departments(
        &self,
        _call: &Call,
        request: pb::BatchGetDepartmentsRequest,
    ) -> Result<pb::BatchGetDepartmentsResponse, Error> {
        let rows = departments!("where name = any($1)", &request.names).fetch_all(self.chassis.pool()).await?;
        let found = |name: &String| rows.iter().find(|row| row.name == *name).ok_or_else(|| no_department(name));
        let departments = request.names.iter().map(|name| found(name).map(DepartmentRow::show));
        Ok(pb::BatchGetDepartmentsResponse { departments: departments.collect::<Result<_, _>>()? })
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
        let (departments, next_page_token) = page.fill(rows.iter().map(|row| (Name(row.name.clone()), row.show())));
        Ok(pb::ListDepartmentsResponse { departments, next_page_token })
    }

    pub(super) async fn update_department(
        &self,
        call: &Call,
        request: pb::UpdateDepartmentRequest,
    ) -> Result<pb::Department, Error> {
        let given = request.department.unwrap_or_default();
        let fields = masked(request.update_mask.as_ref(), &given)?;
        let mut work = self.chassis.begin(call).await?;
        let organisation = lock_organisation(work.connection()).await?;
        let row = departments!("where name = $1", given.name);
        let old = row.fetch_optional(work.connection()).await?.ok_or_else(|| no_department(&given.name))?;
        check_etag(&given.etag, &etag(old.version), &given.name)?;
        let (new, changed) = old.updated(&fields, &given, work.after(old.updated_at)?);
        if changed.is_empty() {
            return work.commit(old.show()).await;
        }
        check_department(work.connection(), organisation, &new, &changed).await?;
        DepartmentRow::upsert(work.connection(), &[&new]).await?;
        work.record(updated(call, &new, &changed));
        work.commit(new.show()).await
    }
}

/// Checks a department before it is stored: its leaders, and a dissolution. `changed` are the fields that differ.
async fn check_department(
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
        let staff = staff::row::of_names(&mut *connection, &leaders).await?;
        DirectorySnapshot::new(staff, [], organisation).check_leaders(new, changed)?;
    }
    if new.dissolved && changed.contains(&"dissolved") {
        let has_members = sqlx::query_scalar!(
            r#"select exists (select from appraisal.staff where department = $1 and not inactive) as "exists!""#,
            new.name
        );
        if has_members.fetch_one(connection).await? {
            return Err(Error::Gate {
                subject: new.name.clone(),
                clause: "A2.4".into(),
                missing: HAS_MEMBERS,
                field: None,
            });
        }
    }
    Ok(())
}
