//! What the files of a crate show under other names than their own: re-exports and exported macros. An import of such a name is
//! an import of the file that has the item.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, ItemMacro, UseTree};

use super::paths::{Path, reexports};
use super::sources::{Crate, File};

/// The exports of a crate. Paths here lack the leading `crate`.
pub struct Exports<'a> {
    of: &'a Crate,
    /// The file of each exported macro.
    macros: BTreeMap<String, &'a str>,
    /// What each re-exported name stands for; the last segment of both is `*` where a whole module is re-exported.
    reexports: BTreeMap<Path, BTreeSet<Path>>,
    /// The names of the items of each file's module.
    items: BTreeMap<&'a [String], BTreeSet<String>>,
}

impl<'a> Exports<'a> {
    /// The exports of a crate.
    pub fn of(of: &'a Crate) -> Self {
        let mut exports = Self { of, macros: BTreeMap::new(), reexports: BTreeMap::new(), items: BTreeMap::new() };
        for file in &of.files {
            for (shown, meant) in reexports(file, &of.name) {
                exports.reexports.entry(shown).or_default().insert(meant);
            }
            for item in &file.syntax.items {
                if let Item::Macro(ItemMacro { ident: Some(name), attrs, .. }) = item
                    && attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
                {
                    exports.macros.insert(name.to_string(), &file.path);
                }
            }
            exports.items.insert(&file.module, file.syntax.items.iter().filter_map(name).collect());
        }
        exports
    }

    /// The file that exports a macro.
    pub fn of_macro(&self, name: &str) -> Option<&'a str> {
        self.macros.get(name).copied()
    }

    /// The files that a path leads to: the one of the longest part that is a file, and those of the items that it shows under
    /// this path.
    pub fn files(&self, path: &[String]) -> BTreeSet<&'a str> {
        let mut files = BTreeSet::new();
        self.follow(path, &mut BTreeSet::new(), &mut files);
        files
    }

    fn follow(&self, path: &[String], seen: &mut BTreeSet<Path>, files: &mut BTreeSet<&'a str>) {
        if !seen.insert(path.to_vec()) {
            return;
        }
        files.extend(self.of.file_at(path).map(|file: &File| file.path.as_str()));
        if let Some((last, module)) = path.split_last()
            && last == "*"
        {
            let shown =
                self.reexports.iter().filter(|(shown, _)| shown.split_last().is_some_and(|(_, at)| at == module));
            for meant in shown.flat_map(|(_, meant)| meant) {
                self.follow(meant, seen, files);
            }
            return;
        }
        for at in 0..path.len() {
            let (module, rest) = path.split_at(at);
            for meant in self.reexports.get(&path[..=at]).into_iter().flatten() {
                self.follow(&[meant.as_slice(), &rest[1..]].concat(), seen, files);
            }
            for meant in self.reexports.get(&[module, &["*".to_owned()]].concat()).into_iter().flatten() {
                let from = &meant[..meant.len() - 1];
                if self.shows(from, &rest[0]) {
                    self.follow(&[from, rest].concat(), seen, files);
                }
            }
        }
    }

    /// Whether a module has an item of this name, or shows one of another module by it.
    fn shows(&self, module: &[String], name: &str) -> bool {
        let is_own = self.items.get(module).is_some_and(|items| items.contains(name));
        let shown = |name: &str| self.reexports.contains_key(&[module, &[name.to_owned()]].concat());
        is_own || shown(name) || shown("*")
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Use(item) => return renamed(&item.tree),
        _ => return None,
    };
    Some(ident.to_string())
}

/// The name that a `use` of one item brings in.
fn renamed(tree: &UseTree) -> Option<String> {
    match tree {
        UseTree::Path(path) => renamed(&path.tree),
        UseTree::Name(name) => Some(name.ident.to_string()),
        UseTree::Rename(rename) => Some(rename.rename.to_string()),
        UseTree::Glob(_) | UseTree::Group(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::made_up;

    #[test]
    fn an_import_leads_through_what_shows_the_item() {
        let tree = made_up(&[
            ("lib.rs", "mod a; mod b; mod c; pub mod shown { pub use crate::b::*; }"),
            ("a.rs", "mod one; mod two; pub use one::{One, Two as Other}; pub use two::*;"),
            ("a/one.rs", "pub struct One; pub struct Two;"),
            ("a/two.rs", "pub fn three() {}"),
            ("b.rs", "pub struct B; pub use crate::a::Other as Another;"),
            ("c.rs", "#[macro_export] macro_rules! called { () => {} }"),
        ]);
        let exports = Exports::of(&tree);
        let files = |path: &str| {
            let path: Path = path.split("::").map(str::to_owned).collect();
            exports.files(&path).iter().map(|file| file.replace("made_up/src/", "")).collect::<Vec<_>>()
        };
        assert_eq!(files("a::One"), ["a.rs", "a/one.rs"]);
        assert_eq!(files("a::Other::new"), ["a.rs", "a/one.rs"]);
        assert_eq!(files("a::three"), ["a.rs", "a/two.rs"]);
        assert_eq!(files("a::four"), ["a.rs"]);
        assert_eq!(files("a::*"), ["a.rs", "a/one.rs", "a/two.rs"]);
        assert_eq!(files("shown::B"), ["b.rs", "lib.rs"]);
        assert_eq!(exports.of_macro("called"), Some("made_up/src/c.rs"));
    }
}
