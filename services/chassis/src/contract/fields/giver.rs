//! Rules of who gives a field: the roles of the caller.

use kefu_proto::field::FieldRules;
use kefu_proto::rules::v1::Role;
use prost_reflect::Value;

use crate::base::error::Wrong;
use crate::base::labels::{joined, of_roles};
use crate::base::language::Sentence;
use crate::wrong;

/// The caller who gives the fields of a request.
pub struct Giver<'a> {
    /// Who calls, e.g. `staff/lin`.
    pub subject: &'a str,
    /// Whether the caller acts in a role.
    pub acts_as: &'a dyn Fn(Role) -> bool,
}

impl Giver<'_> {
    /// The first of these roles in which the caller acts, as people call it.
    fn named(&self, roles: &[Role]) -> Option<Sentence> {
        let role = roles.iter().find(|&&role| (self.acts_as)(role))?;
        Some(joined(&of_roles(&[*role]), "", ""))
    }
}

/// The roles whose callers may give a field, and those whose callers must.
#[derive(Debug)]
pub struct ForRoles {
    allowed: Vec<Role>,
    excluded: Vec<Role>,
    required: Vec<Role>,
    /// Whether the field's value can be the name of a caller, which everybody may give.
    may_be_own: bool,
}

impl ForRoles {
    /// Returns the roles that the rules of a field name.
    pub fn of(rules: &FieldRules) -> Self {
        let (allowed, excluded) = (rules.for_roles.clone(), rules.not_for_roles.clone());
        Self { allowed, excluded, required: rules.required_for_roles.clone(), may_be_own: rules.may_be_own() }
    }

    /// Returns what is wrong with a caller who leaves the field out; none if they may.
    pub fn demands(&self, caller: &Giver<'_>) -> Option<Wrong> {
        let role = caller.named(&self.required)?;
        let (who, zh) = (role.en(), role.zh());
        Some(wrong!(RequiredForRoles, "is required of: {who}", "由{zh}填写时必填"))
    }

    /// Returns what is wrong with a caller who gives the field this value; none if they may. Everybody may name themselves.
    pub fn refuses(&self, value: &Value, caller: &Giver<'_>) -> Option<Wrong> {
        let is_own = value.as_str() == Some(caller.subject);
        if !self.allowed.is_empty() && !is_own && !self.allowed.iter().any(|&role| (caller.acts_as)(role)) {
            let roles = joined(&of_roles(&self.allowed), " or ", "、");
            let (who, zh) = (roles.en(), roles.zh());
            return Some(if self.may_be_own {
                wrong!(
                    ForRoles,
                    "is given only by: {who}; others may name themselves",
                    "仅由{zh}填写，其他人只能填写本人"
                )
            } else {
                wrong!(ForRoles, "is given only by: {who}", "仅由{zh}填写")
            });
        }
        let role = caller.named(&self.excluded)?;
        let (who, zh) = (role.en(), role.zh());
        Some(wrong!(NotForRoles, "is not given by: {who}", "{zh}不得填写"))
    }
}
