//! Derives the SQL and bindings of a stored row from its struct, which is the only list of the columns.
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
//! The expansion is literal SQL, which sqlx checks against the schema at compile time, and Rust that binds fields by name.
//! Each expansion is committed in `services/derive/expansions`, where it can be read and searched.
//!
//! | option of the struct | meaning |
//! |---|---|
//! | `table = "schema.table"` | the table; required |
//! | `query = name` | the macro `name!("where …", parameters)`, for other queries than the derived ones |
//! | `kind = Kind` | the kind of resource: the row has an `id`, and gets `blank(now)` |
//! | `shows = Message` | the message of the contract that shows the row, which gets `show()` |
//! | `computed(field = function, …)` | fields of that message without a column: `function(&row)` |
//! | `state = State` | the row has a lifecycle: `StatefulRow`, over the columns `number` and `state` |
//! | `number("C", sequence = "…")` | inserting sets `number`, e.g. `C-20261130-000001` |
//! | `search("table", column = column, …)` | the search table; its first column refers to the row. Needs `Searched` |
//! | `fixed(column, …)` | columns that updates leave out, as they do `id`, `created_at` and the parent |
//! | `append_only` | all columns are fixed |
//! | `hidden(column, …)` | columns that no field of the contract shows, or a computed one does |
//! | `read_only` | other statements store the row: no `insert`, no `update` |
//! | `import(column, …, backlog = "table")` | rows of another system are stored many at once: `import(connection, &rows, &days)` skips those whose columns named are known; the table takes the ids to index |
//! | `upsert` | rows are stored many at once: `upsert(connection, &rows)`; the first column is the key |
//!
//! | option of a column | meaning |
//! |---|---|
//! | `nullable` | an empty text is stored as null |
//! | `read_as = "type"` | the Rust type that queries read |
//! | `names = Kind` | the column holds ids, shown as names of that kind |
//! | `under = Kind` | the column holds the parent's id or name, which is part of the row's own name |
//! | `blank = expression` | the value in `blank(now)`, if not empty, zero or `now` |
//! | `show = field` | the field of the contract, if not the one of the rules below |
//!
//! A column is shown in the field of its name; `id` as `name`, `version` as `etag`, `created_at` as `create_time`, `updated_at`
//! as `update_time`, and other times `…_at` as `…_time`. A field of the message that nothing fills does not compile.
//!
//! A row with `kind` and `shows` is a `ResourceRow`. One that also has the columns `version`, `created_at` and `updated_at` is a
//! `VersionedRow` (get, load, lock, insert, update). One with `under` is a `ChildRow`, which can be listed under its parent.
//! Rows without a version get `insert`, and `update` unless every column is fixed. An update must find exactly one row.
//!
//! # `#[derive(Columns)]`
//!
//! Serves rows that a hand-written statement stores many at a time. `DutyRow`, for example, gets `DutyColumns`, which
//! has a vector for each column and is collected from rows.

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

/// Derives a struct of vectors, one for each column, which collects rows.
#[proc_macro_derive(Columns)]
pub fn derive_columns(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    columns::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
