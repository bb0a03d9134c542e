//! The sealer gives committed events their position and hash, in batches, one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::describe;
use crate::store::journal;
use crate::work::chassis::Chassis;

const BATCH: i64 = 1_000;
/// How often the sealer looks for events without being woken.
const POLL: Duration = Duration::from_millis(200);
/// How long the sealer lets events gather after a batch.
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

/// Seals one batch and returns how many events it held; zero when there are none, or another replica is sealing.
pub async fn seal(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    let mut transaction = chassis.pool().begin().await?;
    // The timeout keeps a stopped replica from holding the lock.
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
        // The head is read in a statement of its own, after the lock's: in the same statement it could be the head before
        // another replica's commit.
        let (mut position, mut hash) = journal::read_head(&mut transaction, &chassis.service).await?;
        let rows = journal::unsealed(&mut transaction, BATCH).await?;
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
            journal::seal(&mut transaction, &sequences, &positions, &hashes).await?;
        }
        head = Some(position);
    } else if chassis.sealed.receiver_count() > 0 {
        head = Some(journal::read_head(&mut transaction, &chassis.service).await?.0);
    }
    transaction.commit().await?;
    if let Some(head) = head {
        chassis.sealed.send_if_modified(|known| std::mem::replace(known, (*known).max(head)) < head);
    }
    Ok(sealed)
}
