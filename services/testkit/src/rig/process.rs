//! One process of a service: started, watched, signalled and restarted at its address.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Seat;
use super::watchdog::Watchdog;
use crate::wait::within;

/// Longest wait for a start or an orderly end, on a busy machine.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// Most bytes of the log shown for a process that does not start.
const SHOWN: usize = 4_000;
/// A gRPC service that every service of kefu serves.
const SERVED: &str = "kefu.events.v1.EventFeed";

/// A process of a service. Dropping it kills the process.
pub struct Process {
    seat: Seat,
    config: PathBuf,
    environment: Mutex<Vec<(String, String)>>,
    child: Mutex<Child>,
    channel: Channel,
    watchdog: Arc<Watchdog>,
}

impl Process {
    pub(super) fn start(seat: Seat, config: &Path, environment: &[(&str, &str)], watchdog: Arc<Watchdog>) -> Self {
        let environment = owned(environment);
        let child = Mutex::new(spawn(seat, config, &environment, &watchdog));
        let channel = Endpoint::from_shared(format!("http://{}", seat.address)).unwrap();
        let channel = channel.connect_timeout(Duration::from_secs(2)).tcp_nodelay(true).connect_lazy();
        Self { seat, config: config.to_owned(), environment: Mutex::new(environment), child, channel, watchdog }
    }

    /// Schema of the service.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.seat.service
    }

    /// Address that the process listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.seat.address
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Log file, with the records of all starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.config.with_extension("log")
    }

    /// A shared channel, which reconnects after a restart of the process.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Whether the process runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.child().try_wait().unwrap().is_none()
    }

    /// Whether the health check of the process answers ready.
    pub async fn is_ready(&self) -> bool {
        let request = HealthCheckRequest { service: SERVED.to_owned() };
        let answer =
            tokio::time::timeout(Duration::from_secs(1), HealthClient::new(self.channel()).check(request)).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving))
    }

    /// Waits until the process is ready. Panics with the log if it has ended.
    pub async fn ready(&self) {
        let what = format!("{} is ready", self.seat.service);
        within(MAX_WAIT, &what, async || {
            assert!(self.runs(), "{} has ended: {}", self.seat.service, self.end_of_log());
            self.is_ready().await.then_some(())
        })
        .await;
    }

    /// Kills the process by SIGKILL.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().unwrap();
        child.wait().unwrap();
        self.watchdog.forget(child.id());
    }

    /// Pauses the process by SIGSTOP: connections stay open without answers.
    pub fn pause(&self) {
        signal(self.pid(), Signal::STOP);
    }

    /// Continues the process after [`Process::pause`].
    pub fn resume(&self) {
        signal(self.pid(), Signal::CONT);
    }

    /// Ends the process by SIGTERM and returns its exit status.
    pub async fn terminate(&self) -> ExitStatus {
        signal(self.pid(), Signal::TERM);
        let what = format!("{} ends", self.seat.service);
        let status = within(MAX_WAIT, &what, async || self.child().try_wait().unwrap()).await;
        self.watchdog.forget(self.pid());
        status
    }

    /// Starts an ended process again at its address and waits until it is ready.
    pub async fn restart(&self) {
        self.spawn_again();
        self.ready().await;
    }

    /// Restarts an ended process with another environment.
    pub async fn restart_with(&self, environment: &[(&str, &str)]) {
        *self.environment.lock().unwrap_or_else(PoisonError::into_inner) = owned(environment);
        self.restart().await;
    }

    fn spawn_again(&self) {
        let environment = self.environment.lock().unwrap_or_else(PoisonError::into_inner);
        *self.child() = spawn(self.seat, &self.config, &environment, &self.watchdog);
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_of_log(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(SHOWN)..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        if child.kill().is_ok() && child.wait().is_ok() {
            self.watchdog.forget(child.id());
        }
    }
}

fn owned(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Path of a service's program, in the directory of the running one.
pub(super) fn program(service: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let name = format!("kefu-{service}");
    let found = own.ancestors().skip(1).take(2).map(|directory| directory.join(&name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not beside {}: cargo build --workspace --bins", own.display()))
}

fn spawn(seat: Seat, config: &Path, environment: &[(String, String)], watchdog: &Watchdog) -> Child {
    let log = File::options().append(true).create(true).open(config.with_extension("log")).unwrap();
    watchdog.run(&program(seat.service), |command| {
        command.arg("serve").arg("--config").arg(config);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdout(log.try_clone().unwrap()).stderr(log);
    })
}

/// Sends a signal to a process. Ignores a process that has just ended.
pub(super) fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    match kill_process(pid, signal) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => panic!("a process cannot be sent a signal: {error}"),
    }
}
