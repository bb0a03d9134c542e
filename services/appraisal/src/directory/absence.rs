//! Absences of staff (A2.4): while a head is absent, a deputy is in charge. Absences of one person may overlap; each is
//! recorded and ended by itself.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::{Stakeholders, check_etag, etag};
use kefu_chassis::names::{Id, under, unknown};
use kefu_chassis::paging::Page;
use kefu_chassis::record::Record;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::Role;
use uuid::Uuid;

use super::{Directory, no_staff, staff};

/// Longest absence that one call records.
const MAX_LENGTH: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Parent name that means all staff.
const ALL_STAFF: &str = "staff/-";

kefu_chassis::resources! {
    /// Staff, the parents of absences; their ids are not UUIDs.
    StaffMember = "staff", "kefu/Staff";
    /// Absences of staff.
    Absence = "absences", "kefu/Absence";
}

/// An absence as it is stored.
#[derive(Clone, Debug, Record)]
#[record(table = "appraisal.absence", query = absences, kind = Absence, shows = pb::Absence)]
#[record(fixed(start_at, kind))]
struct AbsenceRow {
    id: Uuid,
    #[record(under = StaffMember)]
    staff: String,
    start_at: SqlTime,
    end_at: SqlTime,
    kind: i16,
    created_at: SqlTime,
    version: i64,
}

/// Whether the caller reaches the absences of `staff`, a member of `department`.
fn reaches(call: &Call, staff: &str, department: &str) -> bool {
    call.reaches(&Stakeholders::of(staff, department))
}

/// Refuses to record or end an absence of somebody who is above the caller: nobody sends their superiors away.
fn check_not_above(chassis: &Chassis, call: &Call, staff: &str) -> Result<(), Error> {
    let keeps_directory = [Role::Office, Role::Admin, Role::Service].into_iter().any(|role| call.acts_as(role));
    if keeps_directory || !chassis.directory.now().is_above(staff, &call.caller.subject, call.now) {
        return Ok(());
    }
    let wrong = wrong!(NotAccepted under "A2.4", "is above you: the office records their absences", "是您的上级，其缺勤由办公室记录");
    Err(Error::field("parent", wrong))
}

impl Directory {
    pub(super) async fn record_absence(
        &self,
        call: &Call,
        request: pb::RecordAbsenceRequest,
    ) -> Result<pb::Absence, Error> {
        let given = request.absence.unwrap_or_default();
        let time = |given: &Option<prost_types::Timestamp>| given.as_ref().and_then(from_proto).unwrap_or(call.now);
        let (start_at, end_at) = (time(&given.start_time), time(&given.end_time));
        if end_at <= start_at {
            return Err(Error::field(
                "absence.end_time",
                wrong!(TooEarly, "must be after the beginning", "须晚于开始时间"),
            ));
        }
        if end_at.duration_since(start_at) > MAX_LENGTH {
            return Err(Error::field(
                "absence.end_time",
                wrong!(TooLate, "must be at most 366 days after the beginning", "与开始时间相隔不得超过366天"),
            ));
        }
        let mut work = self.chassis.begin(call).await?;
        let department = staff::row::department_of(work.connection(), &request.parent).await?;
        if !department.is_some_and(|department: String| reaches(call, &request.parent, &department)) {
            return Err(no_staff(&request.parent));
        }
        check_not_above(&self.chassis, call, &request.parent)?;
        let row = AbsenceRow {
            staff: request.parent,
            start_at: sql::at(start_at),
            end_at: sql::at(end_at),
            kind: given.kind() as i16,
            ..AbsenceRow::blank(call.now)
        };
        row.insert(work.connection()).await?;
        work.finish(&row, row.version, |absence| pb::AbsenceRecorded { absence: Some(absence) }).await
    }

    pub(super) async fn end_absence(&self, call: &Call, request: pb::EndAbsenceRequest) -> Result<pb::Absence, Error> {
        let (staff, id) = under::<Absence>(&request.name)?;
        let mut work = self.chassis.begin(call).await?;
        let row = absences!("where id = $1 and staff = $2 for no key update", id.uuid(), staff);
        let row = row.fetch_optional(work.connection()).await?;
        let department = staff::row::department_of(work.connection(), staff).await?.unwrap_or_default();
        let row = row.filter(|_| reaches(call, staff, &department));
        let mut row = row.ok_or_else(|| unknown::<Absence>(&request.name))?;
        check_etag(&request.etag, &etag(row.version), &request.name)?;
        let now = work.after(row.created_at.to_jiff())?;
        let end_at = request.end_time.as_ref().and_then(from_proto).unwrap_or(now);
        let (start_at, recorded_end) = (row.start_at.to_jiff(), row.end_at.to_jiff());
        if end_at < start_at {
            return Err(Error::field(
                "end_time",
                wrong!(TooEarly, "must not be before the absence starts", "不得早于缺勤开始时间"),
            ));
        }
        if end_at > recorded_end {
            return Err(Error::field(
                "end_time",
                wrong!(
                    TooLate,
                    "must not be after the absence ends: record another",
                    "不得晚于缺勤结束时间，请另行登记"
                ),
            ));
        }
        if end_at == recorded_end {
            return work.commit(row.show()).await;
        }
        row.end_at = sql::at(end_at);
        row.version += 1;
        row.update(work.connection()).await?;
        work.finish(&row, row.version, |absence| pb::AbsenceEnded { absence: Some(absence) }).await
    }

    pub(super) async fn list_absences(
        &self,
        call: &Call,
        request: pb::ListAbsencesRequest,
    ) -> Result<pb::ListAbsencesResponse, Error> {
        let end_after = request.end_after_time.as_ref().and_then(from_proto);
        let page: Page<(Timestamp, Id<Absence>)> = Page::of(call, &request)?;
        let staff = (request.parent != ALL_STAFF).then_some(request.parent.as_str());
        if let Some(staff) = staff {
            let exists = sqlx::query_scalar!(
                r#"select exists (select from appraisal.staff where name = $1) as "exists!""#,
                staff
            );
            if !exists.fetch_one(self.chassis.pool()).await? {
                return Err(no_staff(staff));
            }
        }
        let rows = absences!(
            "where ($1::text is null or staff = $1) and ($2::timestamptz is null or end_at > $2) and start_at < end_at
                and ($3::timestamptz is null or (end_at, id) > ($3, $4))
            order by end_at, id limit $5",
            staff,
            sql::maybe(end_after),
            sql::maybe(page.after.map(|(end_at, _)| end_at)),
            page.after.map(|(_, id)| id.uuid()),
            page.limit
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let shown = rows.iter().map(|row| ((row.end_at.to_jiff(), row.id()), row.show()));
        let (absences, next_page_token) = page.fill(shown);
        Ok(pb::ListAbsencesResponse { absences, next_page_token })
    }
}
