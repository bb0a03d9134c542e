//! Explanations of what a caller may do next: what the lifecycle says could happen, and whether the caller has the right to
//! it.

use std::sync::Arc;

use kefu_proto::compliance::v1::Explanation;
use kefu_proto::rules::v1::{ErrorReason, Refusal};

use crate::base::error::Error;
use crate::base::language::Text;
use crate::contract::call::{Call, Stakeholders};
use crate::contract::rules::MethodRule;
use crate::model::lifecycle::Lifecycle;
use crate::model::lifecycle::explain::Explained;
use crate::work::chassis::Chassis;
use crate::work::step::AggregateRoot;

const OUT_OF_REACH: Text = Text::new(
    "It is in somebody else's hands, and your role does not reach that far.",
    "此事由他人负责，您的角色无权办理。",
);

/// Explains what the caller can do with an aggregate next, and what stands in the way. Where a method may take several
/// actions, `is_meant` says which of them it can take now.
pub fn explanations<R: AggregateRoot>(
    chassis: &Chassis,
    call: &Call,
    root: &R,
    facts: &R::Facts,
    is_meant: impl Fn(R::Action) -> bool,
) -> Result<Vec<Explanation>, Error> {
    let lifecycle = R::lifecycle();
    let explained = lifecycle.explain(&root.id().to_string(), root.state(), facts).into_iter();
    let stakeholders = |method: &str| lifecycle.reach(method, facts, root.stakeholders());
    explained
        .filter(|each| is_meant(each.action))
        .map(|each| each.show(lifecycle, chassis, call, stakeholders))
        .collect()
}

impl<S: Copy, A: Copy> Explained<S, A> {
    /// Shows an explained action as the contract does, and whether the caller may take it, given the stakeholders that count
    /// for its method.
    pub fn show<'h, D, F>(
        self,
        lifecycle: &Lifecycle<S, A, D, F>,
        chassis: &Chassis,
        call: &Call,
        stakeholders: impl FnOnce(&'static str) -> Stakeholders<'h>,
    ) -> Result<Explanation, Error> {
        let label = (lifecycle.label)(self.action);
        let shown = |errors: &[Error]| errors.iter().map(|error| error.shown(call.language)).collect::<Vec<_>>();
        let rule = chassis.rules.named(label.method);
        let rule = rule.ok_or_else(|| Error::unexpected(format!("{} has no rule", label.method)))?;
        let mut refusals = Vec::from_iter(call.barred(rule, &stakeholders(label.method)));
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
    /// Returns why the same caller could not call the method of `rule` for a resource of these stakeholders; none if they
    /// could.
    #[must_use]
    pub fn barred(&self, rule: &Arc<MethodRule>, stakeholders: &Stakeholders<'_>) -> Option<Refusal> {
        if !self.caller.roles.iter().any(|role| rule.roles.contains(role)) {
            return Some(Error::RoleMissing.shown(self.language));
        }
        let there = Self { rule: rule.clone(), ..self.clone() };
        // That call would answer NOT_FOUND; whoever may see the resource anyway is told the reason.
        (!there.reaches(stakeholders)).then(|| Refusal {
            reason: ErrorReason::ResourceNotFound.into(),
            clause: String::new(),
            message: OUT_OF_REACH.of(self.language).to_owned(),
        })
    }
}
