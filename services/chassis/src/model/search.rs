//! Search over text of any language: the tokens that an index holds of a text, the tokens that a query asks for, and the
//! spans of time that keep the cost of a search from growing with the age of the system. Tables and ranks are a service's
//! own.

mod grams;
mod query;
mod spans;

pub use grams::{Tokens, asked, folded, normal, packed, pairs};
pub use query::{Query, QueryVariant};
pub use spans::{Probes, dated};

/// The entry of a row in the search index.
#[derive(Debug)]
pub struct Entry {
    /// The tokens that the row is found by.
    pub tokens: Vec<String>,
    /// The row's texts in normal form, one on each line, for comparison with the query.
    pub texts: String,
}

/// A row that is found by its text.
pub trait Searched {
    /// Returns the row's entry in the index.
    fn entry(&self) -> Entry;
    /// Returns a hash of the texts that make the entry, which tells whether the entry is stale.
    fn fingerprint(&self) -> u64;
}
