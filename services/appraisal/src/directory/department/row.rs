//! Departments as stored, their queries and events.

use jiff::Timestamp;
use kefu_chassis::Call;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::mask;
use kefu_chassis::record::Record;
use kefu_proto::Changeable as _;
use kefu_proto::directory::v1 as pb;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use kefu_chassis::directory::Deputy;

use crate::directory::responsible::Deputies;
use crate::directory::staff::row::StaffRow;

/// A department as it is stored: its fields are the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Record)]
#[record(table = "appraisal.department", query = departments, upsert)]
#[record(shows = pb::Department, computed(deputies = Self::shown_deputies))]
#[record(hidden(deputies))]
pub struct DepartmentRow {
    pub name: String,
    pub display_name: String,
    pub kind: i16,
    pub domains: Vec<String>,
    /// Empty for none.
    #[record(nullable)]
    pub head: String,
    #[record(read_as = "crate::directory::responsible::Deputies")]
    pub deputies: Deputies,
    pub dissolved: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl DepartmentRow {
    /// A new department with the given fields, recorded at `now`.
    pub fn of(name: String, given: &pb::Department, now: Timestamp) -> Self {
        let mut record = Self { name, ..Self::blank(now) };
        for field in pb::Department::FIELDS {
            record.set(field, given);
        }
        record
    }

    /// Deputies, in the order in which they stand in for the head.
    fn shown_deputies(&self) -> Vec<pb::department::Deputy> {
        let deputy =
            |deputy: &Deputy| pb::department::Deputy { staff: deputy.staff.clone(), domains: deputy.domains.clone() };
        self.deputies.iter().map(deputy).collect()
    }

    /// Copies one field of the contract's department into the row.
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

    /// The department after an update at `now`, and the fields that changed.
    pub fn updated(
        &self,
        fields: &[&'static str],
        given: &pb::Department,
        now: Timestamp,
    ) -> (Self, Vec<&'static str>) {
        let (mut new, changed) = mask::updated(self, fields, |row, field| row.set(field, given));
        new.version += 1;
        new.updated_at = now;
        (new, changed)
    }
}

/// The event of a new department.
pub fn created(call: &Call, record: &DepartmentRow) -> NewEvent {
    let payload = pb::DepartmentCreated { department: Some(record.show()) };
    NewEvent::new(record.name.clone(), record.version, call.now, &call.rule.clauses, &payload)
}

/// The event of a changed department.
pub fn updated(call: &Call, record: &DepartmentRow, changed: &[&str]) -> NewEvent {
    let changed_fields = changed.iter().map(|&field| field.to_owned()).collect();
    let payload = pb::DepartmentUpdated { department: Some(record.show()), changed_fields };
    NewEvent::new(record.name.clone(), record.version, call.now, &call.rule.clauses, &payload)
}

/// The departments that a change of `staff` is checked against: their new one, and those they head.
pub async fn around_staff(connection: &mut PgConnection, staff: &StaffRow) -> Result<Vec<DepartmentRow>, sqlx::Error> {
    departments!("where name = $1 or head = $2", staff.department, staff.name).fetch_all(connection).await
}

/// All departments.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<DepartmentRow>, sqlx::Error> {
    departments!("").fetch_all(connection).await
}
