//! Strict JSON of protobuf: every field of an object is known and stands once, values are bounded in number and depth,
//! and a problem names its place.

use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, SerializeOptions,
};

use crate::problem::Problem;

mod names;
mod place;

use place::Place;
pub use place::expected;

/// Reads a message from JSON. `at` is its place in the request, which problems name; empty for the request itself.
pub fn read(message: &MessageDescriptor, text: &[u8], at: &str) -> Result<DynamicMessage, Problem> {
    names::check(message, text, at)?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let read = DynamicMessage::deserialize_with_options(message.clone(), tracked, &options);
    let read = read.and_then(|message| json.end().map(|()| message));
    read.map_err(|error| Place::of(message, &track.path(), at).refused(&error))
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
