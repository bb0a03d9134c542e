//! Waits for expected events without sleeping for a fixed time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const WITHIN: Duration = Duration::from_mins(1);
const EVERY: Duration = Duration::from_millis(5);

/// Calls `probe` until it returns a value. Panics with `what` after a minute, which a busy machine may need.
pub async fn eventually<T, F>(what: &str, probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    within(WITHIN, what, probe).await
}

/// Calls `probe` until it returns a value. Panics with `what` after `limit`.
pub async fn within<T, F>(limit: Duration, what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        match tokio::time::timeout_at(deadline, probe()).await {
            Ok(Some(value)) => return value,
            Ok(None) if Instant::now() < deadline => sleep(EVERY).await,
            _ => panic!("{what}: not within {limit:?}"),
        }
    }
}
