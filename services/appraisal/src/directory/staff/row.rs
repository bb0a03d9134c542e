//! Staff as stored, their queries and events.

use jiff::Timestamp;
use kefu_chassis::Call;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::mask;
use kefu_chassis::record::Record;
use kefu_chassis::time::{from_proto, to_proto};
use kefu_proto::Changeable as _;
use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::Role;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};

/// A qualification as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qualification {
    code: String,
    expires: Option<Timestamp>,
}

/// Column of a member's qualifications.
pub type Held = Json<Vec<Qualification>>;

/// A member of staff as they are stored: its fields are the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Record)]
#[record(table = "appraisal.staff", query = staffs, upsert)]
#[record(shows = pb::Staff, computed(qualifications = Self::shown_qualifications))]
#[record(hidden(qualifications, department_since))]
pub struct StaffRow {
    pub name: String,
    pub number: String,
    pub display_name: String,
    /// Empty for none.
    #[record(nullable)]
    pub department: String,
    pub post: String,
    pub level: i16,
    pub roles: Vec<i16>,
    pub skills: Vec<String>,
    #[record(read_as = "crate::directory::staff::row::Held")]
    pub qualifications: Held,
    /// Empty for none.
    #[record(nullable)]
    pub supervisor: String,
    pub inactive: bool,
    pub department_since: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl StaffRow {
    /// A new member of staff with the given fields, in the department since `since`, recorded at `now`.
    pub fn of(name: String, given: &pb::Staff, since: Timestamp, now: Timestamp) -> Self {
        let mut record = Self { name, department_since: since, ..Self::blank(now) };
        for field in pb::Staff::FIELDS {
            record.set(field, given);
        }
        record
    }

    /// Qualifications, each with its expiry.
    fn shown_qualifications(&self) -> Vec<pb::staff::Qualification> {
        let qualification = |held: &Qualification| pb::staff::Qualification {
            code: held.code.clone(),
            expire_time: held.expires.map(to_proto),
        };
        self.qualifications.iter().map(qualification).collect()
    }

    /// Copies one field of the contract's member of staff into the row.
    fn set(&mut self, field: &str, given: &pb::Staff) {
        let qualification = |held: &pb::staff::Qualification| Qualification {
            code: held.code.clone(),
            expires: held.expire_time.as_ref().and_then(from_proto),
        };
        match field {
            "number" => self.number.clone_from(&given.number),
            "display_name" => self.display_name.clone_from(&given.display_name),
            "department" => self.department.clone_from(&given.department),
            "post" => self.post.clone_from(&given.post),
            "level" => self.level = given.level() as i16,
            "roles" => self.roles = given.roles().map(|role| role as i16).collect(),
            "skills" => self.skills.clone_from(&given.skills),
            "qualifications" => self.qualifications = Json(given.qualifications.iter().map(qualification).collect()),
            "supervisor" => self.supervisor.clone_from(&given.supervisor),
            "inactive" => self.inactive = given.inactive,
            _ => {}
        }
    }

    /// The member of staff after an update, and the fields that changed.
    pub fn updated(&self, fields: &[&'static str], given: &pb::Staff) -> (Self, Vec<&'static str>) {
        mask::updated(self, fields, |row, field| row.set(field, given))
    }

    /// The member of staff after an import at `now`, and the fields that changed.
    pub fn imported(&self, given: &pb::Staff, now: Timestamp) -> (Self, Vec<&'static str>) {
        let (mut new, changed) = self.updated(pb::Staff::FIELDS, given);
        if !changed.is_empty() {
            let now = now.max(self.updated_at);
            new.set_version_after(self, now, now);
        }
        (new, changed)
    }

    /// Sets version and times for a change recorded at `now` that happened at `occurred`.
    pub fn set_version_after(&mut self, old: &Self, occurred: Timestamp, now: Timestamp) {
        self.version = old.version + 1;
        self.updated_at = now;
        if self.department != old.department {
            self.department_since = occurred;
        }
    }

    /// Roles of the member of staff.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.roles.iter().filter_map(|&role| Role::try_from(i32::from(role)).ok())
    }

    /// Whether the member of staff may administer the directory.
    pub fn is_active_admin(&self) -> bool {
        !self.inactive && self.roles().any(|role| role == Role::Admin)
    }
}

/// The event of a new member of staff.
pub fn created(call: &Call, record: &StaffRow) -> NewEvent {
    let payload = pb::StaffCreated { staff: Some(record.show()) };
    NewEvent::new(record.name.clone(), record.version, record.department_since, &call.rule.clauses, &payload)
}

/// The event of a changed member of staff.
pub fn updated(call: &Call, record: &StaffRow, changed: &[&str], occurred: Timestamp) -> NewEvent {
    let changed_fields = changed.iter().map(|&field| field.to_owned()).collect();
    let payload = pb::StaffUpdated { staff: Some(record.show()), changed_fields };
    NewEvent::new(record.name.clone(), record.version, occurred, &call.rule.clauses, &payload)
}

/// The staff that a change of `record` is checked against: the stored member, the holder of the number, the supervisors
/// up to `levels` above, and two active ADMINs, of whom at least one is somebody else.
pub async fn around(
    connection: &mut PgConnection,
    record: &StaffRow,
    levels: i32,
) -> Result<Vec<StaffRow>, sqlx::Error> {
    staffs!(
        "where number = $2 or name = any(
            array[$1]
            || array(
                with recursive above (name, place) as (
                    select $3::text collate \"C\", 1
                    union all
                    select s.supervisor, place + 1 from above join appraisal.staff as s on s.name = above.name
                    where s.supervisor is not null and place <= $4)
                select name from above)
            || array(
                select name from appraisal.staff
                where not inactive and roles @> array[$5::smallint] limit 2))",
        record.name,
        record.number,
        record.supervisor,
        levels,
        Role::Admin as i16
    )
    .fetch_all(connection)
    .await
}

/// Loads a member of staff by name.
pub async fn find(executor: impl PgExecutor<'_>, name: &str) -> Result<Option<StaffRow>, sqlx::Error> {
    staffs!("where name = $1", name).fetch_optional(executor).await
}

/// The department of a member of staff, empty without one; none for an unknown member.
pub async fn department_of(executor: impl PgExecutor<'_>, name: &str) -> Result<Option<String>, sqlx::Error> {
    let department = sqlx::query_scalar!(
        r#"select coalesce(department, '') as "department!" from appraisal.staff where name = $1"#,
        name
    );
    department.fetch_optional(executor).await
}

/// The general manager.
pub async fn general_manager(executor: impl PgExecutor<'_>) -> Result<Option<StaffRow>, sqlx::Error> {
    staffs!("where name = (select general_manager from appraisal.organisation)").fetch_optional(executor).await
}

/// All staff.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<StaffRow>, sqlx::Error> {
    staffs!("").fetch_all(connection).await
}

/// The staff with these names.
pub async fn of_names(connection: &mut PgConnection, names: &[String]) -> Result<Vec<StaffRow>, sqlx::Error> {
    staffs!("where name = any($1)", names).fetch_all(connection).await
}
