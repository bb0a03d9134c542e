//! Conditions on whether a field is given: on another field of the message, on the caller's roles, on the fields of a set.

use kefu_proto::field::FieldRules;
use kefu_proto::rules::v1::{self as pb, Role};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::is_given;
use crate::base::error::Wrong;
use crate::base::labels::{joined, of_field, of_roles, of_value};
use crate::base::language::Sentence;
use crate::wrong;

/// A condition on another field of the same message.
#[derive(Debug)]
pub struct Condition {
    field: FieldDescriptor,
    /// The values with which the condition holds; every one but the default if empty.
    values: Vec<Value>,
    /// Whether the condition holds when the other field is not given.
    absent: bool,
    clause: &'static str,
    /// The other field's label, and the values' labels if there are any.
    label: Sentence,
    of_values: Option<Sentence>,
}

impl Condition {
    /// Compiles a condition on the presence of `of`. Fails if the contract names a field or a value that is not there.
    pub fn of(of: &FieldDescriptor, given: pb::Condition) -> Result<Self, String> {
        let message = of.parent_message();
        let field = message
            .get_field_by_name(&given.field)
            .ok_or_else(|| format!("depends on {}, which its message has not", given.field))?;
        let value = |name: &String| match field.kind() {
            Kind::Enum(values) => {
                let value = values.get_value_by_name(name);
                value.map(|value| (Value::EnumNumber(value.number()), of_value(&value)))
            }
            Kind::Bool => {
                let label = Sentence::new(
                    if name == "true" { "yes" } else { "no" }.into(),
                    if name == "true" { "是" } else { "否" }.into(),
                );
                name.parse().ok().map(|value| (Value::Bool(value), label))
            }
            _ => None,
        };
        let values = given.values.iter().map(|name| {
            value(name).ok_or_else(|| format!("depends on {} being {name}, which it cannot be", given.field))
        });
        let (values, labels): (Vec<Value>, Vec<Sentence>) = values.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Self {
            label: of_field(&field),
            of_values: (!labels.is_empty()).then(|| joined(&labels, " or ", "」或「")),
            values,
            absent: given.absent,
            clause: given.clause.leak(),
            field,
        })
    }

    /// Whether the condition holds in a message.
    pub fn holds(&self, message: &DynamicMessage) -> bool {
        if self.values.is_empty() {
            return is_given(message, &self.field) != self.absent;
        }
        self.values.contains(&message.get_field(&self.field))
    }

    /// The other field.
    pub fn on(&self) -> &FieldDescriptor {
        &self.field
    }

    /// What is wrong with a field that is not given though the condition holds.
    pub fn required_when(&self) -> Wrong {
        let (other, zh) = (self.label.en(), self.label.zh());
        match &self.of_values {
            None if self.absent => {
                wrong!(RequiredWhen under self.clause, "is required without “{other}”", "在未填写「{zh}」时必填")
            }
            None => wrong!(RequiredWhen under self.clause, "is required with “{other}”", "在填写「{zh}」时必填"),
            Some(values) => {
                let (value, zh_value) = (values.en(), values.zh());
                wrong!(
                    RequiredWhen under self.clause,
                    "is required when “{other}” is {value}",
                    "在「{zh}」为「{zh_value}」时必填"
                )
            }
        }
    }

    /// What is wrong with a field that is given though the condition does not hold.
    pub fn only_when(&self) -> Wrong {
        let (other, zh) = (self.label.en(), self.label.zh());
        match &self.of_values {
            None if self.absent => {
                wrong!(OnlyWhen under self.clause, "is only for use without “{other}”", "仅在未填写「{zh}」时填写")
            }
            None => wrong!(OnlyWhen under self.clause, "is only for use with “{other}”", "仅在填写「{zh}」时填写"),
            Some(values) => {
                let (value, zh_value) = (values.en(), values.zh());
                wrong!(
                    OnlyWhen under self.clause,
                    "is only for when “{other}” is {value}",
                    "仅在「{zh}」为「{zh_value}」时填写"
                )
            }
        }
    }
}

/// The caller who gives the fields of a request.
pub struct Giver<'a> {
    /// Who calls, e.g. `staff/lin`.
    pub subject: &'a str,
    /// Whether the caller acts in a role.
    pub acts_as: &'a dyn Fn(Role) -> bool,
}

/// The roles whose callers may give a field.
#[derive(Debug)]
pub struct ForRoles {
    allowed: Vec<Role>,
    excluded: Vec<Role>,
}

impl ForRoles {
    /// Returns the roles that the rules of a field name; none if everybody may give the field.
    pub fn of(rules: &FieldRules) -> Option<Self> {
        let (allowed, excluded) = (rules.for_roles.clone(), rules.not_for_roles.clone());
        (!allowed.is_empty() || !excluded.is_empty()).then_some(Self { allowed, excluded })
    }

    /// Returns what is wrong with a caller who gives the field this value; none if they may.
    pub fn refuses(&self, value: &Value, caller: &Giver<'_>) -> Option<Wrong> {
        let is_own = value.as_str() == Some(caller.subject);
        if !self.allowed.is_empty() && !is_own && !self.allowed.iter().any(|&role| (caller.acts_as)(role)) {
            let roles = joined(&of_roles(&self.allowed), " or ", "、");
            let (who, zh) = (roles.en(), roles.zh());
            return Some(wrong!(ForRoles, "is given only by: {who}", "仅由{zh}填写"));
        }
        let role = *self.excluded.iter().find(|&&role| (caller.acts_as)(role))?;
        let roles = joined(&of_roles(&[role]), "", "");
        let (who, zh) = (roles.en(), roles.zh());
        Some(wrong!(ForRoles, "is not given by: {who}", "不得由{zh}填写"))
    }
}

/// Fields of which exactly one is given.
#[derive(Debug)]
pub struct ExactlyOne {
    fields: Vec<FieldDescriptor>,
    clause: &'static str,
    label: Sentence,
}

impl ExactlyOne {
    /// Compiles a set. Fails if the contract names a field that is not there.
    pub fn of(message: &MessageDescriptor, set: pb::FieldSet) -> Result<Self, String> {
        let field = |name: &String| {
            message.get_field_by_name(name).ok_or_else(|| format!("must have one of {name}, which it has not"))
        };
        let fields = set.fields.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<Sentence> = fields.iter().map(of_field).collect();
        Ok(Self { label: joined(&labels, ", ", "」「"), clause: set.clause.leak(), fields })
    }

    /// The fields of the set.
    pub fn fields(&self) -> &[FieldDescriptor] {
        &self.fields
    }

    /// Returns the first field of the set, and what is wrong with it; none if exactly one is given.
    pub fn refuses(&self, message: &DynamicMessage) -> Option<(&str, Wrong)> {
        if self.fields.iter().filter(|field| is_given(message, field)).count() == 1 {
            return None;
        }
        let field = self.fields.first()?;
        let (names, zh) = (self.label.en(), self.label.zh());
        let wrong = wrong!(
            ExactlyOneOf under self.clause,
            "is wrong: exactly one is to be given of {names}",
            "有误，须在「{zh}」中填写且只填写一项"
        );
        Some((field.name(), wrong))
    }
}
