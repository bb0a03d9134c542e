//! The expansion of `#[derive(Record)]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{DeriveInput, Error, Expr, Result, Type};

use crate::input::{Column, Row, Shown};
use crate::statements::{Bind, Statement, insert, select, update, upsert};

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
        upserting(&row)?
    } else if row.is_versioned() {
        versioned(&row)?
    } else {
        plain(&row)?
    };
    let stateful = stateful(&row)?;
    let child = child(&row)?;
    Ok(quote! { #query #blank #show #writes #stateful #child })
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

/// The expressions bound to a statement's parameters, each with the span of its field.
fn bound(row: &Row, statement: &Statement) -> Vec<TokenStream> {
    let expression = |bind: &Bind| match bind {
        Bind::Column(at) => {
            let column = &row.columns[*at];
            let field = &column.ident;
            if column.is_list() {
                quote_spanned!(column.span => &self.#field)
            } else {
                quote_spanned!(column.span => self.#field)
            }
        }
        Bind::Day => quote!(day),
        Bind::Tokens => quote!(tokens),
        Bind::Said => quote!(said),
    };
    statement.binds.iter().map(expression).collect()
}

/// `insert` and `update` of a row without a version of its own.
fn plain(row: &Row) -> Result<TokenStream> {
    let (ident, visibility) = (&row.ident, &row.visibility);
    let inserting = insert(row);
    let (sql, binds) = (literal(&inserting.sql)?, bound(row, &inserting));
    let update = match update(row).filter(|_| row.key().is_some()) {
        None => TokenStream::new(),
        Some(statement) => {
            let (sql, binds) = (literal(&statement.sql)?, bound(row, &statement));
            quote! {
                /// Stores what can change of it. Exactly one row must be there to change.
                #visibility async fn update(&self, connection: &mut ::sqlx::PgConnection) -> Result<(), ::sqlx::Error> {
                    let done = ::sqlx::query!(#sql, #(#binds),*).execute(connection).await?;
                    ::kefu_chassis::record::exactly_one(&done)
                }
            }
        }
    };
    Ok(quote! {
        impl #ident {
            /// Stores the new row.
            #visibility async fn insert(&self, connection: &mut ::sqlx::PgConnection) -> Result<(), ::sqlx::Error> {
                ::sqlx::query!(#sql, #(#binds),*).execute(connection).await?;
                Ok(())
            }
            #update
        }
    })
}

/// `VersionedRow`, the trait of a resource with a version.
fn versioned(row: &Row) -> Result<TokenStream> {
    let (ident, kind, shows) = (&row.ident, &row.kind, &row.shows);
    let shows = shows.as_ref().ok_or_else(|| Error::new(ident.span(), "has a version, and no message shows it"))?;
    let get = selecting(row, "where id = $1")?;
    let load = selecting(row, "where id = any($1)")?;
    let lock = selecting(row, "where id = any($1) order by id for no key update")?;
    let inserting = insert(row);
    let (insert_sql, insert_binds) = (literal(&inserting.sql)?, bound(row, &inserting));
    let updating = update(row).ok_or_else(|| Error::new(ident.span(), "has a version, and nothing changes"))?;
    let (update_sql, update_binds) = (literal(&updating.sql)?, bound(row, &updating));
    let (indexed, reindexed, fingerprint) = if row.search.is_some() {
        (
            quote! {
                let entry = ::kefu_chassis::search::Searched::entry(self);
                let (tokens, said) = (&entry.tokens, &entry.said);
            },
            quote! {
                let entry = reindex.then(|| ::kefu_chassis::search::Searched::entry(self));
                let (tokens, said) = entry.map(|entry| (entry.tokens, entry.said)).unzip();
                let tokens = tokens.as_deref();
            },
            quote! {
                fn search_fingerprint(&self) -> u64 {
                    ::kefu_chassis::search::Searched::fingerprint(self)
                }
            },
        )
    } else {
        (TokenStream::new(), TokenStream::new(), TokenStream::new())
    };
    let (store_new, day, reindex) = (
        if row.number.is_some() {
            quote! {
                self.number = ::sqlx::query_scalar!(#insert_sql, #(#insert_binds),*).fetch_one(connection).await?;
            }
        } else {
            quote! { ::sqlx::query!(#insert_sql, #(#insert_binds),*).execute(connection).await?; }
        },
        if row.number.is_some() { format_ident!("day") } else { format_ident!("_day") },
        if row.search.is_some() { format_ident!("reindex") } else { format_ident!("_reindex") },
    );
    Ok(quote! {
        impl ::kefu_chassis::record::VersionedRow for #ident {
            type Kind = #kind;
            type Shown = #shows;

            fn id(&self) -> ::kefu_chassis::names::Id<#kind> {
                Self::id(self)
            }

            fn version(&self) -> i64 {
                self.version
            }

            fn created_at(&self) -> ::jiff::Timestamp {
                self.created_at.to_jiff()
            }

            fn changed_at(&self) -> ::jiff::Timestamp {
                self.updated_at.to_jiff()
            }

            fn renew(&mut self, version: i64, now: ::jiff::Timestamp) {
                self.version = version;
                self.updated_at = ::kefu_chassis::time::sql::at(now);
            }

            fn show(&self) -> #shows {
                Self::show(self)
            }

            #fingerprint

            async fn get(connection: &mut ::sqlx::PgConnection, id: ::uuid::Uuid) -> Result<Option<Self>, ::sqlx::Error> {
                ::sqlx::query_as!(#ident, #get, id).fetch_optional(connection).await
            }

            async fn load(connection: &mut ::sqlx::PgConnection, ids: &[::uuid::Uuid]) -> Result<Vec<Self>, ::sqlx::Error> {
                ::sqlx::query_as!(#ident, #load, ids).fetch_all(connection).await
            }

            async fn lock(connection: &mut ::sqlx::PgConnection, ids: &[::uuid::Uuid]) -> Result<Vec<Self>, ::sqlx::Error> {
                ::sqlx::query_as!(#ident, #lock, ids).fetch_all(connection).await
            }

            async fn insert(&mut self, connection: &mut ::sqlx::PgConnection, #day: &str) -> Result<(), ::sqlx::Error> {
                #indexed
                #store_new
                Ok(())
            }

            async fn update(&self, connection: &mut ::sqlx::PgConnection, #reindex: bool) -> Result<(), ::sqlx::Error> {
                #reindexed
                let done = ::sqlx::query!(#update_sql, #(#update_binds),*).execute(connection).await?;
                ::kefu_chassis::record::exactly_one(&done)
            }
        }
    })
}

/// `StatefulRow`, the trait of a resource with a lifecycle.
fn stateful(row: &Row) -> Result<TokenStream> {
    let Some(state) = &row.state else { return Ok(TokenStream::new()) };
    if !row.is_versioned() {
        return Err(Error::new(row.ident.span(), "has a state, and no column `version`"));
    }
    let ident = &row.ident;
    Ok(quote! {
        impl ::kefu_chassis::record::StatefulRow for #ident {
            type State = #state;

            fn number(&self) -> &str {
                &self.number
            }

            fn state(&self) -> #state {
                Self::state(self)
            }

            fn enter(&mut self, state: #state) {
                self.state = state as i16;
            }
        }
    })
}

/// `ChildRow`, the trait of a resource with a parent.
fn child(row: &Row) -> Result<TokenStream> {
    let (Some(parent), Some(kind), Some(shows)) = (row.parent(), &row.kind, &row.shows) else {
        return Ok(TokenStream::new());
    };
    if is_text(&parent.kind) {
        return Ok(TokenStream::new());
    }
    let (ident, column) = (&row.ident, &parent.ident);
    let list =
        selecting(row, &format!("where {column} = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"))?;
    Ok(quote! {
        impl ::kefu_chassis::record::ChildRow for #ident {
            type Kind = #kind;
            type Shown = #shows;

            fn id(&self) -> ::kefu_chassis::names::Id<#kind> {
                Self::id(self)
            }

            fn show(&self) -> #shows {
                Self::show(self)
            }

            async fn newest_of(
                connection: &mut ::sqlx::PgConnection,
                parent: ::uuid::Uuid,
                after: Option<::uuid::Uuid>,
                limit: i64,
            ) -> Result<Vec<Self>, ::sqlx::Error> {
                ::sqlx::query_as!(#ident, #list, parent, after, limit).fetch_all(connection).await
            }
        }
    })
}

/// `upsert`, which stores many rows at once.
fn upserting(row: &Row) -> Result<TokenStream> {
    let (ident, visibility) = (&row.ident, &row.visibility);
    let sql = literal(&upsert(row))?;
    Ok(quote! {
        impl #ident {
            /// Stores rows, new or changed, in one statement.
            #visibility async fn upsert(
                connection: &mut ::sqlx::PgConnection,
                rows: &[&Self],
            ) -> Result<(), ::kefu_chassis::Error> {
                let rows = ::serde_json::to_value(rows).map_err(::kefu_chassis::Error::unexpected)?;
                ::sqlx::query!(#sql, rows).execute(connection).await?;
                Ok(())
            }
        }
    })
}
