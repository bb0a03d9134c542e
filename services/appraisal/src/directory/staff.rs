//! Staff: department, roles, qualifications and supervisor.

use kefu_chassis::call::{check_etag, etag};
use kefu_chassis::mask::masked;
use kefu_chassis::paging::Page;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::directory::v1 as pb;

use super::snapshot::DirectorySnapshot;
use super::{Directory, Name, lock_organisation, new_name, no_staff};

pub mod row;

use row::{StaffRow, created, find, staffs, updated};

impl Directory {
    pub(super) async fn create_staff(&self, call: &Call, request: pb::CreateStaffRequest) -> Result<pb::Staff, Error> {
        let name = new_name("staff", &request.staff_id)?;
        let since = call.occurred(request.occurred_time.as_ref(), self.chassis.backdating())?;
        let record = StaffRow::of(name, &request.staff.unwrap_or_default(), since, call.now);
        let mut work = self.chassis.begin(call).await?;
        let organisation = lock_organisation(work.connection()).await?;
        let known = DirectorySnapshot::around_staff(work.connection(), organisation, &record).await?;
        if known.staff(&record.name).is_some() {
            return Err(Error::Exists { kind: "kefu/Staff", name: record.name });
        }
        known.check_staff(&record)?;
        StaffRow::upsert(work.connection(), &[&record]).await?;
        work.record(created(call, &record));
        work.commit(record.show()).await
    }

    pub(super) async fn get_staff(&self, _call: &Call, request: pb::GetStaffRequest) -> Result<pb::Staff, Error> {
        find(self.chassis.pool(), &request.name)
            .await?
            .map(|record| record.show())
            .ok_or_else(|| no_staff(&request.name))
    }

    pub(super) async fn batch_get_staff(
        &self,
        _call: &Call,
        request: pb::BatchGetStaffRequest,
    ) -> Result<pb::BatchGetStaffResponse, Error> {
        let rows = staffs!("where name = any($1)", &request.names).fetch_all(self.chassis.pool()).await?;
        let found = |name: &String| rows.iter().find(|row| row.name == *name).ok_or_else(|| no_staff(name));
        let staff = request.names.iter().map(|name| found(name).map(StaffRow::show));
        Ok(pb::BatchGetStaffResponse { staff: staff.collect::<Result<_, _>>()? })
    }

    pub(super) async fn list_staff(
        &self,
        call: &Call,
        request: pb::ListStaffRequest,
    ) -> Result<pb::ListStaffResponse, Error> {
        let role = request.role() as i16;
        let page: Page<Name> = Page::of(call, &request)?;
        let rows = staffs!(
            "where ($1::text is null or name > $1) and ($2 = '' or department = $2)
                and ($3::smallint = 0 or roles @> array[$3::smallint]) and ($4 or not inactive)
            order by name limit $5",
            page.after.as_ref().map(|name| name.0.as_str()),
            request.department,
            role,
            request.show_inactive,
            page.limit
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (staff, next_page_token) = page.fill(rows.iter().map(|row| (Name(row.name.clone()), row.show())));
        Ok(pb::ListStaffResponse { staff, next_page_token })
    }

    pub(super) async fn update_staff(&self, call: &Call, request: pb::UpdateStaffRequest) -> Result<pb::Staff, Error> {
        let given = request.staff.unwrap_or_default();
        let fields = masked(request.update_mask.as_ref(), &given)?;
        let occurred = call.occurred(request.occurred_time.as_ref(), self.chassis.backdating())?;
        let mut work = self.chassis.begin(call).await?;
        let organisation = lock_organisation(work.connection()).await?;
        let old = find(work.connection(), &given.name).await?.ok_or_else(|| no_staff(&given.name))?;
        check_etag(&given.etag, &etag(old.version), &given.name)?;
        let (occurred, now) = (call.after(old.updated_at, occurred)?, work.after(old.updated_at)?);
        let (mut new, changed) = old.updated(&fields, &given);
        if changed.is_empty() {
            return work.commit(old.show()).await;
        }
        if occurred < old.department_since {
            return Err(Error::field(
                "occurred_time",
                wrong!(TooEarly, "must not be before they came to their department", "不得早于其进入现部门的时间"),
            ));
        }
        let known = DirectorySnapshot::around_staff(work.connection(), organisation, &new).await?;
        known.check_staff(&new)?;
        new.set_version_after(&old, occurred, now);
        StaffRow::upsert(work.connection(), &[&new]).await?;
        work.record(updated(call, &new, &changed, occurred));
        work.commit(new.show()).await
    }
}
