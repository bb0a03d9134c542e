//! Checks the contracts against what architecture and house style ask of every method, message and field. Each check is
//! a function from a descriptor pool to the problems it finds. It must find none in kefu's own contracts, and exactly
//! the expected ones in a contract made to break every check.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, FileDescriptor};

mod access;
mod clauses;
mod comments;
mod conditions;
mod errors;
mod events;
mod fields;
mod helps;
mod http;
mod labels;
mod mutations;
mod numbers;
mod rules;
mod words;

/// A contract with every mistake that the checks look for; comments in it mark each.
static BROKEN: LazyLock<DescriptorPool> = LazyLock::new(|| compiled(&["broken.proto", "broken_events.proto"]));

/// A contract whose words are wrong, with its comments.
static BROKEN_WORDS: LazyLock<DescriptorPool> = LazyLock::new(|| compiled(&["broken_words.proto"]));

/// The contracts of kefu with their comments.
static CONTRACTS: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(kefu_proto::COMMENTED).unwrap());

/// Compiles contracts that lie beside the tests, with their comments.
fn compiled(files: &[&str]) -> DescriptorPool {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    let mut compiler = protox::Compiler::new([folder, concat!(env!("CARGO_MANIFEST_DIR"), "/../proto")]).unwrap();
    compiler.include_source_info(true).include_imports(true).open_files(files).unwrap();
    compiler.descriptor_pool()
}

/// Returns the comment before the element at a path in a file; empty if it has none.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let proto = file.file_descriptor_proto();
    let locations = proto.source_code_info.iter().flat_map(|info| &info.location);
    let own = locations.filter(|location| location.path == path);
    own.filter_map(|location| location.leading_comments.as_deref()).collect()
}

/// Fails unless `check` finds nothing in kefu's contracts. Returns the problems of a package that it finds in `broken`.
fn found_only_in(broken: &DescriptorPool, package: &str, check: fn(&DescriptorPool) -> Vec<String>) -> Vec<String> {
    let problems = check(&CONTRACTS);
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    check(broken).into_iter().filter(|problem| problem.contains(package)).collect()
}

/// Fails unless `check` finds nothing in kefu's contracts, and in the one with wrong words just these problems.
fn words_hold(check: fn(&DescriptorPool) -> Vec<String>, expected: &[&str]) {
    assert_eq!(found_only_in(&BROKEN_WORDS, "kefu.words.v1", check), expected);
}

/// Fails unless `check` finds nothing in kefu's contracts, and in the broken one exactly one problem for each of
/// `mistakes`, whose text contains every part of the mistake.
fn holds(check: fn(&DescriptorPool) -> Vec<String>, mistakes: &[&[&str]]) {
    let mut problems = found_only_in(&BROKEN, "kefu.broken.v1", check);
    for mistake in mistakes {
        let found = problems.iter().position(|problem| mistake.iter().all(|part| problem.contains(part)));
        let found = found.unwrap_or_else(|| panic!("{mistake:?} is not among\n{}", problems.join("\n")));
        problems.swap_remove(found);
    }
    assert!(problems.is_empty(), "the broken contract has more problems than were put in:\n{}", problems.join("\n"));
}
