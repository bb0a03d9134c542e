// `TimelineEntryRow` of services/intake/src/timeline.rs, expanded.

impl TimelineEntryRow {
    /// Stores the new row.
    async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.timeline_entry (
    id, customer, kind, number, began_at, state, topic, linked, summary)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.id, self.customer, self.kind, self.number, self.began_at, self.state,
            self.topic, self.linked, self.summary
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
