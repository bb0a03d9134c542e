//! The sealer: gives committed events their position and hash, in batches, one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;

use super::chain::{Row, genesis};
use crate::chassis::Chassis;
use crate::error::describe;

const BATCH: i64 = 1_000;
/// How often it looks without being woken.
const POLL: Duration = Duration::from_millis(200);
/// How long it lets events gather after a batch.
const GATHER: Duration = Duration::from_millis(10);

/// Seals until the service stops.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        let wait = match seal(&chassis).await {
            Ok(sealed) if sealed >= BATCH => Duration::ZERO,
            Ok(_) => GATHER,
            Err(error) => {
                tracing::warn!(cause = describe(&error), "sealing failed; it is tried again");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
        if wait == GATHER {
            tokio::select! {
                () = chassis.appended.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stop.wait_for(|stopping| *stopping) => return,
            }
        }
    }
}

/// Seals one batch; how many events it held. Zero when there are none or another replica is at it.
pub async fn seal(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    let mut transaction = chassis.pool().begin().await?;
    // A stopped replica must not keep the lock.
    let elected = sqlx::query!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('kefu.sealer.' || current_schema(), 0)) as "elected!",
            set_config('idle_in_transaction_session_timeout', '5000', true) as timeout"#
    )
    .fetch_one(&mut *transaction)
    .await?
    .elected;
    let mut sealed = 0;
    let mut head = None;
    if elected {
        // The head is read in a statement of its own: in that of the lock it could be the one before another's commit.
        let (mut position, mut hash) = read_head(&mut transaction, &chassis.service).await?;
        let rows = unsealed(&mut transaction).await?;
        let mut sequences = Vec::with_capacity(rows.len());
        let mut positions = Vec::with_capacity(rows.len());
        let mut hashes = Vec::with_capacity(rows.len());
        for row in rows {
            position += 1;
            hash = row.link(&hash, position).to_vec();
            sequences.push(row.seq);
            positions.push(position);
            hashes.push(hash.clone());
        }
        sealed = i64::try_from(sequences.len()).unwrap_or(i64::MAX);
        if sealed > 0 {
            sqlx::query!(
                "update journal set position = sealed.position, hash = sealed.hash
                from unnest($1::bigint[], $2::bigint[], $3::bytea[]) as sealed (seq, position, hash)
                where journal.seq = sealed.seq",
                &sequences,
                &positions,
                &hashes,
            )
            .execute(&mut *transaction)
            .await?;
        }
        head = Some(position);
    } else if chassis.sealed.receiver_count() > 0 {
        head = Some(read_head(&mut transaction, &chassis.service).await?.0);
    }
    transaction.commit().await?;
    if let Some(head) = head {
        chassis.sealed.send_if_modified(|known| std::mem::replace(known, (*known).max(head)) < head);
    }
    Ok(sealed)
}

/// The last sealed position and the chain's hash there.
pub async fn read_head(connection: &mut PgConnection, service: &str) -> Result<(i64, Vec<u8>), sqlx::Error> {
    let head = sqlx::query!(
        r#"select position as "position!", hash as "hash!" from journal where position is not null order by position desc limit 1"#
    )
    .fetch_optional(connection)
    .await?;
    Ok(head.map_or_else(|| (0, genesis(service).to_vec()), |head| (head.position, head.hash)))
}

/// Unsealed events in the order they were appended: an aggregate's own are in order because its lock was held.
async fn unsealed(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select seq, position, hash, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation,
            payload_type, payload, salt, payload_digest, duty_changes, corrects
        from journal where position is null order by seq limit $1",
        BATCH
    )
    .fetch_all(connection)
    .await
}

/// Sealed events after `position`, at most `limit`.
pub async fn sealed_after(connection: &mut PgConnection, position: i64, limit: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select seq, position, hash, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation,
            payload_type, payload, salt, payload_digest, duty_changes, corrects
        from journal where position > $1 order by position limit $2",
        position,
        limit
    )
    .fetch_all(connection)
    .await
}
