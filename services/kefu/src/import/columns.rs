//! The columns of a file, to which a map is bound, and what can be wrong with either.

use std::collections::BTreeMap;

use csv::StringRecord;

/// A map file that cannot be used with a file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct MapError {
    /// The key, e.g. `fields.channel.column`.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Why a record cannot be a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The column.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
}

/// How often a value was left out because the map says so, by field.
pub type LeftOut = BTreeMap<&'static str, u64>;

/// The columns of a file, to bind keys to.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a>(pub &'a StringRecord);

impl Columns<'_> {
    /// The place of the column that `key` names.
    pub fn find(self, key: &str, column: &str) -> Result<usize, MapError> {
        let mut places = self.0.iter().enumerate().filter(|(_, name)| name.trim() == column).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(wrong(key, format!("the file has several columns {column:?}"))),
            (None, _) => {
                let known: Vec<&str> = self.0.iter().map(str::trim).collect();
                Err(wrong(key, format!("the file has no column {column:?}; it has {}", known.join(", "))))
            }
        }
    }
}

/// Something wrong with a key.
pub fn wrong(key: impl Into<String>, problem: impl Into<String>) -> MapError {
    MapError { key: key.into(), problem: problem.into() }
}
