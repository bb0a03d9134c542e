//! Exhausts the connection pools of intake: every call waits for a locked table until no connection is left.

use std::time::Duration;

use tokio::time::sleep;

use crate::world::World;

/// How long a service waits for a database connection before it refuses a call.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Locks the table of requests for [`ACQUIRE`], after which callers are refused, and for `lasts` more.
pub async fn exhaust(world: &World, lasts: Duration) {
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("lock table intake.request in access exclusive mode").execute(&mut *holder).await.unwrap();
    sleep(ACQUIRE + lasts).await;
    holder.rollback().await.unwrap();
}
