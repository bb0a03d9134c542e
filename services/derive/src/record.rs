//! The expansion of `#[derive(Record)]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Error, Expr, Result, Type};

use crate::input::{Column, Row, Shown};
use crate::statements::select;

mod traits;
mod writes;

/// Everything that the derive adds to the struct.
pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let row = Row::of(input)?;
    let query = query(&row)?;
    let blank = blank(&row)?;
    let show = show(&row)?;
    let writes = if row.is_read_only {
        let (ident, select) = (&row.ident, literal(&select(&row))?);
        quote! {
            impl #ident {
                /// The columns and the table, for a statement that is not checked when it is compiled.
                #[allow(dead_code, reason = "most statements are checked")]
                pub(crate) const SELECT: &'static str = #select;
            }
        }
    } else if row.upsert {
        writes::upserting(&row)?
    } else if row.is_versioned() {
        traits::versioned(&row)?
    } else {
        writes::plain(&row)?
    };
    let imports = writes::importing(&row)?;
    let (resource, stateful, child) = (traits::resource(&row)?, traits::stateful(&row)?, traits::child(&row)?);
    Ok(quote! { #query #blank #show #writes #imports #resource #stateful #child })
}

/// A raw string literal, which keeps the lines of the text.
fn literal(text: &str) -> Result<TokenStream> {
    let hashes = if text.contains('"') { "#" } else { "" };
    format!("r{hashes}\"{text}\"{hashes}").parse().map_err(|error| Error::new(Span::call_site(), error))
}

/// The macro that queries the table: `name!("where …", parameters)`.
fn query(row: &Row) -> Result<TokenStream> {
    let Some(name) = &row.query else { return Ok(TokenStream::new()) };
    let (ident, select) = (&row.ident, literal(&select(row))?);
    let what = format!("Queries `{}`: what follows the `from`, and its parameters.", row.table);
    Ok(quote! {
        #[doc = #what]
        macro_rules! #name {
            ($rest:literal $($arguments:tt)*) => {
                ::sqlx::query_as!(#ident, #select + $rest $($arguments)*)
            };
        }
        #[allow(unused_imports, reason = "a table may be queried in its own module only")]
        pub(crate) use #name;
    })
}

/// The whole `select` statement as a literal; `rest` follows the table.
fn selecting(row: &Row, rest: &str) -> Result<TokenStream> {
    literal(&format!("{}\n{rest}", select(row).trim_end()))
}

/// `blank`, `id` and `state`, if the row is a resource.
fn blank(row: &Row) -> Result<TokenStream> {
    let kind = row.kind.as_ref().filter(|_| row.key().is_some());
    if kind.is_none() && !row.upsert {
        return Ok(TokenStream::new());
    }
    let fields = row.columns.iter().map(|column| {
        let name = &column.ident;
        let value: Expr = match &column.blank {
            Some(given) => given.clone(),
            None if name == "id" && kind.is_some() => {
                syn::parse_quote!(::kefu_chassis::names::Id::<#kind>::new(now).uuid())
            }
            None if name == "version" => syn::parse_quote!(1),
            None => syn::parse_quote_spanned!(column.span => ::kefu_chassis::record::Blank::blank(now)),
        };
        Ok(quote_spanned!(column.span => #name: #value))
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let (ident, visibility) = (&row.ident, &row.visibility);
    let id = kind.map(|kind| {
        quote! {
            /// Its id.
            #[allow(dead_code, reason = "not every row is made or named by hand")]
            #visibility fn id(&self) -> ::kefu_chassis::names::Id<#kind> {
                ::kefu_chassis::names::Id::from_uuid(self.id)
            }
        }
    });
    let state = row.state.as_ref().map(|state| {
        quote! {
            /// Where it stands.
            #visibility fn state(&self) -> #state {
                #state::try_from(i32::from(self.state)).unwrap_or_default()
            }
        }
    });
    Ok(quote! {
        impl #ident {
            /// A row of which nothing is known yet, made at `now`.
            #[allow(dead_code, reason = "not every row is made or named by hand")]
            #visibility fn blank(now: ::jiff::Timestamp) -> Self {
                Self { #(#fields),* }
            }
            #id
            #state
        }
    })
}

/// `show`, if a message of the contract shows the row.
fn show(row: &Row) -> Result<TokenStream> {
    let Some(message) = &row.shows else { return Ok(TokenStream::new()) };
    let mut fields = Vec::new();
    for column in &row.columns {
        let (name, ident) = (contract_name(column), &column.ident);
        let name = match &column.shown {
            Shown::Hidden => continue,
            Shown::As(other) => other,
            Shown::Same => &name,
        };
        if row.computed.iter().any(|(computed, _)| computed == name) {
            return Err(Error::new(column.span, "is computed and shown: hide one"));
        }
        let value = match (&column.names, ident.to_string().as_str()) {
            (None, "id") => own_name(row)?,
            (None, "version") => quote!(::kefu_chassis::call::etag(self.version)),
            (Some(kind), _) => quote_spanned!(column.span => ::kefu_chassis::record::named::<#kind, _>(&self.#ident)),
            (None, _) => quote_spanned!(column.span => ::kefu_chassis::record::Show::show(&self.#ident)),
        };
        fields.push(quote_spanned!(column.span => #name: #value));
    }
    for (name, function) in &row.computed {
        fields.push(quote_spanned!(name.span() => #name: #function(self)));
    }
    let (ident, visibility) = (&row.ident, &row.visibility);
    Ok(quote! {
        impl #ident {
            /// The row as the contract shows it, to whoever may see all of it.
            #visibility fn show(&self) -> #message {
                #message { #(#fields),* }
            }
        }
    })
}

/// The field of the contract for a column: `name` for `id`, `etag` for `version`, `create_time` for `created_at`,
/// `update_time` for `updated_at`, `…_time` for any other `…_at`.
fn contract_name(column: &Column) -> Ident {
    let name = match column.ident.to_string().as_str() {
        "id" => "name".to_owned(),
        "version" => "etag".to_owned(),
        "created_at" => "create_time".to_owned(),
        "updated_at" => "update_time".to_owned(),
        other => other.strip_suffix("_at").map_or_else(|| other.to_owned(), |stem| format!("{stem}_time")),
    };
    Ident::new(&name, column.span)
}

/// The resource's name, which begins with its parent's.
fn own_name(row: &Row) -> Result<TokenStream> {
    let kind =
        row.kind.as_ref().ok_or_else(|| Error::new(row.ident.span(), "has an id, and says no kind of resource"))?;
    let own = quote!(::kefu_chassis::names::Id::<#kind>::from_uuid(self.id));
    Ok(match row.parent() {
        None => quote!(#own.to_string()),
        Some(column) => {
            let (field, parent) = (&column.ident, &column.names);
            let under = if is_text(&column.kind) {
                quote!(self.#field)
            } else {
                quote!(::kefu_chassis::names::Id::<#parent>::from_uuid(self.#field))
            };
            quote!(format!("{}/{}", #under, #own))
        }
    })
}

fn is_text(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.is_ident("String"))
}
