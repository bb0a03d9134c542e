//! Seats of servers: the locks, the directory and the programs that fit its data.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::RunAs;
use crate::binaries::{self, Binaries};
use crate::cluster::{self, Cluster};
use crate::error::{Error, cannot};
use crate::home::{self, Home};
use crate::options::Options;
use crate::{lock, server};

/// How long a start waits for the watchdog of the last one, which may be writing a checkpoint.
const WATCHDOG_WITHIN: Duration = Duration::from_mins(2);

/// A directory that nobody else works in while this value lives.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) cluster: Cluster,
    /// The lock that the watchdog shares, so that it is held until the watchdog is done as well.
    pub(crate) watchdog_lock: File,
    _owner_lock: File,
}

impl Seat {
    /// Takes the seat of the data that are kept.
    pub(crate) fn kept(options: &Options, home: &Home, run_as: &RunAs) -> Result<(Self, Binaries), Error> {
        let owner_lock = lock::claim(&home.path.join("owner.lock"), &home.path)?;
        let binaries = binaries::find(options, home, run_as, &home.majors())?;
        let cluster = Cluster::new(home.kept(binaries.major));
        home::make_enterable(&cluster.directory)?;
        let path = cluster.watchdog_lock();
        let watchdog_lock = if let Some(lock) = lock::take(&path, Duration::from_millis(20))? {
            lock
        } else {
            (options.on_progress)("waiting for the PostgreSQL of the last run to stop");
            lock::take(&path, WATCHDOG_WITHIN)?.ok_or_else(|| Error::StillStopping {
                directory: cluster.directory.clone(),
                waited_s: WATCHDOG_WITHIN.as_secs(),
            })?
        };
        Ok((Self { cluster, watchdog_lock, _owner_lock: owner_lock }, binaries))
    }

    /// Takes a new seat for data that are removed, after removing data whose owner and watchdog are both gone.
    pub(crate) fn ephemeral(options: &Options, home: &Home, run_as: &RunAs) -> Result<(Self, Binaries), Error> {
        let binaries = binaries::find(options, home, run_as, &[])?;
        let parent = home.ephemeral();
        home::make_enterable(&parent)?;
        // The watchdog, which is the account, removes directories here.
        run_as.own(&parent)?;
        // Without this lock a directory could be cleared before its maker has locked it.
        let _making = lock::wait(&home.base.join("ephemeral.lock"))?;
        clear(&parent, run_as, &binaries)?;
        let cluster = Cluster::new(new_directory(&parent)?);
        let owner_lock = lock::claim(&cluster.owner_lock(), &home.path)?;
        let watchdog_lock = lock::wait(&cluster.watchdog_lock())?;
        run_as.own(&cluster.directory)?;
        Ok((Self { cluster, watchdog_lock, _owner_lock: owner_lock }, binaries))
    }
}

/// Makes `parent/PID-N` for the first N that is free.
fn new_directory(parent: &Path) -> Result<PathBuf, Error> {
    let mut number = 0_u32;
    loop {
        let directory = parent.join(format!("{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o755).create(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(cannot("create", &directory)(error)),
        }
    }
}

/// Removes directories that nobody owns and no watchdog is about to remove.
fn clear(parent: &Path, run_as: &RunAs, binaries: &Binaries) -> Result<(), Error> {
    for entry in fs::read_dir(parent).map_err(cannot("read", parent))?.flatten() {
        let cluster = Cluster::new(entry.path());
        // Lock files are not created here: a new file would be in the way of an owner or a watchdog that is just
        // removing the directory. Removing it twice at once is harmless.
        let locks = [cluster.owner_lock(), cluster.watchdog_lock()];
        if let Some(_locks) = lock::take_existing(&locks)? {
            server::end_orphan(run_as, binaries, &cluster.data)?;
            cluster::remove(&cluster.directory)?;
        }
    }
    Ok(())
}
