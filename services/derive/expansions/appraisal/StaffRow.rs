// `StaffRow` of services/appraisal/src/directory/staff/row.rs, expanded.

///Queries `appraisal.staff`: what follows the `from`, and its parameters.
macro_rules! staffs {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(StaffRow,
        r#"select name, number, display_name, coalesce(department, '') as "department!", post, level, roles, skills,
    qualifications as "qualifications: crate::directory::staff::row::Held", coalesce(supervisor, '') as "supervisor!",
    inactive, department_since, created_at, updated_at, version
from appraisal.staff "#
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use staffs;
impl StaffRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            name: ::kefu_chassis::record::Blank::blank(now),
            number: ::kefu_chassis::record::Blank::blank(now),
            display_name: ::kefu_chassis::record::Blank::blank(now),
            department: ::kefu_chassis::record::Blank::blank(now),
            post: ::kefu_chassis::record::Blank::blank(now),
            level: ::kefu_chassis::record::Blank::blank(now),
            roles: ::kefu_chassis::record::Blank::blank(now),
            skills: ::kefu_chassis::record::Blank::blank(now),
            qualifications: ::kefu_chassis::record::Blank::blank(now),
            supervisor: ::kefu_chassis::record::Blank::blank(now),
            inactive: ::kefu_chassis::record::Blank::blank(now),
            department_since: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
        }
    }
}
impl StaffRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Staff {
        pb::Staff {
            name: ::kefu_chassis::record::Show::show(&self.name),
            number: ::kefu_chassis::record::Show::show(&self.number),
            display_name: ::kefu_chassis::record::Show::show(&self.display_name),
            department: ::kefu_chassis::record::Show::show(&self.department),
            post: ::kefu_chassis::record::Show::show(&self.post),
            level: ::kefu_chassis::record::Show::show(&self.level),
            roles: ::kefu_chassis::record::Show::show(&self.roles),
            skills: ::kefu_chassis::record::Show::show(&self.skills),
            supervisor: ::kefu_chassis::record::Show::show(&self.supervisor),
            inactive: ::kefu_chassis::record::Show::show(&self.inactive),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
            qualifications: Self::shown_qualifications(self),
        }
    }
}
impl StaffRow {
    /// Stores rows, new or changed, in one statement.
    pub async fn upsert(
        connection: &mut ::sqlx::PgConnection,
        rows: &[&Self],
    ) -> Result<(), ::kefu_chassis::Error> {
        let rows = ::serde_json::to_value(rows)
            .map_err(::kefu_chassis::Error::unexpected)?;
        ::sqlx::query!(
            r"insert into appraisal.staff (
    name, number, display_name, department, post, level, roles, skills, qualifications, supervisor, inactive,
    department_since, created_at, updated_at, version)
select name, number, display_name, nullif(department, ''), post, level, roles, skills, qualifications,
    nullif(supervisor, ''), inactive, department_since, created_at, updated_at, version
from jsonb_populate_recordset(null::appraisal.staff, $1)
on conflict (name) do update set
    number = excluded.number, display_name = excluded.display_name, department = excluded.department,
    post = excluded.post, level = excluded.level, roles = excluded.roles, skills = excluded.skills,
    qualifications = excluded.qualifications, supervisor = excluded.supervisor, inactive = excluded.inactive,
    department_since = excluded.department_since, updated_at = excluded.updated_at, version = excluded.version",
            rows
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
