//! The report: a line for each fault, its violations, and the count of passed and failed faults at the end.

use std::fmt;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::call::Tally;
use crate::fault::Fault;

/// Outcome of one fault.
pub struct Outcome {
    /// The fault.
    pub fault: Fault,
    /// Calls of the callers during the fault.
    pub tally: Tally,
    /// Time from the end of the fault until every process was ready and acknowledged calls; None if that took too long.
    pub recovered: Option<Duration>,
    /// Time from the start of the checks, with the load paused, until every effect was complete.
    pub caught_up: Duration,
    /// Promises that were broken, each in one sentence.
    pub violations: Vec<String>,
    /// Reason why the fault could not be caused, if it was skipped.
    pub skipped: Option<String>,
}

impl Outcome {
    /// Makes the outcome of a fault that cannot be caused on this machine.
    pub fn skipped(fault: Fault, why: String) -> Self {
        let (tally, violations) = (Tally::default(), Vec::new());
        Self { fault, tally, recovered: None, caught_up: Duration::ZERO, violations, skipped: Some(why) }
    }
}

/// Outcomes of all faults so far.
#[derive(Default)]
pub struct Report {
    outcomes: Vec<Outcome>,
}

impl Report {
    /// Adds an outcome, and prints it at once.
    pub fn add(&mut self, outcome: Outcome) {
        let word = match (&outcome.skipped, outcome.violations.is_empty()) {
            (Some(why), _) => format!("SKIPPED: {why}"),
            (None, true) => "ok".to_owned(),
            (None, false) => format!("{} violations", outcome.violations.len()),
        };
        println!("{}: {word}", outcome.fault.name());
        for violation in &outcome.violations {
            println!("    {violation}");
        }
        self.outcomes.push(outcome);
    }

    /// Counts the faults with violations.
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.violations.is_empty()).count()
    }

    fn passed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.violations.is_empty() && outcome.skipped.is_none()).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let columns =
            ["fault", "acknowledged", "refused", "broken", "retried", "recovered s", "caught up s", "violations"];
        table.set_header(columns);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for outcome in &self.outcomes {
            let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
            let tally = outcome.tally;
            if outcome.skipped.is_some() {
                table.add_row([outcome.fault.name(), "skipped".into()]);
                continue;
            }
            table.add_row([
                outcome.fault.name(),
                tally.acknowledged.to_string(),
                tally.refused.to_string(),
                tally.broken.to_string(),
                tally.retried.to_string(),
                outcome.recovered.map_or_else(|| "never".into(), seconds),
                seconds(outcome.caught_up),
                outcome.violations.len().to_string(),
            ]);
        }
        let skipped = self.outcomes.iter().filter(|outcome| outcome.skipped.is_some()).count();
        writeln!(f, "{table}")?;
        if skipped > 0 {
            writeln!(f, "{skipped} SKIPPED, as said above")?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}
