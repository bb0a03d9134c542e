//! A lifecycle as a page for readers: a Mermaid diagram of its states, and what its actions do as a table.

use std::fmt::{self, Write as _};

use kefu_proto::compliance::v1::DutyEffect;

use super::{Lifecycle, Transition};
use crate::language::Language::English;

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// The page of a lifecycle, in Markdown. `title` is what it is the lifecycle of; `source` says where it is declared.
    pub fn document(&self, title: &str, source: &str) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = self.write_document(&mut page, title, source);
        page
    }

    /// The states as a Mermaid diagram. An action that leaves the state as it is stands in its box.
    pub fn mermaid(&self) -> String {
        let mut diagram = String::new();
        let _ = self.write_diagram(&mut diagram);
        diagram
    }

    fn write_document(&self, page: &mut String, title: &str, source: &str) -> fmt::Result {
        writeln!(page, "# {title}\n")?;
        writeln!(
            page,
            "Generated from the table in [{source}](../../{source}); do not edit. An arrow bears the method that"
        )?;
        writeln!(
            page,
            "fires it, the clause it serves, and in square brackets the clauses of its gates. What a box lists is"
        )?;
        writeln!(page, "possible in that state and leaves it as it is.\n")?;
        writeln!(page, "```mermaid\n{}```\n", self.mermaid())?;
        writeln!(page, "## Actions\n")?;
        writeln!(
            page,
            "A gate refuses while what it names is so. Duties are opened where their clause gives a time.\n"
        )?;
        writeln!(page, "| what happens | method | clause | from | to | gates | duties |")?;
        writeln!(page, "|---|---|---|---|---|---|---|")?;
        for row in self.transitions {
            let label = (self.label)(row.action);
            let (from, to) =
                (row.from.iter().map(|&state| self.box_name(state)), row.to.map(|state| self.box_name(state)));
            let from = from.collect::<Vec<_>>().join(", ");
            let (gates, duties) = (gates(row), duties(&self.effects(row)));
            let (what, method, clause) = (label.text.of(English), label.method, row.clause);
            writeln!(
                page,
                "| {what} | {method} | {clause} | {from} | {} | {gates} | {duties} |",
                to.unwrap_or("same")
            )?;
        }
        writeln!(page, "\n## Duties\n\n| duty | clause |\n|---|---|")?;
        for rule in self.duties {
            writeln!(page, "| {} | {} |", rule.word, English.clause(rule.clause))?;
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
                writeln!(diagram, "    {} --> [*]", self.box_name(from))?;
            }
        }
        Ok(())
    }

    /// The states in the order of the table.
    fn states(&self) -> Vec<S> {
        let mut states = Vec::new();
        for state in self.transitions.iter().flat_map(|row| row.from.iter().copied().chain(row.to)) {
            if !states.contains(&state) {
                states.push(state);
            }
        }
        states
    }

    fn box_name(&self, state: S) -> &'static str {
        if self.is_beginning(state) { "[*]" } else { (self.state_name)(state) }
    }

    /// Method, clause and clauses of the gates of the rows that are `wanted`, each once.
    fn labels(&self, wanted: impl Fn(&Transition<S, A, D, F>) -> bool) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for row in self.transitions.iter().filter(|row| wanted(row)) {
            let mut clauses: Vec<&str> = row.gates.iter().map(|gate| gate.clause).collect();
            clauses.dedup();
            let guard = if clauses.is_empty() { String::new() } else { format!(" [{}]", clauses.join(" ")) };
            let label = format!("{} {}{guard}", (self.label)(row.action).method, row.clause);
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    }
}

fn gates<S, A, D, F>(row: &Transition<S, A, D, F>) -> String {
    let gates = row.gates.iter().map(|gate| {
        let of_call = if gate.of_call { " (as the call says)" } else { "" };
        format!("{}: {}{of_call}", gate.clause, gate.missing.of(English))
    });
    gates.collect::<Vec<_>>().join("; ")
}

fn duties(effects: &[DutyEffect]) -> String {
    let effects =
        effects.iter().map(|effect| format!("{} {}", effect.kind, effect.change().as_str_name().to_lowercase()));
    effects.collect::<Vec<_>>().join(", ")
}
