// `ConversionRow` of services/intake/src/request/convert.rs, expanded.

impl ConversionRow {
    /// Stores the new row.
    async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.conversion (
    request, call_id, registration, actor, request_id, digest, done, try_next_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.request, self.call_id, & self.registration, self.actor, self.request_id,
            & self.digest, self.done, self.try_next_at, self.created_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
