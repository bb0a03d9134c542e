// `EvidenceRow` of services/complaints/src/evidence/row.rs, expanded.

///Queries `complaints.evidence`: what follows the `from`, and its parameters.
macro_rules! evidence {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(EvidenceRow,
        r"select id, complaint, body
from complaints.evidence " + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use evidence;
impl EvidenceRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into complaints.evidence (
    id, complaint, body)
values ($1, $2, $3)",
            self.id, self.complaint, & self.body
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
