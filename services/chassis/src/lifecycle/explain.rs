//! What could happen next: every action of a lifecycle, whether it is possible now, and what stands in its way. Pure, like
//! [`Lifecycle::fire`], and refuses just what that would.

use std::sync::Arc;

use kefu_proto::compliance::v1::{DutyEffect, Explanation};
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::rules::v1::{ErrorReason, Refusal};

use super::{Lifecycle, Transition};
use crate::call::{Call, Holder};
use crate::chassis::Chassis;
use crate::error::Error;
use crate::language::Text;
use crate::rules::MethodRule;

const OUT_OF_REACH: Text = Text::new(
    "It is in somebody else's hands, and your role does not reach that far.",
    "该事项由他人负责，您的角色无权处理。",
);

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
                    let (kind, clause) = (rule.word.to_owned(), rule.clause.to_owned());
                    effects.push(DutyEffect { kind, clause, change: change.into() });
                }
            };
            let is_met = row.meets.contains(&rule.duty);
            add(is_met, Kind::Met);
            add(!is_met && (row.ends && !rule.outlives || row.voids.contains(&rule.duty)), Kind::Voided);
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

impl<S: Copy, A: Copy> Explained<S, A> {
    /// As the contract shows it, and whether the caller may do it to what `holder` says of it for the method.
    pub fn show<'h, D, F>(
        self,
        lifecycle: &Lifecycle<S, A, D, F>,
        chassis: &Chassis,
        call: &Call,
        holder: impl FnOnce(&'static str) -> Holder<'h>,
    ) -> Result<Explanation, Error> {
        let label = (lifecycle.label)(self.action);
        let shown = |errors: &[Error]| errors.iter().map(|error| error.shown(call.language)).collect::<Vec<_>>();
        let rule = chassis.rules.named(label.method);
        let rule = rule.ok_or_else(|| Error::unexpected(format!("{} has no rule", label.method)))?;
        let mut refusals = Vec::from_iter(call.barred(rule, &holder(label.method)));
        refusals.extend(shown(&self.refusals));
        let name = |state: S| (lifecycle.state_name)(state).to_owned();
        Ok(Explanation {
            method: label.method.to_owned(),
            summary: label.text.of(call.language).to_owned(),
            clause: self.clause.to_owned(),
            allowed: refusals.is_empty(),
            refusals,
            possible_refusals: shown(&self.possible_refusals),
            from_states: self.from.into_iter().map(name).collect(),
            to_state: self.to.map(name).unwrap_or_default(),
            duty_effects: self.effects,
        })
    }
}

impl Call {
    /// Why the same caller could not call the method of `rule` for a resource of `holder`, if they could not.
    #[must_use]
    pub fn barred(&self, rule: &Arc<MethodRule>, holder: &Holder<'_>) -> Option<Refusal> {
        if !self.caller.roles.iter().any(|role| rule.roles.contains(role)) {
            return Some(Error::RoleMissing.shown(self.language));
        }
        let there = Self { rule: rule.clone(), ..self.clone() };
        // Whoever may see the resource learns more than that call would tell, which hides what it does not reach.
        (!there.reaches(holder)).then(|| Refusal {
            reason: ErrorReason::ResourceNotFound.into(),
            clause: String::new(),
            message: OUT_OF_REACH.of(self.language).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
