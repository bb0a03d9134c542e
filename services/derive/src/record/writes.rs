//! The statements that store a row.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Result;

use super::literal;
use crate::input::Row;
use crate::statements::{Bind, Statement, insert, update, upsert};

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
