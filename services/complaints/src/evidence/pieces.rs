//! The pieces that a content is stored in: the one place that reads and writes them.

use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// How large a piece is, but for the last.
pub const PIECE: usize = 256 * 1024;
/// How many are stored by one statement: 2 MiB.
pub const TOGETHER: usize = 8;

/// Stores some pieces, the first of them in the place `first`.
pub async fn store(
    connection: &mut PgConnection,
    evidence: Uuid,
    first: i32,
    pieces: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into complaints.evidence_content (evidence, ordinal, bytes)
        select $1, $2 + place::int - 1, bytes from unnest($3::bytea[]) with ordinality as p (bytes, place)",
        evidence,
        first,
        pieces
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The piece in a place, counted from 0; none where the content has ended.
pub async fn piece(
    connection: &mut PgConnection,
    evidence: Uuid,
    ordinal: i32,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select bytes from complaints.evidence_content where evidence = $1 and ordinal = $2",
        evidence,
        ordinal
    )
    .fetch_optional(connection)
    .await
}

/// How many bytes a content has as it is read, and their digest; nothing where there is none. Something that stands in no
/// place of it makes it another content. No connection is held while it is digested.
pub async fn digest(pool: &PgPool, evidence: Uuid) -> Result<Option<(i64, Vec<u8>)>, sqlx::Error> {
    let stored = sqlx::query_scalar!(
        r#"select count(*) as "count!" from complaints.evidence_content where evidence = $1"#,
        evidence
    )
    .fetch_one(pool)
    .await?;
    if stored == 0 {
        return Ok(None);
    }
    let (mut size, mut digest, mut ordinal) = (0, Sha256::new(), 0);
    loop {
        let mut connection = pool.acquire().await?;
        let next = piece(&mut connection, evidence, ordinal).await?;
        drop(connection);
        let Some(bytes) = next else { break };
        size += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        digest.update(&bytes);
        ordinal += 1;
    }
    let astray = stored - i64::from(ordinal);
    if astray != 0 {
        digest.update(astray.to_be_bytes());
    }
    Ok(Some((size, digest.finalize().to_vec())))
}
