//! Processor time and memory of a process and its children, from /proc.

use std::fs;
use std::time::Duration;

/// Processor time and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since the start, in user and system mode.
    pub cpu: Duration,
    /// Proportional set size in bytes: memory of its own, and its share of what it shares.
    pub pss_bytes: u64,
}

impl Usage {
    /// Usage of one process; zero if there is none.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let ticks = fields(pid).map_or(0, |fields| ticks(&fields, UTIME) + ticks(&fields, STIME));
        Self { cpu: duration(ticks), pss_bytes: pss(pid) }
    }

    /// Usage of a process and its children, with the processor time of ended and reaped children. For Postgres' first
    /// process, this is the usage of all of Postgres.
    #[must_use]
    pub fn of_family(pid: u32) -> Self {
        let own = Self::of(pid);
        let ended = fields(pid).map_or(0, |fields| ticks(&fields, CUTIME) + ticks(&fields, CSTIME));
        let mut sum = Self { cpu: own.cpu + duration(ended), ..own };
        for child in children(pid) {
            let child = Self::of(child);
            sum = Self { cpu: sum.cpu + child.cpu, pss_bytes: sum.pss_bytes + child.pss_bytes };
        }
        sum
    }

    /// Processor time used since `earlier`, and the memory of now.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(earlier.cpu), ..self }
    }
}

/// Whether a process runs; a zombie does not.
pub(super) fn runs(pid: u32) -> bool {
    fields(pid).is_some_and(|fields| fields[STATE] != "Z")
}

/// Indices of fields in `/proc/PID/stat` after the name, which may contain blanks itself.
const STATE: usize = 0;
const PARENT: usize = 1;
const UTIME: usize = 11;
const STIME: usize = 12;
const CUTIME: usize = 13;
const CSTIME: usize = 14;

fn fields(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn ticks(fields: &[String], place: usize) -> u64 {
    fields.get(place).and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn duration(ticks: u64) -> Duration {
    Duration::from_nanos(ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second()))
}

fn pss(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1_024
}

/// Children of a process that it has not reaped.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| fields(pid).is_some_and(|fields| ticks(&fields, PARENT) == u64::from(parent))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_processor_time_and_memory() {
        let before = Usage::of(std::process::id());
        let mut held = Vec::new();
        let used = loop {
            held.extend(std::iter::repeat_n(1_u8, 4 << 20));
            let used = Usage::of(std::process::id()).since(before);
            if used.cpu >= Duration::from_millis(50) {
                break used;
            }
        };
        assert!(used.pss_bytes >= u64::try_from(held.len()).unwrap(), "{used:?}");
    }

    #[test]
    fn a_family_has_the_time_of_children_that_have_ended() {
        let before = Usage::of_family(std::process::id());
        let loop_of_a_shell = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", loop_of_a_shell]).status().unwrap().success());
        assert!(Usage::of_family(std::process::id()).since(before).cpu >= Duration::from_millis(20));
    }
}
