//! Aliases in a request are replaced by the present names before a handler gets it, so that no handler knows of them.

use kefu_proto::field::FieldRules;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use super::Fields;
use crate::base::aliases::Aliases;

impl Fields {
    /// Returns the encoded message with present names in the place of aliases; none if it has no alias.
    pub fn renamed(&self, encoded: &[u8], aliases: &Aliases) -> Result<Option<Vec<u8>>, prost::DecodeError> {
        if aliases.is_empty() {
            return Ok(None);
        }
        let mut message = DynamicMessage::decode(self.message.clone(), encoded)?;
        Ok(rename(&mut message, aliases).then(|| message.encode_to_vec()))
    }
}

/// Replaces the aliases in a message; returns whether it has any.
fn rename(message: &mut DynamicMessage, aliases: &Aliases) -> bool {
    let mut found = false;
    for (field, value) in message.fields_mut() {
        let values: Box<dyn Iterator<Item = &mut Value>> = match value {
            Value::List(values) => Box::new(values.iter_mut()),
            value => Box::new(std::iter::once(value)),
        };
        for value in values {
            found |= match value {
                Value::String(text) => rename_text(&field, text, aliases),
                Value::Message(inner) => rename(inner, aliases),
                _ => false,
            };
        }
    }
    found
}

/// Replaces a text that names a resource by an alias. A text that only looks like a name stays.
fn rename_text(field: &FieldDescriptor, text: &mut String, aliases: &Aliases) -> bool {
    let Some(present) = aliases.resolve(text).filter(|_| FieldRules::of(field).names.is_some()) else { return false };
    *text = present;
    true
}
