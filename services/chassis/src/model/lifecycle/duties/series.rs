//! Duties in a series: what fulfils one opens the next. What is recorded after something later divides the interval that it
//! falls in, so that the series is the same in whatever order its parts are recorded.

use jiff::Timestamp;
use kefu_proto::events::v1::DutyChange;
use kefu_regulation::Calendar;

use super::{ActionContext, DutyRule, Term};
use crate::model::duty::{BY_LIFECYCLE, Duty, Entry, NewDuty, State};

/// The changes of duties, and the next duty if there is one.
type Effect = (Vec<DutyChange>, Option<Duty>);

/// Whether something that happened after `at` fulfilled `duty`, and the duty had begun by then.
pub fn was_met_after(duty: &Duty, at: Timestamp) -> bool {
    duty.state == State::Met && duty.opened_at <= at && duty.met_at.is_some_and(|met| at < met)
}

/// Fulfils a duty whose next one is opened by the row, unless the report belongs to the duty before. A report from before
/// the lifecycle stopped the clock, or from before the duty was fulfilled, divides the interval.
pub fn report<D, F>(rule: &DutyRule<D, F>, facts: &F, duty: &mut Duty, context: ActionContext<'_>) -> Effect {
    let at = context.at;
    let none = (Vec::new(), None);
    if was_met_after(duty, at) {
        let (later, recurs) = (duty.met_at, duty.recurs);
        let mut changes = meet(duty, context);
        let next = next_by_term(rule, facts, duty, context);
        let next = next.zip(later).map(|((mut next, opened), later)| {
            changes.push(opened);
            next.recurs = recurs;
            changes.extend(next.meet(later, later));
            next
        });
        return (changes, next);
    }
    if !duty.is_live() || at < duty.opened_at {
        return none;
    }
    let stands = duty.paused_since.filter(|_| duty.pause_reasons & BY_LIFECYCLE != 0);
    let Some(since) = stands else { return (meet(duty, context), None) };
    if at >= since {
        return none;
    }
    let reason = duty.reason.clone();
    let by = duty.decided_by.clone();
    let mut changes = meet(duty, context);
    let next = next_by_term(rule, facts, duty, context).map(|(mut next, opened)| {
        let stopped = Entry { at: since, now: since, by: &by, leads: false, regulation: context.regulation };
        changes.push(opened);
        changes.extend(next.pause_by_lifecycle(stopped, &reason));
        next
    });
    (changes, next)
}

/// Opens a duty that comes before `first`, until now the first of its series, and ends where that began.
pub fn begin<D, F>(
    rule: &DutyRule<D, F>,
    facts: &F,
    first: &Duty,
    context: ActionContext<'_>,
) -> Option<(Duty, Vec<DutyChange>)> {
    let (mut duty, opened) = next_by_term(rule, facts, first, context)?;
    duty.recurs = true;
    let mut changes = vec![opened];
    changes.extend(duty.meet(first.opened_at, first.opened_at));
    Some((duty, changes))
}

/// Fulfils a duty by a report.
fn meet(duty: &mut Duty, context: ActionContext<'_>) -> Vec<DutyChange> {
    duty.recurs = true;
    duty.meet(context.at, context.now)
}

/// Whether an attempt opened the duty: whoever made it is known, and the time is that of a next attempt.
pub fn follows_attempt(duty: &Duty, calendar: &Calendar) -> bool {
    let has_time = duty.is_live() || duty.due_at == Some(calendar.end_of_next_working_day(duty.opened_at));
    has_time && !duty.tried_by.is_empty()
}

/// Counts an attempt that reached nobody: it fulfils its duty, and the next one is due at the end of the next working day.
/// An attempt on the day on which the duty before was attempted changes nothing.
pub fn attempt(duty: &mut Duty, context: ActionContext<'_>) -> Effect {
    let (at, now, calendar) = (context.at, context.now, context.regulation.calendar());
    let later = was_met_after(duty, at).then_some(duty.met_at).flatten();
    let is_again = follows_attempt(duty, calendar) && calendar.day(duty.opened_at) == calendar.day(at);
    if !duty.is_live() && later.is_none() || is_again || at < duty.opened_at {
        return (Vec::new(), None);
    }
    let mut changes = duty.attempt(at, now, context.actor);
    if later.is_some_and(|later| calendar.day(later) == calendar.day(at)) {
        return (changes, None);
    }
    let (mut next, opened) = successor(duty, context).until(calendar.end_of_next_working_day(at), calendar);
    next.tried_by.clone_from(&duty.tried_by);
    changes.push(opened);
    if let Some(later) = later {
        changes.extend(next.attempt(later, later, context.actor));
    }
    (changes, Some(next))
}

/// Opens the duty that follows `duty` from the report on, if the rule gives it a time.
fn next_by_term<D, F>(
    rule: &DutyRule<D, F>,
    facts: &F,
    duty: &Duty,
    context: ActionContext<'_>,
) -> Option<(Duty, DutyChange)> {
    let new = successor(duty, context);
    let calendar = context.regulation.calendar();
    Some(match (rule.term)(facts, context.regulation)? {
        Term::Within(budget) | Term::WithinFrom(_, budget) => new.within(budget, calendar),
        Term::Until(due) => new.until(due, calendar),
        Term::Deviation => return None,
    })
}

/// The contents of the duty that follows `duty`.
fn successor<'a>(duty: &'a Duty, context: ActionContext<'a>) -> NewDuty<'a> {
    NewDuty {
        clause: &duty.clause,
        kind: &duty.kind,
        subject: duty.subject.clone(),
        number: &duty.number,
        owner: &duty.owner,
        department: &duty.department,
        regulation: context.regulation.version(),
        opened_at: context.at,
        now: context.now,
    }
}
