//! Duties: clocked obligations under a clause, and what becomes of one when it is met, paused, moved or ended.

use jiff::Timestamp;
use kefu_proto::compliance::v1 as pb;
use kefu_proto::events::v1::DutyChange;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_regulation::{Calendar, Percent, Regulation};
use uuid::Uuid;

use crate::base::names::{Id, Resource};
use crate::base::time::{micros, to_proto};

mod clock;
mod new;
mod owners;

pub(crate) use clock::Weight;
pub use new::{Deviation, NewDuty};
pub use pb::duty::{Measure, State};

/// The reason of a pause that the subject's lifecycle makes, e.g. while the customer is awaited.
pub const BY_LIFECYCLE: i16 = 1;
/// The reason of a pause that an entitled person decided.
pub const BY_PERSON: i16 = 2;

/// The resource kind of duties.
#[derive(Debug)]
pub struct DutyResource;

impl Resource for DutyResource {
    const COLLECTION: &'static str = "duties";
    const KIND: &'static str = "kefu/Duty";
}

/// An entry of the record: when something happened, when it is recorded, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// When it is recorded.
    pub now: Timestamp,
    /// Who records it.
    pub by: &'a str,
    /// Whether they lead: supervisors, managers, executives and the office do.
    pub leads: bool,
    /// The regulation in force.
    pub regulation: &'a Regulation,
}

/// An obligation and its clock. Amounts of time are in microseconds, of wall time or of working time as `measure` says.
#[derive(Clone, Debug)]
pub struct Duty {
    /// The id.
    pub id: Id<DutyResource>,
    /// The clause that demands the duty.
    pub clause: String,
    /// What the clause asks for, as a code of the service, e.g. `first_response`.
    pub kind: String,
    /// The resource that the duty is about.
    pub subject: String,
    /// What people call that resource, e.g. its number; empty if it has no such name. Never personal data.
    pub number: String,
    /// Who must fulfil the duty.
    pub owner: String,
    /// The owner's department when the duty was opened or last reassigned.
    pub department: String,
    /// The version of the regulation when the duty was opened.
    pub regulation: String,
    /// The calendar of the duty's clock, the one in force when it was opened.
    pub calendar: Calendar,
    /// The state.
    pub state: State,
    /// Whether the clock counts wall time or working time.
    pub measure: Measure,
    /// The time that the clause gives.
    pub budget_us: i64,
    /// The time used up to when the clock last stopped.
    pub elapsed_us: i64,
    /// The total time for which the clock was paused, in wall time.
    pub paused_us: i64,
    /// When the clock began.
    pub opened_at: Timestamp,
    /// Since when the clock runs; none during a pause, and after the duty's end.
    pub running_since: Option<Timestamp>,
    /// Since when the clock is paused; none while it runs, and after the duty's end.
    pub paused_since: Option<Timestamp>,
    /// Why the clock is paused, one bit for each reason: [`BY_LIFECYCLE`], [`BY_PERSON`].
    pub pause_reasons: i16,
    /// When the duty must be fulfilled; during a pause, the due time from before it. None where an import does not know
    /// it.
    pub due_at: Option<Timestamp>,
    /// Whether the due time falls in a year whose holidays are not published.
    pub provisional: bool,
    /// When the duty was fulfilled.
    pub met_at: Option<Timestamp>,
    /// The due time at which the clock marked a breach; none without a mark, and once the mark was taken back. Whether
    /// the duty is late does not depend on it.
    pub breached_at: Option<Timestamp>,
    /// The event in which the clock marked the breach; none before.
    pub breach_event: Option<Uuid>,
    /// Whether the duty ended after its due time, however it ended. [`Duty::is_late`] answers for a live duty too.
    pub late: bool,
    /// Whether the duty ended in time and that was recorded after its due time.
    pub recorded_late: bool,
    /// How many marks of the clock were taken back.
    pub taken_back: i16,
    /// Whether a leader moved the due time after the time within which others may (`record_within` of A9.1).
    pub moved_late: bool,
    /// Whether an attempt that reached nobody fulfilled the duty.
    pub attempted: bool,
    /// Whether a report fulfilled the duty after which the next one is owed, e.g. one of progress.
    pub recurs: bool,
    /// Whether the duty was imported from another system.
    pub imported: bool,
    /// Who recorded attempts for this duty or for the duties that it follows.
    pub tried_by: Vec<String>,
    /// Who owned the duty before, except those who passed a hand-over on within the time of A2.4.
    pub past_owners: Vec<String>,
    /// When the owner got the duty from somebody else; none for the first owner.
    pub owned_since: Option<Timestamp>,
    /// Why the duty is paused, waived or voided.
    pub reason: String,
    /// Who decided the pause, the waiver or the end.
    pub decided_by: String,
    /// The version: 1, and one more with each change.
    pub version: i64,
    /// How many levels of escalation are done, notified or skipped: the owner, their supervisor, the head of their
    /// department.
    pub escalation_level: i16,
    /// When the next level is notified, unless the duty is fulfilled earlier.
    pub next_escalation_at: Option<Timestamp>,
}

impl Duty {
    /// Whether the duty can still be fulfilled.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::Paused)
    }

    /// Whether the duty is late at `now`, which is what "breached" means everywhere: it ended after its due time, or is
    /// not over and its due time has passed. A pause that began in time is in time. The store has the same judgement in
    /// SQL, `is_late`.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        if self.is_live() { self.is_past(now) } else { self.late }
    }

    /// Whether a recurring duty was fulfilled before `share` of its time had passed. Such a duty does not count as kept, so that
    /// many reports in a row do not make up for those that came late. The store has the same judgement in SQL, `is_early`.
    #[must_use]
    pub fn is_early(&self, share: Percent) -> bool {
        let used = i128::from(self.elapsed_us) * 10_000;
        self.recurs
            && self.state == State::Met
            && !self.late
            && used < i128::from(self.budget_us) * i128::from(share.basis_points())
    }

    /// Fulfils the duty at `at`, or when it was opened if that is later. A duty that is fulfilled already is so from the
    /// earlier time on.
    pub fn meet(&mut self, at: Timestamp, now: Timestamp) -> Vec<DutyChange> {
        let at = at.max(self.opened_at);
        if self.state == State::Met {
            self.elapsed_us = self.elapsed_us.min(micros(self.calendar.elapsed(self.opened_at, at, self.clocked())));
            self.paused_us = self.paused_us.min(at.as_microsecond() - self.opened_at.as_microsecond());
        }
        self.met_at = Some(at);
        self.attempted = false;
        self.end(State::Met, Kind::Met, at, now)
    }

    /// Fulfils the duty by an attempt of `by` that reached nobody.
    pub fn attempt(&mut self, at: Timestamp, now: Timestamp, by: &str) -> Vec<DutyChange> {
        let mut changes = self.meet(at, now);
        self.attempted = true;
        owners::add(&mut self.tried_by, by);
        for change in changes.iter_mut().filter(|change| change.kind() == Kind::Met) {
            change.attempted = true;
        }
        changes
    }

    /// Marks the duty as breached at its due time `due`. The mark says that somebody is told; it decides nothing.
    pub fn breach(&mut self, due: Timestamp) -> DutyChange {
        self.breached_at = Some(due);
        self.version += 1;
        self.change(Kind::Breached, due)
    }

    /// Records that `recipient` is notified of the breach, and that the next level is due at `next`.
    pub(crate) fn escalate_to(&mut self, recipient: &str, next: Option<Timestamp>, at: Timestamp) -> DutyChange {
        self.escalation_level += 1;
        self.next_escalation_at = next;
        self.version += 1;
        DutyChange { notified: recipient.to_owned(), ..self.change(Kind::Escalated, at) }
    }

    /// Skips a level of escalation at which there is nobody to notify; the next level is due at `next`.
    pub(crate) fn skip_level(&mut self, next: Option<Timestamp>) {
        self.escalation_level += 1;
        self.next_escalation_at = next;
        self.version += 1;
    }

    /// Waives the duty by decision of somebody entitled.
    pub fn waive(&mut self, now: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.end_unfulfilled((State::Waived, Kind::Waived), now, now, reason, by)
    }

    /// Voids the duty because its subject ended at `at`.
    pub fn void(&mut self, at: Timestamp, now: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.end_unfulfilled((State::Voided, Kind::Voided), at, now, reason, by)
    }

    fn end_unfulfilled(
        &mut self,
        (state, kind): (State, Kind),
        at: Timestamp,
        now: Timestamp,
        reason: &str,
        by: &str,
    ) -> Vec<DutyChange> {
        let mut changes = self.end(state, kind, at, now);
        reason.clone_into(&mut self.reason);
        by.clone_into(&mut self.decided_by);
        for change in changes.iter_mut().filter(|change| change.kind() == kind) {
            reason.clone_into(&mut change.reason);
        }
        changes
    }

    /// Ends the duty, fulfilled or not, at `at`, and judges it by that time and nothing else. A mark that the clock made
    /// meanwhile is taken back if the duty was in time.
    fn end(&mut self, state: State, kind: Kind, at: Timestamp, now: Timestamp) -> Vec<DutyChange> {
        self.late = self.is_past(at);
        self.recorded_late = !self.late && !self.imported && self.is_past(now);
        let mut changes: Vec<DutyChange> = self.retract_breach(at).into_iter().collect();
        self.stop(at);
        self.state = state;
        self.version += 1;
        changes.push(DutyChange { late: self.late, ..self.change(kind, at) });
        changes
    }

    /// Takes the id of the event that marked a breach, if that mark was taken back since. The caller puts it into the
    /// event of the change (`corrects`); a second call returns none, so that only one event names it.
    pub fn take_corrected(&mut self) -> Option<Uuid> {
        let is_taken_back = self.breached_at.is_none();
        self.breach_event.take_if(|_| is_taken_back)
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
            attempted: false,
        }
    }
}

#[cfg(test)]
mod tests;
