//! Objects whose members keep an order when they are written: a form is sent, and a message read, as the contract has it.
//! `serde_json` can be told to keep it, but then does so in every crate, also where digests rest on sorted members.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// The member that has the names of the others in order; it is not written.
const ORDER: &str = "\0";

/// An object that is written in this order.
pub fn object(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut object = Map::new();
    let mut order = Vec::new();
    for (name, value) in members {
        order.push(Value::String(name.clone()));
        object.insert(name, value);
    }
    object.insert(ORDER.to_owned(), order.into());
    object.into()
}

/// Writes a value, its objects in their order.
pub struct Ordered<'a>(pub &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            Value::Object(members) => {
                let mut map = serializer.serialize_map(None)?;
                if let Some(Value::Array(order)) = members.get(ORDER) {
                    for name in order.iter().filter_map(Value::as_str) {
                        map.serialize_entry(name, &members.get(name).map(Ordered))?;
                    }
                } else {
                    for (name, value) in members {
                        map.serialize_entry(name, &Ordered(value))?;
                    }
                }
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}
