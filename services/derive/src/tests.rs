//! Compares the expansion of each row in the workspace with the committed one in `services/derive/expansions`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{DeriveInput, ItemStruct};

/// Structs of a file that derive one of the macros.
#[derive(Default)]
struct Rows(Vec<ItemStruct>);

impl<'ast> Visit<'ast> for Rows {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        if derives(item, "Record") || derives(item, "Columns") {
            self.0.push(item.clone());
        }
        visit::visit_item_struct(self, item);
    }
}

fn derives(item: &ItemStruct, name: &str) -> bool {
    let derives = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let mut lists = derives.map(|attribute| attribute.meta.to_token_stream().to_string());
    lists.any(|list| list.split(|sign: char| !sign.is_alphanumeric()).any(|word| word == name))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The expansion of a row, as formatted Rust.
fn expansion(item: &ItemStruct) -> String {
    let input: DeriveInput = syn::parse2(item.to_token_stream()).unwrap();
    let mut tokens = TokenStream::new();
    if derives(item, "Record") {
        tokens.extend(super::record::expand(&input).unwrap());
    }
    if derives(item, "Columns") {
        tokens.extend(super::columns::expand(&input).unwrap());
    }
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

#[test]
fn every_expansion_is_the_one_that_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let services = folder.parent().unwrap();
    let mut kept = BTreeSet::new();
    for entry in std::fs::read_dir(services).unwrap() {
        let service = entry.unwrap().path();
        let source = service.join("src");
        if service == folder || !source.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        sources(&source, &mut files);
        files.sort();
        for file in files {
            let mut rows = Rows::default();
            rows.visit_file(&syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap());
            for item in rows.0 {
                let from = file.strip_prefix(services).unwrap().display().to_string();
                let text = format!("// `{}` of services/{from}, expanded.\n\n{}", item.ident, expansion(&item));
                let crate_name = service.file_name().unwrap().to_string_lossy().into_owned();
                let path = folder.join("expansions").join(crate_name).join(format!("{}.rs", item.ident));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                expect_test::expect_file![&path].assert_eq(&text);
                assert!(kept.insert(path), "{} stands twice", item.ident);
            }
        }
    }
    let mut found = Vec::new();
    sources(&folder.join("expansions"), &mut found);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), kept, "an expansion is kept of what is not there");
    assert!(kept.len() > 10, "{}", kept.len());
}
