//! What is looked at while a server is attacked: that others are served, how fast, and how much memory it takes.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How long anybody else's calls may take on a busy machine while the server is attacked.
const PATIENCE: Duration = Duration::from_secs(5);

static ALONE: Mutex<()> = Mutex::const_new(());

/// Returns when no other test that asks for it runs: memory is that of a process.
pub async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

/// The memory of this process, server and callers, as its share of what is resident.
#[must_use]
pub fn memory_mib() -> i64 {
    kib_of("/proc/self/smaps_rollup", "Pss:") / 1024
}

/// How far memory rises from here on.
#[derive(Debug)]
pub struct Peak {
    before_kib: i64,
}

impl Peak {
    /// From what is resident now.
    #[must_use]
    pub fn from_here() -> Self {
        // What was highest is forgotten (proc(5), clear_refs).
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        Self { before_kib: kib_of("/proc/self/status", "VmRSS:") }
    }

    /// By how much, at its highest until now.
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

/// Does `attack` while others go on calling, again and again; each time must succeed soon. Afterwards, too.
pub async fn others_are_served<T>(mut call: impl AsyncFnMut(), attack: impl Future<Output = T>) -> T {
    let mut calls = 0_u32;
    let mut slowest = Duration::ZERO;
    let mut timed = async || {
        let began = Instant::now();
        tokio::time::timeout(PATIENCE, call()).await.expect("others are served in time");
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
