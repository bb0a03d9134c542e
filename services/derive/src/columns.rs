//! The expansion of `#[derive(Columns)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Fields, Result};

/// Returns the struct of columns, and the conversion of rows into it.
pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "a row is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(input.span(), "a row names its columns"));
    };
    let (row, visibility) = (&input.ident, &input.vis);
    let columns = format_ident!("{}Columns", row.to_string().trim_end_matches("Row"));
    let what = format!("[`{row}`]s, a vector for each column, as a statement unnests them.");
    let named: Vec<_> = fields.named.iter().filter_map(|field| Some((field.ident.as_ref()?, &field.ty))).collect();
    let declared = named.iter().map(|(name, kind)| quote_spanned!(name.span() => pub #name: Vec<#kind>));
    let empty = named.iter().map(|(name, _)| quote!(#name: Vec::with_capacity(count)));
    let pushed = named.iter().map(|(name, _)| quote_spanned!(name.span() => columns.#name.push(row.#name);));
    Ok(quote! {
        #[doc = #what]
        #[derive(Debug)]
        #visibility struct #columns { #(#declared),* }

        impl FromIterator<#row> for #columns {
            fn from_iter<I: IntoIterator<Item = #row>>(rows: I) -> Self {
                let rows = rows.into_iter();
                let count = rows.size_hint().0;
                let mut columns = Self { #(#empty),* };
                for row in rows {
                    #(#pushed)*
                }
                columns
            }
        }
    })
}
