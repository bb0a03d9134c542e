//! Tests that a killed run of the program leaves nothing behind: no process, in whatever state, and no directory.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Returns the names of the processes that have `mark`, as `NAME=value`, in their environment.
fn marked(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let carries = |environment: Vec<u8>| environment.split(|&byte| byte == 0).any(|line| line == mark.as_bytes());
    let carrying = processes.filter(|path| fs::read(path.join("environ")).is_ok_and(carries));
    carrying.filter_map(|path| Some(fs::read_to_string(path.join("comm")).ok()?.trim().to_owned())).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_run_leaves_no_process_and_no_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let name = temporary.path().display().to_string();
    let mark = format!("CHAOS_MARK={name}");
    // The program lies one directory above that of the test executable. Cargo's variable with its path would not do:
    // its name has a hyphen, so it does not pass through a shell.
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new(own.ancestors().nth(2).unwrap().join("kefu-chaos"));
    command.args(["--seed", "1", "--only", "pause-intake"]).env("CHAOS_MARK", &name).env("TMPDIR", temporary.path());
    let mut run = command.stdout(Stdio::null()).spawn().unwrap();
    until("both replicas of intake run", || {
        assert!(run.try_wait().unwrap().is_none(), "it has ended by itself");
        marked(&mark).iter().filter(|name| *name == "kefu-intake").count() == 2
    });
    run.kill().unwrap();
    run.wait().unwrap();
    until("no process is left", || marked(&mark).is_empty());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}
