//! The paths that the code of a file names, and the names that it shows of other modules.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

use super::sources::File;

/// First segment of the path of a macro that is called by its name alone.
pub const CALLED: &str = "!";

/// The segments of a path. A path into the crate itself begins with `crate`.
pub type Path = Vec<String>;

/// Returns the names that a file shows of other modules, each with what it stands for. Paths lack the leading `crate`; the last
/// segment of both is `*` where a whole module is shown.
pub fn reexports(file: &File, own: &str) -> BTreeSet<(Path, Path)> {
    walked(file, own).reexports
}

/// Returns every path that the code of a file names, without code that is compiled for tests only. Paths into the
/// file's own crate, which is called `own`, begin with `crate`; the others are as they stand.
pub fn paths(file: &File, own: &str) -> BTreeSet<Path> {
    walked(file, own).found
}

fn walked<'a>(file: &File, own: &'a str) -> Walk<'a> {
    let mut walk = Walk {
        own,
        module: file.module.clone(),
        children: vec![children(&file.syntax.items)],
        aliases: BTreeMap::new(),
        found: BTreeSet::new(),
        reexports: BTreeSet::new(),
    };
    // The names that `use` brings in are collected first, because other paths begin with them.
    Uses(&mut walk).visit_file(&file.syntax);
    walk.visit_file(&file.syntax);
    walk
}

struct Walk<'a> {
    own: &'a str,
    module: Vec<String>,
    /// The modules that are declared in this one and in those it is nested in.
    children: Vec<BTreeSet<String>>,
    aliases: BTreeMap<String, Path>,
    found: BTreeSet<Path>,
    reexports: BTreeSet<(Path, Path)>,
}

impl Walk<'_> {
    /// Returns the path from the crate's root on; none if it does not lead into the crate.
    fn resolve(&self, path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let from_root = |module: &[String], rest: &[String]| {
            let root = ["crate".to_owned()];
            Some([root.as_slice(), module, rest].concat())
        };
        match first.as_str() {
            "crate" => from_root(&[], rest),
            name if name == self.own => from_root(&[], rest),
            "self" => from_root(&self.module, rest),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                from_root(&self.module[..self.module.len().checked_sub(ups)?], &path[ups..])
            }
            name if self.children.last().is_some_and(|children| children.contains(name)) => {
                from_root(&self.module, path)
            }
            name => self.aliases.get(name).map(|alias| [alias.as_slice(), rest].concat()),
        }
    }

    fn add(&mut self, path: &[String]) {
        let path = self.resolve(path).unwrap_or_else(|| path.to_vec());
        self.found.insert(path);
    }

    /// Adds the paths among the tokens of a macro call, or of a macro's definition.
    fn scan(&mut self, tokens: TokenStream, is_definition: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_punct =
            |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
        let mut at = 0;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                self.scan(group.stream(), is_definition);
            }
            let TokenTree::Ident(first) = &tokens[at] else {
                at += 1;
                continue;
            };
            let is_of_caller = is_definition && at > 0 && is_punct(at - 1, '$');
            let is_field = at > 0 && is_punct(at - 1, '.') && !(at > 1 && is_punct(at - 2, '.'));
            let mut path = vec![first.to_string()];
            at += 1;
            while is_punct(at, ':') && is_punct(at + 1, ':') {
                let Some(TokenTree::Ident(next)) = tokens.get(at + 2) else { break };
                path.push(next.to_string());
                at += 3;
            }
            if path.len() > 1 && !is_of_caller && !is_field {
                self.add(&path);
            }
        }
    }

    /// Adds the paths in the texts of an attribute, such as `#[serde(default = "crate::a::f")]`.
    fn scan_texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.scan_texts(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                    let path = text.ok().and_then(|text| syn::parse_str::<syn::Path>(&text.value()).ok());
                    if let Some(path) = path {
                        self.visit_path(&path);
                    }
                }
                _ => {}
            }
        }
    }

    /// Visits the content of an inline module, in which paths are relative to that module.
    fn nested(&mut self, item: &ItemMod, visit: impl FnOnce(&mut Self)) {
        let Some((_, items)) = &item.content else { return };
        self.module.push(item.ident.to_string());
        self.children.push(children(items));
        visit(self);
        self.children.pop();
        self.module.pop();
    }

    /// Whether a path leads into this module or one beneath it.
    fn is_beneath(&self, path: &[String]) -> bool {
        let here = [["crate".to_owned()].as_slice(), &self.module].concat();
        path.starts_with(&here)
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.nested(item, |walk| visit::visit_item_mod(walk, item));
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (path, name) in leaves(&item.tree) {
            let shown = self.resolve(&path).filter(|_| !matches!(item.vis, Visibility::Inherited));
            let is_facade = shown.as_ref().is_some_and(|shown| self.is_beneath(shown));
            if let Some(shown) = shown {
                self.reexports.insert(([self.module.as_slice(), &[name]].concat(), shown[1..].to_vec()));
            }
            if !is_facade {
                self.add(&path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone(), false);
            self.scan_texts(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        // A path with `$crate` in a macro for other files belongs to them; in one for this file, to this file.
        let is_exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
        if item.mac.path.is_ident("macro_rules") && !is_exported {
            self.scan(item.mac.tokens.clone(), false);
        } else {
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let is_definition = call.path.is_ident("macro_rules");
        if let Some(name) = call.path.get_ident().filter(|_| !is_definition) {
            self.found.insert(vec![CALLED.to_owned(), name.to_string()]);
        }
        self.scan(call.tokens.clone(), is_definition);
        visit::visit_macro(self, call);
    }
}

/// The visit that collects the names that `use` brings in.
struct Uses<'a, 'b>(&'a mut Walk<'b>);

impl<'ast> Visit<'ast> for Uses<'_, '_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.0.nested(item, |walk| visit::visit_item_mod(&mut Uses(walk), item));
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (path, name) in leaves(&item.tree) {
            if let Some(resolved) = self.0.resolve(&path) {
                self.0.aliases.insert(name, resolved);
            }
        }
    }
}

/// Returns the paths of a `use`, each with the name that it brings in.
fn leaves(tree: &UseTree) -> Vec<(Path, String)> {
    let beneath = |name: String, leaves: Vec<(Path, String)>| {
        leaves
            .into_iter()
            .map(|(path, known)| {
                let known = if path.is_empty() { name.clone() } else { known };
                ([vec![name.clone()], path].concat(), known)
            })
            .collect()
    };
    match tree {
        UseTree::Path(path) => beneath(path.ident.to_string(), leaves(&path.tree)),
        UseTree::Name(name) if name.ident == "self" => vec![(Vec::new(), String::new())],
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        UseTree::Rename(rename) if rename.ident == "self" => vec![(Vec::new(), rename.rename.to_string())],
        UseTree::Rename(rename) => vec![(vec![rename.ident.to_string()], rename.rename.to_string())],
        UseTree::Glob(_) => vec![(vec!["*".to_owned()], "*".to_owned())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn children(items: &[Item]) -> BTreeSet<String> {
    let name = |item: &Item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    };
    items.iter().filter_map(name).collect()
}

pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
