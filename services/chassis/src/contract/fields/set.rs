//! Rules of several fields or values together: exactly one, at least one, at most one.

use kefu_proto::field::{at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1 as pb;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::is_given;
use crate::base::error::Wrong;
use crate::base::labels::{joined, of_field, of_value};
use crate::base::language::Sentence;
use crate::wrong;

/// Fields of which one is given, or at least one.
#[derive(Debug)]
pub struct OneOf {
    fields: Vec<FieldDescriptor>,
    /// Whether no second one may be given.
    is_exact: bool,
    clause: &'static str,
    label: Sentence,
}

impl OneOf {
    /// Compiles the sets of a message. Fails if the contract names a field that is not there.
    pub fn all(message: &MessageDescriptor) -> Result<Vec<Self>, String> {
        let exact = exactly_one_of(message).into_iter().map(|set| (set, true));
        let other = at_least_one_of(message).into_iter().map(|set| (set, false));
        exact.chain(other).map(|(set, is_exact)| Self::of(message, set, is_exact)).collect()
    }

    fn of(message: &MessageDescriptor, set: pb::FieldSet, is_exact: bool) -> Result<Self, String> {
        let field = |name: &String| {
            message.get_field_by_name(name).ok_or_else(|| format!("must have one of {name}, which it has not"))
        };
        let fields = set.fields.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<Sentence> = fields.iter().map(of_field).collect();
        Ok(Self { label: joined(&labels, ", ", "」「"), is_exact, clause: set.clause.leak(), fields })
    }

    /// The fields of the set.
    pub fn fields(&self) -> &[FieldDescriptor] {
        &self.fields
    }

    /// Returns what is wrong with the set, and the fields of which too many are given; none of these if too few are.
    pub fn refuses(&self, message: &DynamicMessage) -> Option<(Vec<&str>, Wrong)> {
        let given = self.fields.iter().filter(|field| is_given(message, field)).map(FieldDescriptor::name);
        let given: Vec<&str> = given.collect();
        let (names, zh) = (self.label.en(), self.label.zh());
        match given.len() {
            1 => None,
            0 if !self.is_exact => Some((
                given,
                wrong!(
                    AtLeastOneOf under self.clause,
                    "is wrong: at least one is to be given of {names}",
                    "有误，须在「{zh}」中至少填写一项"
                ),
            )),
            _ if self.is_exact => Some((
                given,
                wrong!(
                    ExactlyOneOf under self.clause,
                    "is wrong: exactly one is to be given of {names}",
                    "有误，须在「{zh}」中填写且只填写一项"
                ),
            )),
            _ => None,
        }
    }
}

/// Values of an enum of which a list holds at most one.
#[derive(Debug)]
pub struct AtMostOne {
    numbers: Vec<i32>,
    clause: &'static str,
    label: Sentence,
}

impl AtMostOne {
    /// Compiles a set of the values of a field. Fails if the field has no such value.
    pub fn of(field: &FieldDescriptor, set: pb::ValueSet) -> Result<Self, String> {
        let Kind::Enum(kind) = field.kind() else { return Err("is no enum, whose values exclude each other".into()) };
        let value = |name: &String| {
            kind.get_value_by_name(name).ok_or_else(|| format!("must not be {name}, which it cannot be"))
        };
        let values = set.values.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let labels: Vec<Sentence> = values.iter().map(of_value).collect();
        let numbers = values.iter().map(prost_reflect::EnumValueDescriptor::number).collect();
        Ok(Self { numbers, clause: set.clause.leak(), label: joined(&labels, ", ", "」「") })
    }

    /// Returns what is wrong with the items of a list; none if at most one is of the set.
    pub fn refuses(&self, items: &[Value]) -> Option<Wrong> {
        let is_there = |number: &&i32| items.iter().any(|item| item.as_enum_number() == Some(**number));
        if self.numbers.iter().filter(is_there).count() < 2 {
            return None;
        }
        let (names, zh) = (self.label.en(), self.label.zh());
        Some(wrong!(
            AtMostOneOf under self.clause,
            "must hold at most one of {names}",
            "「{zh}」中最多选择一项"
        ))
    }
}
