//! Explains what could happen next: every action of a lifecycle, whether it is possible now, and what stands in its way. The
//! explanation refuses exactly what [`Lifecycle::fire`] would refuse.

use std::borrow::Borrow;

use kefu_proto::compliance::v1::DutyEffect;
use kefu_proto::events::v1::duty_change::Kind;

use super::{Lifecycle, Transition};
use crate::base::error::Error;

/// What an action would do, and what stands in its way.
#[derive(Debug)]
pub struct Explained<S: 'static, A> {
    /// The action.
    pub action: A,
    /// The clause that the action serves.
    pub clause: &'static str,
    /// The states in which the action is possible.
    pub from: Vec<S>,
    /// The state that the action leads to from the present one or, where it is not possible now, from the first state in
    /// which it is; none when the state stays.
    pub to: Option<S>,
    /// Why the action would be refused: the state, or each gate on record that is closed.
    pub refusals: Vec<Error>,
    /// Why a call may be refused, depending on what the call says.
    pub possible_refusals: Vec<Error>,
    /// The effects on duties.
    pub effects: Vec<DutyEffect>,
}

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// Explains every action on `subject`, which is in `state`, in the order of the table; actions that only create a subject
    /// are left out. `facts` returns those on record for an action, so gates that ask about a call are listed as possible
    /// refusals.
    pub fn explain<B: Borrow<F>>(&self, subject: &str, state: S, facts: impl Fn(A) -> B) -> Vec<Explained<S, A>> {
        let mut explained: Vec<Explained<S, A>> = Vec::new();
        for first in self.transitions.iter().filter(|row| !row.from.iter().all(|&from| self.is_beginning(from))) {
            if explained.iter().any(|each| each.action == first.action) {
                continue;
            }
            let rows = self.transitions.iter().filter(|row| row.action == first.action);
            let here = self.row(first.action, state);
            let row = here.unwrap_or(first);
            let known = facts(first.action);
            let refusals = match here {
                None => vec![self.refusal(subject, state, first.action)],
                Some(row) => self
                    .gates(row)
                    .filter(|gate| !gate.of_call && !(gate.open)(known.borrow()))
                    .map(|gate| gate.refusal(subject))
                    .collect(),
            };
            explained.push(Explained {
                action: first.action,
                clause: row.clause,
                from: rows.flat_map(|row| row.from).copied().collect(),
                to: row.to,
                refusals,
                possible_refusals: self
                    .gates(row)
                    .filter(|gate| gate.of_call)
                    .map(|gate| gate.refusal(subject))
                    .collect(),
                effects: self.effects(row, Some(known.borrow())),
            });
        }
        explained
    }

    /// Whether a state is the one before a subject begins: no action leads to it.
    pub(super) fn is_beginning(&self, state: S) -> bool {
        self.transitions.iter().all(|row| row.to != Some(state))
    }

    /// Returns the effects of a row on duties, in the order of the duties' table. Given `facts`, a deviation is among them only
    /// if they make it one.
    pub(super) fn effects(&self, row: &Transition<S, A, D, F>, facts: Option<&F>) -> Vec<DutyEffect> {
        let mut effects = Vec::new();
        for rule in self.duties {
            let mut add = |has: bool, change: Kind| {
                if has {
                    let (kind, clause) = (rule.code.to_owned(), rule.clause.to_owned());
                    effects.push(DutyEffect { kind, clause, change: change.into() });
                }
            };
            let is_attempted = row.attempts.contains(&rule.duty);
            let is_met = is_attempted || row.meets.contains(&rule.duty);
            add(is_met, Kind::Met);
            add(!is_met && (row.voids_rest && !rule.survives_end || row.voids.contains(&rule.duty)), Kind::Voided);
            add(row.pauses.contains(&rule.duty), Kind::Paused);
            add(row.resumes.contains(&rule.duty), Kind::Resumed);
            add(row.replaces.contains(&rule.duty), Kind::Replaced);
            add(row.reassigns && rule.each.is_none(), Kind::Reassigned);
            let deviates = rule.is_deviation && facts.is_none_or(rule.deviates);
            add(row.opens.contains(&rule.duty) && deviates, Kind::Deviated);
            add(is_attempted || row.opens.contains(&rule.duty) && !rule.is_deviation, Kind::Opened);
        }
        effects
    }
}

#[cfg(test)]
mod tests;
