//! The order of two times of a message.

use kefu_proto::field::integer;
use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use crate::base::error::Wrong;
use crate::base::labels::of_field;
use crate::base::language::Sentence;
use crate::wrong;

/// The time after which another of the same message lies, where both are given.
#[derive(Debug)]
pub struct LaterThan {
    earlier: FieldDescriptor,
    label: Sentence,
}

impl LaterThan {
    /// Compiles the order of the time `later` and the one of this name. Fails if the contract names a field that is not there or
    /// one of the two is no time.
    pub fn of(later: &FieldDescriptor, earlier: &str) -> Result<Self, String> {
        let is_time = |field: &FieldDescriptor| {
            field.kind().as_message().is_some_and(|message| message.full_name() == "google.protobuf.Timestamp")
        };
        let field = later.parent_message().get_field_by_name(earlier);
        let earlier = field.filter(|field| is_time(field) && is_time(later));
        let earlier = earlier.ok_or("is no time, or is later than what is none")?;
        Ok(Self { label: of_field(&earlier), earlier })
    }

    /// The time that must lie before.
    pub fn field(&self) -> &FieldDescriptor {
        &self.earlier
    }

    /// Returns what is wrong with the later time of a message; none if it lies after the other, or that is not given.
    pub fn refuses(&self, later: &Value, message: &DynamicMessage) -> Option<Wrong> {
        if !message.has_field(&self.earlier) || instant(later) > instant(&message.get_field(&self.earlier)) {
            return None;
        }
        let (earlier, zh) = (self.label.en(), self.label.zh());
        Some(wrong!(TooEarly, "must be later than “{earlier}”", "须晚于「{zh}」"))
    }
}

/// The seconds and nanoseconds of a time.
fn instant(time: &Value) -> Option<(i64, i64)> {
    let message = time.as_message()?;
    let part = |name| message.get_field_by_name(name).and_then(|part| integer(&part)).unwrap_or(0);
    Some((part("seconds"), part("nanos")))
}
