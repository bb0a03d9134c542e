//! The `postgres` process: its arguments, its start, its take-over and its end.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::RunAs;
use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::error::{Error, cannot, tail};
use crate::lock::POLL;
use crate::options::{Durability, Lifetime, Options};
use crate::pidfile::{self, PidFile, Status};
use crate::watchdog::{self, Watchdog};

/// How long a start may take: long enough for the recovery after a crash under load.
const READY_WITHIN: Duration = Duration::from_mins(3);
/// How long a fast shutdown may take before it becomes an immediate one.
const FAST_WITHIN: Duration = Duration::from_mins(1);
const IMMEDIATE_WITHIN: Duration = Duration::from_secs(15);
/// How long leftovers of a killed server (ports, shared memory) may hinder a start.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(20);
/// A log longer than this is set aside when the server starts: 16 MiB.
const LOG_LIMIT: u64 = 16 << 20;

/// The mode of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// Disconnects clients and writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers.
    Immediate,
}

impl Shutdown {
    /// Returns how a server on such data is shut down.
    pub(crate) fn of(lifetime: Lifetime) -> Self {
        match lifetime {
            Lifetime::Kept => Self::Fast,
            Lifetime::Ephemeral => Self::Immediate,
        }
    }
}

/// The parameters to start and end one server.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) options: &'a Options,
    pub(crate) binaries: &'a Binaries,
    pub(crate) run_as: &'a RunAs,
    pub(crate) cluster: &'a Cluster,
}

/// A server that is ready.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) pid: u32,
    pub(crate) port: u16,
    /// The process; none for a server that was taken over and is not our child.
    child: Option<Child>,
}

enum Outcome {
    Ready(Server),
    Exited(String),
}

impl Launch<'_> {
    /// Takes over the server that still runs on the data, or starts one.
    pub(crate) fn start(&self, watchdog: &mut Watchdog) -> Result<Server, Error> {
        let data = &self.cluster.data;
        let left = pidfile::read(data);
        if let Some(running) = left.filter(|left| pidfile::serves(left.pid, data))
            && let Some(server) = self.take_over(running, watchdog)?
        {
            return Ok(server);
        }
        self.start_anew(None, watchdog)
    }

    /// Takes over a running server; none when it has ended, or had to be ended because it runs with other settings.
    fn take_over(&self, found: PidFile, watchdog: &mut Watchdog) -> Result<Option<Server>, Error> {
        watchdog.tell(&format!("server {}", found.pid))?;
        let data = &self.cluster.data;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let Some(now) = pidfile::read(data).filter(|now| pidfile::serves(now.pid, data)) else {
                return Ok(None);
            };
            let mut server = Server { pid: now.pid, port: now.port, child: None };
            if now.status == Status::Ready {
                if self.was_started_alike(now.port) {
                    return Ok(Some(server));
                }
                (self.options.on_progress)("restarting PostgreSQL: its settings have changed");
                server.stop(self.run_as, self.binaries, data, Shutdown::Fast)?;
                return Ok(None);
            }
            if Instant::now() > deadline {
                return Err(self.not_ready(0));
            }
            thread::sleep(POLL);
        }
    }

    /// Whether the running server has the command line that we would give it.
    fn was_started_alike(&self, port: u16) -> bool {
        let mut line = self.program().into_os_string();
        for argument in self.arguments(port) {
            line.push(" \"");
            line.push(argument);
            line.push("\"");
        }
        fs::read(self.cluster.data.join("postmaster.opts")).is_ok_and(|opts| opts.trim_ascii_end() == line.as_bytes())
    }

    /// Starts a server on data that no server runs on, at `port` or a free port.
    pub(crate) fn start_anew(&self, port: Option<u16>, watchdog: &mut Watchdog) -> Result<Server, Error> {
        let stale = pidfile::read(&self.cluster.data).map(|left| left.pid);
        let deadline = Instant::now() + LEFTOVERS_WITHIN;
        loop {
            match self.attempt(port, stale, watchdog)? {
                Outcome::Ready(server) => return Ok(server),
                // Another process took the port after we found it free, or a backend of a killed
                // server has yet to notice.
                Outcome::Exited(log) if is_transient(&log) && Instant::now() < deadline => {
                    thread::sleep(POLL * 4);
                }
                Outcome::Exited(log) => {
                    return Err(Error::Start { log: self.cluster.log.clone(), tail: tail(&log, 20) });
                }
            }
        }
    }

    fn attempt(&self, port: Option<u16>, stale: Option<u32>, watchdog: &mut Watchdog) -> Result<Outcome, Error> {
        let port = port.map_or_else(free_port, Ok)?;
        let (log, start_of_log) = self.open_log()?;
        let also_log = log.try_clone().map_err(cannot("open", &self.cluster.log))?;
        let mut command = watchdog::gated(self.run_as, &self.program(), "");
        command.args(self.arguments(port)).stdout(log).stderr(also_log);
        if let Some(stale) = stale {
            // The process of this id is no server of these data: we looked. After a crash of the
            // machine the id may be that of an innocent process, and the server would refuse to
            // start. This variable (pg_ctl's) makes it ignore the id, and still check that no
            // backend of the old server is attached to its shared memory.
            command.env("PG_GRANDPARENT_PID", stale.to_string());
        }
        let mut child = watchdog.run("server", &mut command)?;
        let started = Instant::now();
        let mut told = false;
        loop {
            let ready = pidfile::read(&self.cluster.data)
                .is_some_and(|file| file.pid == child.id() && file.status == Status::Ready);
            if ready {
                return Ok(Outcome::Ready(Server { pid: child.id(), port, child: Some(child) }));
            }
            if child.try_wait().map_err(cannot("wait for", &self.program()))?.is_some() {
                watchdog.tell("idle")?;
                return Ok(Outcome::Exited(self.log_since(start_of_log)));
            }
            if started.elapsed() > READY_WITHIN {
                // Dropping the watchdog ends the server.
                return Err(self.not_ready(start_of_log));
            }
            if !told && started.elapsed() > Duration::from_secs(3) {
                (self.options.on_progress)("waiting for PostgreSQL, which is recovering its data");
                told = true;
            }
            thread::sleep(POLL);
        }
    }

    fn program(&self) -> PathBuf {
        self.binaries.program("postgres")
    }

    /// Returns the arguments. The caller's settings come before ours, because of two equal names the server takes the last.
    fn arguments(&self, port: u16) -> Vec<OsString> {
        let relaxed: &[&str] = match self.options.durability {
            Durability::Full => &[],
            Durability::None => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
        };
        let port = format!("port={port}");
        let ours = ["listen_addresses=127.0.0.1", "unix_socket_directories=", &port];
        let given = self.options.settings.iter().map(|(name, value)| format!("{name}={value}"));
        let all = relaxed.iter().map(|&setting| setting.to_owned()).chain(given).chain(ours.map(str::to_owned));
        let mut arguments = vec![OsString::from("-D"), self.cluster.data.clone().into()];
        for setting in all {
            arguments.push(OsStr::new("-c").to_owned());
            arguments.push(setting.into());
        }
        arguments
    }

    /// Opens the log to append to; returns it and its length.
    fn open_log(&self) -> Result<(File, u64), Error> {
        let path = &self.cluster.log;
        if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT) {
            fs::rename(path, path.with_extension("log.old")).map_err(cannot("rename", path))?;
        }
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(cannot("open", path))?;
        let length = log.metadata().map_err(cannot("read", path))?.len();
        Ok((log, length))
    }

    fn log_since(&self, start: u64) -> String {
        let mut bytes = Vec::new();
        File::open(&self.cluster.log)
            .and_then(|mut log| {
                log.seek(SeekFrom::Start(start))?;
                log.read_to_end(&mut bytes)
            })
            .ok();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn not_ready(&self, start_of_log: u64) -> Error {
        Error::NotReady {
            waited_s: READY_WITHIN.as_secs(),
            log: self.cluster.log.clone(),
            tail: tail(&self.log_since(start_of_log), 20),
        }
    }
}

impl Server {
    /// Ends the server and waits until it is gone; a server that is gone already is fine.
    pub(crate) fn stop(
        &mut self,
        run_as: &RunAs,
        binaries: &Binaries,
        data: &Path,
        shutdown: Shutdown,
    ) -> Result<(), Error> {
        let first = match shutdown {
            Shutdown::Fast => ("INT", FAST_WITHIN),
            Shutdown::Immediate => ("QUIT", IMMEDIATE_WITHIN),
        };
        for (signal, patience) in [first, ("QUIT", IMMEDIATE_WITHIN)] {
            if !self.runs(data)? {
                return Ok(());
            }
            let program = binaries.program("pg_ctl");
            // pg_ctl fails when the server has just ended by itself, which the loop below sees.
            run_as
                .command(&program)
                .args(["kill", signal, &self.pid.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .map_err(cannot("run", &program))?;
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if !self.runs(data)? {
                    return Ok(());
                }
                thread::sleep(POLL);
            }
        }
        Err(Error::NotStopped { pid: self.pid, waited_s: (first.1 + IMMEDIATE_WITHIN).as_secs() })
    }

    /// Whether the server's first process is still there.
    pub(crate) fn runs(&mut self, data: &Path) -> Result<bool, Error> {
        match &mut self.child {
            Some(child) => {
                let ended = child.try_wait().map_err(cannot("wait for", data))?;
                Ok(ended.is_none())
            }
            None => Ok(pidfile::serves(self.pid, data)),
        }
    }
}

/// Ends a server whose owner and watchdog are both gone.
pub(crate) fn end_orphan(run_as: &RunAs, binaries: &Binaries, data: &Path) -> Result<(), Error> {
    let Some(left) = pidfile::read(data).filter(|left| pidfile::serves(left.pid, data)) else {
        return Ok(());
    };
    let mut server = Server { pid: left.pid, port: left.port, child: None };
    server.stop(run_as, binaries, data, Shutdown::Immediate)
}

/// Whether another attempt may succeed, given the log of the server that failed.
fn is_transient(log: &str) -> bool {
    log.contains("could not create any TCP/IP sockets") || log.contains("pre-existing shared memory block")
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(cannot("find a free port on", Path::new("127.0.0.1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_and_leftover_memory_are_tried_again_but_a_bad_setting_is_not() {
        assert!(is_transient("FATAL:  could not create any TCP/IP sockets\n"));
        assert!(is_transient("FATAL:  pre-existing shared memory block (key 1) is still in use\n"));
        assert!(!is_transient("FATAL:  unrecognized configuration parameter \"nonsense\"\n"));
    }
}
