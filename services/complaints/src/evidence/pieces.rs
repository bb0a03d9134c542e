//! Reads and writes the pieces of stored content; no other module does.

use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Bytes of a piece; the last one may be shorter.
pub const PIECE: usize = 256 * 1024;
/// Pieces stored by one statement, 2 MiB together.
pub const PIECES_PER_STATEMENT: usize = 8;

/// Stores pieces with consecutive ordinals from `first` on.
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

/// Loads the piece with an ordinal, counted from 0; none after the last.
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

/// Number of bytes and SHA-256 of the content as `piece` reads it in order; none without content. A stored piece that
/// is not reached, for example after a gap, changes the digest. No connection is held between pieces.
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
    let unreached = stored - i64::from(ordinal);
    if unreached != 0 {
        digest.update(unreached.to_be_bytes());
    }
    Ok(Some((size, digest.finalize().to_vec())))
}
