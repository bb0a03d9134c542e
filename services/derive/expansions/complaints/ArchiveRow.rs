// `ArchiveRow` of services/complaints/src/complaint/archive.rs, expanded.

///Queries `complaints.archive`: what follows the `from`, and its parameters.
macro_rules! archives {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ArchiveRow,
        r"select complaint, body, complaint_body, root_sha256, archived_at, retain_until
from complaints.archive "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use archives;
impl ArchiveRow {
    /// Stores the new row.
    async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into complaints.archive (
    complaint, body, complaint_body, root_sha256, archived_at, retain_until)
values ($1, $2, $3, $4, $5, $6)",
            self.complaint, & self.body, & self.complaint_body, & self.root_sha256, self
            .archived_at, self.retain_until
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
