//! The clock: a replica that lives an hour in the past, by libfaketime. The services read the machine's clock and nothing can
//! set it for them; the library answers for the kernel in that one process, and leaves the others and Postgres alone. A time
//! namespace could not: it moves the monotonic clocks only.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use super::Skipped;
use crate::world::World;

/// Which replica it is.
const REPLICA: usize = 1;

/// The library, as Debian's package `faketime` has it.
pub fn library() -> Result<PathBuf, Skipped> {
    let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let found = places.map(|place| place.join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file());
    found.ok_or_else(|| Skipped("libfaketime is not there: apt-get install faketime".into()))
}

/// Starts the replica an hour ago, and lets it serve for so long.
pub async fn turn_back(world: &World, lasts: Duration) {
    let library = library().map(|path| path.display().to_string()).unwrap_or_default();
    let faked = [("LD_PRELOAD", library.as_str()), ("FAKETIME", "-1h"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let process = &world.intake[REPLICA];
    process.terminate().await;
    process.restart_with(&world.environment(REPLICA, &faked)).await;
    sleep(lasts + lasts).await;
}

/// Starts it in the present again.
pub async fn put_right(world: &World) {
    let process = &world.intake[REPLICA];
    process.terminate().await;
    process.restart_with(&world.environment(REPLICA, &[])).await;
}
