//! `postmaster.pid`, the file in which a running server states its process id and its status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The status that the server last wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Starting,
    Ready,
    Stopping,
}

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: u32,
    pub(crate) port: u16,
    pub(crate) status: Status,
}

/// Reads the file of a data directory; none when absent or not complete enough to act on.
pub(crate) fn read(data: &Path) -> Option<PidFile> {
    parse(&fs::read_to_string(path(data)).ok()?)
}

fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Parses the file's text. The server writes its lines one after the other, so a short file means that it is starting.
/// A negative first line is a single-user backend, which cannot be taken over.
fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok());
    let status = match lines.nth(3).map(str::trim) {
        Some("ready") => Status::Ready,
        Some("stopping") => Status::Stopping,
        _ => Status::Starting,
    };
    Some(PidFile { pid, port: port.unwrap_or(0), status })
}

/// Whether the process is alive and is a server on this (canonical) data directory.
///
/// A server's working directory is its data directory, which also holds when the directory has
/// been moved since; without `/proc` the command line must name it.
pub(crate) fn serves(pid: u32, data: &Path) -> bool {
    if Path::new("/proc/self/cwd").exists() {
        let process = PathBuf::from(format!("/proc/{pid}"));
        return fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data)
            && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.contains("postgres"));
    }
    Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output().is_ok_and(|output| {
        let args = String::from_utf8_lossy(&output.stdout).into_owned();
        args.contains("postgres") && args.contains(&*data.to_string_lossy())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4242\n/home/x/.kefu/pg15/data\n1795000000\n40123\n\n127.0.0.1\n  \
                         1234567         3\nready   \n";

    #[test]
    fn a_ready_server_is_read_with_its_port() {
        let expected = PidFile { pid: 4242, port: 40123, status: Status::Ready };
        assert_eq!(parse(READY), Some(expected));
    }

    #[test]
    fn a_server_that_stops_says_so() {
        let file = parse(&READY.replace("ready   ", "stopping"));
        assert_eq!(file.map(|file| file.status), Some(Status::Stopping));
    }

    #[test]
    fn every_shorter_file_is_a_server_that_is_starting() {
        let lines: Vec<&str> = READY.lines().collect();
        for kept in 1..8 {
            let file = parse(&lines[..kept].join("\n"));
            assert_eq!(file.map(|file| (file.pid, file.status)), Some((4242, Status::Starting)));
        }
    }

    #[test]
    fn an_empty_file_and_a_single_user_backend_are_nobody() {
        for text in ["", "\n", "-4242\n/data\n", "x\n"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
