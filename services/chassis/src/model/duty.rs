//! Duties: clocked obligations under a clause, and what becomes of one when it is met, paused, moved or ended.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::events::v1::DutyChange;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_regulation::{Budget, Calendar, Measure as Clocked};
use uuid::Uuid;

use crate::base::names::{Id, Resource};
use crate::base::time::{micros, to_proto};

mod new;

pub use new::NewDuty;
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
    /// When the duty was breached; where the clock marked the breach, that is the due time.
    pub breached_at: Option<Timestamp>,
    /// The event in which the clock marked the breach; none where a clause counts the duty as breached, or where the
    /// duty ended past its due time before the clock marked it.
    pub breach_event: Option<Uuid>,
    /// Whether the duty was fulfilled after its due time, or after a clause had counted it as breached.
    pub late: bool,
    /// Whether a later record showed that the duty was met in time although it was marked as breached.
    pub corrected: bool,
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

    /// Fulfils the duty at `at`, or when it was opened if that is later. The duty is late when its clock had run past
    /// the due time, or a clause had counted it as breached. If the duty is not late although the clock had marked a
    /// breach, the change corrects that breach.
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

    /// Marks the duty as breached at `at`: the clock's mark is at the due time, a clause's may be earlier.
    pub fn breach(&mut self, at: Timestamp) -> DutyChange {
        self.breached_at = Some(at);
        self.version += 1;
        self.change(Kind::Breached, at)
    }

    /// Gives the duty to somebody else.
    pub fn reassign(&mut self, owner: &str, department: &str, at: Timestamp) -> DutyChange {
        owner.clone_into(&mut self.owner);
        department.clone_into(&mut self.department);
        self.version += 1;
        self.change(Kind::Reassigned, at)
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

    /// Pauses the clock from `at` on by a person's decision.
    pub fn pause(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.pause_clock(BY_PERSON, at, reason, by)
    }

    /// Ends the pause that a person decided.
    pub fn resume(&mut self, at: Timestamp) -> DutyChange {
        self.resume_clock(BY_PERSON, at)
    }

    /// Pauses the clock from `at` on by the subject's lifecycle.
    pub fn pause_by_lifecycle(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.pause_clock(BY_LIFECYCLE, at, reason, by)
    }

    /// Ends the pause that the lifecycle made.
    pub fn resume_by_lifecycle(&mut self, at: Timestamp) -> DutyChange {
        self.resume_clock(BY_LIFECYCLE, at)
    }

    /// Pauses the clock from `at` on, if no other reason has paused it yet. The reason and the decision of a person
    /// take precedence over the lifecycle's.
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

    /// Resumes the clock from `at` on with the time that was left, unless another reason still stops it.
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

    /// Replaces the due time by one that was promised; from then on the clock counts wall time.
    pub fn replace_due(&mut self, due: Timestamp, at: Timestamp, reason: &str) -> Vec<DutyChange> {
        let mut changes: Vec<DutyChange> = self.retract_breach(at).into_iter().collect();
        self.measure = Measure::WallClock;
        // While the clock stands, none of the promised time is used: the pause counts anew from the promise on.
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

    /// Waives the duty by decision of somebody entitled.
    pub fn waive(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.end(State::Waived, Kind::Waived, at, reason, by)
    }

    /// Voids the duty because its subject has ended.
    pub fn void(&mut self, at: Timestamp, reason: &str, by: &str) -> Vec<DutyChange> {
        self.end(State::Voided, Kind::Voided, at, reason, by)
    }

    /// Ends the duty unfulfilled. A duty whose due time had passed is marked as breached first, if the clock has not
    /// done so.
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

    /// Recomputes the due time on `calendar`, which is the duty's own calendar with the holidays of more years.
    pub fn apply_published_holidays(&mut self, calendar: Calendar, now: Timestamp) -> Vec<DutyChange> {
        self.calendar = calendar;
        self.recompute_due(self.running_since.unwrap_or(self.opened_at));
        self.version += 1;
        let reason = "the holidays were published".to_owned();
        let mut changes = vec![DutyChange { reason, ..self.change(Kind::Replaced, now) }];
        // A breach is marked at the due time. If the new due time has passed too, the clock marks it again.
        if self.is_marked() && self.breached_at != self.due_at {
            self.unmark();
            changes.push(self.change(Kind::Corrected, now));
        }
        changes
    }

    /// Takes the id of the event that marked a breach, if the breach was retracted or corrected since. The caller puts it
    /// into the event of the change (`corrects`); a second call returns none, so that only one event names it.
    pub fn take_corrected(&mut self) -> Option<Uuid> {
        let is_corrected = self.corrected || self.breached_at.is_none();
        self.breach_event.take_if(|_| is_corrected)
    }

    /// Whether the due time has passed at `at`; the time of a pause that still lasts does not count.
    pub(crate) fn is_past(&self, at: Timestamp) -> bool {
        let judged = self.paused_since.map_or(at, |paused| at.min(paused));
        self.due_at.is_some_and(|due| judged > due)
    }

    /// Whether the duty is breached by the clock's mark rather than by a clause.
    fn is_marked(&self) -> bool {
        self.breached_at.is_some() && self.breach_event.is_some()
    }

    /// Retracts the breach that the clock marked, if a change that happened at `at`, before the due time, moves the due
    /// time. The mark and its retraction both stay in the journal.
    fn retract_breach(&mut self, at: Timestamp) -> Option<DutyChange> {
        if !self.is_marked() || self.is_past(at) {
            return None;
        }
        self.unmark();
        Some(self.change(Kind::Corrected, at))
    }

    /// Retracts the breach and resets escalation; its event stays for [`Duty::take_corrected`].
    fn unmark(&mut self) {
        self.breached_at = None;
        self.escalation_level = 0;
        self.next_escalation_at = None;
    }

    /// Recomputes the due time by counting the time that is left from `at` on; without any left, the due time stays.
    fn recompute_due(&mut self, at: Timestamp) {
        let left_us = self.budget_us - self.elapsed_us;
        if left_us > 0 {
            let budget = Budget { measure: self.clocked(), length: SignedDuration::from_micros(left_us) };
            let due = self.calendar.due(at, budget);
            self.due_at = Some(due.at);
            self.provisional = due.provisional;
        }
    }

    /// Ends the clock's run or pause at `at` and adds its length to `elapsed_us` or `paused_us`.
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
