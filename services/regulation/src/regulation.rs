//! The regulation in force: the rule book with the operator's values, the calendar, and the version that duties and events
//! carry.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::budget::Budget;
use crate::calendar::Calendar;
use crate::clause::{self, Clause};
use crate::constraints;
use crate::digest::Canonical;
use crate::error::{Error, Line};
use crate::overrides::Overrides;
use crate::params::{self, HANDLES, Param, Parametric};
use crate::value::Value;

#[cfg(test)]
mod tests;

/// Every clause with its effective parameters, and the business calendar. Immutable, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Regulation {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clauses: Vec<Clause>,
    index: HashMap<String, usize>,
    calendar: Calendar,
    version: String,
}

impl Regulation {
    /// Returns the rule book without overrides, on the standard calendar.
    ///
    /// # Panics
    /// Never: a test holds that the embedded rule book is valid.
    #[must_use]
    pub fn standard() -> Self {
        static STANDARD: LazyLock<Regulation> = LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "embedded data; a test proves it valid")]
            Regulation::load("").expect("the embedded rule book is valid")
        });
        STANDARD.clone()
    }

    /// Loads the rule book with the values of an operator's file: tables such as `[C2.1]` with `chat = "5m"`, and
    /// `[calendar]` with the keys of [`crate::calendar::Settings`].
    ///
    /// # Errors
    /// The first mistake in the text, with its line, the clause, the parameter and what is allowed.
    pub fn load(overrides: &str) -> Result<Self, Error> {
        let overrides = Overrides::parse(overrides)?;
        let calendar = overrides.calendar()?;
        let mut clauses = clause::rule_book(calendar.nominal_day())?;
        apply(&overrides, &mut clauses, &calendar)?;
        if let Some(violation) = constraints::violations(&clauses).into_iter().next() {
            return Err(Error::Value {
                line: overrides.line(violation.clause, violation.parameter),
                clause: violation.clause.to_owned(),
                parameter: violation.parameter.to_owned(),
                reason: violation.reason,
            });
        }
        let index = clauses.iter().enumerate().map(|(position, clause)| (clause.id.clone(), position)).collect();
        let version = version(&clauses, &calendar);
        let regulation = Self { inner: Arc::new(Inner { clauses, index, calendar, version }) };
        regulation.check_handles()?;
        Ok(regulation)
    }

    /// Loads the rule book with the values of a file in UTF-8, as [`Regulation::load`] does with a text.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be read, else [`Error::File`] with the reason as its source.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::load(&text).map_err(|source| Error::File { path: path.to_owned(), source: Box::new(source) })
    }

    /// Returns the clause of an id such as `C2.1`.
    #[must_use]
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.inner.index.get(id).and_then(|position| self.inner.clauses.get(*position))
    }

    /// Returns all clauses in the order of the rule book.
    pub fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.inner.clauses.iter()
    }

    /// Returns the version: sixteen hexadecimal digits that change when any clause, effective value or part of the
    /// calendar changes.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Returns the value in force of a handle's parameter.
    ///
    /// # Panics
    /// Never: loading checks every handle.
    #[must_use]
    pub fn get<T: Parametric>(&self, param: Param<T>) -> T {
        let value = self.value(param.clause(), param.name()).and_then(T::from_value);
        #[expect(clippy::expect_used, reason = "handles are made in this crate only, and loading checks each")]
        value.expect("a handle that loading has checked")
    }

    /// Returns the time within which the hotline is answered (C2.1): the number of rings times the length of one; wall
    /// clock.
    #[must_use]
    pub fn hotline_answer(&self) -> Budget {
        let (rings, ring) = (self.get(params::HOTLINE_RINGS), self.get(params::HOTLINE_RING));
        Budget::wall(constraints::hotline_answer(rings, ring))
    }

    /// Returns the business calendar.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.inner.calendar
    }

    fn value(&self, clause: &str, parameter: &str) -> Option<&Value> {
        let parameter = self.clause(clause)?.parameter(parameter)?;
        Some(&parameter.value)
    }

    fn check_handles(&self) -> Result<(), Error> {
        for handle in HANDLES {
            let kind = self.value(handle.clause, handle.name).map(Value::kind);
            if kind != Some(handle.kind) {
                return Err(Error::BuiltIn {
                    part: "rule book",
                    reason: format!("{}.{} is not of type {:?}", handle.clause, handle.name, handle.kind),
                });
            }
        }
        Ok(())
    }
}

/// Sets the operator's values; working days in them last as long as the calendar says.
fn apply(overrides: &Overrides, clauses: &mut [Clause], calendar: &Calendar) -> Result<(), Error> {
    for (id, line) in &overrides.clauses {
        if clauses.iter().all(|clause| clause.id != *id) {
            return Err(Error::UnknownClause { line: *line, clause: id.clone() });
        }
    }
    for set in &overrides.values {
        let Some(clause) = clauses.iter_mut().find(|clause| clause.id == set.clause) else {
            continue;
        };
        let position = clause.parameters.iter().position(|parameter| parameter.name == set.parameter);
        let Some(parameter) = position.and_then(|position| clause.parameters.get_mut(position)) else {
            return Err(unknown_parameter(clause, &set.parameter, set.line));
        };
        parameter.override_with(&set.raw, calendar.nominal_day()).map_err(|reason| Error::Value {
            line: set.line,
            clause: set.clause.clone(),
            parameter: set.parameter.clone(),
            reason,
        })?;
    }
    Ok(())
}

fn unknown_parameter(clause: &Clause, parameter: &str, line: Line) -> Error {
    let names: Vec<&str> = clause.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let allowed = if names.is_empty() {
        format!("{} has none", clause.id)
    } else {
        format!("{} has {}", clause.id, names.join(", "))
    };
    Error::UnknownParameter { line, clause: clause.id.clone(), parameter: parameter.to_owned(), allowed }
}

/// Returns the version. Values count as they are resolved, so `60m` and `1h` make one version, and restating a standard
/// value changes nothing.
fn version(clauses: &[Clause], calendar: &Calendar) -> String {
    let mut canonical = Canonical::new("kefu regulation 1");
    canonical.count(clauses.len());
    for clause in clauses {
        for text in [&clause.id, &clause.title.en, &clause.title.zh, &clause.demand.en] {
            canonical.text(text);
        }
        canonical.text(&format!("{:?} {:?}", clause.services, clause.mechanisms));
        canonical.count(clause.parameters.len());
        for parameter in &clause.parameters {
            canonical.text(&parameter.name);
            canonical.text(&format!("{:?}", parameter.source));
            parameter.value.encode(&mut canonical);
        }
    }
    calendar.encode(&mut canonical);
    canonical.finish()
}
