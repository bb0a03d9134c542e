//! Reads a struct and its `#[record(…)]` attributes.

use proc_macro2::{Ident, Span};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Field, Fields, LitStr, Path, Result, Token, Type, Visibility};

/// A struct that derives `Record`.
pub struct Row {
    /// Name of the struct.
    pub ident: Ident,
    /// Visibility of the struct, which its macros and columns get too.
    pub visibility: Visibility,
    /// The table. A service's own table has its schema before its name; a table of the chassis has none.
    pub table: String,
    /// Name of the query macro, if other statements than the derived ones read the table.
    pub query: Option<Ident>,
    /// Kind of resource of the row.
    pub kind: Option<Path>,
    /// Message of the contract that shows the row.
    pub shows: Option<Path>,
    /// Computed fields of that message, each with its function.
    pub computed: Vec<(Ident, Path)>,
    /// Enum of states, if the row has a lifecycle.
    pub state: Option<Path>,
    /// Prefix of the number for people, e.g. `C`, and the sequence that counts it.
    pub number: Option<(String, String)>,
    /// Search table of the row.
    pub search: Option<Search>,
    /// How rows of another system are imported many at once.
    pub import: Option<Import>,
    /// Whether rows are stored many at once by `upsert`.
    pub upsert: bool,
    /// Whether other statements than the derived ones store the row.
    pub is_read_only: bool,
    /// The columns.
    pub columns: Vec<Column>,
}

/// The import of rows of another system.
pub struct Import {
    /// The columns by which a row is known, if it was imported before.
    pub key: Vec<Ident>,
    /// The table that takes the ids of the rows to index.
    pub backlog: String,
}

/// A search table.
pub struct Search {
    /// Table with its schema, e.g. `intake.request_search`.
    pub table: String,
    /// Columns beside `tokens` and `texts`, each with the column of the row that it copies.
    pub repeats: Vec<(String, String)>,
}

/// A column.
pub struct Column {
    /// Name of the field, which is the column's name.
    pub ident: Ident,
    /// Rust type of the field.
    pub kind: Type,
    /// Place of the field, at which errors about the column are shown.
    pub span: Span,
    /// Whether updates leave the column out.
    pub is_fixed: bool,
    /// Whether an empty text is stored as null.
    pub is_nullable: bool,
    /// Rust type that queries read the column as, if overridden.
    pub read_as: Option<String>,
    /// Kind of resource whose ids the column holds.
    pub names: Option<Path>,
    /// Whether that resource is the row's parent.
    pub is_parent: bool,
    /// Value in `blank`, if not the type's empty value.
    pub blank: Option<Expr>,
    /// Field of the contract.
    pub shown: Shown,
}

/// Field of the contract that shows a column.
pub enum Shown {
    /// The field of the same name, or of the contract's name for it, e.g. `created_at` as `create_time`.
    Same,
    /// A field of another name.
    As(Ident),
    /// None, or a computed field.
    Hidden,
}

impl Row {
    /// Reads the struct.
    pub fn of(input: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new(input.ident.span(), "a stored row is a struct"));
        };
        let Fields::Named(fields) = &data.fields else {
            return Err(Error::new(input.ident.span(), "a stored row names its columns"));
        };
        let mut table = None;
        let mut row = Self {
            ident: input.ident.clone(),
            visibility: input.vis.clone(),
            table: String::new(),
            query: None,
            kind: None,
            shows: None,
            computed: Vec::new(),
            state: None,
            number: None,
            search: None,
            import: None,
            upsert: false,
            is_read_only: false,
            columns: fields.named.iter().map(Column::of).collect::<Result<_>>()?,
        };
        each_option(&input.attrs, |option| {
            if option.path.is_ident("table") {
                table = Some(text(&option)?);
            } else if option.path.is_ident("query") {
                row.query = Some(option.value()?.parse()?);
            } else if option.path.is_ident("kind") {
                row.kind = Some(option.value()?.parse()?);
            } else if option.path.is_ident("shows") {
                row.shows = Some(option.value()?.parse()?);
            } else if option.path.is_ident("computed") {
                option.parse_nested_meta(|field| {
                    let name = field.path.require_ident()?.clone();
                    row.computed.push((name, field.value()?.parse()?));
                    Ok(())
                })?;
            } else if option.path.is_ident("state") {
                row.state = Some(option.value()?.parse()?);
            } else if option.path.is_ident("number") {
                row.number = Some(number(&option)?);
            } else if option.path.is_ident("search") {
                row.search = Some(search(&option)?);
            } else if option.path.is_ident("import") {
                row.import = Some(import(&option)?);
            } else if option.path.is_ident("upsert") {
                row.upsert = true;
            } else if option.path.is_ident("read_only") {
                row.is_read_only = true;
            } else if option.path.is_ident("append_only") {
                row.columns.iter_mut().for_each(|column| column.is_fixed = true);
            } else if option.path.is_ident("fixed") {
                option.parse_nested_meta(|named| {
                    row.named(&named)?.is_fixed = true;
                    Ok(())
                })?;
            } else if option.path.is_ident("hidden") {
                option.parse_nested_meta(|named| {
                    row.named(&named)?.shown = Shown::Hidden;
                    Ok(())
                })?;
            } else {
                return Err(unknown(&option, "a stored row"));
            }
            Ok(())
        })?;
        row.table = table.ok_or_else(|| Error::new(input.ident.span(), "says no table: #[record(table = \"…\")]"))?;
        row.check()?;
        Ok(row)
    }

    /// Finds the column that an option names.
    fn named(&mut self, option: &ParseNestedMeta<'_>) -> Result<&mut Column> {
        let column = self.columns.iter_mut().find(|column| option.path.is_ident(&column.ident));
        column.ok_or_else(|| option.error("is no column"))
    }

    /// Fails if options contradict each other.
    fn check(&self) -> Result<()> {
        let fail = |message: &str| Err(Error::new(self.ident.span(), message));
        if self.kind.is_some() && self.key().is_none() {
            return fail("is of a kind of resource, and has no column `id`");
        }
        if self.state.is_some() && (self.kind.is_none() || self.shows.is_none()) {
            return fail("has a state, and says no kind or no message that shows it");
        }
        let needed: &[&str] = if self.state.is_some() { &["number", "state"] } else { &[] };
        if let Some(missing) = needed.iter().find(|name| self.column(name).is_none()) {
            return fail(&format!("has a state, and no column `{missing}`"));
        }
        for (_, column) in self.search.iter().flat_map(|search| &search.repeats) {
            if self.column(column).is_none() {
                return fail(&format!("is searched by `{column}`, which it has not"));
            }
        }
        for column in self.import.iter().flat_map(|import| &import.key) {
            if self.columns.iter().all(|known| known.ident != *column) {
                return Err(Error::new(column.span(), "is no column"));
            }
        }
        if self.import.is_some() && self.number.is_none() {
            return fail("is imported, and has no number");
        }
        if self.number.is_some() && self.column("number").is_none() {
            return fail("is numbered, and has no column `number`");
        }
        Ok(())
    }

    /// Returns the column with a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.ident == name)
    }

    /// Returns the column `id`, the primary key of a resource.
    pub fn key(&self) -> Option<&Column> {
        self.column("id")
    }

    /// Whether the row is a resource with the columns `version`, `created_at` and `updated_at`.
    pub fn is_versioned(&self) -> bool {
        let needed = ["version", "created_at", "updated_at"];
        self.kind.is_some() && needed.iter().all(|name| self.column(name).is_some())
    }

    /// Returns the column that names the parent resource.
    pub fn parent(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.is_parent)
    }
}

impl Column {
    fn of(field: &Field) -> Result<Self> {
        let ident = field.ident.clone().ok_or_else(|| Error::new(field.span(), "a column has a name"))?;
        let mut column = Self {
            span: ident.span(),
            is_fixed: ident == "id" || ident == "created_at",
            ident,
            kind: field.ty.clone(),
            is_nullable: false,
            read_as: None,
            names: None,
            is_parent: false,
            blank: None,
            shown: Shown::Same,
        };
        each_option(&field.attrs, |option| {
            if option.path.is_ident("nullable") {
                column.is_nullable = true;
            } else if option.path.is_ident("read_as") {
                column.read_as = Some(text(&option)?);
            } else if option.path.is_ident("names") {
                column.names = Some(option.value()?.parse()?);
            } else if option.path.is_ident("under") {
                column.names = Some(option.value()?.parse()?);
                column.is_parent = true;
                column.is_fixed = true;
                column.shown = Shown::Hidden;
            } else if option.path.is_ident("blank") {
                column.blank = Some(option.value()?.parse()?);
            } else if option.path.is_ident("show") {
                column.shown = Shown::As(option.value()?.parse()?);
            } else {
                return Err(unknown(&option, "a column"));
            }
            Ok(())
        })?;
        Ok(column)
    }

    /// Whether the type is `Vec<…>`.
    pub fn is_list(&self) -> bool {
        matches!(&self.kind, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Vec"))
    }
}

/// Calls `take` with each option of the `#[record(…)]` attributes.
fn each_option(attributes: &[Attribute], mut take: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
        attribute.parse_nested_meta(&mut take)?;
    }
    Ok(())
}

fn unknown(option: &ParseNestedMeta<'_>, of: &str) -> Error {
    let name = option.path.get_ident().map(ToString::to_string).unwrap_or_default();
    option.error(format!("`{name}` is no option of {of}"))
}

fn text(option: &ParseNestedMeta<'_>) -> Result<String> {
    Ok(option.value()?.parse::<LitStr>()?.value())
}

/// Parses `number("C", sequence = "…")`.
fn number(option: &ParseNestedMeta<'_>) -> Result<(String, String)> {
    let content;
    syn::parenthesized!(content in option.input);
    let prefix: LitStr = content.parse()?;
    content.parse::<Token![,]>()?;
    let word: Ident = content.parse()?;
    if word != "sequence" {
        return Err(Error::new(word.span(), "expected `sequence`"));
    }
    content.parse::<Token![=]>()?;
    let sequence: LitStr = content.parse()?;
    Ok((prefix.value(), sequence.value()))
}

/// Parses `import(source, external_id, backlog = "…")`.
fn import(option: &ParseNestedMeta<'_>) -> Result<Import> {
    let content;
    syn::parenthesized!(content in option.input);
    let mut key = Vec::new();
    loop {
        let name: Ident = content.parse()?;
        if content.peek(Token![=]) {
            if name != "backlog" {
                return Err(Error::new(name.span(), "expected `backlog`"));
            }
            content.parse::<Token![=]>()?;
            return Ok(Import { key, backlog: content.parse::<LitStr>()?.value() });
        }
        key.push(name);
        content.parse::<Token![,]>()?;
    }
}

/// Parses `search("intake.request_search", request = id, contact_at = contact_at)`.
fn search(option: &ParseNestedMeta<'_>) -> Result<Search> {
    let content;
    syn::parenthesized!(content in option.input);
    let table: LitStr = content.parse()?;
    let mut repeats = Vec::new();
    while !content.is_empty() {
        content.parse::<Token![,]>()?;
        let column: Ident = content.parse()?;
        content.parse::<Token![=]>()?;
        let repeated: Ident = content.parse()?;
        repeats.push((column.to_string(), repeated.to_string()));
    }
    Ok(Search { table: table.value(), repeats })
}
