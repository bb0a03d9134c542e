//! The operator's regulation file: one table per clause, and that of the calendar. Reading checks the shape and keeps the
//! line of everything in the file; the regulation checks whether clauses, parameters and values exist.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use crate::calendar::{Calendar, Settings};
use crate::error::{Error, Line, line_of};
use crate::value::Raw;

/// The contents of an operator's file.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// The clauses that have a table, also an empty one.
    pub(crate) clauses: Vec<(String, Line)>,
    pub(crate) values: Vec<Override>,
    settings: Option<Settings>,
    calendar_lines: BTreeMap<String, Line>,
}

/// One value set by an operator.
#[derive(Debug)]
pub(crate) struct Override {
    pub(crate) clause: String,
    pub(crate) parameter: String,
    pub(crate) raw: Raw,
    pub(crate) line: Line,
}

impl Overrides {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let document = DeTable::parse(text).map_err(|error| Error::syntax(text, &error))?;
        let mut reader = Reader { text, overrides: Self::default() };
        for (key, value) in document.into_inner() {
            reader.top_level(&key, value)?;
        }
        Ok(reader.overrides)
    }

    /// Returns the calendar that the file asks for; the standard one where the file has no `[calendar]`.
    pub(crate) fn calendar(&self) -> Result<Calendar, Error> {
        let Some(settings) = &self.settings else {
            return Ok(Calendar::standard());
        };
        Calendar::from_settings(settings).map_err(|error| match error {
            Error::Calendar { key, reason, .. } => {
                Error::Calendar { line: self.calendar_lines.get(key).copied().unwrap_or_default(), key, reason }
            }
            other => other,
        })
    }

    /// Returns the line at which a parameter is set; an unknown line if none sets it.
    pub(crate) fn line(&self, clause: &str, parameter: &str) -> Line {
        let set = self.values.iter().find(|value| value.clause == clause && value.parameter == parameter);
        set.map(|value| value.line).unwrap_or_default()
    }
}

struct Reader<'a> {
    text: &'a str,
    overrides: Overrides,
}

impl Reader<'_> {
    fn top_level(&mut self, key: &Spanned<DeString<'_>>, value: Spanned<DeValue<'_>>) -> Result<(), Error> {
        let name = key.get_ref().as_ref();
        if name == "calendar" {
            return self.calendar(value);
        }
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.not_a_clause_table(key.span(), name, value.get_ref()));
        };
        // TOML reads the header [C2.1] as table 1 of table C2; ["C2.1"] arrives as one key.
        if name.contains('.') {
            return self.clause(name, &key.span(), table);
        }
        if table.is_empty() {
            let line = self.line(&key.span());
            return Err(Error::UnknownClause { line, clause: name.to_owned() });
        }
        for (section, value) in table {
            let id = format!("{name}.{}", section.get_ref());
            match value.get_ref() {
                DeValue::Table(table) => self.clause(&id, &section.span(), table)?,
                other => return Err(self.not_a_clause_table(section.span(), &id, other)),
            }
        }
        Ok(())
    }

    fn clause(&mut self, id: &str, span: &Range<usize>, table: &DeTable<'_>) -> Result<(), Error> {
        let line = self.line(span);
        self.overrides.clauses.push((id.to_owned(), line));
        for (key, value) in table {
            let line = self.line(&key.span());
            let parameter = key.get_ref().to_string();
            let fault = |reason| Error::Value { line, clause: id.to_owned(), parameter: parameter.clone(), reason };
            let raw = raw(value.get_ref()).map_err(fault)?;
            let set_before = self.overrides.line(id, &parameter);
            if let Line(Some(before)) = set_before {
                return Err(fault(format!("set before, in line {before}; set it once")));
            }
            self.overrides.values.push(Override { clause: id.to_owned(), parameter, raw, line });
        }
        Ok(())
    }

    fn calendar(&mut self, value: Spanned<DeValue<'_>>) -> Result<(), Error> {
        if let DeValue::Table(table) = value.get_ref() {
            for key in table.keys() {
                let line = self.line(&key.span());
                self.overrides.calendar_lines.insert(key.get_ref().to_string(), line);
            }
        }
        let deserializer: ValueDeserializer<'_> = value.into_deserializer();
        let settings = Settings::deserialize(deserializer).map_err(|error| {
            let Error::Syntax { line, reason } = Error::syntax(self.text, &error) else {
                return Error::syntax(self.text, &error);
            };
            Error::Syntax { line, reason: format!("calendar: {reason}") }
        })?;
        self.overrides.settings = Some(settings);
        Ok(())
    }

    fn not_a_clause_table(&self, span: Range<usize>, name: &str, value: &DeValue<'_>) -> Error {
        Error::Syntax {
            line: self.line(&span),
            reason: format!(
                "{name} is {}; expected tables named after clauses, such as [C2.1], or [calendar]",
                describe(value)
            ),
        }
    }

    fn line(&self, span: &Range<usize>) -> Line {
        Line(Some(line_of(self.text, span.start)))
    }
}

fn raw(value: &DeValue<'_>) -> Result<Raw, String> {
    match value {
        DeValue::String(text) => Ok(Raw::Text(text.to_string())),
        DeValue::Boolean(value) => Ok(Raw::Bool(*value)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Raw::Integer)
            .map_err(|_| format!("{number} is out of range")),
        other => Err(format!(
            "{} is no parameter's value; expected a text in quotes, a whole number, true or false",
            describe(other)
        )),
    }
}

fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a bare date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
