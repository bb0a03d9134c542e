//! The watchdog of a rig: a shell that reads a pipe from this process. When this process ends without stopping the rig, the
//! pipe closes and the shell kills everything the rig has started.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

const SCRIPT: &str = include_str!("watchdog.sh");

/// The shell, and the pipe that it reads.
pub struct Watchdog {
    shell: Mutex<Child>,
    pipe: Mutex<ChildStdin>,
}

impl Watchdog {
    /// Starts the shell. It removes `directory` if it has to kill the rig.
    pub fn start(directory: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "kefu-rig-watchdog"]).arg(directory);
        let mut shell = command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pipe = shell.stdin.take().unwrap();
        Self { shell: Mutex::new(shell), pipe: Mutex::new(pipe) }
    }

    /// Starts a program under the watchdog. The program starts as a shell that waits for a line on its own pipe, so that it
    /// ends if this process is killed before the watchdog knows its process id.
    pub fn run(&self, program: &Path, prepare: impl FnOnce(&mut Command)) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", "read -r go && exec \"$@\" </dev/null", "sh"]).arg(program);
        prepare(&mut command);
        let mut child = command.process_group(0).stdin(Stdio::piped()).spawn().unwrap();
        self.send_line(&format!("born {}", child.id()));
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        child
    }

    /// Tells the watchdog that a program has ended, since its process id may be reused.
    pub fn forget(&self, pid: u32) {
        self.send_line(&format!("gone {pid}"));
    }

    fn send_line(&self, line: &str) {
        // One write, so that the line is complete or absent if this process is killed.
        self.pipe.lock().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Every started program holds the watchdog, so all have ended here.
        self.send_line("leave");
        self.shell.lock().unwrap().wait().ok();
    }
}
