//! New duties: their contents, and the time that they get.

use jiff::Timestamp;
use kefu_proto::events::v1::DutyChange;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_regulation::{Budget, Calendar, Measure as Clocked, Regulation};

use super::{Duty, Measure, State};
use crate::base::names::Id;
use crate::base::time::micros;

/// The contents of a new duty.
#[derive(Clone, Debug)]
pub struct NewDuty<'a> {
    /// The clause.
    pub clause: &'a str,
    /// What the clause asks for, as a code of the service.
    pub kind: &'a str,
    /// The resource that the duty is about.
    pub subject: String,
    /// What people call that resource, e.g. its number.
    pub number: &'a str,
    /// Who must fulfil the duty.
    pub owner: &'a str,
    /// The owner's department.
    pub department: &'a str,
    /// The version of the regulation.
    pub regulation: &'a str,
    /// When the clock begins.
    pub opened_at: Timestamp,
    /// The time now, for the id.
    pub now: Timestamp,
}

/// Something that a clause forbids and that was done. It is stored beside the duties, as one in the state DEVIATED.
#[derive(Clone, Copy, Debug)]
pub struct Deviation<'a> {
    /// The clause.
    pub clause: &'a str,
    /// What was done, as a code of the service, e.g. `bounce`.
    pub kind: &'a str,
    /// The resource that it was done to.
    pub subject: &'a str,
    /// What people call that resource.
    pub number: &'a str,
    /// Who did it.
    pub owner: &'a str,
    /// Their department.
    pub department: &'a str,
    /// When.
    pub at: Timestamp,
}

impl Deviation<'_> {
    /// Creates the duty that stands for the deviation, and its change.
    pub(crate) fn record(&self, regulation: &Regulation, now: Timestamp) -> (Duty, DutyChange) {
        let new = NewDuty {
            clause: self.clause,
            kind: self.kind,
            subject: self.subject.to_owned(),
            number: self.number,
            owner: self.owner,
            department: self.department,
            regulation: regulation.version(),
            opened_at: self.at,
            now,
        };
        new.deviated(regulation.calendar())
    }
}

impl NewDuty<'_> {
    /// Opens the duty with the time that the clause gives.
    #[must_use]
    pub fn within(self, budget: Budget, calendar: &Calendar) -> (Duty, DutyChange) {
        let due = calendar.due(self.opened_at, budget);
        let measure = match budget.measure {
            Clocked::Wall => Measure::WallClock,
            Clocked::Working => Measure::WorkingTime,
        };
        self.open(measure, micros(budget.length), Some(due.at), due.provisional, calendar)
    }

    /// Opens the duty with the given due time.
    #[must_use]
    pub fn until(self, due: Timestamp, calendar: &Calendar) -> (Duty, DutyChange) {
        let budget_us = due.as_microsecond() - self.opened_at.as_microsecond();
        self.open(Measure::WallClock, budget_us, Some(due), false, calendar)
    }

    /// Creates the duty of an import that does not know whether it was fulfilled.
    #[must_use]
    pub fn unrecorded(self, calendar: &Calendar) -> (Duty, DutyChange) {
        let at = self.opened_at;
        let (mut duty, _) = self.open(Measure::WallClock, 0, None, false, calendar);
        duty.state = State::NotRecorded;
        duty.running_since = None;
        let change = duty.change(Kind::NotRecorded, at);
        (duty, change)
    }

    /// Creates a deviation: something that the clause forbids was done at `opened_at`, and no clock ran for it.
    #[must_use]
    pub fn deviated(self, calendar: &Calendar) -> (Duty, DutyChange) {
        let at = self.opened_at;
        let (mut duty, _) = self.open(Measure::WallClock, 0, Some(at), false, calendar);
        duty.state = State::Deviated;
        duty.running_since = None;
        let change = duty.change(Kind::Deviated, at);
        (duty, change)
    }

    fn open(
        self,
        measure: Measure,
        budget_us: i64,
        due_at: Option<Timestamp>,
        provisional: bool,
        calendar: &Calendar,
    ) -> (Duty, DutyChange) {
        let duty = Duty {
            id: Id::new(self.now),
            clause: self.clause.to_owned(),
            kind: self.kind.to_owned(),
            subject: self.subject,
            number: self.number.to_owned(),
            owner: self.owner.to_owned(),
            department: self.department.to_owned(),
            regulation: self.regulation.to_owned(),
            calendar: calendar.clone(),
            state: State::Open,
            measure,
            budget_us,
            elapsed_us: 0,
            paused_us: 0,
            opened_at: self.opened_at,
            running_since: Some(self.opened_at),
            paused_since: None,
            pause_reasons: 0,
            due_at,
            provisional,
            met_at: None,
            breached_at: None,
            breach_event: None,
            late: false,
            recorded_late: false,
            taken_back: 0,
            moved_late: false,
            attempted: false,
            recurs: false,
            imported: false,
            tried_by: Vec::new(),
            past_owners: Vec::new(),
            owned_since: None,
            reason: String::new(),
            decided_by: String::new(),
            version: 1,
            escalation_level: 0,
            next_escalation_at: None,
        };
        let change = duty.change(Kind::Opened, duty.opened_at);
        (duty, change)
    }
}
