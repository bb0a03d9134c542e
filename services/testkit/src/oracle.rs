//! What a duty must be, reckoned the long way from all that happened to its clock: an oracle to hold the product against.
//! Apart because it shares no code with the product; times are microseconds since 1970.

use std::rc::Rc;

mod working;

pub use working::{Week, Working};

/// What can be seen of a duty, with states and measures as the contract numbers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub state: i16,
    pub measure: i16,
    pub due_us: i64,
    pub provisional: bool,
    pub elapsed_us: i64,
    pub paused_us: i64,
    pub met_us: Option<i64>,
    pub breached_us: Option<i64>,
    pub late: bool,
    pub corrected: bool,
}

pub const OPEN: i16 = 1;
pub const PAUSED: i16 = 2;
pub const MET: i16 = 3;
pub const WAIVED: i16 = 4;
pub const VOIDED: i16 = 5;
const WALL: i16 = 1;
const WORKING: i16 = 2;

/// One who may stop a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Lifecycle,
    Person,
}

/// A stretch in which a clock ran or stood.
#[derive(Clone, Debug)]
struct Spell {
    from: i64,
    to: Option<i64>,
    runs: bool,
    /// The calendar it is counted on.
    days: Rc<Working>,
}

/// How much time there is.
#[derive(Clone, Debug)]
enum Term {
    /// So much working time.
    Working(i64),
    /// Until then, later by as long as the clock stands from `from` on before that.
    Until { due: i64, from: i64 },
}

/// A duty as a list of what happened to its clock.
#[derive(Clone, Debug)]
pub struct Oracle {
    opened: i64,
    term: Term,
    spells: Vec<Spell>,
    holds: Vec<Hold>,
    end: Option<i16>,
    met: Option<i64>,
    breached: Option<i64>,
    /// Whether the clock marked the breach, and not a clause.
    marked: bool,
    late: bool,
    corrected: bool,
}

impl Oracle {
    /// Opened with so much time on the wall clock.
    #[must_use]
    pub fn wall(opened: i64, budget: i64, days: &Rc<Working>) -> Self {
        Self::new(opened, Term::Until { due: opened + budget, from: opened }, days)
    }

    /// Opened with so much working time.
    #[must_use]
    pub fn working(opened: i64, budget: i64, days: &Rc<Working>) -> Self {
        Self::new(opened, Term::Working(budget), days)
    }

    fn new(opened: i64, term: Term, days: &Rc<Working>) -> Self {
        let spells = vec![Spell { from: opened, to: None, runs: true, days: Rc::clone(days) }];
        let (holds, end, met, breached) = (Vec::new(), None, None, None);
        Self { opened, term, spells, holds, end, met, breached, marked: false, late: false, corrected: false }
    }

    /// Whether it can still be fulfilled.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// Whether `who` stops its clock.
    #[must_use]
    pub fn is_held_by(&self, who: Hold) -> bool {
        self.holds.contains(&who)
    }

    /// Whether it counts as broken.
    #[must_use]
    pub fn is_breached(&self) -> bool {
        self.breached.is_some()
    }

    /// When it was opened.
    #[must_use]
    pub fn opened(&self) -> i64 {
        self.opened
    }

    /// All that can be seen of it.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let (due_us, provisional) = self.due();
        Seen {
            state: self.end.unwrap_or(if self.holds.is_empty() { OPEN } else { PAUSED }),
            measure: if matches!(self.term, Term::Working(_)) { WORKING } else { WALL },
            due_us,
            provisional,
            elapsed_us: self.closed(true).map(|(spell, to)| self.count(spell, to)).sum(),
            paused_us: self.closed(false).map(|(spell, to)| to - spell.from).sum(),
            met_us: self.met,
            breached_us: self.breached,
            late: self.late,
            corrected: self.corrected,
        }
    }

    /// Whether `at` is after its due time; while its clock stands, nothing is but what was when it stopped.
    #[must_use]
    pub fn is_past(&self, at: i64) -> bool {
        let last = self.spells.last().unwrap();
        let judged = if last.runs { at } else { at.min(last.from) };
        judged > self.due().0
    }

    /// The clock of the service looks at it.
    pub fn tick(&mut self, now: i64) {
        let due = self.due().0;
        if self.is_live() && self.holds.is_empty() && self.breached.is_none() && due < now {
            (self.breached, self.marked) = (Some(due), true);
        }
    }

    /// A clause counts it as broken.
    pub fn breach(&mut self, at: i64) {
        (self.breached, self.marked) = (Some(at), false);
    }

    /// Somebody stops its clock.
    pub fn hold(&mut self, who: Hold, at: i64) {
        let last = self.spells.last().unwrap();
        let at = if last.runs { at.max(last.from) } else { at };
        self.take_back(at);
        if self.holds.is_empty() {
            self.turn(at, false);
        }
        self.holds.push(who);
    }

    /// Somebody lets it go on; it does when nobody else stops it.
    pub fn release(&mut self, who: Hold, at: i64) {
        self.holds.retain(|&hold| hold != who);
        if self.holds.is_empty() {
            self.turn(at, true);
        }
    }

    /// The customer was told at `at` that it takes until `due`.
    pub fn promise(&mut self, due: i64, at: i64) {
        self.take_back(at);
        if !self.holds.is_empty() {
            self.turn(at, false);
        }
        self.term = Term::Until { due, from: self.spells.last().unwrap().from };
    }

    /// It was fulfilled.
    pub fn meet(&mut self, at: i64) {
        let at = at.max(self.opened);
        let counted_broken = self.breached.is_some() && !self.marked;
        self.late = self.is_past(at) || counted_broken;
        self.corrected = self.marked && !self.late;
        self.met = Some(at);
        self.finish(MET, at);
    }

    /// It ended unfulfilled: [`WAIVED`] or [`VOIDED`].
    pub fn drop_as(&mut self, state: i16, at: i64) {
        if self.is_past(at) && self.breached.is_none() {
            self.breached = Some(self.due().0);
        }
        self.finish(state, at);
    }

    /// More holidays are known: what its clock runs now is counted on `days`.
    pub fn publish(&mut self, days: &Rc<Working>) {
        let before = self.due().0;
        self.spells.last_mut().unwrap().days = Rc::clone(days);
        if self.marked && self.due().0 != before {
            (self.breached, self.marked) = (None, false);
        }
    }

    /// What is recorded late moves no start or stop that was recorded before.
    fn turn(&mut self, at: i64, runs: bool) {
        let last = self.spells.last_mut().unwrap();
        let at = at.max(last.from);
        last.to = Some(at);
        let days = Rc::clone(&last.days);
        self.spells.push(Spell { from: at, to: None, runs, days });
    }

    fn finish(&mut self, state: i16, at: i64) {
        let last = self.spells.last_mut().unwrap();
        last.to = Some(at.max(last.from));
        self.end = Some(state);
    }

    /// A mark that something before the due time moves the due time away from.
    fn take_back(&mut self, at: i64) {
        if self.marked && !self.is_past(at) {
            (self.breached, self.marked) = (None, false);
        }
    }

    fn closed(&self, runs: bool) -> impl Iterator<Item = (&Spell, i64)> {
        self.spells.iter().filter(move |spell| spell.runs == runs).filter_map(|spell| Some((spell, spell.to?)))
    }

    fn count(&self, spell: &Spell, to: i64) -> i64 {
        match self.term {
            Term::Working(_) => spell.days.worked(spell.from, to),
            Term::Until { .. } => to - spell.from,
        }
    }

    /// Its due time, as of before a pause, and whether unknown holidays were counted.
    fn due(&self) -> (i64, bool) {
        match self.term {
            Term::Until { mut due, from } => {
                for stands in self.spells.windows(2).filter(|pair| !pair[0].runs) {
                    let (since, to) = (stands[0].from.max(from), stands[1].from);
                    if to > since && since < due {
                        due += to - since;
                    }
                }
                (due, false)
            }
            Term::Working(budget) => {
                let mut left = budget;
                let runs: Vec<&Spell> = self.spells.iter().filter(|spell| spell.runs).collect();
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
