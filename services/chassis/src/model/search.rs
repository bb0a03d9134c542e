//! Search over text of any language: what an index holds of a text, what a query asks of the index, and the spans of time
//! that keep a search from costing more the older the system is. Pure: tables and ranks are a service's own.

mod grams;
mod spans;

pub use grams::{Tokens, asked, normal, packed};
pub use spans::{Probes, dated};
