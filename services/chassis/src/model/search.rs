//! Search over text of any language: what an index holds of a text, what a query asks of the index, and the spans of time
//! that keep a search from costing more the older the system is. Pure: tables and ranks are a service's own.

mod grams;
mod query;
mod spans;

pub use grams::{Tokens, asked, normal, packed};
pub use query::{Query, QueryVariant};
pub use spans::{Probes, dated};

/// What the index holds of something.
#[derive(Debug)]
pub struct Entry {
    /// What it is found by.
    pub tokens: Vec<String>,
    /// What it is compared by: its texts in normal form, a line each.
    pub said: String,
}

/// What is found by its text.
pub trait Searched {
    /// What the index holds of it.
    fn entry(&self) -> Entry;
    /// Hash of the texts that make the entry.
    fn fingerprint(&self) -> u64;
}
