//! The SQL of a stored row, as literals that sqlx checks at compile time.

use quote::ToTokens as _;
use syn::{Error, Result};

use crate::input::{Column, Import, Row};

/// The longest line of a statement, in characters, so that expansions can be read.
const LINE: usize = 118;

/// A statement, and the binds of its parameters.
pub struct Statement {
    /// SQL with parameters `$1`, `$2` and so on.
    pub sql: String,
    /// Value of each parameter, in order.
    pub binds: Vec<Bind>,
}

/// The value that a parameter is bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// The column with this index in the struct.
    Column(usize),
    /// The day in a new number.
    Day,
    /// The tokens of the search index.
    Tokens,
    /// The searchable texts.
    Texts,
}

/// Numbers parameters as they are first used.
#[derive(Default)]
struct Binds(Vec<Bind>);

impl Binds {
    /// Returns the parameter of a value, e.g. `$3`.
    fn parameter(&mut self, bind: Bind) -> String {
        let known = self.0.iter().position(|known| *known == bind);
        let index = known.unwrap_or_else(|| {
            self.0.push(bind);
            self.0.len() - 1
        });
        format!("${}", index + 1)
    }
}

/// Returns `select … from table `, to be continued by conditions.
pub fn select(row: &Row) -> String {
    let columns = row.columns.iter().map(|column| {
        let name = &column.ident;
        match (&column.read_as, column.is_nullable) {
            (Some(kind), _) => format!("{name} as \"{name}: {kind}\""),
            (None, true) => format!("coalesce({name}, '') as \"{name}!\""),
            (None, false) => name.to_string(),
        }
    });
    format!("select {}\nfrom {} ", wrapped(columns, 4), row.table)
}

/// Returns the statement that inserts a row. A number, if any, is made of the day and the next value of the sequence.
pub fn insert(row: &Row) -> Statement {
    let mut binds = Binds::default();
    let searched = searched_insert(row, &mut binds);
    let columns = wrapped(row.columns.iter().map(|column| column.ident.to_string()), 4);
    let values = row.columns.iter().enumerate().map(|(at, column)| match &row.number {
        Some((prefix, _)) if column.ident == "number" => {
            let day = binds.parameter(Bind::Day);
            format!("'{prefix}-' || {day} || '-' || lpad(n::text, greatest(6, length(n::text)), '0')")
        }
        _ => value(column, &binds.parameter(Bind::Column(at))),
    });
    let values = wrapped(values, 4);
    let table = &row.table;
    let sql = match &row.number {
        Some((_, sequence)) => format!(
            "{searched}insert into {table} (\n    {columns})\nselect {values}\nfrom nextval('{sequence}') as n\nreturning number"
        ),
        None => format!("{searched}insert into {table} (\n    {columns})\nvalues ({values})"),
    };
    Statement { sql, binds: binds.0 }
}

fn searched_insert(row: &Row, binds: &mut Binds) -> String {
    let Some(search) = &row.search else { return String::new() };
    let names = search.repeats.iter().map(|(name, _)| name.as_str()).chain(["tokens", "texts"]);
    let names = names.collect::<Vec<_>>().join(", ");
    let mut values: Vec<String> = Vec::new();
    for (_, repeated) in &search.repeats {
        let at = row.columns.iter().position(|column| column.ident == repeated).unwrap_or_default();
        values.push(binds.parameter(Bind::Column(at)));
    }
    values.extend([binds.parameter(Bind::Tokens), binds.parameter(Bind::Texts)]);
    format!("with searched as (\n    insert into {} ({names}) values ({}))\n", search.table, values.join(", "))
}

/// Returns the statement that updates the columns that can change; none if all are fixed or the row has no `id`.
pub fn update(row: &Row) -> Option<Statement> {
    let key = row.columns.iter().position(|column| column.ident == "id")?;
    let mut binds = Binds::default();
    let id = binds.parameter(Bind::Column(key));
    let searched = match &row.search {
        None => String::new(),
        Some(search) => {
            let (tokens, texts) = (binds.parameter(Bind::Tokens), binds.parameter(Bind::Texts));
            let (own, _) = search.repeats.first()?;
            let table = &search.table;
            format!(
                "with searched as (\n    update {table} set tokens = {tokens}, texts = {texts}\n    where {own} = {id} and {tokens}::text[] is not null)\n"
            )
        }
    };
    let changing: Vec<(usize, &Column)> =
        row.columns.iter().enumerate().filter(|(_, column)| !column.is_fixed).collect();
    if changing.is_empty() {
        return None;
    }
    let set = changing.into_iter().map(|(at, column)| {
        let parameter = binds.parameter(Bind::Column(at));
        format!("{} = {}", column.ident, value(column, &parameter))
    });
    let set = wrapped(set, 4);
    let sql = format!("{searched}update {} set\n    {set}\nwhere id = {id}", row.table);
    Some(Statement { sql, binds: binds.0 })
}

/// Stores the rows of another system that were not imported before, from a vector for each column. The day of each row's number
/// is the first parameter.
pub fn import(row: &Row, import: &Import) -> Result<(String, Vec<usize>)> {
    let (Some((prefix, sequence)), table) = (&row.number, &row.table) else {
        return Err(Error::new(row.ident.span(), "is imported, and has no number"));
    };
    // A list cannot be a cell of a column, and an imported row has none yet.
    let stored = || row.columns.iter().enumerate().filter(|(_, column)| !column.is_list());
    let given = || stored().filter(|(_, column)| column.ident != "number");
    let kinds = given().enumerate().map(|(at, (_, column))| Ok(format!("${}::{}[]", at + 2, sql_type(column)?)));
    let kinds = kinds.collect::<Result<Vec<_>>>()?;
    let values = stored().map(|(_, column)| match column.ident.to_string().as_str() {
        "number" => format!("'{prefix}-' || day || '-' || lpad(n::text, greatest(6, length(n::text)), '0')"),
        name => value(column, &format!("row.{name}")),
    });
    let same = import.key.iter().map(|name| format!("known.{name} = row.{name}")).collect::<Vec<_>>().join(" and ");
    let key = import.key.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let one = import.key.first().ok_or_else(|| Error::new(row.ident.span(), "is imported, and known by nothing"))?;
    let sql = format!(
        "with stored as (
    insert into {table} (
        {})
    select {}
    from unnest(
        $1::text[], {}) as row (
        day, {})
    -- A number for each row: without the row in it, the sequence would be asked once.
    cross join lateral (select nextval('{sequence}') + 0 * length(row.{one}) as n) as numbered
    where not exists (select from {table} as known where {same})
    on conflict ({key}) do nothing
    returning id, number),
to_index as (insert into {} select id from stored)
select id, number from stored",
        wrapped(stored().map(|(_, column)| column.ident.to_string()), 8),
        wrapped(values, 8),
        wrapped(kinds, 8),
        wrapped(given().map(|(_, column)| column.ident.to_string()), 8),
        import.backlog,
    );
    Ok((sql, given().map(|(at, _)| at).collect()))
}

/// The type of a column in Postgres, by its type in Rust.
fn sql_type(column: &Column) -> Result<&'static str> {
    let kind = column.kind.to_token_stream().to_string().replace(' ', "");
    let kind = kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(&kind);
    Ok(match kind.rsplit("::").next().unwrap_or(kind) {
        "Uuid" => "uuid",
        "String" => "text",
        "i16" => "smallint",
        "i32" => "integer",
        "i64" => "bigint",
        "bool" => "boolean",
        "SqlTime" | "Timestamp" => "timestamptz",
        "Value" => "jsonb",
        _ => return Err(Error::new(column.span, "is of a type that an import does not know")),
    })
}

/// Returns the statement that stores many rows, new or changed, from one JSON array.
pub fn upsert(row: &Row) -> String {
    let table = &row.table;
    let columns: Vec<String> = row.columns.iter().map(|column| column.ident.to_string()).collect();
    let key = columns.first().map_or("", String::as_str);
    let values = row.columns.iter().map(|column| value(column, &column.ident.to_string()));
    let set = row.columns.iter().skip(1).filter(|column| !column.is_fixed);
    let set = wrapped(set.map(|column| format!("{0} = excluded.{0}", column.ident)), 4);
    format!(
        "insert into {table} (\n    {})\nselect {}\nfrom jsonb_populate_recordset(null::{table}, $1)\non conflict ({key}) do update set\n    {set}",
        wrapped(columns.iter().cloned(), 4),
        wrapped(values, 4)
    )
}

/// Returns the SQL expression that stores a value.
fn value(column: &Column, given: &str) -> String {
    if column.is_nullable { format!("nullif({given}, '')") } else { given.to_owned() }
}

/// Joins parts by commas and breaks lines.
fn wrapped(parts: impl IntoIterator<Item = String>, indent: usize) -> String {
    let mut text = String::new();
    let mut line = indent;
    for part in parts {
        if !text.is_empty() {
            text.push(',');
            line += 1;
            if line + 1 + part.len() > LINE {
                text.push('\n');
                text.push_str(&" ".repeat(indent));
                line = indent;
            } else {
                text.push(' ');
                line += 1;
            }
        }
        line += part.len();
        text.push_str(&part);
    }
    text
}
