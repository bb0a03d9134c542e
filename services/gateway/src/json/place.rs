//! Places in JSON, and what must stand there.

use kefu_chassis::error::Wrong;
use kefu_chassis::wrong;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// What the members of an object are.
#[derive(Clone, Debug)]
pub enum Within {
    /// Fields of a message.
    Fields(MessageDescriptor),
    /// Values of a map, which are of this field.
    Values(FieldDescriptor),
    /// Anything.
    Anything,
}

impl Within {
    /// Returns what the members of a message's object are. Messages of protobuf itself have forms of their own.
    pub fn of(message: &MessageDescriptor) -> Self {
        if message.full_name().starts_with("google.protobuf.") { Self::Anything } else { Self::Fields(message.clone()) }
    }

    /// Returns the field of a member, by its name in JSON or in the contract.
    pub fn field(&self, name: &str) -> Option<FieldDescriptor> {
        let Self::Fields(message) = self else { return None };
        message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
    }

    /// Whether no other members than those that are known are possible.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Fields(_))
    }

    /// Returns what the members of a member's object are.
    pub fn below(&self, name: &str) -> Self {
        let field = match self {
            Self::Values(field) => Some(field.clone()),
            _ => self.field(name),
        };
        match field.map(|field| (field.is_map(), field.kind())) {
            Some((true, Kind::Message(entry))) => Self::Values(entry.map_entry_value_field()),
            Some((_, Kind::Message(message))) => Self::of(&message),
            _ => Self::Anything,
        }
    }
}

/// A place in the JSON of a request.
#[derive(Debug)]
pub struct Place {
    /// The place of the JSON in the request.
    at: String,
    /// The path, as JSON names it.
    path: String,
    /// The field there, and whether the place is the whole of it and not an item or a value of a map.
    field: Option<(FieldDescriptor, bool)>,
}

impl Place {
    /// Returns the place at a path in the JSON of a message, which itself is at `at` in the request.
    pub fn of(message: &MessageDescriptor, path: &Path, at: &str) -> Self {
        let mut place = Self { at: at.to_owned(), path: at.to_owned(), field: None };
        let mut within = Within::of(message);
        for segment in path {
            match segment {
                Segment::Seq { index } => {
                    place.path.extend(["[", &index.to_string(), "]"]);
                    place.field = place.field.map(|(field, _)| (field, false));
                }
                Segment::Map { key } => {
                    let field = within.field(key);
                    let below = place.below(field.as_ref().map_or(key, FieldDescriptor::json_name));
                    let of_map = if let Within::Values(value) = &within { Some((value.clone(), false)) } else { None };
                    place = Self { field: field.map(|field| (field, true)).or(of_map), ..below };
                    within = within.below(key);
                }
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        place
    }

    /// Returns the place of a member that is not known.
    pub fn below(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { at: self.at.clone(), path, field: None }
    }

    /// Creates the problem that something is wrong here.
    pub fn wrong(&self, wrong: Wrong) -> Problem {
        Problem::invalid(&self.path, wrong)
    }

    /// Creates the problem that JSON cannot be read from here on, or is not what must stand here.
    pub fn refused(&self, error: &serde_json::Error) -> Problem {
        let wrong = match &self.field {
            Some((field, is_whole)) if error.is_data() => expected(field, *is_whole, &error.to_string()),
            None if error.is_data() => wrong!(Form, "must be an object", "须为一组字段"),
            _ => {
                let (line, column) = (error.line(), error.column());
                let wrong = wrong!(
                    Unreadable,
                    "cannot be read as JSON: line {line}, column {column}",
                    "无法读取：第{line}行第{column}列有误"
                );
                // What cannot be read is the text, and not the field in which that shows.
                return Problem::invalid(&self.at, wrong).because(error);
            }
        };
        self.wrong(wrong).because(error)
    }
}

/// Returns what a field must be that the JSON reader refuses with an error, or an item of it if that is not `whole`.
pub fn expected(field: &FieldDescriptor, is_whole: bool, error: &str) -> Wrong {
    if is_whole && field.is_list() {
        return wrong!(Form, "must be a list", "须为列表");
    }
    let kind = match field.kind() {
        Kind::Message(entry) if field.is_map() && !is_whole => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    match kind {
        Kind::Bool => wrong!(Form, "must be true or false", "须为是或否"),
        Kind::String => wrong!(Form, "must be a text", "须为文字"),
        Kind::Bytes => wrong!(Form, "must be bytes in Base64", "须为经编码的二进制内容"),
        Kind::Double | Kind::Float => wrong!(Form, "must be a number", "须为数字"),
        Kind::Enum(_) => wrong!(Defined, "must be one of the values of the contract", "不在可选值之内"),
        Kind::Message(message) => expected_message(message.full_name()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => whole_number(i32::MIN.into(), i32::MAX.into(), error),
        Kind::Uint32 | Kind::Fixed32 => whole_number(0, u32::MAX.into(), error),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => whole_number(i64::MIN.into(), i64::MAX.into(), error),
        Kind::Uint64 | Kind::Fixed64 => whole_number(0, u64::MAX.into(), error),
    }
}

fn expected_message(name: &str) -> Wrong {
    match name {
        "google.protobuf.Timestamp" => {
            let example = "2026-01-05T01:30:00Z";
            wrong!(Time, "must be a time, e.g. {example}", "须为时间，例如{example}")
        }
        "google.protobuf.Duration" => {
            let example = "3600s";
            wrong!(Form, "must be a length of time in seconds, e.g. {example}", "须为以秒计的时长，例如{example}")
        }
        "google.protobuf.FieldMask" => {
            wrong!(Form, "must be names of fields with commas between", "须为以逗号分隔的字段名")
        }
        _ => wrong!(Form, "must be an object", "须为一组字段"),
    }
}

fn whole_number(least: i128, most: i128, error: &str) -> Wrong {
    if ["too large", "too small", "out of range"].iter().any(|said| error.contains(said)) {
        return wrong!(OutOfRange, "must be from {least} to {most}", "须在{least}至{most}之间");
    }
    wrong!(Form, "must be a whole number", "须为整数")
}
