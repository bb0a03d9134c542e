//! The process that outlives a rig: a shell blocked on a pipe that only we hold, which kills what the rig has started when we
//! end without having done so.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

const SCRIPT: &str = include_str!("watchdog.sh");

/// A shell that waits for our end.
pub struct Watchdog {
    shell: Mutex<Child>,
    pipe: Mutex<ChildStdin>,
}

impl Watchdog {
    /// Starts it; it removes `directory` when it has to act.
    pub fn start(directory: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "kefu-rig-watchdog"]).arg(directory);
        let mut shell = command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pipe = shell.stdin.take().unwrap();
        Self { shell: Mutex::new(shell), pipe: Mutex::new(pipe) }
    }

    /// Starts a program that is killed with us. Until the watchdog knows of it, it is a shell that ends with our pipe.
    pub fn run(&self, program: &Path, prepare: impl FnOnce(&mut Command)) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", "read -r go && exec \"$@\" </dev/null", "sh"]).arg(program);
        prepare(&mut command);
        let mut child = command.process_group(0).stdin(Stdio::piped()).spawn().unwrap();
        self.tell(&format!("born {}", child.id()));
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        child
    }

    /// A program has ended, and its process id may become another's.
    pub fn forget(&self, pid: u32) {
        self.tell(&format!("gone {pid}"));
    }

    fn tell(&self, line: &str) {
        // One write, so that the line is whole or absent whenever we are killed.
        self.pipe.lock().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Whoever was started holds the watchdog, so all have ended.
        self.tell("leave");
        self.shell.lock().unwrap().wait().ok();
    }
}
