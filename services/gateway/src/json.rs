//! Proto JSON, strictly: a name stands once in an object, a field is known, and what is wrong is told by its place.

use std::collections::HashSet;
use std::fmt;

use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, SerializeOptions,
};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::problem::Problem;

/// A message from its JSON. `at` is where in the request it stands, for what is told of mistakes; empty for the request itself.
pub fn read(message: &MessageDescriptor, text: &[u8], at: &str) -> Result<DynamicMessage, Problem> {
    check_names(text).map_err(|error| Problem::invalid(at, error.to_string()))?;
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

/// A message as JSON: 64-bit integers as strings, enums by name, what is not set left out.
pub fn write(message: &DynamicMessage, into: &mut Vec<u8>) -> Result<(), Problem> {
    let options = SerializeOptions::new();
    let mut json = serde_json::Serializer::new(into);
    message.serialize_with_options(&mut json, &options).map_err(Problem::unexpected)
}

/// A field of a message as JSON.
pub fn write_field(message: &DynamicMessage, field: &FieldDescriptor, into: &mut Vec<u8>) -> Result<(), Problem> {
    // The whole of it names the field as it writes it, so the value stands by itself in there.
    let mut only = DynamicMessage::new(message.descriptor());
    only.set_field(field, message.get_field(field).into_owned());
    let options = SerializeOptions::new().skip_default_fields(false);
    let whole = only.serialize_with_options(serde_json::value::Serializer, &options).map_err(Problem::unexpected)?;
    serde_json::to_writer(into, &whole[field.json_name()]).map_err(Problem::unexpected)
}

/// Refuses an object with a name that stands in it twice: which of the two counts would be anybody's guess. Depth is bounded by
/// the reader.
fn check_names(text: &[u8]) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    Names.deserialize(&mut json)
}

struct Names;

impl<'de> DeserializeSeed<'de> for Names {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names {
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
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            if names.contains(&name) {
                return Err(de::Error::custom(format_args!("{name} stands twice")));
            }
            names.insert(name);
            entries.next_value_seed(Self)?;
        }
        Ok(())
    }
}
