//! The stored aliases of resources that were merged.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use crate::base::time::sql;

/// Reads all aliases.
pub async fn load(pool: &PgPool) -> Result<HashMap<String, String>, sqlx::Error> {
    let rows = sqlx::query!("select old_name, new_name from alias").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.old_name, row.new_name)).collect())
}

/// Begins a merge of `old`, and of what was merged into it before: waits for transactions that store something under these
/// names, and lets later ones wait until this one ends. Comes before any row is locked, so that none waits for another.
pub async fn begin_merge(connection: &mut PgConnection, old: &str) -> Result<(), sqlx::Error> {
    let locked = sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended('kefu.alias.' || name, 0))::text as locked from
            (select $1::text as name union select old_name from alias where new_name = $1 order by name) as names"#,
        old
    );
    locked.fetch_all(connection).await?;
    Ok(())
}

/// Records that `old`, and what was merged into it before, was merged into `new`; recorded again, nothing changes.
pub async fn record(connection: &mut PgConnection, old: &str, new: &str, at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with earlier as (update alias set new_name = $2 where new_name = $1)
        insert into alias (old_name, new_name, merged_at) values ($1, $2, $3) on conflict (old_name) do nothing",
        old,
        new,
        sql::at(at) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}
