//! Layers: the modules of a crate in an order, in which each imports only from layers before its own.

use std::collections::BTreeSet;

use super::graph::Graph;

/// The layers of a crate, the lowest first. A layer is modules with a space between, e.g. `base` or `request::row store`. A
/// module holds what lies beneath it, unless modules beneath it are named too: then it is its own file only. Modules of
/// one layer do not import each other. The crate's root is named `lib`; where it is not named it is the highest layer.
pub type Layers = &'static [&'static str];

/// The name of a crate's root.
const ROOT: &str = "lib";

/// Returns the imports that do not run downwards, the files that are in no layer, and the names that no file has.
pub fn upward(graph: &Graph, layers: Layers) -> Vec<String> {
    let order = Order { layers: layers.iter().map(|layer| layer.split_whitespace().collect()).collect() };
    let mut problems = order.unused(graph);
    for (file, imports) in &graph.imports {
        let Some(own) = order.place(&graph.modules[file]) else {
            problems.push(format!("{file} is in no layer"));
            continue;
        };
        for imported in imports {
            let to = graph.modules.get(imported).and_then(|module| order.place(module));
            if to.is_none_or(|to| to != own && to.layer >= own.layer) {
                problems.push(format!("{file} imports {imported}"));
            }
        }
    }
    problems
}

struct Order {
    layers: Vec<Vec<&'static str>>,
}

/// Where a file stands in an order.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    layer: usize,
    /// The named module that the file belongs to.
    module: &'static str,
}

impl Order {
    /// Returns where the file of a module stands.
    fn place(&self, module: &[String]) -> Option<Place> {
        if module.is_empty() {
            return Some(self.named(ROOT).unwrap_or(Place { layer: self.layers.len(), module: ROOT }));
        }
        (1..=module.len()).rev().find_map(|length| {
            let name = module[..length].join("::");
            let is_own = length == module.len();
            self.named(&name).filter(|_| is_own || !self.has_named_beneath(&name))
        })
    }

    fn named(&self, module: &str) -> Option<Place> {
        let mut layers = self.layers.iter().enumerate();
        layers.find_map(|(layer, modules)| {
            let module = modules.iter().find(|name| **name == module)?;
            Some(Place { layer, module })
        })
    }

    fn has_named_beneath(&self, module: &str) -> bool {
        let is_beneath = |name: &&str| name.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"));
        self.layers.iter().flatten().any(is_beneath)
    }

    /// Returns the named modules that no file is.
    fn unused(&self, graph: &Graph) -> Vec<String> {
        let modules: BTreeSet<String> = graph.modules.values().map(|module| module.join("::")).collect();
        let unused = self.layers.iter().flatten().filter(|name| **name != ROOT && !modules.contains(**name));
        unused.map(|name| format!("{} has no module {name}", graph.folder)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::made_up;

    fn problems(files: &[(&str, &str)], layers: Layers) -> Vec<String> {
        let problems = upward(&Graph::of(&made_up(files)), layers);
        problems.iter().map(|problem| problem.replace("made_up/src/", "")).collect()
    }

    #[test]
    fn an_import_that_runs_upwards_is_found_however_it_is_written() {
        let below = "
            use crate::top::{self, Thing as Other};
            use kefu_made_up::middle::M;
            fn f() -> super::super::top::T { vec![top::deep::g(), crate::side::h()] }
            macro_rules! it { () => { $crate::fifth::T } }
            #[serde(default = \"crate::fourth::d\")]
            struct S;
            #[cfg(test)]
            mod tests { use crate::top::OnlyForTests; }
        ";
        let files = [
            ("lib.rs", "pub use bottom::x;"),
            ("bottom.rs", "pub mod x;"),
            ("bottom/x.rs", below),
            ("middle.rs", "use crate::bottom::x; fn f() { crate::shown!() }"),
            ("top.rs", "mod deep; #[macro_export] macro_rules! shown { () => {} }"),
            ("top/deep.rs", "use crate::bottom::x::X; use crate::middle::M;"),
            ("side.rs", ""),
            ("fourth.rs", ""),
            ("fifth.rs", ""),
        ];
        assert_eq!(
            problems(&files, &["bottom", "middle", "top"]),
            [
                "bottom/x.rs imports fifth.rs",
                "bottom/x.rs imports fourth.rs",
                "bottom/x.rs imports middle.rs",
                "bottom/x.rs imports side.rs",
                "bottom/x.rs imports top.rs",
                "bottom/x.rs imports top/deep.rs",
                "fifth.rs is in no layer",
                "fourth.rs is in no layer",
                "middle.rs imports top.rs",
                "side.rs is in no layer",
            ]
        );
    }

    #[test]
    fn modules_of_one_layer_do_not_import_each_other() {
        let files = [("a.rs", "use crate::a::one::T;"), ("a/one.rs", "use crate::a::U;"), ("b.rs", "use crate::a::U;")];
        assert_eq!(problems(&files, &["a b"]), ["b.rs imports a.rs"]);
        assert_eq!(problems(&files, &["a", "b"]), [""; 0]);
    }

    #[test]
    fn a_module_with_named_modules_beneath_it_is_its_own_file_only() {
        let files = [
            ("a.rs", "use crate::a::row::R;"),
            ("a/row.rs", "use crate::a::row::kind::K;"),
            ("a/row/kind.rs", ""),
            ("a/list.rs", "use crate::a::A; use crate::a::row::kind::K;"),
        ];
        assert_eq!(problems(&files, &["a::row", "a", "a::list"]), [""; 0]);
        assert_eq!(problems(&files, &["a::row", "a"]), ["a/list.rs is in no layer"]);
        assert_eq!(problems(&files, &["a", "a::row", "a::list"]), ["a.rs imports a/row.rs"]);
    }

    #[test]
    fn the_root_is_the_highest_layer_unless_it_is_named() {
        let facade = [("lib.rs", "pub use bottom::X;"), ("bottom.rs", "use crate::X; fn f() { crate::X }")];
        assert_eq!(problems(&facade, &["bottom"]), ["bottom.rs imports lib.rs"]);
        assert_eq!(problems(&facade, &["lib", "bottom"]), [""; 0]);
        let above = [("lib.rs", "mod bottom; use bottom::X;"), ("bottom.rs", "")];
        assert_eq!(problems(&above, &["bottom"]), [""; 0]);
        assert_eq!(problems(&above, &["lib", "bottom"]), ["lib.rs imports bottom.rs"]);
    }

    #[test]
    fn a_named_module_that_is_none_is_found() {
        assert_eq!(problems(&[("a.rs", "")], &["a", "gone"]), ["made_up has no module gone"]);
    }
}
