//! Comments: every public item has one, also each variant and each public field. The columns of a derived row have theirs
//! in the contract, under the same names.

use syn::visit::{self, Visit};
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Visibility};

use super::sources::File;

/// Returns the public items of a file that have no comment, each with its line.
pub fn uncommented(file: &File) -> Vec<String> {
    if file.module.iter().any(|name| name == "tests") {
        return Vec::new();
    }
    let mut search = Search { path: &file.path, found: Vec::new() };
    search.visit_file(&file.syntax);
    search.found
}

struct Search<'a> {
    path: &'a str,
    found: Vec<String>,
}

impl Search<'_> {
    fn check(&mut self, visibility: &Visibility, attributes: &[Attribute], name: &impl ToString) {
        let is_commented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        if matches!(visibility, Visibility::Public(_)) && !is_commented {
            self.found.push(format!("{}: {}", self.path, name.to_string()));
        }
    }

    fn fields(&mut self, of: &str, fields: &Fields) {
        for field in fields {
            if let Some(name) = &field.ident {
                self.check(&field.vis, &field.attrs, &format!("{of}.{name}"));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let public = Visibility::Public(syn::token::Pub::default());
        match item {
            Item::Const(item) => self.check(&item.vis, &item.attrs, &item.ident),
            Item::Enum(item) => {
                self.check(&item.vis, &item.attrs, &item.ident);
                for variant in &item.variants {
                    self.check(&item.vis, &variant.attrs, &format!("{}::{}", item.ident, variant.ident));
                }
            }
            Item::Fn(item) => self.check(&item.vis, &item.attrs, &item.sig.ident),
            Item::Impl(item) if item.trait_.is_none() => {
                for item in &item.items {
                    match item {
                        ImplItem::Const(item) => self.check(&item.vis, &item.attrs, &item.ident),
                        ImplItem::Fn(item) => self.check(&item.vis, &item.attrs, &item.sig.ident),
                        _ => {}
                    }
                }
            }
            Item::Macro(item) if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) => {
                self.check(&public, &item.attrs, item.ident.as_ref().unwrap());
            }
            Item::Static(item) => self.check(&item.vis, &item.attrs, &item.ident),
            Item::Struct(item) => {
                self.check(&item.vis, &item.attrs, &item.ident);
                if !is_row(&item.attrs) {
                    self.fields(&item.ident.to_string(), &item.fields);
                }
            }
            Item::Trait(item) => {
                self.check(&item.vis, &item.attrs, &item.ident);
                for each in &item.items {
                    match each {
                        TraitItem::Const(each) => {
                            self.check(&item.vis, &each.attrs, &format!("{}::{}", item.ident, each.ident));
                        }
                        TraitItem::Fn(each) => {
                            self.check(&item.vis, &each.attrs, &format!("{}::{}", item.ident, each.sig.ident));
                        }
                        TraitItem::Type(each) => {
                            self.check(&item.vis, &each.attrs, &format!("{}::{}", item.ident, each.ident));
                        }
                        _ => {}
                    }
                }
            }
            Item::Type(item) => self.check(&item.vis, &item.attrs, &item.ident),
            Item::Mod(item) if super::paths::is_for_tests(&item.attrs) => return,
            _ => {}
        }
        visit::visit_item(self, item);
    }
}

/// Whether a struct derives a stored row, whose columns have their comments in the contract.
fn is_row(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let mut is_row = false;
        let _ = attribute.parse_nested_meta(|derived| {
            is_row |= ["Record", "Columns"]
                .iter()
                .any(|row| derived.path.segments.last().is_some_and(|last| last.ident == *row));
            Ok(())
        });
        is_row
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let found = uncommented(&File::parse("a.rs", "a.rs", text));
        found.into_iter().map(|each| each.replace("a.rs: ", "")).collect()
    }

    #[test]
    fn a_public_item_without_a_comment_is_found_and_no_other() {
        let text = "
            pub const A: u8 = 0;
            /// Commented.
            pub static B: u8 = 0;
            pub(crate) fn c() {}
            fn d() {}
            /// Commented.
            pub enum E { F, /** Commented. */ G }
            /// Commented.
            pub struct H { pub i: u8, j: u8 }
            /// Commented.
            pub struct K(pub u8);
            impl H { pub fn l() {} fn m() {} }
            impl Clone for H { fn clone(&self) -> Self { Self } }
            /// Commented.
            pub trait N { fn o(); }
            mod inner { pub fn p() {} }
            #[macro_export] macro_rules! q { () => {} }
            #[cfg(test)] mod tests { pub fn r() {} }
        ";
        assert_eq!(found(text), ["A", "E::F", "H.i", "l", "N::o", "p", "q"]);
    }

    #[test]
    fn columns_of_a_derived_row_need_none() {
        let row =
            |derived: &str| format!("/** Commented. */ #[derive(Clone, {derived})] pub struct Row {{ pub a: u8 }}");
        assert_eq!(found(&row("Record")), [""; 0]);
        assert_eq!(found(&row("kefu_derive::Columns")), [""; 0]);
        assert_eq!(found(&row("Debug")), ["Row.a"]);
    }
}
