// `ToldRow` of services/chassis/src/store/record.rs, expanded.

///Queries `notification`: what follows the `from`, and its parameters.
macro_rules! told {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ToldRow,
        r"select recipient, acknowledged_at
from notification " + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use told;
impl ToldRow {
    /// Stores the new row.
    #[allow(dead_code, reason = "a row may be read only")]
    async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into notification (
    recipient, acknowledged_at)
values ($1, $2)",
            self.recipient, self.acknowledged_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
