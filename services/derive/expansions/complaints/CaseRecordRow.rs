// `CaseRecordRow` of services/complaints/src/complaint/case_record.rs, expanded.

///Queries `complaints.paper`: what follows the `from`, and its parameters.
macro_rules! case_records {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(CaseRecordRow,
        r"select id, complaint, kind, body
from complaints.paper " + $rest
        $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use case_records;
impl CaseRecordRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into complaints.paper (
    id, complaint, kind, body)
values ($1, $2, $3, $4)",
            self.id, self.complaint, self.kind, & self.body
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
