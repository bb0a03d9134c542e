//! Replies of calls, kept for retries.

use sqlx::PgPool;
use uuid::Uuid;

use crate::base::error::describe;
use crate::base::time::sql;

/// A reply that was kept.
pub struct Reply {
    /// The digest of the call's payload.
    pub digest: Vec<u8>,
    /// The encoded reply.
    pub response: Vec<u8>,
}

/// Returns the reply to a call of `method` by `subject` under `request_id`, if it was answered.
pub async fn find(pool: &PgPool, subject: &str, method: &str, request_id: Uuid) -> Result<Option<Reply>, sqlx::Error> {
    let reply = sqlx::query_as!(
        Reply,
        "select digest, response from reply where subject = $1 and method = $2 and request_id = $3",
        subject,
        method,
        request_id
    );
    reply.fetch_optional(pool).await
}

/// Whether a call of `method` by `subject` was answered under `request_id`, with whatever payload.
pub async fn is_known(pool: &PgPool, subject: &str, method: &str, request_id: Uuid) -> Result<bool, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select exists (select from reply where subject = $1 and method = $2 and request_id = $3) as "known!""#,
        subject,
        method,
        request_id
    );
    known.fetch_one(pool).await
}

/// Deletes replies that are older than 7 days, a batch at a time.
pub async fn purge(pool: &PgPool, now: jiff::Timestamp) {
    let before = sql::at(now - jiff::SignedDuration::from_hours(7 * 24));
    loop {
        let purged = sqlx::query!(
            "delete from reply where (subject, method, request_id) in
                (select subject, method, request_id from reply where recorded_at < $1 limit 1000)",
            before as _
        )
        .execute(pool)
        .await;
        match purged {
            Ok(done) if done.rows_affected() == 1_000 => {}
            Ok(_) => return,
            Err(error) => {
                return tracing::warn!(cause = describe(&error), "old replies cannot be purged; it is tried again");
            }
        }
    }
}
