//! The page for whoever audits a desk, docs/integrity.md: a row for each trick, with the tests that hold it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn};

use super::sources::{self, crates};

/// What a row's fourth column may say: the trick fails, it is seen, or nothing is done about it yet.
const KINDS: [&str; 3] = ["refused · 拒绝", "shows · 可见", "open · 待完善"];

/// A row of the page.
#[derive(Debug)]
struct Row {
    /// The trick, in English and in Chinese.
    trick: [String; 2],
    /// What becomes of it, in English and in Chinese.
    outcome: [String; 2],
    kind: String,
    /// The names of the tests that hold the row.
    tests: Vec<String>,
}

impl Row {
    /// Reads the rows of the page's tables: `| trick | 手法 | outcome | 结果 | kind | tests |`.
    fn all(page: &str) -> Vec<Self> {
        let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| trick"));
        rows.map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [trick, trick_zh, outcome, outcome_zh, kind, tests] = cells[..] else {
                panic!("a row has six cells: {line}");
            };
            let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Self {
                trick: [trick.to_owned(), trick_zh.to_owned()],
                outcome: [outcome.to_owned(), outcome_zh.to_owned()],
                kind: kind.to_owned(),
                tests: quoted(tests),
            }
        })
        .collect()
    }

    /// What is wrong with the row, when these are the workspace's tests.
    fn problems(&self, tests: &BTreeSet<String>) -> Vec<String> {
        let mut problems = Vec::new();
        let has_han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for [english, chinese] in [&self.trick, &self.outcome] {
            if english.is_empty() || has_han(english) || !has_han(chinese) {
                problems.push("a text is missing in one of the two languages".to_owned());
            }
        }
        if !KINDS.contains(&self.kind.as_str()) {
            problems.push(format!("{} is none of {KINDS:?}", self.kind));
        }
        if self.tests.is_empty() != (self.kind == KINDS[2]) {
            problems.push("a row has a test unless it is open".to_owned());
        }
        problems.extend(self.tests.iter().filter(|test| !tests.contains(*test)).map(|test| format!("no test {test}")));
        problems.into_iter().map(|problem| format!("{}: {problem}", self.trick[0])).collect()
    }
}

/// The names of functions that are tests.
#[derive(Default)]
struct Tests(BTreeSet<String>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let is_test = |attribute: &Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test");
        if item.attrs.iter().any(is_test) {
            self.0.insert(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }
}

#[test]
fn every_trick_of_the_page_has_tests_that_exist_and_both_languages() {
    let mut tests = Tests::default();
    let sources = sources::tests().into_iter().chain(crates());
    sources.flat_map(|each| each.files).for_each(|file| tests.visit_file(&file.syntax));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/integrity.md");
    let rows = Row::all(&fs::read_to_string(path).unwrap());
    assert!(rows.len() > 20, "only {} rows were found", rows.len());
    let problems: Vec<String> = rows.iter().flat_map(|row| row.problems(&tests.0)).collect();
    assert!(problems.is_empty(), "docs/integrity.md:\n{}", problems.join("\n"));
}

#[test]
fn a_row_without_test_language_or_kind_is_named() {
    let page = "| trick | 手法 | x | x | x | x |
| a | 甲 | b | 乙 | refused · 拒绝 | `is_there` |
| c | 丙 | d | 丁 | refused · 拒绝 | `is_not_there` |
| e | f | g | 庚 | shows · 可见 |  |
| h | 辛 | i | 壬 | maybe | `is_there` |
| j | 癸 | k | 子 | open · 待完善 | `is_there` |";
    let tests = BTreeSet::from(["is_there".to_owned()]);
    let problems: Vec<String> = Row::all(page).iter().flat_map(|row| row.problems(&tests)).collect();
    assert_eq!(
        problems,
        [
            "c: no test is_not_there".to_owned(),
            "e: a text is missing in one of the two languages".to_owned(),
            "e: a row has a test unless it is open".to_owned(),
            format!("h: maybe is none of {KINDS:?}"),
            "j: a row has a test unless it is open".to_owned(),
        ]
    );
}
