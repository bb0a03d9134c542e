//! The clock of a duty: what stops it and lets it run, and what moves its due time.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::events::v1::DutyChange;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_regulation::{Budget, Calendar, Measure as Clocked, params};

use super::{BY_LIFECYCLE, BY_PERSON, Duty, Entry, Measure, State};
use crate::base::time::micros;

/// What an entry may do to the due time of a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It moves the due time, which has not passed, or passed no longer ago than others may record.
    Moves,
    /// It moves the due time although that passed longer ago: a leader records it who never owned the duty.
    MovesLate,
    /// It moves nothing.
    None,
}

impl Duty {
    /// Returns what `entry` may do to the due time (A9.1). What happened after the due time moves nothing. What happened
    /// before it does if it is recorded before the due time, or within `record_within` of it; recorded later, only if a
    /// leader records it who never owned the duty.
    pub(crate) fn weight(&self, entry: Entry<'_>) -> Weight {
        if self.is_past(entry.at) {
            return Weight::None;
        }
        let within = entry.regulation.get(params::RECORD_WITHIN).length;
        let is_prompt = self.due_at.is_none_or(|due| due.saturating_add(within).unwrap_or(Timestamp::MAX) >= entry.now);
        if is_prompt || !self.is_past(entry.now) {
            Weight::Moves
        } else if entry.leads && !self.was_owned_by(entry.by) {
            Weight::MovesLate
        } else {
            Weight::None
        }
    }

    /// Pauses the clock from now on by a person's decision.
    pub fn pause(&mut self, entry: Entry<'_>, reason: &str) -> Vec<DutyChange> {
        self.pause_clock(BY_PERSON, entry, reason)
    }

    /// Ends the pause that a person decided.
    pub fn resume(&mut self, at: Timestamp) -> DutyChange {
        self.resume_clock(BY_PERSON, at)
    }

    /// Pauses the clock by the subject's lifecycle.
    pub fn pause_by_lifecycle(&mut self, entry: Entry<'_>, reason: &str) -> Vec<DutyChange> {
        self.pause_clock(BY_LIFECYCLE, entry, reason)
    }

    /// Ends the pause that the lifecycle made.
    pub fn resume_by_lifecycle(&mut self, at: Timestamp) -> DutyChange {
        self.resume_clock(BY_LIFECYCLE, at)
    }

    /// Pauses the clock from when the entry happened, if no other reason has paused it yet; from when it is recorded, if
    /// it is recorded too late to move the due time. The reason and the decision of a person take precedence over the
    /// lifecycle's.
    fn pause_clock(&mut self, for_reason: i16, entry: Entry<'_>, reason: &str) -> Vec<DutyChange> {
        let entry = Entry { at: entry.at.max(self.running_since.unwrap_or(entry.at)), ..entry };
        let weight = self.weight(entry);
        let is_too_late = weight == Weight::None && !self.is_past(entry.at);
        let at = if is_too_late { entry.now } else { entry.at };
        self.moved_late |= weight == Weight::MovesLate;
        let mut changes: Vec<DutyChange> = self.retract_breach(at).into_iter().collect();
        if self.pause_reasons == 0 {
            self.stop(at);
            self.state = State::Paused;
            self.paused_since = Some(at);
        }
        if for_reason == BY_PERSON || self.pause_reasons == 0 {
            reason.clone_into(&mut self.reason);
            entry.by.clone_into(&mut self.decided_by);
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

    /// Replaces the due time by one that was promised; from then on the clock counts wall time. Changes nothing if the
    /// entry moves no due time.
    pub fn replace_due(&mut self, due: Timestamp, entry: Entry<'_>, reason: &str) -> Vec<DutyChange> {
        let (weight, at) = (self.weight(entry), entry.at);
        if weight == Weight::None {
            return Vec::new();
        }
        self.moved_late |= weight == Weight::MovesLate;
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

    /// Whether the due time has passed at `at`; the time of a pause that still lasts does not count.
    pub(crate) fn is_past(&self, at: Timestamp) -> bool {
        let judged = self.paused_since.map_or(at, |paused| at.min(paused));
        self.due_at.is_some_and(|due| judged > due)
    }

    /// Whether the clock marked a breach, and the mark stands.
    fn is_marked(&self) -> bool {
        self.breached_at.is_some()
    }

    /// Takes back the breach that the clock marked, if what happened at `at`, by the due time, shows that there was none.
    /// The mark and its retraction both stay in the journal.
    pub(super) fn retract_breach(&mut self, at: Timestamp) -> Option<DutyChange> {
        if !self.is_marked() || self.is_past(at) {
            return None;
        }
        self.unmark();
        Some(self.change(Kind::Corrected, at))
    }

    /// Takes the mark back and resets escalation; its event stays for [`Duty::take_corrected`].
    fn unmark(&mut self) {
        self.breached_at = None;
        self.taken_back += 1;
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
    pub(super) fn stop(&mut self, at: Timestamp) {
        if let Some(since) = self.running_since.take() {
            self.elapsed_us += micros(self.calendar.elapsed(since, at, self.clocked())).max(0);
        }
        if let Some(since) = self.paused_since.take() {
            self.paused_us += (at.as_microsecond() - since.as_microsecond()).max(0);
        }
    }

    pub(super) fn clocked(&self) -> Clocked {
        if self.measure == Measure::WorkingTime { Clocked::Working } else { Clocked::Wall }
    }
}
