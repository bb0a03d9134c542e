//! Measures a server under attack: whether and how fast other callers are served, and how much memory grows.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// Longest time of another caller's call during an attack, on a busy machine.
const MAX_WAIT: Duration = Duration::from_secs(15);

static ALONE: Mutex<()> = Mutex::const_new(());

/// Waits until no other test of memory runs, since memory is measured for the whole process.
pub async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

/// Proportional set size (PSS) of this process, with server and callers, in MiB.
#[must_use]
pub fn memory_mib() -> i64 {
    kib_of("/proc/self/smaps_rollup", "Pss:") / 1024
}

/// Growth of resident memory to its peak since the start of the measurement.
#[derive(Debug)]
pub struct Peak {
    before_kib: i64,
}

impl Peak {
    /// Starts measuring at the memory resident now.
    #[must_use]
    pub fn from_here() -> Self {
        // Writing 5 resets the peak (proc(5), clear_refs).
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        Self { before_kib: kib_of("/proc/self/status", "VmRSS:") }
    }

    /// Growth to the peak so far, in MiB.
    #[must_use]
    pub fn grown_mib(&self) -> i64 {
        (kib_of("/proc/self/status", "VmHWM:") - self.before_kib) / 1024
    }
}

fn kib_of(file: &str, what: &str) -> i64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs `attack` while `call` is repeated. Each call must succeed within `MAX_WAIT`, during the attack and once after.
pub async fn others_are_served<T>(mut call: impl AsyncFnMut(), attack: impl Future<Output = T>) -> T {
    let mut calls = 0_u32;
    let mut slowest = Duration::ZERO;
    let mut timed = async || {
        let began = Instant::now();
        tokio::time::timeout(MAX_WAIT, call()).await.expect("others are served in time");
        calls += 1;
        slowest = slowest.max(began.elapsed());
    };
    let others = async {
        loop {
            timed().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let outcome = tokio::select! {
        outcome = attack => outcome,
        () = others => unreachable!("others go on for ever"),
    };
    timed().await;
    println!("others were served {calls} times, at most in {slowest:?}");
    outcome
}
