// `EventRow` of services/chassis/src/store/batch.rs, expanded.

///[`EventRow`]s, a vector for each column, as a statement unnests them.
#[derive(Debug)]
struct EventColumns {
    pub event_id: Vec<Uuid>,
    pub aggregate: Vec<String>,
    pub version: Vec<i64>,
    pub occurred_at: Vec<jiff_sqlx::Timestamp>,
    pub clauses: Vec<String>,
    pub payload_type: Vec<String>,
    pub payload: Vec<Vec<u8>>,
    pub salt: Vec<Vec<u8>>,
    pub digest: Vec<Vec<u8>>,
    pub changes: Vec<Vec<u8>>,
    pub corrects: Vec<Option<Uuid>>,
}
impl FromIterator<EventRow> for EventColumns {
    fn from_iter<I: IntoIterator<Item = EventRow>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let count = rows.size_hint().0;
        let mut columns = Self {
            event_id: Vec::with_capacity(count),
            aggregate: Vec::with_capacity(count),
            version: Vec::with_capacity(count),
            occurred_at: Vec::with_capacity(count),
            clauses: Vec::with_capacity(count),
            payload_type: Vec::with_capacity(count),
            payload: Vec::with_capacity(count),
            salt: Vec::with_capacity(count),
            digest: Vec::with_capacity(count),
            changes: Vec::with_capacity(count),
            corrects: Vec::with_capacity(count),
        };
        for row in rows {
            columns.event_id.push(row.event_id);
            columns.aggregate.push(row.aggregate);
            columns.version.push(row.version);
            columns.occurred_at.push(row.occurred_at);
            columns.clauses.push(row.clauses);
            columns.payload_type.push(row.payload_type);
            columns.payload.push(row.payload);
            columns.salt.push(row.salt);
            columns.digest.push(row.digest);
            columns.changes.push(row.changes);
            columns.corrects.push(row.corrects);
        }
        columns
    }
}
