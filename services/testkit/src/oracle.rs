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
    /// Due time at which the clock marked a breach that stands.
    pub marked_us: Option<i64>,
    /// Whether the duty ended late.
    pub late: bool,
    /// Whether the duty ended in time, and that was recorded after its due time.
    pub recorded_late: bool,
    /// Number of marks that were taken back.
    pub taken_back: i16,
}

impl Seen {
    /// The fields of a deviation at `at`.
    #[must_use]
    pub fn deviated(at: i64) -> Self {
        Self {
            state: DEVIATED,
            measure: WALL,
            due_us: at,
            provisional: false,
            elapsed_us: 0,
            paused_us: 0,
            met_us: None,
            marked_us: None,
            late: false,
            recorded_late: false,
            taken_back: 0,
        }
    }
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
/// What was done is a deviation.
pub const DEVIATED: i16 = 7;
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
    /// Due time at which the clock marked a breach.
    marked: Option<i64>,
    late: bool,
    recorded_late: bool,
    taken_back: i16,
    /// Time to which a fulfilment recorded later moved the end.
    moved_to: Option<i64>,
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
        let (holds, end, met, marked) = (Vec::new(), None, None, None);
        let (late, recorded_late, taken_back, moved_to) = (false, false, 0, None);
        Self { opened, term, intervals, holds, end, met, marked, late, recorded_late, taken_back, moved_to }
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

    /// Whether the duty was fulfilled after `at`, and had begun by then.
    #[must_use]
    pub fn was_met_after(&self, at: i64) -> bool {
        self.opened <= at && self.met.is_some_and(|met| at < met)
    }

    /// When the duty was fulfilled.
    #[must_use]
    pub fn met(&self) -> Option<i64> {
        self.met
    }

    /// When the pause began that still lasts.
    #[must_use]
    pub fn held_since(&self) -> Option<i64> {
        self.intervals.last().filter(|last| !last.runs && self.is_live()).map(|last| last.from)
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
            elapsed_us: self.up_to_end(self.closed(true).map(|(interval, to)| self.count(interval, to)).sum(), |end| {
                let whole = Interval { from: self.opened, ..self.intervals.last().unwrap().clone() };
                self.count(&whole, end)
            }),
            paused_us: self
                .up_to_end(self.closed(false).map(|(interval, to)| to - interval.from).sum(), |end| end - self.opened),
            met_us: self.met,
            marked_us: self.marked,
            late: self.late,
            recorded_late: self.recorded_late,
            taken_back: self.taken_back,
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
        if self.is_live() && self.holds.is_empty() && self.marked.is_none() && due < now {
            self.marked = Some(due);
        }
    }

    /// Whether what happened at `at` and is recorded at `now` moves the due time: it must have happened by then, and be
    /// recorded within a quarter of an hour of it.
    #[must_use]
    pub fn moves(&self, at: i64, now: i64) -> bool {
        const RECORD_WITHIN: i64 = 15 * 60_000_000;
        !self.is_past(at) && (!self.is_past(now) || now <= self.due().0 + RECORD_WITHIN)
    }

    /// Pauses the clock at `at`; at `now`, if the pause is recorded too late to move the due time.
    pub fn hold(&mut self, who: Hold, at: i64, now: i64) {
        let last = self.intervals.last().unwrap();
        let at = if last.runs { at.max(last.from) } else { at };
        let at = if self.is_past(at) || self.moves(at, now) { at } else { now };
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

    /// Replaces the term by a wait until `due`, promised at `at`, if that moves the due time.
    pub fn promise(&mut self, due: i64, at: i64, now: i64) {
        if !self.moves(at, now) {
            return;
        }
        self.retract_breach(at);
        if !self.holds.is_empty() {
            self.begin_interval(at, false);
        }
        self.term = Term::Until { due, from: self.intervals.last().unwrap().from };
    }

    /// Fulfils the duty.
    pub fn meet(&mut self, at: i64, now: i64) {
        let at = at.max(self.opened);
        self.met = Some(at);
        self.finish(MET, at, now);
    }

    /// Fulfils at `at` a duty that something later had fulfilled.
    pub fn meet_before(&mut self, at: i64, now: i64) {
        let due = self.due().0;
        (self.late, self.recorded_late) = (at > due, at <= due && now > due);
        (self.met, self.moved_to) = (Some(at), Some(at));
        self.retract_breach(at);
    }

    /// Bounds what the clock counted by an earlier end. `all` is the whole time up to that end.
    fn up_to_end(&self, counted: i64, all: impl Fn(i64) -> i64) -> i64 {
        self.moved_to.map_or(counted, |end| counted.min(all(end)))
    }

    /// Ends the duty unfulfilled, as [`WAIVED`] or [`VOIDED`].
    pub fn drop_as(&mut self, state: i16, at: i64, now: i64) {
        self.finish(state, at, now);
    }

    /// Publishes more holidays: the current interval is counted on `days`.
    pub fn publish(&mut self, days: &Rc<Working>) {
        let before = self.due().0;
        self.intervals.last_mut().unwrap().days = Rc::clone(days);
        if self.marked.is_some() && self.due().0 != before {
            self.unmark();
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

    fn finish(&mut self, state: i16, at: i64, now: i64) {
        self.late = self.is_past(at);
        self.recorded_late = !self.late && self.is_past(now);
        self.retract_breach(at);
        let last = self.intervals.last_mut().unwrap();
        last.to = Some(at.max(last.from));
        self.end = Some(state);
    }

    /// Retracts a breach marked by the clock if the new event came before the due time.
    fn retract_breach(&mut self, at: i64) {
        if self.marked.is_some() && !self.is_past(at) {
            self.unmark();
        }
    }

    fn unmark(&mut self) {
        self.marked = None;
        self.taken_back += 1;
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
