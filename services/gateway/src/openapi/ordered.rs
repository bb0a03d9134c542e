//! Objects whose members are written in a given order, so that forms and messages appear in the order of the contract.
//! `serde_json` could keep the order itself, but then in every crate, also where digests rely on sorted members.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// The member that lists the names of the others in order; it is not written.
const ORDER: &str = "\0";

/// Creates an object whose members are written in this order.
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

/// A value that is written with its objects in their order.
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
