//! Explanations of what a caller may do next: what the lifecycle says could happen, and whether the caller has the right to
//! it.

use std::sync::Arc;

use kefu_proto::compliance::v1::Explanation;
use kefu_proto::rules::v1::{ErrorReason, Refusal};

use crate::base::error::Error;
use crate::base::language::Text;
use crate::contract::call::Call;
use crate::contract::rules::MethodRule;
use crate::model::lifecycle::Lifecycle;
use crate::model::lifecycle::explain::Explained;
use crate::work::chassis::Chassis;
use crate::work::step::AggregateRoot;

const OUT_OF_REACH: Text = Text::new(
    "It is in somebody else's hands, and your role does not reach that far.",
    "此事由他人负责，您的角色无权办理。",
);

/// Explains what the caller can do with an aggregate next, and what stands in the way. The facts of each action are those of
/// a call of its method by the same caller; `complete` adds what must be read for them. Where a method may take several
/// actions, `is_meant` says which of them it can take now.
pub fn explanations<R: AggregateRoot>(
    chassis: &Chassis,
    call: &Call,
    root: &R,
    complete: impl Fn(&mut R::Facts),
    is_meant: impl Fn(R::Action) -> bool,
) -> Result<Vec<Explanation>, Error> {
    let lifecycle = R::lifecycle();
    let calls = |method: &str| Call { rule: chassis.rules.named(method).unwrap_or(&call.rule).clone(), ..call.clone() };
    let facts = |call: &Call| {
        let mut facts = root.facts(chassis, call, call.now);
        complete(&mut facts);
        facts
    };
    let explained = lifecycle
        .explain(&root.id().to_string(), root.state(), |action| facts(&calls((lifecycle.label)(action).method)));
    let reaches = |there: &Call| {
        let facts = facts(there);
        let reach = lifecycle.reach(there.rule.name(), &facts, root.stakeholders());
        there.reaches(&reach) || root.stands_in(chassis, there, there.now)
    };
    explained
        .into_iter()
        .filter(|each| is_meant(each.action))
        .map(|each| each.show(lifecycle, chassis, call, reaches))
        .collect()
}

impl<S: Copy, A: Copy> Explained<S, A> {
    /// Shows an explained action as the contract does, and whether the caller may take it: `reaches` says whether a call of
    /// its method reaches the resource.
    pub fn show<D, F>(
        self,
        lifecycle: &Lifecycle<S, A, D, F>,
        chassis: &Chassis,
        call: &Call,
        reaches: impl FnOnce(&Call) -> bool,
    ) -> Result<Explanation, Error> {
        let label = (lifecycle.label)(self.action);
        let shown = |errors: &[Error]| errors.iter().map(|error| error.shown(call.language)).collect::<Vec<_>>();
        let rule = chassis.rules.named(label.method);
        let rule = rule.ok_or_else(|| Error::unexpected(format!("{} has no rule", label.method)))?;
        let mut refusals = Vec::from_iter(call.barred(rule, reaches));
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
    /// Returns why the same caller could not call the method of `rule` for a resource; none if they could. `reaches` says
    /// whether such a call reaches the resource.
    #[must_use]
    pub fn barred(&self, rule: &Arc<MethodRule>, reaches: impl FnOnce(&Self) -> bool) -> Option<Refusal> {
        if !self.caller.roles.iter().any(|role| rule.roles.contains(role)) {
            return Some(Error::RoleMissing.shown(self.language));
        }
        let there = Self { rule: rule.clone(), ..self.clone() };
        // That call would answer NOT_FOUND; whoever may see the resource anyway is told the reason.
        (!reaches(&there)).then(|| Refusal {
            reason: ErrorReason::ResourceNotFound.into(),
            clause: String::new(),
            message: OUT_OF_REACH.of(self.language).to_owned(),
        })
    }
}
