//! Limits on the value of a field, under a condition on another field or of certain callers.

use kefu_proto::field::integer;
use kefu_proto::rules::v1::{self as pb, Role};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::condition::Condition;
use super::giver::Giver;
use crate::base::error::Wrong;
use crate::base::labels::{joined, of_roles, of_value};
use crate::base::language::Sentence;
use crate::wrong;

/// A limit on the value of a field.
#[derive(Debug)]
pub struct Limit {
    when: Option<Condition>,
    roles: Vec<Role>,
    /// The numbers of the enum's values that are allowed, and their labels; all if none.
    values: Option<(Vec<i32>, Sentence)>,
    at_least: Option<i64>,
    at_most: Option<i64>,
    clause: &'static str,
}

impl Limit {
    /// Compiles a limit on `of`. Fails if the contract names a field or a value that is not there.
    pub fn of(of: &FieldDescriptor, given: pb::Limit) -> Result<Self, String> {
        let value = |name: &String| {
            let Kind::Enum(kind) = of.kind() else { return Err("is limited to values but no enum".to_owned()) };
            kind.get_value_by_name(name).ok_or_else(|| format!("is limited to {name}, which it cannot be"))
        };
        let values = given.values.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<Sentence> = values.iter().map(of_value).collect();
        let numbers: Vec<i32> = values.iter().map(prost_reflect::EnumValueDescriptor::number).collect();
        Ok(Self {
            roles: given.roles().collect(),
            values: (!numbers.is_empty()).then(|| (numbers, joined(&labels, " or ", "」或「"))),
            at_least: given.at_least,
            at_most: given.at_most,
            clause: given.clause.leak(),
            when: given.when.map(|when| Condition::of(of, when)).transpose()?,
        })
    }

    /// Returns what is wrong with a value that is given in a message; none if it is within the limit, or that does not count.
    pub fn refuses(
        &self,
        value: &Value,
        message: &DynamicMessage,
        caller: &Giver<'_>,
        is_open: &dyn Fn(&FieldDescriptor) -> bool,
    ) -> Option<Wrong> {
        let counts = self.when.as_ref().is_none_or(|when| is_open(when.on()) && when.holds(message))
            && (self.roles.is_empty() || self.roles.iter().any(|&role| (caller.acts_as)(role)));
        if !counts {
            return None;
        }
        let phrase = self.phrase();
        let (when, zh) = (phrase.en(), phrase.zh());
        if let (Some((numbers, labels)), Some(number)) = (&self.values, value.as_enum_number())
            && !numbers.contains(&number)
        {
            let (values, zh_values) = (labels.en(), labels.zh());
            return Some(wrong!(NotAccepted under self.clause, "must be {values}{when}", "{zh}只能为「{zh_values}」"));
        }
        let number = integer(value)?;
        match (self.at_least, self.at_most) {
            (Some(least), _) if number < least => {
                Some(wrong!(TooSmall under self.clause, "must be at least {least}{when}", "{zh}不得小于{least}"))
            }
            (_, Some(most)) if number > most => {
                Some(wrong!(TooLarge under self.clause, "must be at most {most}{when}", "{zh}不得大于{most}"))
            }
            _ => None,
        }
    }

    /// When and of whom the limit counts: at the end of an English sentence and at the beginning of a Chinese one.
    fn phrase(&self) -> Sentence {
        let when = self
            .when
            .as_ref()
            .map(Condition::phrase)
            .map(|when| Sentence::new(format!(" {}", when.en()), when.zh().to_owned()));
        let of = (!self.roles.is_empty())
            .then(|| joined(&of_roles(&self.roles), " or ", "、"))
            .map(|roles| Sentence::new(format!(" if given by: {}", roles.en()), format!("由{}填写时", roles.zh())));
        joined(&when.into_iter().chain(of).collect::<Vec<_>>(), "", "")
    }
}
