//! Lifecycles as pages for readers: a Mermaid diagram of the states, and a table of what the actions do.

use std::fmt::{self, Write as _};

use kefu_proto::compliance::v1::DutyEffect;

use super::{Lifecycle, Transition};
use crate::base::language::Language::English;

/// Mermaid's sign for the state before a subject begins and after it has ended.
const BEGINNING: &str = "[*]";

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// Returns the page of a lifecycle in Markdown, for `docs/lifecycles`. `source` is the file that declares it.
    #[must_use]
    pub fn document(&self, title: &str, source: &str) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = self.write_document(&mut page, title, source);
        page
    }

    /// Returns the states as a Mermaid diagram. An action that does not change the state is written in the state's box.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut diagram = String::new();
        let _ = self.write_diagram(&mut diagram);
        diagram
    }

    fn write_document(&self, page: &mut String, title: &str, source: &str) -> fmt::Result {
        writeln!(page, "# {title}\n\nGenerated from [{source}](../../{source}).\n")?;
        writeln!(
            page,
            "An arrow bears the method that fires it, the clauses it serves, and in square brackets those of its"
        )?;
        writeln!(page, "gates. What a box lists is possible in that state and leaves it as it is.\n")?;
        writeln!(page, "```mermaid\n{}```\n", self.mermaid())?;
        writeln!(
            page,
            "## Actions\n\nA gate refuses while what it says is so. A duty is opened where its clause gives a time. Where an action is its \
            owner's, their department or its customer may do it as well, as far as the access of the method says.\n"
        )?;
        writeln!(page, "| what happens | method | by whom | clause | from | to | gates | duties |")?;
        writeln!(page, "|---|---|---|---|---|---|---|---|")?;
        for row in self.transitions {
            let label = (self.label)(row.action);
            let (from, to) =
                (row.from.iter().map(|&state| self.box_name(state)), row.to.map(|state| self.box_name(state)));
            let from = from.collect::<Vec<_>>().join(", ").replace(BEGINNING, "new");
            let (gates, duties) = (gates(row), duties(&self.effects(row, None)));
            let is_new = row.from.iter().all(|&from| self.is_beginning(from));
            let whose = row.reach.as_ref().map_or(if is_new { "" } else { "its owner" }, |reach| reach.whose);
            let (what, method, clause) = (label.text.of(English), label.method, row.clause);
            writeln!(
                page,
                "| {what} | {method} | {whose} | {clause} | {from} | {} | {gates} | {duties} |",
                to.unwrap_or("same")
            )?;
        }
        for guard in self.guards {
            let mut except: Vec<&str> =
                guard.except.iter().map(|&action| (self.label)(action).text.of(English)).collect();
            except.dedup();
            let (clause, missing) = (guard.gate.clause, guard.gate.missing.of(English));
            writeln!(
                page,
                "\n## Before every action\n\nThe gate {clause}: {missing}. It does not stand before these:\n"
            )?;
            for what in except {
                writeln!(page, "- {what}")?;
            }
        }
        writeln!(page, "\n## Duties\n\n| duty | clause |\n|---|---|")?;
        for rule in self.duties {
            writeln!(page, "| {} | {} |", rule.code, English.clause(rule.clause))?;
        }
        Ok(())
    }

    fn write_diagram(&self, diagram: &mut String) -> fmt::Result {
        writeln!(diagram, "stateDiagram-v2")?;
        let states = self.states();
        for &state in &states {
            let stays: Vec<String> = self.labels(|row| row.to.is_none() && row.from.contains(&state));
            if !stays.is_empty() {
                // The first line is the title of the box.
                let name = self.box_name(state);
                writeln!(diagram, "    {name} : {name}")?;
                for line in stays {
                    writeln!(diagram, "    {name} : {line}")?;
                }
            }
        }
        for &from in &states {
            for &to in &states {
                let labels = self.labels(|row| row.to == Some(to) && row.from.contains(&from));
                if !labels.is_empty() {
                    let (from, to) = (self.box_name(from), self.box_name(to));
                    writeln!(diagram, "    {from} --> {to} : {}", labels.join("<br/>"))?;
                }
            }
            if self.transitions.iter().all(|row| !row.from.contains(&from)) {
                writeln!(diagram, "    {} --> {BEGINNING}", self.box_name(from))?;
            }
        }
        Ok(())
    }

    /// Returns the states in the order of the table, the one before a subject begins first.
    #[must_use]
    pub fn states(&self) -> Vec<S> {
        let mut states = Vec::new();
        for state in self.transitions.iter().flat_map(|row| row.from.iter().copied().chain(row.to)) {
            if !states.contains(&state) {
                states.push(state);
            }
        }
        states
    }

    fn box_name(&self, state: S) -> &'static str {
        if self.is_beginning(state) { BEGINNING } else { (self.state_name)(state) }
    }

    /// Returns method, clauses and gates of the `wanted` rows, one label for each method with the same gates.
    fn labels(&self, wanted: impl Fn(&Transition<S, A, D, F>) -> bool) -> Vec<String> {
        let mut labels: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
        for row in self.transitions.iter().filter(|row| wanted(row)) {
            let method = (self.label)(row.action).method;
            let mut gates: Vec<&str> = row.gates.iter().map(|gate| gate.clause).collect();
            gates.dedup();
            match labels.iter_mut().find(|label| (label.0, &label.2) == (method, &gates)) {
                Some((_, clauses, _)) if clauses.contains(&row.clause) => {}
                Some((_, clauses, _)) => clauses.push(row.clause),
                None => labels.push((method, vec![row.clause], gates)),
            }
        }
        let written = labels.into_iter().map(|(method, clauses, gates)| {
            let guard = if gates.is_empty() { String::new() } else { format!(" [{}]", gates.join(", ")) };
            format!("{method} {}{guard}", clauses.join(", "))
        });
        written.collect()
    }
}

fn gates<S, A, D, F>(row: &Transition<S, A, D, F>) -> String {
    let gates = row.gates.iter().map(|gate| {
        let of_call = if gate.of_call { " (as the call says)" } else { "" };
        format!("{}: {}{of_call}", gate.clause, gate.missing.of(English))
    });
    gates.collect::<Vec<_>>().join("; ")
}

/// Writes the effects, those of one kind together.
fn duties(effects: &[DutyEffect]) -> String {
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for effect in effects {
        let change = effect.change().as_str_name();
        match kinds.iter_mut().find(|(known, _)| *known == change) {
            Some((_, duties)) => duties.push(&effect.kind),
            None => kinds.push((change, vec![&effect.kind])),
        }
    }
    let kinds = kinds.iter().map(|(change, duties)| format!("{}: {}", change.to_lowercase(), duties.join(", ")));
    kinds.collect::<Vec<_>>().join("; ")
}
