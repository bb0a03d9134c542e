//! The statements that store a row.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Result;

use super::literal;
use crate::input::Row;
use crate::statements::{Bind, Statement, import, insert, update, upsert};

/// The expressions bound to a statement's parameters, each with the span of its field.
pub fn bound(row: &Row, statement: &Statement) -> Vec<TokenStream> {
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
        Bind::Texts => quote!(texts),
    };
    statement.binds.iter().map(expression).collect()
}

/// `insert` and `update` of a row without a version of its own.
pub fn plain(row: &Row) -> Result<TokenStream> {
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

/// `upsert`, which stores many rows at once.
pub fn upserting(row: &Row) -> Result<TokenStream> {
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

/// `import`, which stores rows of another system.
pub fn importing(row: &Row) -> Result<TokenStream> {
    let Some(wanted) = &row.import else { return Ok(TokenStream::new()) };
    let (sql, columns) = import(row, wanted)?;
    let (ident, visibility, sql) = (&row.ident, &row.visibility, literal(&sql)?);
    let columns: Vec<_> = columns.into_iter().map(|at| &row.columns[at]).collect();
    let vectors = columns.iter().map(|column| {
        let name = &column.ident;
        quote_spanned!(column.span => let #name: Vec<_> = rows.iter().map(|row| row.#name.clone()).collect();)
    });
    let binds = columns.iter().map(|column| {
        let (name, kind) = (&column.ident, &column.kind);
        quote_spanned!(column.span => &#name as &[#kind])
    });
    Ok(quote! {
        impl #ident {
            /// Stores those of the rows that were not imported before, each with a number of its day (YYYYMMDD). Returns the id
            /// and the number of each row that was stored.
            #[allow(clippy::clone_on_copy, clippy::similar_names, reason = "columns of any type and name")]
            #visibility async fn import(
                connection: &mut ::sqlx::PgConnection,
                rows: &[&Self],
                days: &[String],
            ) -> Result<Vec<(::uuid::Uuid, String)>, ::sqlx::Error> {
                #(#vectors)*
                let stored = ::sqlx::query!(#sql, days, #(#binds),*).fetch_all(connection).await?;
                Ok(stored.into_iter().map(|row| (row.id, row.number)).collect())
            }
        }
    })
}
