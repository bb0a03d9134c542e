//! Duties: clocked obligations under a clause.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::events::v1::DutyChange;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_regulation::{Budget, Calendar, Measure as Clocked};

use uuid::Uuid;

use crate::base::names::{Id, Resource};
use crate::base::time::{micros, to_proto};

pub use pb::duty::{Measure, State};

/// A duty's clock stands because its subject's lifecycle says so, e.g. while the customer is awaited.
pub const BY_LIFECYCLE: i16 = 1;
/// A duty's clock stands because a person entitled decided so.
pub const BY_PERSON: i16 = 2;

/// The resource kind of duties.
#[derive(Debug)]
pub struct DutyResource;

impl Resource for DutyResource {
    const COLLECTION: &'static str = "duties";
    const KIND: &'static str = "kefu/Duty";
}

/// An obligation and its clock. Amounts of time are in microseconds on the clock that `measure` says.
#[derive(Clone, Debug)]
pub struct Duty {
    /// Its id.
    pub id: Id<DutyResource>,
    /// The clause it comes from.
    pub clause: String,
    /// What the clause asks, as a word of the service.
    pub kind: String,
    /// The resource it is about.
    pub subject: String,
    /// Who must fulfil it.
    pub owner: String,
    /// Their department when it was opened.
    pub department: String,
    /// Version of the regulation when it was opened.
    pub regulation: String,
    /// The calendar it counts on, the one of its beginning.
    pub calendar: Calendar,
    /// Where it stands.
    pub state: State,
    /// On which clock its time counts.
    pub measure: Measure,
    /// How much time the clause gives.
    pub budget_us: i64,
    /// How much was used when its clock last stopped.
    pub elapsed_us: i64,
    /// How long its clock stood, in wall time.
    pub paused_us: i64,
    /// When its clock began.
    pub opened_at: Timestamp,
    /// Since when its clock runs; none while it stands or is over.
    pub running_since: Option<Timestamp>,
    /// Since when its clock stands.
    pub paused_since: Option<Timestamp>,
    /// What stops its clock, one bit each: [`BY_LIFECYCLE`], [`BY_PERSON`].
    pub pause_reasons: i16,
    /// When it must be fulfilled, as of before a pause; none where an import does not know.
    pub due_at: Option<Timestamp>,
    /// Whether the due time falls in a year whose holidays are not published.
    pub provisional: bool,
    /// When it was fulfilled.
    pub met_at: Option<Timestamp>,
    /// When its time passed unfulfilled, as the clock marked it.
    pub breached_at: Option<Timestamp>,
    /// The event in which the clock marked that; none where a clause counts it as broken.
    pub breach_event: Option<Uuid>,
    /// Whether it was fulfilled after its due time, or after a clause had counted it as broken.
    pub late: bool,
    /// Whether a later record showed it met in time although marked breached.
    pub corrected: bool,
    /// Why it is paused, waived or voided.
    pub reason: String,
    /// Who decided that.
    pub decided_by: String,
    /// 1, and one more with each change.
    pub version: i64,
    /// How many have been told of its breach: the owner, their supervisor, the head of their department.
    pub escalation_level: i16,
    /// When the next of them is told, unless it is fulfilled before.
    pub next_escalation_at: Option<Timestamp>,
}

/// What a new duty is about.
#[derive(Clone, Debug)]
pub struct NewDuty<'a> {
    /// The clause.
    pub clause: &'a str,
    /// What it asks, as a word of the service.
    pub kind: &'a str,
    /// The resource it is about.
    pub subject: String,
    /// Who must fulfil it.
    pub owner: &'a str,
    /// Their department.
    pub department: &'a str,
    /// Version of the regulation.
    pub regulation: &'a str,
    /// When its clock begins.
    pub opened_at: Timestamp,
    /// Now, for its id.
    pub now: Timestamp,
}

impl NewDuty<'_> {
    /// Opens it with the time that the clause gives.
    #[must_use]
    pub fn within(self, budget: Budget, calendar: &Calendar) -> (Duty, DutyChange) {
        let due = calendar.due(self.opened_at, budget);
        let measure = match budget.measure {
            Clocked::Wall => Measure::WallClock,
            Clocked::Working => Measure::WorkingTime,
        };
        self.open(measure, micros(budget.length), Some(due.at), due.provisional, calendar)
    }

    /// Opens it to be fulfilled by a given time.
    #[must_use]
    pub fn until(self, due: Timestamp, calendar: &Calendar) -> (Duty, DutyChange) {
        let budget_us = due.as_microsecond() - self.opened_at.as_microsecond();
        self.open(Measure::WallClock, budget_us, Some(due), false, calendar)
    }

    /// One that an import brings without a record of whether it was fulfilled.
    #[must_use]
    pub fn unrecorded(self, calendar: &Calendar) -> (Duty, DutyChange) {
        let at = self.opened_at;
        let (mut duty, _) = self.open(Measure::WallClock, 0, None, false, calendar);
        duty.state = State::NotRecorded;
        duty.running_since = None;
        let change = duty.change(Kind::NotRecorded, at);
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
            corrected: false,
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

impl Duty {
    /// Whether it can still be fulfilled.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::Paused)
    }

    /// It was fulfilled at `at`. In time means not after its due time, or while its clock stood before that, and not after
    /// a clause had counted it as broken.
    pub fn meet(&mut self, at: Timestamp) -> DutyChange {
        let at = at.max(self.opened_at);
        self.late = self.is_past(at) || self.breached_at.is_some() && !self.is_marked();
        self.corrected = self.is_marked() && !self.late;
        self.stop(at);
        self.state = State::Met;
        self.met_at = Some(at);
        self.version += 1;
        let kind = if self.corrected { Kind::Corrected } else { Kind::Met };
        DutyChange { late: self.late, ..self.change(kind, at) }
    }

    /// It is broken: the clock marks it at its due time, and a clause may count it so before.
    pub fn breach(&mut self, at: Timestamp) -> DutyChange {
        self.breached_at = Some(at);
        self.version += 1;
        self.change(Kind::Breached, at)
    }

    /// Somebody else must fulfil it from now on.
    pub fn reassign(&mut self, owner: &str, department: &str, at: Timestamp) -> DutyChange {
        owner.clone_into(&mut self.owner);
        department.clone_into(&mut self.department);
        self.version += 1;
        self.change(Kind::Reassigned, at)
    }

    /// The next one is told of its breach, and another may be at `next`.
    pub(crate) fn escalate_to(&mut self, recipient: &str, next: Option<Timestamp>, at: Timestamp) -> DutyChange {
        self.escalation_level += 1;
        self.next_escalation_at = next;
        self.version += 1;
        DutyChange { notified: recipient.to_owned(), ..self.change(Kind::Escalated, at) }
    }

    /// There is nobody to be told now; another may be at `next`.
    pub(crate) fn skip_level(&mut self, next: Option<Timestamp>) {
        self.escalation_level += 1;
        self.next_escalation_at = next;
        self.version += 1;
    }

    /// A person stops its clock from `at` on.
    pub fn pause(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.pause_clock(BY_PERSON, at, reason, by)
    }

    /// The person's pause is over.
    pub fn resume(&mut self, at: Timestamp) -> DutyChange {
        self.resume_clock(BY_PERSON, at)
    }

    /// The lifecycle stops its clock from `at` on.
    pub fn pause_by_lifecycle(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.pause_clock(BY_LIFECYCLE, at, reason, by)
    }

    /// The lifecycle lets it go on.
    pub fn resume_by_lifecycle(&mut self, at: Timestamp) -> DutyChange {
        self.resume_clock(BY_LIFECYCLE, at)
    }

    fn pause_clock(&mut self, for_reason: i16, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        let at = at.max(self.running_since.unwrap_or(at));
        let mut changes: Vec<DutyChange> = self.retract_breach(at).into_iter().collect();
        if self.pause_reasons == 0 {
            self.stop(at);
            self.state = State::Paused;
            self.paused_since = Some(at);
        }
        if for_reason == BY_PERSON || self.pause_reasons == 0 {
            reason.clone_into(&mut self.reason);
            by.clone_into(&mut self.decided_by);
        }
        self.pause_reasons |= for_reason;
        self.version += 1;
        changes.push(DutyChange { reason: reason.to_owned(), due_time: None, ..self.change(Kind::Paused, at) });
        changes
    }

    /// Its clock runs again from `at` on, with the time that was left, unless something else still stops it.
    fn resume_clock(&mut self, for_reason: i16, at: Timestamp) -> DutyChange {
        let at = at.max(self.paused_since.unwrap_or(at));
        self.pause_reasons &= !for_reason;
        if self.pause_reasons & BY_PERSON == 0 {
            self.reason.clear();
            self.decided_by.clear();
        }
        self.version += 1;
        if self.pause_reasons != 0 {
            return DutyChange { due_time: None, ..self.change(Kind::Resumed, at) };
        }
        self.stop(at);
        self.running_since = Some(at);
        self.state = State::Open;
        self.recompute_due(at);
        self.change(Kind::Resumed, at)
    }

    /// Its due time is replaced by one that was promised: from then on its time is wall time.
    pub fn replace_due(&mut self, due: Timestamp, at: Timestamp, reason: &str) -> Vec<DutyChange> {
        let mut changes: Vec<DutyChange> = self.retract_breach(at).into_iter().collect();
        self.measure = Measure::WallClock;
        // While its clock stands, nothing of the promised time is used: it stands anew from when that was promised.
        if let Some(since) = self.paused_since {
            self.stop(at.max(since));
            self.paused_since = Some(at.max(since));
        }
        let turned = self.running_since.or(self.paused_since).unwrap_or(self.opened_at);
        self.elapsed_us = turned.as_microsecond() - self.opened_at.as_microsecond() - self.paused_us;
        self.budget_us = due.as_microsecond() - self.opened_at.as_microsecond() - self.paused_us;
        self.due_at = Some(due);
        self.provisional = false;
        self.version += 1;
        changes.push(DutyChange { reason: reason.to_owned(), ..self.change(Kind::Replaced, at) });
        changes
    }

    /// Someone entitled sets it aside.
    pub fn waive(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.end(State::Waived, Kind::Waived, at, reason, by)
    }

    /// What it was about has ended.
    pub fn void(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.end(State::Voided, Kind::Voided, at, reason, by)
    }

    /// Ends it unfulfilled. If its time had passed and the clock had not marked that yet, it is marked first.
    fn end(&mut self, state: State, kind: Kind, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        let unmarked = self.due_at.filter(|_| self.is_past(at) && self.breached_at.is_none());
        let mut changes: Vec<DutyChange> = unmarked.map(|due| self.breach(due)).into_iter().collect();
        self.stop(at);
        self.state = state;
        reason.clone_into(&mut self.reason);
        by.clone_into(&mut self.decided_by);
        self.version += 1;
        changes.push(DutyChange { reason: reason.to_owned(), ..self.change(kind, at) });
        changes
    }

    /// More years are published in `calendar`, which is its own but for the holidays: its due time is reckoned anew.
    pub fn apply_published_holidays(&mut self, calendar: Calendar, now: Timestamp) -> Vec<DutyChange> {
        self.calendar = calendar;
        self.recompute_due(self.running_since.unwrap_or(self.opened_at));
        self.version += 1;
        let reason = "the holidays were published".to_owned();
        let mut changes = vec![DutyChange { reason, ..self.change(Kind::Replaced, now) }];
        // The mark stands at the due time: where that is over again, the clock marks it anew.
        if self.is_marked() && self.breached_at != self.due_at {
            self.unmark();
            changes.push(self.change(Kind::Corrected, now));
        }
        changes
    }

    /// The event that had marked a breach which is now taken back or corrected; named once.
    pub fn take_corrected(&mut self) -> Option<Uuid> {
        let is_corrected = self.corrected || self.breached_at.is_none();
        self.breach_event.take_if(|_| is_corrected)
    }

    /// Whether `at` is past its due time, as far as its clock ran.
    pub(crate) fn is_past(&self, at: Timestamp) -> bool {
        let judged = self.paused_since.map_or(at, |paused| at.min(paused));
        self.due_at.is_some_and(|due| judged > due)
    }

    /// Whether the clock marked it, and not a clause.
    fn is_marked(&self) -> bool {
        self.breached_at.is_some() && self.breach_event.is_some()
    }

    /// Takes back the clock's mark, when something before the due time moves that time: both stay in the journal.
    fn retract_breach(&mut self, at: Timestamp) -> Option<DutyChange> {
        if !self.is_marked() || self.is_past(at) {
            return None;
        }
        self.unmark();
        Some(self.change(Kind::Corrected, at))
    }

    /// Takes the mark back; whoever is told of a later one is told anew.
    fn unmark(&mut self) {
        self.breached_at = None;
        self.escalation_level = 0;
        self.next_escalation_at = None;
    }

    /// The due time, with the time that is left from `at` on.
    fn recompute_due(&mut self, at: Timestamp) {
        let left_us = self.budget_us - self.elapsed_us;
        if left_us > 0 {
            let budget = Budget { measure: self.clocked(), length: SignedDuration::from_micros(left_us) };
            let due = self.calendar.due(at, budget);
            self.due_at = Some(due.at);
            self.provisional = due.provisional;
        }
    }

    /// Takes what its clock ran, or stood, until `at`.
    fn stop(&mut self, at: Timestamp) {
        if let Some(since) = self.running_since.take() {
            self.elapsed_us += micros(self.calendar.elapsed(since, at, self.clocked())).max(0);
        }
        if let Some(since) = self.paused_since.take() {
            self.paused_us += (at.as_microsecond() - since.as_microsecond()).max(0);
        }
    }

    fn clocked(&self) -> Clocked {
        if self.measure == Measure::WorkingTime { Clocked::Working } else { Clocked::Wall }
    }

    fn change(&self, kind: Kind, at: Timestamp) -> DutyChange {
        DutyChange {
            duty: self.id.to_string(),
            clause: self.clause.clone(),
            kind: kind.into(),
            occurred_time: Some(to_proto(at)),
            due_time: self.due_at.map(to_proto),
            late: false,
            reason: String::new(),
            owner: self.owner.clone(),
            department: self.department.clone(),
            notified: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
