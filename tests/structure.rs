//! The sources have the structure that the house style asks for: the modules of each crate have an order ([`orders`]) and
//! import only downwards, no files import each other in a circle, also in build scripts and tests, and models and
//! lifecycles know neither Postgres nor the runtime nor gRPC. Every public item has a comment.
//!
//! One file *imports* another when its code names it: in a `use`, or in any path that begins with `crate`, `self`, `super`,
//! the crate's own name, a module declared in the file, or a name that a `use` of the file brought in; also within the tokens of
//! a macro call. A path names the file of the longest part of it that is a file, and the file of what that one shows under the
//! name (`pub use x::Y`, `pub use x::*`); a macro's name names the file that exports it. The following are no imports:
//!
//! - `mod x;`, and `pub use x::Y` of a module beneath the file, by which a parent re-exports what its children hold;
//! - what is compiled for tests only (`#[cfg(test)]`);
//! - `$crate::…` in a macro's definition: that path belongs to whoever calls the macro.
//!
//! A file and those beneath it (`foo.rs` and `foo/…`) are one module in several files and may import each other; no other
//! files may, neither directly nor by a way around that does not lead through a file above them all, other than the
//! crate's root. So what two folders share by their common parent is not held against them.

mod comments;
mod exports;
mod graph;
mod imports;
mod integrity;
mod layers;
mod orders;
mod paths;
mod pure;
pub mod sources;

use std::sync::LazyLock;

use graph::Graph;
use sources::{Crate, crates};

/// The imports in each crate of the workspace.
static GRAPHS: LazyLock<Vec<Graph>> = LazyLock::new(|| crates().iter().map(Graph::of).collect());

#[test]
fn no_files_import_each_other_in_a_circle() {
    let tests: Vec<Graph> = sources::tests().iter().map(Graph::of).collect();
    let graphs = GRAPHS.iter().chain(&tests);
    let problems: Vec<String> = graphs.flat_map(Graph::circles).map(|circle| circle.join(" → ")).collect();
    assert!(problems.is_empty(), "circles of imports:\n{}", problems.join("\n"));
}

#[test]
fn the_modules_of_each_crate_import_only_downwards() {
    let mut problems = Vec::new();
    for graph in GRAPHS.iter() {
        match orders::of(&graph.folder) {
            Some(layers) => problems.extend(layers::upward(graph, layers)),
            None => problems.push(format!("{} has no order of its modules", graph.folder)),
        }
    }
    assert!(problems.is_empty(), "imports that run upwards:\n{}", problems.join("\n"));
}

#[test]
fn models_and_lifecycles_know_neither_postgres_nor_the_runtime_nor_grpc() {
    let (mut files, mut problems) = (0, Vec::new());
    for each in crates() {
        for file in each.files.iter().filter(|file| pure::is_to_be_pure(file)) {
            files += 1;
            problems.extend(pure::impurities(file));
        }
    }
    assert!(files > 10, "only {files} files of models and lifecycles were found");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_public_item_has_a_comment() {
    let uncommented: Vec<String> =
        crates().iter().flat_map(|each| each.files.iter()).flat_map(comments::uncommented).collect();
    assert!(uncommented.is_empty(), "public items without a comment:\n{}", uncommented.join("\n"));
}

/// Returns a crate `kefu_made_up` of these files, given by their paths beneath `src` and their texts.
fn made_up(files: &[(&str, &str)]) -> Crate {
    let files = files.iter().map(|(path, text)| sources::File::parse(&format!("made_up/src/{path}"), path, text));
    Crate { folder: "made_up".into(), name: "kefu_made_up".into(), files: files.collect() }
}
