//! Clauses of the four regulations as data, and the reader of the embedded rule book.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::budget::Measure;
use crate::error::{Error, Line};
use crate::value::{Kind, Raw, Value};

/// A service of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Requests, visits, collaborations, knowledge.
    Intake,
    /// Complaints and their improvement.
    Complaints,
    /// Follow-ups, surveys, outreach.
    Surveys,
    /// Staff, rosters, training, appraisal.
    Appraisal,
    /// Faults, watches, inspections, equipment.
    Faults,
}

impl Service {
    /// Returns the short name, e.g. `intake`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Complaints => "complaints",
            Self::Surveys => "surveys",
            Self::Appraisal => "appraisal",
            Self::Faults => "faults",
        }
    }
}

/// How the suite puts a clause into effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// A clocked obligation with an owner.
    Duty,
    /// A transition refused until the clause is satisfied.
    Gate,
    /// Fields that must be given and stay in the journal.
    Record,
    /// Work that the system creates itself when it is due.
    Schedule,
    /// A figure computed from journal events.
    Metric,
    /// An item on a quality-inspection scorecard.
    Scorecard,
    /// A document produced from the data.
    Report,
    /// A message to someone concerned, with acknowledgement where the clause asks for it.
    Notification,
    /// A way by which customers and service meet.
    Channel,
    /// A way back in a lifecycle, each round counted.
    Loop,
}

/// Where a parameter's standard value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The regulation's own number.
    Text,
    /// A value that kefu chose, where the regulation leaves it open.
    Default,
    /// A rule of kefu that the regulation does not have.
    Extension,
}

/// A title or a sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

/// One clause with its effective parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The stable id, `A1.1` to `D10.8`.
    pub id: String,
    /// The short name.
    pub title: Title,
    /// What the clause demands, in one sentence.
    pub demand: Title,
    /// The services that put the clause into effect, the leading one first.
    pub services: Vec<Service>,
    /// The mechanisms by which the services do so.
    pub mechanisms: Vec<Mechanism>,
    /// The parameters by name.
    pub parameters: Vec<Parameter>,
}

impl Clause {
    /// Returns the parameter of a name; none if the clause has no such parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// A value that a clause leaves to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name, unique within the clause.
    pub name: String,
    /// The value in force.
    pub value: Value,
    /// The value as the rule book or the operator wrote it, for display.
    pub text: String,
    /// Where the standard value comes from, also when it is overridden.
    pub source: Source,
    /// What the value sets, in one sentence.
    pub meaning: Title,
    /// Whether the operator's file sets it.
    pub overridden: bool,
    pub(crate) limits: Limits,
}

/// The bounds of a parameter's values beyond their type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    measure: Option<Measure>,
    min: u32,
    max: u32,
    choices: Vec<String>,
}

impl Parameter {
    /// Returns the parameter's type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.value.kind()
    }

    /// Returns the words that a parameter of [`Kind::Choice`] may take; empty for other types.
    #[must_use]
    pub fn choices(&self) -> &[String] {
        &self.limits.choices
    }

    /// Sets the operator's value. Refused with what is wrong and what is allowed.
    pub(crate) fn override_with(&mut self, raw: &Raw, nominal_day: SignedDuration) -> Result<(), String> {
        let value = Value::parse(self.kind(), raw, nominal_day).map_err(|reason| match self.kind() {
            Kind::Choice => format!("{raw} is of the wrong type; expected {}", self.limits.words()),
            _ => reason,
        })?;
        self.limits.check(&value)?;
        self.value = value;
        self.text = raw.text();
        self.overridden = true;
        Ok(())
    }
}

impl Limits {
    fn check(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::Duration(budget) if self.measure.is_some_and(|measure| measure != budget.measure) => {
                Err(match self.measure {
                    Some(Measure::Working) => "must be in working time, such as \"4h working\"".to_owned(),
                    _ => "must be on the wall clock, such as \"30m\", without \"working\"".to_owned(),
                })
            }
            Value::Count(count) if !(self.min..=self.max).contains(count) => {
                Err(format!("{count} is out of range; expected a whole number from {} to {}", self.min, self.max))
            }
            Value::Choice(word) if !self.choices.contains(word) => {
                Err(format!("{word:?} is not known; expected {}", self.words()))
            }
            _ => Ok(()),
        }
    }

    fn words(&self) -> String {
        let quoted: Vec<String> = self.choices.iter().map(|word| format!("{word:?}")).collect();
        format!("one of {}", quoted.join(", "))
    }
}

/// Reads the embedded rule book; working days in it last `nominal_day`.
pub(crate) fn rule_book(nominal_day: SignedDuration) -> Result<Vec<Clause>, Error> {
    const FILES: [&str; 4] = [
        include_str!("clauses/a.toml"),
        include_str!("clauses/b.toml"),
        include_str!("clauses/c.toml"),
        include_str!("clauses/d.toml"),
    ];
    let mut clauses = Vec::new();
    for file in FILES {
        let file: File =
            toml::from_str(file).map_err(|error| Error::BuiltIn { part: "rule book", reason: error.to_string() })?;
        for entry in file.clause {
            clauses.push(entry.into_clause(nominal_day)?);
        }
    }
    Ok(clauses)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    clause: Vec<ClauseEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClauseEntry {
    id: String,
    title: Title,
    duty: Title,
    services: Vec<Service>,
    mechanisms: Vec<Mechanism>,
    #[serde(default)]
    parameters: BTreeMap<String, ParameterEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterEntry {
    r#type: Kind,
    value: Raw,
    source: Source,
    meaning: Title,
    measure: Option<MeasureEntry>,
    min: Option<u32>,
    max: Option<u32>,
    #[serde(default)]
    choices: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum MeasureEntry {
    Wall,
    Working,
}

impl ClauseEntry {
    fn into_clause(self, nominal_day: SignedDuration) -> Result<Clause, Error> {
        let id = self.id;
        let parameters = self
            .parameters
            .into_iter()
            .map(|(name, entry)| {
                entry.into_parameter(&name, nominal_day).map_err(|reason| Error::Value {
                    line: Line(None),
                    clause: id.clone(),
                    parameter: name,
                    reason,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Clause {
            id,
            title: self.title,
            demand: self.duty,
            services: self.services,
            mechanisms: self.mechanisms,
            parameters,
        })
    }
}

impl ParameterEntry {
    fn into_parameter(self, name: &str, nominal_day: SignedDuration) -> Result<Parameter, String> {
        const MOST: u32 = 1_000_000;
        let value = Value::parse(self.r#type, &self.value, nominal_day)?;
        let limits = Limits {
            measure: self.measure.map(|measure| match measure {
                MeasureEntry::Wall => Measure::Wall,
                MeasureEntry::Working => Measure::Working,
            }),
            min: self.min.unwrap_or(1),
            max: self.max.unwrap_or(MOST),
            choices: self.choices,
        };
        limits.check(&value)?;
        Ok(Parameter {
            name: name.to_owned(),
            value,
            text: self.value.text(),
            source: self.source,
            meaning: self.meaning,
            overridden: false,
            limits,
        })
    }
}
