//! Layers: folders of a crate, each of which imports only from itself and from those before it.

use super::exports::Exports;
use super::imports::imports;
use super::sources::Crate;

/// The layers of the chassis, the lowest first.
pub const OF_THE_CHASSIS: [&str; 7] = ["base", "telemetry", "contract", "model", "store", "work", "serve"];

/// Returns the imports that run upwards, and the files that are in no layer.
pub fn upward(of: &Crate, layers: &[&str]) -> Vec<String> {
    let exports = Exports::of(of);
    let layer = |path: &str| {
        let file = of.files.iter().find(|file| file.path == path)?;
        layers.iter().position(|layer| file.module.first().is_some_and(|first| first == layer))
    };
    let mut problems = Vec::new();
    // The root re-exports what services may use, and is no layer.
    for file in of.files.iter().filter(|file| !file.module.is_empty()) {
        let Some(own) = layer(&file.path) else {
            problems.push(format!("{} is in no layer", file.path));
            continue;
        };
        for imported in imports(file, &of.name, &exports) {
            if layer(&imported).is_none_or(|layer| layer > own) {
                problems.push(format!("{} imports {imported}", file.path));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::made_up;

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
        let problems = upward(&made_up(&files), &["bottom", "middle", "top"]);
        let problems: Vec<_> = problems.iter().map(|problem| problem.replace("made_up/src/", "")).collect();
        assert_eq!(
            problems,
            [
                "bottom/x.rs imports fifth.rs",
                "bottom/x.rs imports fourth.rs",
                "bottom/x.rs imports middle.rs",
                "bottom/x.rs imports side.rs",
                "bottom/x.rs imports top.rs",
                "bottom/x.rs imports top/deep.rs",
                "middle.rs imports top.rs",
                "side.rs is in no layer",
                "fourth.rs is in no layer",
                "fifth.rs is in no layer",
            ]
        );
    }

    #[test]
    fn the_root_is_no_layer_to_import_from() {
        let files = [("lib.rs", "pub use bottom::X;"), ("bottom.rs", "use crate::X; fn f() { crate::X }")];
        assert_eq!(upward(&made_up(&files), &["bottom"]), ["made_up/src/bottom.rs imports made_up/src/lib.rs"]);
    }
}
