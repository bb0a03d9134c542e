//! Turns the clock of one replica an hour back, by libfaketime. The services read the machine's clock and have no
//! setting to change it. The library changes the time in that one process only, not in other processes or Postgres. A
//! time namespace would not do: it moves only the monotonic clocks.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use super::Skipped;
use crate::world::World;

/// Index of the replica of intake whose clock is turned back.
const REPLICA: usize = 1;

/// Returns the path of the library from Debian's package `faketime`.
pub fn library() -> Result<PathBuf, Skipped> {
    let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let found = places.map(|place| place.join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file());
    found.ok_or_else(|| Skipped("libfaketime is not there: apt-get install faketime".into()))
}

/// Restarts the replica with its clock an hour behind, and waits for twice `lasts` while it serves.
pub async fn turn_back(world: &World, lasts: Duration) {
    let library = library().map(|path| path.display().to_string()).unwrap_or_default();
    let faked = [("LD_PRELOAD", library.as_str()), ("FAKETIME", "-1h"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let process = &world.intake[REPLICA];
    process.terminate().await;
    process.restart_with(&world.environment(REPLICA, &faked)).await;
    sleep(lasts + lasts).await;
}

/// Restarts the replica with the right time.
pub async fn put_right(world: &World) {
    let process = &world.intake[REPLICA];
    process.terminate().await;
    process.restart_with(&world.environment(REPLICA, &[])).await;
}
