//! Derives what a stored row repeats of its struct: the struct is the one place that lists its columns.
//!
//! # `#[derive(Record)]`
//!
//! ```ignore
//! /// A work order as it is stored.
//! #[derive(Clone, Debug, Record)]
//! #[record(table = "intake.work_order", kind = WorkOrder, shows = pb::WorkOrder, append_only)]
//! pub struct WorkOrderRow {
//!     pub id: Uuid,
//!     #[record(under = Request)]
//!     pub request: Uuid,
//!     pub content: String,
//!     …
//! }
//! ```
//!
//! What comes of it is literal SQL, which sqlx checks against the schema when the crate is compiled, and Rust that binds by the
//! names of fields. Each expansion is kept, as it is, in `services/derive/expansions`, where it can be read and found.
//!
//! | of the struct | what it says |
//! |---|---|
//! | `table = "schema.table"` | the table; needed |
//! | `query = name` | the macro `name!("where …", parameters)` that queries it, where anything does beside what is derived |
//! | `kind = Kind` | the kind of resource: the row has an `id`, and gets `blank(now)` |
//! | `shows = Message` | the message of the contract that shows it: the row gets `show()` |
//! | `computed(field = function, …)` | fields of that message that no column holds: `function(&row)` |
//! | `state = State` | it has a lifecycle: `StatefulRow`, over its columns `number` and `state` |
//! | `number("C", sequence = "…")` | its `number` is made when it is inserted, e.g. `C-20261130-000001` |
//! | `search("table", column = column, …)` | the table that it is found by; the first column refers to it. Needs `Searched` |
//! | `fixed(column, …)` | columns that stay as they were inserted; `id` and `created_at` do |
//! | `append_only` | all columns do |
//! | `hidden(column, …)` | columns that the contract shows in no field, or in a computed one |
//! | `read_only` | it is stored by other statements than the derived ones: no `insert`, no `update` |
//! | `upsert` | rows are stored many at once: `upsert(connection, &rows)`; the first column is the key |
//!
//! | of a column | what it says |
//! |---|---|
//! | `nullable` | an empty text is stored as null |
//! | `read_as = "type"` | what the query reads it as |
//! | `names = Kind` | it holds ids, shown as names of that kind |
//! | `under = Kind` | it holds the id, or the name, of what the row stands under: part of the row's own name |
//! | `blank = expression` | what it is in `blank(now)`, where that is not empty, zero or `now` |
//! | `show = field` | the field of the contract, where it is another than the rules below say |
//!
//! A column is shown in the field of its name; `id` as `name`, `version` as `etag`, `created_at` as `create_time`, `updated_at`
//! as `update_time`, and other times `…_at` as `…_time`. A field of the message that nothing fills does not compile.
//!
//! A row with `kind` and the columns `version`, `created_at` and `updated_at` is a `VersionedRow` (get, lock, insert, update, show); one with `under` is a
//! `ChildRow`, which can be listed under its parent; others get `insert`, and `update` where a column may change. An update must
//! find exactly one row.
//!
//! # `#[derive(Columns)]`
//!
//! For what is stored many rows at a time by a statement of its own: `DutyRow` gets `DutyColumns`, a vector for each column,
//! collected from rows.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod columns;
mod input;
mod record;
mod statements;
#[cfg(test)]
mod tests;

/// Derives the SQL, the bindings and the contract's view of a stored row; see the crate's documentation.
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Derives a struct of vectors, one for each column, and how rows are collected into it.
#[proc_macro_derive(Columns)]
pub fn derive_columns(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    columns::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
