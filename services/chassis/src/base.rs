//! The lowest layer: time, languages, errors, names, contacts, quotas, settings, tasks. It imports from no other layer.

pub mod aliases;
mod allocator;
pub mod clock;
pub mod contacts;
pub mod digest;
pub mod error;
pub mod labels;
pub mod language;
pub mod names;
pub mod quota;
pub mod refusal;
pub mod settings;
pub mod tasks;
pub mod text;
pub mod time;
pub mod violation;
