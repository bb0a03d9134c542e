//! Conditions on another field of the message.

use kefu_proto::rules::v1 as pb;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::is_given;
use crate::base::error::Wrong;
use crate::base::labels::{joined, of_field, of_value};
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

    /// The condition as a part of sentences, e.g. `when “Kind” is shipment` and `在「类别」为「物流」时`.
    pub fn phrase(&self) -> Sentence {
        let (other, zh) = (self.label.en(), self.label.zh());
        match &self.of_values {
            None if self.absent => Sentence::new(format!("without “{other}”"), format!("在未填写「{zh}」时")),
            None => Sentence::new(format!("with “{other}”"), format!("在填写「{zh}」时")),
            Some(values) => {
                let (value, zh_value) = (values.en(), values.zh());
                Sentence::new(format!("when “{other}” is {value}"), format!("在「{zh}」为「{zh_value}」时"))
            }
        }
    }

    /// What is wrong with a field that is not given though the condition holds.
    pub fn required_when(&self) -> Wrong {
        let phrase = self.phrase();
        let (when, zh) = (phrase.en(), phrase.zh());
        wrong!(RequiredWhen under self.clause, "is required {when}", "{zh}必填")
    }

    /// What is wrong with a field that is given though none of the conditions holds.
    pub fn only_when(conditions: &[Self]) -> Wrong {
        let phrases: Vec<Sentence> = conditions.iter().map(Self::phrase).collect();
        let phrase = joined(&phrases, " or ", "或");
        let (when, zh) = (phrase.en(), phrase.zh());
        let clause = conditions.first().map_or("", |condition| condition.clause);
        wrong!(OnlyWhen under clause, "is only for use {when}", "仅{zh}填写")
    }
}
