//! The watchdog, a process that outlives us: a shell blocked on a pipe that only we hold. It stops the server and tidies up
//! when we end without having done so, even by kill -9.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::account::RunAs;
use crate::binaries::Binaries;
use crate::error::{Error, cannot};

const SCRIPT: &str = include_str!("watchdog.sh");

/// The watchdog's process, and the pipe that it reads.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// Starts the watchdog of the server with these data. When this process is gone, the watchdog stops the server and
    /// removes the directory `remove`, if one is given. It shares `lock`, which stays taken until both processes are
    /// done.
    pub(crate) fn start(
        run_as: &RunAs,
        binaries: &Binaries,
        data: &Path,
        remove: Option<&Path>,
        lock: &File,
    ) -> Result<Self, Error> {
        let failed = || cannot("start", Path::new("sh"));
        let mode = if remove.is_some() { "immediate" } else { "fast" };
        let mut command = run_as.command("sh");
        command
            .args(["-c", SCRIPT, "kefu-postgres-watchdog"])
            .arg(binaries.program("pg_ctl"))
            .arg(data)
            .arg(mode)
            .arg(remove.unwrap_or(Path::new("")))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(lock.try_clone().map_err(failed())?)
            .stderr(Stdio::null());
        let mut shell = command.spawn().map_err(failed())?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Tells the watchdog what to end when this process is gone: `initdb PID`, `server PID` or `idle`.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), Error> {
        // The line is written at once, so that it is whole or absent whenever we are killed.
        self.pipe
            .as_mut()
            .map_or(Ok(()), |pipe| pipe.write_all(format!("{line}\n").as_bytes()))
            .map_err(cannot("write to", Path::new("the watchdog's pipe")))
    }

    /// Runs a command made by [`gated`] once the watchdog knows its process id.
    pub(crate) fn run(&mut self, word: &str, command: &mut Command) -> Result<Child, Error> {
        let failed = || cannot("start", Path::new("sh"));
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed())?;
        self.tell(&format!("{word} {}", child.id()))?;
        // Without this line the shell ends when its pipe does, so nothing runs unwatched.
        if let Some(mut gate) = child.stdin.take() {
            gate.write_all(b"go\n").map_err(failed())?;
        }
        Ok(child)
    }

    /// Dismisses the watchdog without effect, because everything has been stopped.
    pub(crate) fn leave(mut self) {
        // A watchdog that is gone already is fine.
        self.tell("leave").ok();
    }
}

/// Creates a command that runs a program in a process group of its own, with `redirections`, under a shell that waits for a
/// line before it becomes the program.
pub(crate) fn gated(run_as: &RunAs, program: &Path, redirections: &str) -> Command {
    let mut command = run_as.command("sh");
    command
        .args(["-c", &format!("read -r go && exec \"$@\" </dev/null {redirections}"), "sh"])
        .arg(program)
        .process_group(0);
    command
}

impl Drop for Watchdog {
    /// Closes the pipe, upon which the watchdog ends what it was told of, and waits for it.
    fn drop(&mut self) {
        self.pipe.take();
        self.shell.wait().ok();
    }
}
