//! An oracle for duties: computes a duty's state the slow way, from everything that happened to its clock, to compare with
//! the product. Shares no code with the product. Times are microseconds since 1970.

use std::rc::Rc;

mod working;

pub use working::{Week, Working};

/// The visible fields of a duty; states and measures are numbers of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// State, e.g. [`OPEN`].
    pub state: i16,
    /// Measure of the time: 1 wall clock, 2 working time.
    pub measure: i16,
    /// Due time; that of the beginning of the pause while the clock is paused.
    pub due_us: i64,
    /// Whether holidays that are not published yet can still move the due time.
    pub provisional: bool,
    /// Time for which the clock has run, in finished intervals only.
    pub elapsed_us: i64,
    /// Time for which the clock was paused, in finished pauses only.
    pub paused_us: i64,
    /// When the duty was fulfilled.
    pub met_us: Option<i64>,
    /// When the duty was breached, by the clock or by a clause.
    pub breached_us: Option<i64>,
    /// Whether the duty was fulfilled late.
    pub late: bool,
    /// Whether a marked breach was retracted by a fulfilment in time that was recorded later.
    pub corrected: bool,
}

/// The clock runs.
pub const OPEN: i16 = 1;
/// The clock is paused.
pub const PAUSED: i16 = 2;
/// The duty is fulfilled.
pub const MET: i16 = 3;
/// Somebody has waived the duty.
pub const WAIVED: i16 = 4;
/// The lifecycle has ended the duty without fulfilment.
pub const VOIDED: i16 = 5;
const WALL: i16 = 1;
const WORKING: i16 = 2;

/// A reason for which a clock is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The state of the aggregate, e.g. while the customer is awaited.
    Lifecycle,
    /// A person who may pause duties.
    Person,
}

/// An interval in which a clock ran, or was paused.
#[derive(Clone, Debug)]
struct Interval {
    from: i64,
    to: Option<i64>,
    runs: bool,
    /// Calendar of the interval.
    days: Rc<Working>,
}

/// The time allowed for a duty.
#[derive(Clone, Debug)]
enum Term {
    /// A budget of working time.
    Working(i64),
    /// A due time, moved later by every pause that began at `from` or later and before the due time.
    Until { due: i64, from: i64 },
}

/// A duty as the history of its clock.
#[derive(Clone, Debug)]
pub struct Oracle {
    opened: i64,
    term: Term,
    intervals: Vec<Interval>,
    holds: Vec<Hold>,
    end: Option<i16>,
    met: Option<i64>,
    breached: Option<i64>,
    /// Whether the breach was marked by the duty clock, not by a clause.
    marked: bool,
    late: bool,
    corrected: bool,
}

impl Oracle {
    /// A duty with a budget on the wall clock.
    #[must_use]
    pub fn wall(opened: i64, budget: i64, days: &Rc<Working>) -> Self {
        Self::new(opened, Term::Until { due: opened + budget, from: opened }, days)
    }

    /// A duty with a budget of working time.
    #[must_use]
    pub fn working(opened: i64, budget: i64, days: &Rc<Working>) -> Self {
        Self::new(opened, Term::Working(budget), days)
    }

    fn new(opened: i64, term: Term, days: &Rc<Working>) -> Self {
        let intervals = vec![Interval { from: opened, to: None, runs: true, days: Rc::clone(days) }];
        let (holds, end, met, breached) = (Vec::new(), None, None, None);
        Self { opened, term, intervals, holds, end, met, breached, marked: false, late: false, corrected: false }
    }

    /// Whether the duty can still be fulfilled.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// Whether `who` pauses the clock.
    #[must_use]
    pub fn is_held_by(&self, who: Hold) -> bool {
        self.holds.contains(&who)
    }

    /// Whether the duty is breached.
    #[must_use]
    pub fn is_breached(&self) -> bool {
        self.breached.is_some()
    }

    /// Time of opening.
    #[must_use]
    pub fn opened(&self) -> i64 {
        self.opened
    }

    /// The visible fields.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let (due_us, provisional) = self.due();
        Seen {
            state: self.end.unwrap_or(if self.holds.is_empty() { OPEN } else { PAUSED }),
            measure: if matches!(self.term, Term::Working(_)) { WORKING } else { WALL },
            due_us,
            provisional,
            elapsed_us: self.closed(true).map(|(interval, to)| self.count(interval, to)).sum(),
            paused_us: self.closed(false).map(|(interval, to)| to - interval.from).sum(),
            met_us: self.met,
            breached_us: self.breached,
            late: self.late,
            corrected: self.corrected,
        }
    }

    /// Whether the duty is overdue at `at`. While the clock is paused no time passes: a later `at` is judged as the time at
    /// which the pause began.
    #[must_use]
    pub fn is_past(&self, at: i64) -> bool {
        let last = self.intervals.last().unwrap();
        let judged = if last.runs { at } else { at.min(last.from) };
        judged > self.due().0
    }

    /// Marks the breach if the duty is overdue, as the service's duty clock does.
    pub fn tick(&mut self, now: i64) {
        let due = self.due().0;
        if self.is_live() && self.holds.is_empty() && self.breached.is_none() && due < now {
            (self.breached, self.marked) = (Some(due), true);
        }
    }

    /// Breaches the duty by a clause.
    pub fn breach(&mut self, at: i64) {
        (self.breached, self.marked) = (Some(at), false);
    }

    /// Pauses the clock.
    pub fn hold(&mut self, who: Hold, at: i64) {
        let last = self.intervals.last().unwrap();
        let at = if last.runs { at.max(last.from) } else { at };
        self.retract_breach(at);
        if self.holds.is_empty() {
            self.begin_interval(at, false);
        }
        self.holds.push(who);
    }

    /// Ends the pause of `who`; the clock runs again when no other pause is left.
    pub fn release(&mut self, who: Hold, at: i64) {
        self.holds.retain(|&hold| hold != who);
        if self.holds.is_empty() {
            self.begin_interval(at, true);
        }
    }

    /// Replaces the term by a wait until `due`, promised at `at`.
    pub fn promise(&mut self, due: i64, at: i64) {
        self.retract_breach(at);
        if !self.holds.is_empty() {
            self.begin_interval(at, false);
        }
        self.term = Term::Until { due, from: self.intervals.last().unwrap().from };
    }

    /// Fulfils the duty.
    pub fn meet(&mut self, at: i64) {
        let at = at.max(self.opened);
        let counted_broken = self.breached.is_some() && !self.marked;
        self.late = self.is_past(at) || counted_broken;
        self.corrected = self.marked && !self.late;
        self.met = Some(at);
        self.finish(MET, at);
    }

    /// Ends the duty unfulfilled, as [`WAIVED`] or [`VOIDED`].
    pub fn drop_as(&mut self, state: i16, at: i64) {
        if self.is_past(at) && self.breached.is_none() {
            self.breached = Some(self.due().0);
        }
        self.finish(state, at);
    }

    /// Publishes more holidays: the current interval is counted on `days`.
    pub fn publish(&mut self, days: &Rc<Working>) {
        let before = self.due().0;
        self.intervals.last_mut().unwrap().days = Rc::clone(days);
        if self.marked && self.due().0 != before {
            (self.breached, self.marked) = (None, false);
        }
    }

    /// Begins an interval. An event recorded late moves no earlier beginning or end.
    fn begin_interval(&mut self, at: i64, runs: bool) {
        let last = self.intervals.last_mut().unwrap();
        let at = at.max(last.from);
        last.to = Some(at);
        let days = Rc::clone(&last.days);
        self.intervals.push(Interval { from: at, to: None, runs, days });
    }

    fn finish(&mut self, state: i16, at: i64) {
        let last = self.intervals.last_mut().unwrap();
        last.to = Some(at.max(last.from));
        self.end = Some(state);
    }

    /// Retracts a breach marked by the clock if the new event came before the due time.
    fn retract_breach(&mut self, at: i64) {
        if self.marked && !self.is_past(at) {
            (self.breached, self.marked) = (None, false);
        }
    }

    fn closed(&self, runs: bool) -> impl Iterator<Item = (&Interval, i64)> {
        self.intervals
            .iter()
            .filter(move |interval| interval.runs == runs)
            .filter_map(|interval| Some((interval, interval.to?)))
    }

    fn count(&self, interval: &Interval, to: i64) -> i64 {
        match self.term {
            Term::Working(_) => interval.days.worked(interval.from, to),
            Term::Until { .. } => to - interval.from,
        }
    }

    /// The due time, as of the beginning of a pause, and whether holidays not yet published could move it.
    fn due(&self) -> (i64, bool) {
        match self.term {
            Term::Until { mut due, from } => {
                for stands in self.intervals.windows(2).filter(|pair| !pair[0].runs) {
                    let (since, to) = (stands[0].from.max(from), stands[1].from);
                    if to > since && since < due {
                        due += to - since;
                    }
                }
                (due, false)
            }
            Term::Working(budget) => {
                let mut left = budget;
                let runs: Vec<&Interval> = self.intervals.iter().filter(|interval| interval.runs).collect();
                for (place, run) in runs.iter().enumerate() {
                    let used = run.to.map_or(0, |to| run.days.worked(run.from, to));
                    if left <= used || place + 1 == runs.len() {
                        return run.days.due(run.from, left);
                    }
                    left -= used;
                }
                unreachable!("a duty begins with its clock running")
            }
        }
    }
}
