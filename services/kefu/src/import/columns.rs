//! The columns of a file that a map is bound to, and the errors of maps and records.

use std::collections::BTreeMap;

use csv::StringRecord;

use crate::language::{pick, told};

/// A map file that cannot be used with a file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct MapError {
    /// The key, e.g. `fields.channel.column`.
    pub key: String,
    /// The fault of the key.
    pub problem: String,
}

/// The fault of a record that cannot become a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellError {
    /// The column.
    pub column: String,
    /// The fault of the cell.
    pub reason: String,
}

/// Number of values left out by options of the map, by field.
pub type LeftOut = BTreeMap<&'static str, u64>;

/// The header of a file.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a>(pub &'a StringRecord);

impl Columns<'_> {
    /// Index of a column. Fails if the file has none or several of the name; `key` is the map's key, for the error.
    pub fn find(self, key: &str, column: &str) -> Result<usize, MapError> {
        let mut indices = self.0.iter().enumerate().filter(|(_, name)| name.trim() == column).map(|(index, _)| index);
        match (indices.next(), indices.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => {
                Err(map_error(key, told!("the file has several columns {column:?}", "文件中有几列都叫「{column}」")))
            }
            (None, _) => {
                let known: Vec<&str> = self.0.iter().map(str::trim).collect();
                Err(map_error(
                    key,
                    told!(
                        "the file has no column {column:?}; it has {}",
                        "文件中没有「{column}」列；有：{}",
                        known.join(pick(", ", "、"))
                    ),
                ))
            }
        }
    }
}

/// The error for a key of the map.
pub fn map_error(key: impl Into<String>, problem: impl Into<String>) -> MapError {
    MapError { key: key.into(), problem: problem.into() }
}
