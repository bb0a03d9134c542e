//! Strict JSON of protobuf: every field of an object is known and stands once, values are bounded in number and depth,
//! and a problem names its place.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, SerializeOptions,
};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::problem::Problem;

/// The most values of a message: a value of one byte takes a hundred times as much in memory.
const VALUES: usize = 100_000;

/// Reads a message from JSON. `at` is its place in the request, which problems name; empty for the request itself.
pub fn read(message: &MessageDescriptor, text: &[u8], at: &str) -> Result<DynamicMessage, Problem> {
    check_names(message, text).map_err(|error| Problem::invalid(at, error.to_string()))?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let read = DynamicMessage::deserialize_with_options(message.clone(), tracked, &options);
    let read = read.and_then(|message| json.end().map(|()| message));
    read.map_err(|error| {
        let path = track.path().to_string();
        let field = match (at, path.as_str()) {
            (at, ".") => at.to_owned(),
            ("", path) => path.to_owned(),
            (at, path) => format!("{at}.{path}"),
        };
        Problem::invalid(&field, error.to_string())
    })
}

/// Writes a message as JSON: 64-bit integers as strings, enums by name, unset fields left out.
pub fn write(message: &DynamicMessage, into: &mut Vec<u8>) -> Result<(), Problem> {
    let options = SerializeOptions::new();
    let mut json = serde_json::Serializer::new(into);
    message.serialize_with_options(&mut json, &options).map_err(Problem::unexpected)
}

/// Writes a field of a message as JSON.
pub fn write_field(message: &DynamicMessage, field: &FieldDescriptor, into: &mut Vec<u8>) -> Result<(), Problem> {
    // A message with this field alone is written, and the value is cut out of it.
    let mut only = DynamicMessage::new(message.descriptor());
    only.set_field(field, message.get_field(field).into_owned());
    let options = SerializeOptions::new().skip_default_fields(false);
    let whole = only.serialize_with_options(serde_json::value::Serializer, &options).map_err(Problem::unexpected)?;
    serde_json::to_writer(into, &whole[field.json_name()]).map_err(Problem::unexpected)
}

/// Refuses an object that sets a field twice, because it is unclear which value counts. A field has two names, that of
/// JSON and that of the contract. Depth is bounded by the reader.
fn check_names(message: &MessageDescriptor, text: &[u8]) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    Names { message: Some(message), left: &Cell::new(VALUES) }.deserialize(&mut json)
}

/// A reader that checks names and counts values.
#[derive(Clone, Copy)]
struct Names<'m> {
    /// The message whose fields are read, if it is known.
    message: Option<&'m MessageDescriptor>,
    /// The number of values that may still come.
    left: &'m Cell<usize>,
}

impl Names<'_> {
    fn count<E: de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| E::custom("more values than are taken"))?;
        self.left.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {
            self.count()?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let (mut fields, mut others) = (HashSet::new(), HashSet::new());
        while let Some(name) = entries.next_key::<Cow<'de, str>>()? {
            self.count()?;
            let field = self.message.and_then(|message| field_named(message, &name));
            let is_new = match (&field, self.message) {
                (Some(field), _) => fields.insert(field.number()),
                // Unknown fields are refused when the message is read, so their names are not kept here.
                (None, Some(_)) => true,
                (None, None) => others.insert(name.clone()),
            };
            if !is_new {
                return Err(de::Error::custom(format_args!("{name} stands twice")));
            }
            let kind = field.map(|field| field.kind());
            entries.next_value_seed(Names { message: kind.as_ref().and_then(Kind::as_message), ..self })?;
        }
        Ok(())
    }
}

fn field_named(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}
