//! What could happen next: every action of a lifecycle, whether it is possible now, and what stands in its way. Pure, like
//! [`Lifecycle::fire`], and refuses just what that would.

use kefu_proto::compliance::v1::DutyEffect;
use kefu_proto::events::v1::duty_change::Kind;

use super::{Lifecycle, Transition};
use crate::base::error::Error;

/// What an action would do, and what stands in its way.
#[derive(Debug)]
pub struct Explained<S: 'static, A> {
    /// The action.
    pub action: A,
    /// The clause it serves.
    pub clause: &'static str,
    /// The states it is possible in.
    pub from: Vec<S>,
    /// The state it leads to from the present one, or, where it is not possible, from the first it is possible in; the same
    /// when none.
    pub to: Option<S>,
    /// Why it would be refused: the state, or each gate that is closed on what is on record.
    pub refusals: Vec<Error>,
    /// What a call may be refused for, depending on what it says.
    pub possible_refusals: Vec<Error>,
    /// What it does to duties.
    pub effects: Vec<DutyEffect>,
}

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// Every action that can ever happen to `subject`, which is in `state`, in the order of the table. What only brings a
    /// subject into being cannot. `facts` are those on record: gates that ask about a call are told, not asked.
    pub fn explain(&self, subject: &str, state: S, facts: &F) -> Vec<Explained<S, A>> {
        let mut explained: Vec<Explained<S, A>> = Vec::new();
        for first in self.transitions.iter().filter(|row| !row.from.iter().all(|&from| self.is_beginning(from))) {
            if explained.iter().any(|each| each.action == first.action) {
                continue;
            }
            let rows = self.transitions.iter().filter(|row| row.action == first.action);
            let here = self.row(first.action, state);
            let row = here.unwrap_or(first);
            let refusals = match here {
                None => vec![self.refusal(subject, state, first.action)],
                Some(row) => row
                    .gates
                    .iter()
                    .filter(|gate| !gate.of_call && !(gate.open)(facts))
                    .map(|gate| gate.refusal(subject))
                    .collect(),
            };
            explained.push(Explained {
                action: first.action,
                clause: row.clause,
                from: rows.flat_map(|row| row.from).copied().collect(),
                to: row.to,
                refusals,
                possible_refusals: row
                    .gates
                    .iter()
                    .filter(|gate| gate.of_call)
                    .map(|gate| gate.refusal(subject))
                    .collect(),
                effects: self.effects(row),
            });
        }
        explained
    }

    /// Whether nothing leads to a state: it is where a subject is before it is.
    pub(super) fn is_beginning(&self, state: S) -> bool {
        self.transitions.iter().all(|row| row.to != Some(state))
    }

    /// What a row does to duties, in the order of their table.
    pub(super) fn effects(&self, row: &Transition<S, A, D, F>) -> Vec<DutyEffect> {
        let mut effects = Vec::new();
        for rule in self.duties {
            let mut add = |has: bool, change: Kind| {
                if has {
                    let (kind, clause) = (rule.code.to_owned(), rule.clause.to_owned());
                    effects.push(DutyEffect { kind, clause, change: change.into() });
                }
            };
            let is_met = row.meets.contains(&rule.duty);
            add(is_met, Kind::Met);
            add(!is_met && (row.voids_rest && !rule.survives_end || row.voids.contains(&rule.duty)), Kind::Voided);
            add(row.pauses.contains(&rule.duty), Kind::Paused);
            add(row.resumes.contains(&rule.duty), Kind::Resumed);
            add(row.replaces.contains(&rule.duty), Kind::Replaced);
            add(row.breaches.contains(&rule.duty), Kind::Breached);
            add(row.reassigns && rule.each.is_none(), Kind::Reassigned);
            add(row.opens.contains(&rule.duty), Kind::Opened);
        }
        effects
    }
}

#[cfg(test)]
mod tests;
