// `DepartmentRow` of services/appraisal/src/directory/department/row.rs, expanded.

///Queries `appraisal.department`: what follows the `from`, and its parameters.
macro_rules! departments {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(DepartmentRow,
        r#"select name, display_name, kind, domains, coalesce(head, '') as "head!",
    deputies as "deputies: crate::directory::responsible::Deputies", dissolved, created_at, updated_at, version
from appraisal.department "#
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use departments;
impl DepartmentRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            name: ::kefu_chassis::record::Blank::blank(now),
            display_name: ::kefu_chassis::record::Blank::blank(now),
            kind: ::kefu_chassis::record::Blank::blank(now),
            domains: ::kefu_chassis::record::Blank::blank(now),
            head: ::kefu_chassis::record::Blank::blank(now),
            deputies: ::kefu_chassis::record::Blank::blank(now),
            dissolved: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
        }
    }
}
impl DepartmentRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Department {
        pb::Department {
            name: ::kefu_chassis::record::Show::show(&self.name),
            display_name: ::kefu_chassis::record::Show::show(&self.display_name),
            kind: ::kefu_chassis::record::Show::show(&self.kind),
            domains: ::kefu_chassis::record::Show::show(&self.domains),
            head: ::kefu_chassis::record::Show::show(&self.head),
            dissolved: ::kefu_chassis::record::Show::show(&self.dissolved),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
            deputies: Self::shown_deputies(self),
        }
    }
}
impl DepartmentRow {
    /// Stores rows, new or changed, in one statement.
    pub async fn upsert(
        connection: &mut ::sqlx::PgConnection,
        rows: &[&Self],
    ) -> Result<(), ::kefu_chassis::Error> {
        let rows = ::serde_json::to_value(rows)
            .map_err(::kefu_chassis::Error::unexpected)?;
        ::sqlx::query!(
            r"insert into appraisal.department (
    name, display_name, kind, domains, head, deputies, dissolved, created_at, updated_at, version)
select name, display_name, kind, domains, nullif(head, ''), deputies, dissolved, created_at, updated_at, version
from jsonb_populate_recordset(null::appraisal.department, $1)
on conflict (name) do update set
    display_name = excluded.display_name, kind = excluded.kind, domains = excluded.domains, head = excluded.head,
    deputies = excluded.deputies, dissolved = excluded.dissolved, updated_at = excluded.updated_at,
    version = excluded.version",
            rows
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
