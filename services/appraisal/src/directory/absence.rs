//! Absences: when somebody is away, so that a deputy is in charge (A2.4). They may overlap: each stands for itself.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::call::{Stakeholders, check_etag, etag};
use kefu_chassis::journal::NewEvent;
use kefu_chassis::names::{Id, Resource};
use kefu_chassis::paging::{Page, Pages};
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::directory::v1 as pb;
use uuid::Uuid;

use super::{Directory, no_staff};

const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// What stands for all staff in a name.
const ALL: &str = "staff/-";

/// The kind of resource.
#[derive(Debug)]
struct Absence;

impl Resource for Absence {
    const COLLECTION: &'static str = "absences";
    const KIND: &'static str = "kefu/Absence";
}

/// An absence as it is stored.
#[derive(Clone, Debug)]
struct Record {
    id: Uuid,
    staff: String,
    start_at: Timestamp,
    end_at: Timestamp,
    kind: i16,
    created_at: Timestamp,
    version: i64,
}

impl Record {
    fn show(&self) -> pb::Absence {
        pb::Absence {
            name: format!("{}/{}", self.staff, Id::<Absence>::from_uuid(self.id)),
            start_time: Some(to_proto(self.start_at)),
            end_time: Some(to_proto(self.end_at)),
            kind: self.kind.into(),
            create_time: Some(to_proto(self.created_at)),
            etag: etag(self.version),
        }
    }
}

/// There is no such absence.
fn no_absence(name: &str) -> Error {
    Error::NotFound { kind: Absence::KIND, name: name.to_owned() }
}

/// Whether the caller may touch the absences of a member of staff of a department.
fn reaches(call: &Call, staff: &str, department: &str) -> bool {
    call.reaches(&Stakeholders::of(staff, department))
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
            return Err(Error::field("absence.end_time", "must be after start_time"));
        }
        if end_at.duration_since(start_at) > LONGEST {
            return Err(Error::field("absence.end_time", "must be at most 366 days after start_time"));
        }
        let mut change = self.chassis.begin(call).await?;
        let department = sqlx::query_scalar!(
            r#"select coalesce(department, '') as "department!" from appraisal.staff where name = $1"#,
            request.parent
        );
        let department = department.fetch_optional(change.connection()).await?;
        if !department.is_some_and(|department: String| reaches(call, &request.parent, &department)) {
            return Err(no_staff(&request.parent));
        }
        let record = Record {
            id: Id::<Absence>::new(call.now).uuid(),
            staff: request.parent,
            start_at,
            end_at,
            kind: given.kind() as i16,
            created_at: call.now,
            version: 1,
        };
        sqlx::query!(
            "insert into appraisal.absence (id, staff, start_at, end_at, kind, created_at, version)
            values ($1, $2, $3, $4, $5, $6, $7)",
            record.id,
            record.staff,
            sql::at(record.start_at) as _,
            sql::at(record.end_at) as _,
            record.kind,
            sql::at(record.created_at) as _,
            record.version
        )
        .execute(change.connection())
        .await?;
        let shown = record.show();
        let payload = pb::AbsenceRecorded { absence: Some(shown.clone()) };
        change.record(NewEvent::new(shown.name.clone(), 1, call.now, &call.rule.clauses, &payload));
        change.commit(shown).await
    }

    pub(super) async fn end_absence(&self, call: &Call, request: pb::EndAbsenceRequest) -> Result<pb::Absence, Error> {
        let staff = request.name.split_once("/absences/").map(|(staff, _)| staff);
        let (Some(staff), Some(id)) = (staff, Id::<Absence>::parse(&request.name)) else {
            return Err(no_absence(&request.name));
        };
        let mut change = self.chassis.begin(call).await?;
        let row = sqlx::query!(
            r#"select a.start_at, a.end_at, a.kind, a.created_at, a.version, coalesce(s.department, '') as "department!"
            from appraisal.absence as a join appraisal.staff as s on s.name = a.staff
            where a.id = $1 and a.staff = $2 for no key update of a"#,
            id.uuid(),
            staff
        );
        let row = row.fetch_optional(change.connection()).await?;
        let row = row.filter(|row| reaches(call, staff, &row.department)).ok_or_else(|| no_absence(&request.name))?;
        check_etag(&request.etag, &etag(row.version), &request.name)?;
        let end_at = request.end_time.as_ref().and_then(from_proto).unwrap_or(call.now);
        let (start_at, recorded_end) = (row.start_at.to_jiff(), row.end_at.to_jiff());
        if end_at < start_at {
            return Err(Error::field("end_time", "must not be before the absence starts"));
        }
        if end_at > recorded_end {
            return Err(Error::field("end_time", "must not be after the absence ends: record another"));
        }
        let mut record = Record {
            id: id.uuid(),
            staff: staff.to_owned(),
            start_at,
            end_at,
            kind: row.kind,
            created_at: row.created_at.to_jiff(),
            version: row.version,
        };
        if end_at == recorded_end {
            return change.commit(record.show()).await;
        }
        record.version += 1;
        sqlx::query!(
            "update appraisal.absence set end_at = $2, version = $3 where id = $1",
            record.id,
            sql::at(end_at) as _,
            record.version
        )
        .execute(change.connection())
        .await?;
        let shown = record.show();
        let payload = pb::AbsenceEnded { absence: Some(shown.clone()) };
        change.record(NewEvent::new(shown.name.clone(), record.version, call.now, &call.rule.clauses, &payload));
        change.commit(shown).await
    }

    pub(super) async fn list_absences(
        &self,
        call: &Call,
        request: pb::ListAbsencesRequest,
    ) -> Result<pb::ListAbsencesResponse, Error> {
        let end_after = request.end_after_time.as_ref().and_then(from_proto);
        let query = [request.parent.clone(), end_after.map(|time| time.to_string()).unwrap_or_default()];
        let page: Page<(Timestamp, Id<Absence>)> =
            Pages::new(call, &query).read(&request.page_token, request.page_size)?;
        let staff = (request.parent != ALL).then_some(request.parent.as_str());
        if let Some(staff) = staff {
            let exists = sqlx::query_scalar!(
                r#"select exists (select from appraisal.staff where name = $1) as "exists!""#,
                staff
            );
            if !exists.fetch_one(self.chassis.pool()).await? {
                return Err(no_staff(staff));
            }
        }
        let rows = sqlx::query_as!(
            Record,
            "select id, staff, start_at, end_at, kind, created_at, version from appraisal.absence
            where ($1::text is null or staff = $1) and ($2::timestamptz is null or end_at > $2) and start_at < end_at
                and ($3::timestamptz is null or (end_at, id) > ($3, $4))
            order by end_at, id limit $5",
            staff,
            sql::maybe(end_after) as _,
            sql::maybe(page.after.map(|(end_at, _)| end_at)) as _,
            page.after.map(|(_, id)| id.uuid()),
            page.limit
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (rows, next_page_token) = page.cut(rows, |row| (row.end_at, Id::from_uuid(row.id)));
        Ok(pb::ListAbsencesResponse { absences: rows.iter().map(Record::show).collect(), next_page_token })
    }
}
