//! The imports among the files of a crate, and the circles they make.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::exports::Exports;
use super::imports::imports;
use super::sources::Crate;

/// The imports among the files of a crate, by the importing file.
#[derive(Clone)]
pub struct Graph {
    /// The folder of the crate.
    pub folder: String,
    /// The files that each file imports.
    pub imports: BTreeMap<String, BTreeSet<String>>,
    /// The module of each file.
    pub modules: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// Returns the imports of a crate, without files that only tests compile.
    pub fn of(of: &Crate) -> Self {
        let exports = Exports::of(of);
        let is_for_tests = |module: &[String]| module.iter().any(|name| name == "tests");
        let files: Vec<_> = of.files.iter().filter(|file| !is_for_tests(&file.module)).collect();
        Self {
            folder: of.folder.clone(),
            imports: files.iter().map(|file| (file.path.clone(), imports(file, &of.name, &exports))).collect(),
            modules: files.iter().map(|file| (file.path.clone(), file.module.clone())).collect(),
        }
    }

    /// Returns the shortest circle of each knot, which ends with its first file again. A knot is a set of files of
    /// which each leads to each other. A file and those beneath it are one module and may import each other; the crate's
    /// root and the files beneath it may not.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let all = self.imports.keys().map(String::as_str).collect();
        self.knots(&all).iter().filter_map(|knot| self.shortest_circle(knot)).collect()
    }

    /// Returns the knots. When all files of one lie beneath one of them, that file is left out and the rest is looked
    /// at again.
    fn knots<'a>(&'a self, among: &BTreeSet<&'a str>) -> Vec<BTreeSet<&'a str>> {
        let mut known = BTreeSet::new();
        let mut knots = Vec::new();
        for &from in among {
            if known.contains(from) {
                continue;
            }
            let onward = self.reached(from, among);
            let knot: BTreeSet<&str> =
                onward.into_iter().filter(|file| self.reached(file, among).contains(from)).collect();
            known.extend(knot.iter().copied());
            let files: Vec<&str> = knot.iter().copied().collect();
            match self.face(&files) {
                _ if files.is_empty() => {}
                Some(face) => knots.extend(self.knots(&files.into_iter().filter(|file| *file != face).collect())),
                None => knots.push(knot),
            }
        }
        knots
    }

    /// Returns every file of `among` that `from` leads to.
    fn reached<'a>(&'a self, from: &str, among: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut ahead = vec![from];
        while let Some(file) = ahead.pop() {
            for next in self.imports.get(file).into_iter().flatten() {
                if among.contains(next.as_str()) && reached.insert(next.as_str()) {
                    ahead.push(next);
                }
            }
        }
        reached
    }

    /// Returns the shortest circle within a knot, leaving out circles of a file and others beneath it.
    fn shortest_circle<'a>(&'a self, knot: &BTreeSet<&'a str>) -> Option<Vec<&'a str>> {
        let imports = knot.iter().flat_map(|&from| self.imports[from].iter().map(move |to| (from, to.as_str())));
        let circles = imports.filter(|(_, to)| knot.contains(to)).filter_map(|(from, to)| {
            let way = self.way(to, from, knot)?;
            Some([&[from], way.as_slice()].concat())
        });
        circles.filter(|circle| self.face(circle).is_none()).min_by_key(Vec::len)
    }

    /// Returns the file among `files`, other than the crate's root, that all others lie beneath, if there is one.
    fn face<'a>(&self, files: &[&'a str]) -> Option<&'a str> {
        let is_above = |face: &str| files.iter().all(|file| self.modules[*file].starts_with(&self.modules[face]));
        files.iter().copied().filter(|file| !self.modules[*file].is_empty()).find(|face| is_above(face))
    }

    /// Returns the shortest way from one file of a knot to another.
    fn way<'a>(&'a self, from: &'a str, to: &str, knot: &BTreeSet<&'a str>) -> Option<Vec<&'a str>> {
        let mut ahead = VecDeque::from([vec![from]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ahead.pop_front() {
            let last = *way.last()?;
            if last == to {
                return Some(way);
            }
            for next in self.imports[last].iter().map(String::as_str).filter(|next| knot.contains(next)) {
                if seen.insert(next) {
                    ahead.push_back([way.as_slice(), &[next]].concat());
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::made_up;

    const FILES: [(&str, &str); 6] = [
        ("lib.rs", "mod a; mod b; pub use a::one::f;"),
        ("a.rs", "mod one; mod two; use one::T;"),
        ("a/one.rs", "use super::Shared; use crate::b::x::X;"),
        ("a/two.rs", "use super::one::O;"),
        ("b.rs", "mod x;"),
        ("b/x.rs", "fn f() { crate::a::two::g() }"),
    ];

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let graph = Graph::of(&made_up(files));
        let shown = |circle: &Vec<&str>| circle.join(" ").replace("made_up/src/", "").replace(".rs", "");
        graph.circles().iter().map(shown).collect()
    }

    #[test]
    fn a_circle_is_found_and_none_once_one_of_its_imports_is_gone() {
        assert_eq!(circles(&FILES), ["a/one b/x a/two a/one"]);
        for file in 2..6 {
            let mut files = FILES;
            files[file].1 = if file == 4 { continue } else { "" };
            assert_eq!(circles(&files), [""; 0]);
        }
    }

    #[test]
    fn a_file_and_those_beneath_it_may_import_each_other_but_not_those_beneath_among_themselves() {
        let family = [("lib.rs", "mod a; use a::A;"), ("a.rs", "mod b; mod c; use b::B; use c::C;")];
        let with = |b, c| [family.as_slice(), &[("a/b.rs", b), ("a/c.rs", c)]].concat();
        assert_eq!(circles(&with("use super::A; use super::c::C;", "use super::A;")), [""; 0]);
        assert_eq!(circles(&with("use super::c::C;", "use super::{A, b::B};")), ["a/b a/c a/b"]);
    }

    #[test]
    fn a_circle_that_leads_through_the_root_is_found() {
        let root = ("lib.rs", "mod a; mod b; use a::A; pub struct Root;");
        let (lower, upper) = (("a.rs", "use crate::b::B;"), ("b.rs", "use crate::Root;"));
        assert_eq!(circles(&[root, lower, upper]), ["a b lib a"]);
        assert_eq!(circles(&[root, lower, ("b.rs", "use crate::B;")]), ["a b lib a"]);
        assert_eq!(circles(&[("lib.rs", "mod a; mod b; pub use a::A;"), lower, upper]), [""; 0]);
    }
}
