//! The tests of one file and the clauses that they name, themselves or by the helpers and constants of the file that they use.

use std::collections::{BTreeMap, BTreeSet};

/// What the items of a file of tests have.
#[derive(Default)]
pub struct Tests {
    /// The names of the tests; every other item is a helper or a constant.
    pub names: BTreeSet<String>,
    clauses: BTreeMap<String, BTreeSet<String>>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Tests {
    /// Notes that an item has a literal that may be a clause.
    pub fn cited(&mut self, item: &str, clause: &str) {
        self.clauses.entry(item.to_owned()).or_default().insert(clause.to_owned());
    }

    /// Notes that an item has a name in it, which may be that of another item.
    pub fn used(&mut self, item: &str, name: String) {
        self.uses.entry(item.to_owned()).or_default().insert(name);
    }

    /// Returns each test with each clause that it names.
    pub fn of_clauses(self) -> Vec<(String, String)> {
        let named = |test: &String| {
            let clauses = self.reached(test).into_iter().filter_map(|item| self.clauses.get(&item)).flatten();
            clauses.map(|clause| (test.clone(), clause.clone())).collect::<Vec<_>>()
        };
        self.names.iter().flat_map(named).collect()
    }

    /// The test and the items of the file that it uses, and those that they use; no other tests.
    fn reached(&self, test: &str) -> BTreeSet<String> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![test.to_owned()]);
        while let Some(item) = open.pop() {
            if reached.insert(item.clone()) {
                let used = self.uses.get(&item).into_iter().flatten();
                open.extend(used.filter(|name| !self.names.contains(*name)).cloned());
            }
        }
        reached
    }
}

#[test]
fn a_helper_is_no_test_and_what_it_names_is_named_by_the_tests_that_use_it() {
    let mut tests = Tests::default();
    tests.names.extend(["first", "second"].map(str::to_owned));
    tests.used("first", "helper".into());
    tests.used("helper", "CLAUSE".into());
    for (item, clause) in [("CLAUSE", "C2.1"), ("second", "C2.2"), ("unused", "C2.3")] {
        tests.cited(item, clause);
    }
    let expected = [("first", "C2.1"), ("second", "C2.2")].map(|(test, clause)| (test.to_owned(), clause.to_owned()));
    assert_eq!(tests.of_clauses(), expected);
}
