//! `Debug` for every message with fields marked `debug_redact`; it leaves these fields out.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};

use super::names::{is_ours, type_path};

/// Returns the messages of kefu that have marked fields.
pub fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages()
        .filter(|message| is_ours(message.full_name()) && message.fields().any(|field| is_redacted(&field)))
}

/// Writes the implementation for such a message.
pub fn debug_impl(message: &MessageDescriptor) -> String {
    let path = type_path(message);
    let mut code = format!(
        "impl ::core::fmt::Debug for crate::{path} {{\n    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        f.debug_struct({:?})",
        message.name()
    );
    for field in message.fields().filter(|field| !is_redacted(field)) {
        let _ = write!(code, "\n            .field({:?}, &self.{})", field.name(), field.name());
    }
    code.push_str("\n            .finish_non_exhaustive()\n    }\n}\n");
    code
}

fn is_redacted(field: &FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}
