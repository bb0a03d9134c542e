//! The journal in Postgres: its sealed and its unsealed rows, and rows as events of the feed.

use kefu_proto::events::v1::Event;
use prost::Message as _;
use prost_types::Any;
use sqlx::PgConnection;

use crate::base::time::to_proto;
use crate::model::event::DutyChanges;
use crate::store::chain::{JournalRow, genesis, journal};

/// Returns the last sealed position and the chain's hash there.
pub async fn read_head(connection: &mut PgConnection, service: &str) -> Result<(i64, Vec<u8>), sqlx::Error> {
    let head = sqlx::query!(
        r#"select position as "position!", hash as "hash!" from journal where position is not null order by position desc limit 1"#
    )
    .fetch_optional(connection)
    .await?;
    Ok(head.map_or_else(|| (0, genesis(service).to_vec()), |head| (head.position, head.hash)))
}

/// Returns at most `limit` unsealed events in the order they were appended. Events of one aggregate are in order because its
/// lock was held.
pub async fn unsealed(connection: &mut PgConnection, limit: i64) -> Result<Vec<JournalRow>, sqlx::Error> {
    journal!("where position is null order by seq limit $1", limit).fetch_all(connection).await
}

/// Returns at most `limit` sealed events after `position`.
pub async fn sealed_after(
    connection: &mut PgConnection,
    position: i64,
    limit: i64,
) -> Result<Vec<JournalRow>, sqlx::Error> {
    journal!("where position > $1 order by position limit $2", position, limit).fetch_all(connection).await
}

/// Gives the rows of `sequences` their positions and hashes.
pub async fn seal(
    connection: &mut PgConnection,
    sequences: &[i64],
    positions: &[i64],
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update journal set position = sealed.position, hash = sealed.hash
                from unnest($1::bigint[], $2::bigint[], $3::bytea[]) as sealed (seq, position, hash)
                where journal.seq = sealed.seq",
        sequences,
        positions,
        hashes,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns a row as an event of the feed of `service`, e.g. `services/intake`.
pub fn event(service: &str, row: JournalRow) -> Event {
    let mut duty_changes =
        DutyChanges::decode(row.duty_changes.as_slice()).map(|changes| changes.changes).unwrap_or_default();
    // The journal stores names of duties without the service's own name.
    for change in &mut duty_changes {
        change.duty = format!("{service}/{}", change.duty);
    }
    Event {
        position: row.position.unwrap_or_default(),
        event_id: row.event_id.to_string(),
        service: service.to_owned(),
        aggregate: row.aggregate,
        aggregate_version: row.aggregate_version,
        actor: row.actor,
        occurred_time: Some(to_proto(row.occurred_at.to_jiff())),
        recorded_time: Some(to_proto(row.recorded_at.to_jiff())),
        clauses: row.clauses,
        regulation_version: row.regulation,
        payload: row.payload.map(|value| Any { type_url: format!("type.googleapis.com/{}", row.payload_type), value }),
        duty_changes,
        corrects: row.corrects.map(|id| id.to_string()).unwrap_or_default(),
        hash: row.hash.unwrap_or_default(),
    }
}
