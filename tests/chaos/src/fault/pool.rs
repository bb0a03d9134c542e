//! Connections: whoever calls waits for a table that somebody else holds, until none is left.

use std::time::Duration;

use tokio::time::sleep;

use crate::world::World;

/// How long a service waits for a connection before it refuses.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Holds the table of requests for so long and as long as it takes until callers are refused.
pub async fn exhaust(world: &World, lasts: Duration) {
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("lock table intake.request in access exclusive mode").execute(&mut *holder).await.unwrap();
    sleep(ACQUIRE + lasts).await;
    holder.rollback().await.unwrap();
}
