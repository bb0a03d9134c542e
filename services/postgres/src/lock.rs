//! Lock files: one owner per server, and waiting for the watchdog of the last one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, cannot};

/// How often a lock, a process or a file is checked while waiting for it.
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// Opens a lock file that only its owner can read, and creates it when absent.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(cannot("open", path))
}

/// Takes the lock within `patience`; none when somebody else still has it.
pub(crate) fn take(path: &Path, patience: Duration) -> Result<Option<File>, Error> {
    let file = open(path)?;
    let deadline = Instant::now() + patience;
    loop {
        if try_lock(&file, path)? {
            return Ok(Some(file));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Takes the locks whose files exist, without creating any; none when somebody has one of them.
pub(crate) fn take_existing(paths: &[PathBuf]) -> Result<Option<Vec<File>>, Error> {
    let mut taken = Vec::new();
    for path in paths {
        match File::open(path) {
            Ok(file) if try_lock(&file, path)? => taken.push(file),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(cannot("open", path)(error)),
        }
    }
    Ok(Some(taken))
}

fn try_lock(file: &File, path: &Path) -> Result<bool, Error> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(cannot("lock", path)(source)),
    }
}

/// Takes the lock however long it takes; for short critical sections and the fetch of the wheel.
pub(crate) fn wait(path: &Path) -> Result<File, Error> {
    let file = open(path)?;
    file.lock().map_err(cannot("lock", path))?;
    Ok(file)
}

/// Takes the owner's lock and writes our process id into it.
///
/// It waits a moment, because a thread of an owner that has just ended may be between fork and exec, when the child still
/// shares the lock.
pub(crate) fn claim(path: &Path, home: &Path) -> Result<File, Error> {
    let Some(mut file) = take(path, Duration::from_millis(250))? else {
        let holder = fs::read_to_string(path).unwrap_or_default();
        return Err(Error::InUse {
            home: home.to_path_buf(),
            holder: match holder.trim() {
                "" => "unknown".to_owned(),
                pid => pid.to_owned(),
            },
        });
    };
    file.set_len(0).map_err(cannot("write", path))?;
    writeln!(file, "{}", std::process::id()).map_err(cannot("write", path))?;
    Ok(file)
}
