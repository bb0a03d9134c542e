//! The traits of a row, by what it is: a resource, a resource with a version, with a lifecycle, or beneath another.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Result};

use super::writes::bound;
use super::{is_text, literal, own_name, selecting};
use crate::input::Row;
use crate::statements::{insert, update};

/// `ResourceRow`, the trait of a row that the contract shows as a resource.
pub fn resource(row: &Row) -> Result<TokenStream> {
    let (Some(kind), Some(shows)) = (&row.kind, &row.shows) else { return Ok(TokenStream::new()) };
    let (ident, name) = (&row.ident, own_name(row)?);
    Ok(quote! {
        impl ::kefu_chassis::record::ResourceRow for #ident {
            type Kind = #kind;
            type Shown = #shows;

            fn id(&self) -> ::kefu_chassis::names::Id<#kind> {
                Self::id(self)
            }

            fn name(&self) -> String {
                #name
            }

            fn show(&self) -> #shows {
                Self::show(self)
            }
        }
    })
}

/// `VersionedRow`, the trait of a resource with a version.
pub fn versioned(row: &Row) -> Result<TokenStream> {
    let ident = &row.ident;
    if row.shows.is_none() {
        return Err(Error::new(ident.span(), "has a version, and no message shows it"));
    }
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
                let (tokens, texts) = (&entry.tokens, &entry.texts);
            },
            quote! {
                let entry = reindex.then(|| ::kefu_chassis::search::Searched::entry(self));
                let (tokens, texts) = entry.map(|entry| (entry.tokens, entry.texts)).unzip();
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
                self.updated_at = ::kefu_chassis::time::sql::at(now.max(self.updated_at.to_jiff()));
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
pub fn stateful(row: &Row) -> Result<TokenStream> {
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
pub fn child(row: &Row) -> Result<TokenStream> {
    let Some(parent) = row.parent().filter(|parent| !is_text(&parent.kind)) else { return Ok(TokenStream::new()) };
    if row.kind.is_none() || row.shows.is_none() {
        return Ok(TokenStream::new());
    }
    let (ident, column) = (&row.ident, &parent.ident);
    let list =
        selecting(row, &format!("where {column} = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"))?;
    Ok(quote! {
        impl ::kefu_chassis::record::ChildRow for #ident {
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
