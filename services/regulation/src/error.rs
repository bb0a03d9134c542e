//! Errors of regulations and calendars, in words that an operator can act on.

use std::fmt;
use std::path::PathBuf;

/// Why a regulation file, a calendar or the embedded rule book is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the regulation file {}", path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file was read and refused; the source says why.
    #[error("the regulation file {} is refused", path.display())]
    File {
        /// The file refused.
        path: PathBuf,
        /// The reason, with its line.
        source: Box<Error>,
    },
    /// The text is not TOML, or does not have the shape of a regulation file.
    #[error("{line}{reason}")]
    Syntax {
        /// The line of the mistake.
        line: Line,
        /// What is wrong.
        reason: String,
    },
    /// No clause has this id.
    #[error("{line}{clause}: no such clause; clauses are A1.1 to D10.8, and the calendar's table is [calendar]")]
    UnknownClause {
        /// The line of the mistake.
        line: Line,
        /// The id given.
        clause: String,
    },
    /// The clause has no parameter of this name.
    #[error("{line}{clause}.{parameter}: no such parameter; {allowed}")]
    UnknownParameter {
        /// The line of the mistake.
        line: Line,
        /// The clause's id.
        clause: String,
        /// The name given.
        parameter: String,
        /// The names of the clause's parameters.
        allowed: String,
    },
    /// The value is malformed, of the wrong type, out of range, or at odds with another parameter.
    #[error("{line}{clause}.{parameter}: {reason}")]
    Value {
        /// The line of the mistake.
        line: Line,
        /// The clause's id.
        clause: String,
        /// The parameter's name.
        parameter: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// The business calendar is impossible.
    #[error("{line}calendar.{key}: {reason}")]
    Calendar {
        /// The line of the mistake.
        line: Line,
        /// The key of the `[calendar]` table.
        key: &'static str,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// The rule book compiled into the program is inconsistent: a defect of the program, not of an operator's file.
    #[error("the built-in {part} is inconsistent: {reason}")]
    BuiltIn {
        /// The part concerned.
        part: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    pub(crate) fn calendar(key: &'static str, reason: impl Into<String>) -> Self {
        Self::Calendar { line: Line(None), key, reason: reason.into() }
    }

    /// Creates the error of malformed TOML, with its line in `text`.
    pub(crate) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        Self::Syntax {
            line: Line(error.span().map(|span| line_of(text, span.start))),
            reason: error.message().to_owned(),
        }
    }
}

/// A line of the file, counted from 1, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line(pub Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, "line {line}: "),
            None => Ok(()),
        }
    }
}

/// Returns the line of a byte offset, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
