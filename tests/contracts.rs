//! Checks the contracts against what architecture and house style ask of every method, message and field. Each check is
//! a function from a descriptor pool to the problems it finds. It must find none in kefu's own contracts, and exactly
//! the expected ones in a contract made to break every check.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

mod access;
mod clauses;
mod comments;
mod conditions;
mod errors;
mod events;
mod fields;
mod http;
mod labels;
mod mutations;
mod rules;

/// A contract with every mistake that the checks look for; comments in it mark each.
static BROKEN: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    let mut compiler = protox::Compiler::new([folder, concat!(env!("CARGO_MANIFEST_DIR"), "/../proto")]).unwrap();
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(["broken.proto", "broken_events.proto"])
        .unwrap();
    compiler.descriptor_pool()
});

/// A contract whose words are wrong, with its comments.
static BROKEN_WORDS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    let mut compiler = protox::Compiler::new([folder, concat!(env!("CARGO_MANIFEST_DIR"), "/../proto")]).unwrap();
    compiler.include_source_info(true).include_imports(true).open_files(["broken_words.proto"]).unwrap();
    compiler.descriptor_pool()
});

/// The contracts of kefu with their comments.
static CONTRACTS: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(kefu_proto::COMMENTED).unwrap());

/// Fails unless `check` finds nothing in kefu's contracts, and in the one with wrong words just these problems.
fn words_hold(check: fn(&DescriptorPool) -> Vec<String>, expected: &[&str]) {
    let problems = check(&CONTRACTS);
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    let mut problems = check(&BROKEN_WORDS);
    problems.retain(|problem| problem.contains("kefu.words.v1"));
    assert_eq!(problems, expected);
}

/// Fails unless `check` finds nothing in kefu's contracts, and in the broken one exactly one problem for each of
/// `mistakes`, whose text contains every part of the mistake.
fn holds(check: fn(&DescriptorPool) -> Vec<String>, mistakes: &[&[&str]]) {
    let problems = check(&CONTRACTS);
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));

    let mut problems = check(&BROKEN);
    problems.retain(|problem| problem.contains("kefu.broken.v1"));
    for mistake in mistakes {
        let found = problems.iter().position(|problem| mistake.iter().all(|part| problem.contains(part)));
        let found = found.unwrap_or_else(|| panic!("{mistake:?} is not among\n{}", problems.join("\n")));
        problems.swap_remove(found);
    }
    assert!(problems.is_empty(), "the broken contract has more problems than were put in:\n{}", problems.join("\n"));
}
