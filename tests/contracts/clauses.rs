//! Compares the page of where each clause bites, docs/clauses.md, with the contracts and the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;

use expect_test::expect_file;
use kefu_proto::contract::{methods, rule};
use kefu_proto::field::{FieldRules, at_least_one_of, exactly_one_of};
use kefu_regulation::{Clause, Regulation};
use proc_macro2::{TokenStream, TokenTree};
use prost_reflect::Kind;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ImplItemFn, ItemConst, ItemFn, ItemStatic, Lit};

use crate::structure::sources::walk;
use refusers::{Refusers, is_wrong};
use tests::Tests;

mod refusers;
mod tests;

const PREFACE: &str = "# Where each clause bites

Generated from the rule book, the contracts and the sources. To find the code that a clause is enforced by: find the clause here,
follow the link of its gate, row, duty or refusal, and search the file for the clause's id.

- **methods** serve the clause: their rule in the contract cites it ([docs/access.md](access.md) says who may call them).
- **conditions** of the contracts are refused before a method's handler: when a field is given, by whom, and with which value.
- **gates** refuse an action until the clause is satisfied; **rows** are the actions of a lifecycle that serve it, **duties** its
  clocked obligations, **refusals** what a handler refuses beside; each with the file that has it.
- **parameters** can be set by operators; the page shows the standard values.
- **tests** name the clause.

";

/// What the sources have of one clause: by kind, each with the file.
#[derive(Default)]
struct Found {
    gates: BTreeSet<(String, String)>,
    rows: BTreeSet<(String, String)>,
    duties: BTreeSet<(String, String)>,
    refusals: BTreeSet<(String, String)>,
    tests: BTreeSet<(String, String)>,
}

/// What the sources have, by clause.
struct Sources<'a> {
    clauses: BTreeSet<&'a str>,
    refusers: Refusers,
    /// Whether what is visited refuses something: a literal there is the clause of a refusal.
    refuses: bool,
    found: BTreeMap<String, Found>,
    tests: Tests,
    file: String,
    item: String,
    is_test: bool,
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

impl Sources<'_> {
    fn of(&mut self, clause: &str) -> Option<&mut Found> {
        self.clauses.contains(clause).then(|| self.found.entry(clause.to_owned()).or_default())
    }

    fn within(&mut self, item: &str, is_test: bool, visit: impl FnOnce(&mut Self)) {
        let outer = (std::mem::replace(&mut self.item, item.to_owned()), self.is_test);
        self.is_test |= is_test;
        visit(self);
        (self.item, self.is_test) = outer;
    }

    fn cited(&mut self, clause: &str) {
        let (file, item, is_test) = (self.file.clone(), self.item.clone(), self.is_test);
        let refuses = self.refuses;
        if is_test {
            self.tests.cited(&item, clause);
        } else if refuses && let Some(found) = self.of(clause) {
            found.refusals.insert((item, file));
        }
    }

    /// Visits what refuses.
    fn refusing(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.refuses, true);
        visit(self);
        self.refuses = outer;
    }

    /// The clauses among the tokens of a macro call: alone in a literal, as `wrong!` has them.
    fn scan(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Ident(ident) => self.tests.used(&self.item, ident.to_string()),
                TokenTree::Literal(literal) => {
                    if let Ok(literal) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.cited(&literal.value());
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Sources<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let is_test = item
            .attrs
            .iter()
            .any(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test"));
        let name = item.sig.ident.to_string();
        if is_test {
            self.tests.names.insert(name.clone());
        }
        self.within(&name, is_test, |sources| visit::visit_item_fn(sources, item));
    }

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.tests.used(&self.item, ident.to_string());
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.within(&item.sig.ident.to_string(), false, |sources| visit::visit_impl_item_fn(sources, item));
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.within(&item.ident.to_string(), false, |sources| visit::visit_item_const(sources, item));
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.within(&item.ident.to_string(), false, |sources| visit::visit_item_static(sources, item));
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let path = match &*call.func {
            Expr::Path(path) => path.path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let argument = |at: usize| call.args.iter().nth(at).and_then(text);
        let file = self.file.clone();
        let item = self.item.clone();
        match path.as_slice() {
            [.., "Gate", "on_record" | "of_call"] if !self.is_test => {
                if let Some(found) = argument(0).and_then(|clause| self.of(&clause)) {
                    found.gates.insert((item, file));
                }
                call.args.iter().skip(1).for_each(|argument| self.visit_expr(argument));
            }
            [.., "Rule" | "DutyRule", "of" | "deviation"] if !self.is_test => {
                if let (Some(clause), Some(code)) = (argument(1), argument(2))
                    && let Some(found) = self.of(&clause)
                {
                    found.duties.insert((code, file));
                }
                call.args.iter().skip(2).for_each(|argument| self.visit_expr(argument));
            }
            [.., "row"]
                if !self.is_test && argument(1).is_some_and(|clause| self.clauses.contains(clause.as_str())) =>
            {
                let action = match call.args.first() {
                    Some(Expr::Path(action)) => action.path.segments.last().map(|last| last.ident.to_string()),
                    _ => None,
                };
                if let (Some(action), Some(found)) = (action, argument(1).and_then(|clause| self.of(&clause))) {
                    found.rows.insert((action, file));
                }
                call.args.iter().skip(2).for_each(|argument| self.visit_expr(argument));
            }
            // A variant of an error, or a function that refuses under the clause given to it.
            [.., "Error" | "Reason", _] => self.refusing(|sources| visit::visit_expr_call(sources, call)),
            [.., name] if self.refusers.functions.contains(*name) => {
                self.refusing(|sources| call.args.iter().for_each(|argument| sources.visit_literal(argument)));
                visit::visit_expr_call(self, call);
            }
            _ => visit::visit_expr_call(self, call),
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if self.refusers.functions.contains(&name) || name.contains("precondition_failure") {
            self.refusing(|sources| call.args.iter().for_each(|argument| sources.visit_literal(argument)));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        let path: Vec<String> = made.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let is_error = path.len() > 1 && ["Error", "Self"].contains(&path[path.len() - 2].as_str());
        let is_refused = path.last().is_some_and(|last| self.refusers.structs.contains(last));
        if is_error || is_refused {
            self.refusing(|sources| visit::visit_expr_struct(sources, made));
        } else {
            visit::visit_expr_struct(self, made);
        }
    }

    fn visit_expr_lit(&mut self, literal: &'ast syn::ExprLit) {
        if let Lit::Str(text) = &literal.lit {
            self.cited(&text.value());
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if is_wrong(call) {
            self.refusing(|sources| sources.scan(call.tokens.clone()));
        } else {
            self.scan(call.tokens.clone());
        }
    }
}

impl Sources<'_> {
    /// Visits an argument that is a clause itself, and nothing that is made for it.
    fn visit_literal(&mut self, argument: &Expr) {
        if let Some(clause) = text(argument) {
            self.cited(&clause);
        }
    }
}

fn sources(root: &Path, clauses: BTreeSet<&str>) -> BTreeMap<String, Found> {
    let mut sources = Sources {
        clauses,
        refusers: Refusers::default(),
        refuses: false,
        found: BTreeMap::new(),
        tests: Tests::default(),
        file: String::new(),
        item: String::new(),
        is_test: false,
    };
    let mut paths = Vec::new();
    for service in ["appraisal", "chassis", "complaints", "intake"] {
        walk(&root.join("services").join(service), &mut paths);
    }
    walk(&root.join("tests"), &mut paths);
    paths.sort();
    let parsed = |path: &Path| syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap();
    for path in &paths {
        sources.refusers.visit_file(&parsed(path));
    }
    for path in paths {
        sources.file = path.strip_prefix(root).unwrap().display().to_string();
        sources.is_test = sources.file.contains("/tests/")
            || sources.file.starts_with("tests/")
            || sources.file.ends_with("/tests.rs");
        if sources.file.starts_with("tests/contracts") || sources.file.contains("/load/") {
            continue;
        }
        sources.tests = Tests::default();
        sources.visit_file(&parsed(&path));
        for (test, clause) in std::mem::take(&mut sources.tests).of_clauses() {
            let file = sources.file.clone();
            if let Some(found) = sources.of(&clause) {
                found.tests.insert((test, file));
            }
        }
    }
    sources.found
}

/// Writes members of a kind with links to their files: all of one file behind one link.
fn write_kind(page: &mut String, kind: &str, members: &BTreeSet<(String, String)>) -> fmt::Result {
    if members.is_empty() {
        return Ok(());
    }
    let mut by_file: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, file) in members {
        by_file.entry(file).or_default().push(name);
    }
    let shown = by_file.into_iter().map(|(file, names)| {
        let names: Vec<String> = names.iter().filter(|name| !name.is_empty()).map(|name| format!("`{name}`")).collect();
        let short = file.trim_start_matches("services/").replace("/src/", "/");
        format!("{} in [{short}](../{file})", names.join(", "))
    });
    writeln!(page, "- {kind}: {}", shown.collect::<Vec<_>>().join("; "))
}

/// The conditions of the contracts, by the clause that makes them: the method with the field's path, and the rule.
fn conditions() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for method in methods(kefu_proto::pool()) {
        let mut open = vec![(method.input(), format!("{}.", method.name()))];
        while let Some((message, above)) = open.pop() {
            let mut add = |clause: &str, fields: &str, rule: &str| {
                found.entry(clause.to_owned()).or_default().insert(format!("`{above}{fields}` {rule}"));
            };
            for set in exactly_one_of(&message) {
                add(&set.clause, &set.fields.join(", "), "exactly one of");
            }
            for set in at_least_one_of(&message) {
                add(&set.clause, &set.fields.join(", "), "at least one of");
            }
            for field in message.fields() {
                let rules = FieldRules::of(&field);
                rules.required_when.iter().for_each(|when| add(&when.clause, field.name(), "required when"));
                rules.only_when.iter().for_each(|when| add(&when.clause, field.name(), "only when"));
                rules.limits.iter().for_each(|limit| add(&limit.clause, field.name(), "limited"));
                rules.at_most_one_of.iter().for_each(|set| add(&set.clause, field.name(), "at most one of"));
                if let Kind::Message(inner) = field.kind()
                    && inner.full_name().starts_with("kefu.")
                    && !rules.is_output
                {
                    open.push((inner, format!("{above}{}.", field.name())));
                }
            }
        }
    }
    found.remove("");
    found
}

fn write_clause(
    page: &mut String,
    clause: &Clause,
    by: &[String],
    conditions: Option<&BTreeSet<String>>,
    found: Option<&Found>,
) -> fmt::Result {
    writeln!(page, "\n### {} {} · {}\n\n{}\n", clause.id, clause.title.en, clause.title.zh, clause.demand.en)?;
    if !by.is_empty() {
        writeln!(page, "- methods: {}", by.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))?;
    }
    if let Some(conditions) = conditions {
        writeln!(page, "- conditions: {}", conditions.iter().map(String::as_str).collect::<Vec<_>>().join("; "))?;
    }
    if let Some(found) = found {
        for (kind, members) in
            [("gates", &found.gates), ("rows", &found.rows), ("duties", &found.duties), ("refusals", &found.refusals)]
        {
            write_kind(page, kind, members)?;
        }
    }
    if !clause.parameters.is_empty() {
        let parameters = clause.parameters.iter().map(|parameter| {
            let meaning = parameter.meaning.en.trim_end_matches('.');
            format!("`{} = {}` ({meaning})", parameter.name, parameter.text)
        });
        writeln!(page, "- parameters: {}", parameters.collect::<Vec<_>>().join(", "))?;
    }
    if let Some(found) = found {
        write_kind(page, "tests", &found.tests)?;
    }
    Ok(())
}

fn write_page(page: &mut String) -> fmt::Result {
    let regulation = Regulation::standard();
    let mut by_clause: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for method in methods(kefu_proto::pool()) {
        for clause in rule(&method).unwrap().clauses {
            by_clause.entry(clause).or_default().push(method.name().to_owned());
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let found = sources(&root, regulation.clauses().map(|clause| clause.id.as_str()).collect());
    let conditions = conditions();
    let nothing: Vec<&Clause> = regulation
        .clauses()
        .filter(|clause| !conditions.contains_key(&clause.id))
        .filter(|clause| !by_clause.contains_key(&clause.id) && !found.contains_key(&clause.id))
        .collect();
    page.write_str(PREFACE)?;
    writeln!(page, "Of {} clauses, {} have nothing yet: {}.", regulation.clauses().count(), nothing.len(), {
        nothing.iter().map(|clause| clause.id.as_str()).collect::<Vec<_>>().join(", ")
    })?;
    let mut letter = None;
    for clause in regulation.clauses().filter(|clause| nothing.iter().all(|other| other.id != clause.id)) {
        if letter != clause.id.chars().next() {
            letter = clause.id.chars().next();
            writeln!(page, "\n## {}", letter.unwrap_or_default())?;
        }
        let by = by_clause.get(&clause.id).map_or(&[][..], Vec::as_slice);
        write_clause(page, clause, by, conditions.get(&clause.id), found.get(&clause.id))?;
    }
    Ok(())
}

#[test]
fn the_page_of_clauses_is_the_one_generated_from_contracts_and_sources() {
    let mut page = String::new();
    write_page(&mut page).unwrap();
    expect_file!["../../docs/clauses.md"].assert_eq(&page);
}
