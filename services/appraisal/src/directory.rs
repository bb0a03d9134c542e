//! The directory (`kefu.directory.v1`): departments and staff with their roles, heads, deputies and absences.

use std::sync::Arc;

use kefu_chassis::error::Wrong;
use kefu_chassis::paging::Key;
use kefu_chassis::wrong;
use kefu_chassis::{Chassis, Error};
use sqlx::PgConnection;

mod absence;
pub mod bootstrap;
mod department;
mod general_manager;
mod import;
mod responsible;
mod snapshot;
mod staff;

/// Serves the directory.
#[derive(Clone, Debug)]
pub struct Directory {
    /// What every service shares: database, clock, directory copy, regulation.
    pub chassis: Arc<Chassis>,
}

kefu_proto::serve_directory_service!(Directory);

/// The organisation as a whole.
#[derive(Clone, Debug, Default)]
struct Organisation {
    /// Name of the general manager, `staff/{id}`; empty for none.
    general_manager: String,
    general_manager_version: i64,
    /// Counts the committed transactions that locked the organisation.
    version: i64,
}

/// Locks the organisation until the transaction ends, for a change of departments, staff or the general manager, and
/// counts the change. Waiting calls get the advisory lock in turn. With the row's lock alone, a long import, which
/// locks anew for every step, would overtake them.
async fn lock_organisation(connection: &mut PgConnection) -> Result<Organisation, sqlx::Error> {
    sqlx::query_as!(
        Organisation,
        r#"with turn as materialized (select pg_advisory_xact_lock(hashtextextended('kefu.appraisal.organisation', 0)))
        update appraisal.organisation set version = version + 1 from turn
        returning coalesce(general_manager, '') as "general_manager!", general_manager_version, version"#
    )
    .fetch_one(connection)
    .await
}

/// Last name of a page, kept in the page token.
struct Name(String);

impl Key for Name {
    fn write(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

/// The error for an unknown department.
fn no_department(name: &str) -> Error {
    Error::NotFound { kind: "kefu/Department", name: name.to_owned() }
}

/// The error for an unknown member of staff.
fn no_staff(name: &str) -> Error {
    Error::NotFound { kind: "kefu/Staff", name: name.to_owned() }
}

/// What is wrong with an id that means the whole collection.
fn stands_for_all() -> Wrong {
    wrong!(NotAccepted, "must not be -, which stands for all", "不得是短横线，短横线表示全部")
}

/// What is wrong with a member of staff who has left.
fn has_left() -> Wrong {
    wrong!(NotAccepted, "has left", "已离职")
}

/// What is wrong with a number that is another's.
fn is_number_of(holder: &str) -> Wrong {
    wrong!(Conflicting, "is the number of {holder}", "已是{holder}的编号")
}

/// Builds the name `{collection}/{id}` of a new resource. Fails for the id `-`, which means the whole collection.
fn new_name(collection: &str, id: &str) -> Result<String, Error> {
    if id == "-" {
        let field = if collection == "staff" { "staff_id" } else { "department_id" };
        return Err(Error::field(field, stands_for_all()));
    }
    Ok(format!("{collection}/{id}"))
}
