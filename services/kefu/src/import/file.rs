//! Reads the CSV file lazily into messages of bounded size. A broken record is rejected with its line and a reason.

use std::fs::File;
use std::io;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use kefu_proto::intake::v1::{ImportRequestsRequest, ImportedRequest, RejectedRow};
use prost::Message as _;

use super::columns::{CellError, LeftOut, MapError};
use super::map::Map;
use super::spec::Spec;
use crate::language::{pick, told};

const ROWS_PER_MESSAGE: usize = 500;
/// Most bytes of a message: well below the 4 MiB that a server accepts.
const BYTES_PER_MESSAGE: usize = 1 << 20;

/// An import that cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read or written.
    #[error("{} cannot be {action}", path.display())]
    File {
        /// What was tried, as a participle.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The map file is not one.
    #[error("the map {} cannot be used", path.display())]
    Syntax {
        /// The map file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// The map does not fit the file.
    #[error("the map {} cannot be used with {}", path.display(), file.display())]
    Map {
        /// The map file.
        path: PathBuf,
        /// The CSV file.
        file: PathBuf,
        /// The key and why.
        #[source]
        source: MapError,
    },
    /// The first line cannot be read.
    #[error("{} has no first line that names its columns", path.display())]
    Header {
        /// The CSV file.
        path: PathBuf,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// Reading or writing failed midway.
    #[error("{} cannot be {action}", path.display())]
    Csv {
        /// What was tried, as a participle.
        action: &'static str,
        /// The CSV file.
        path: PathBuf,
        /// Why.
        #[source]
        source: csv::Error,
    },
}

/// Counts and rejected rows of a file.
#[derive(Debug, Default)]
pub struct Reading {
    /// Number of rows in messages.
    pub sent: u64,
    /// Rows that cannot be sent.
    pub rejected: Vec<RejectedRow>,
    /// Values that the map left out.
    pub left_out: LeftOut,
}

/// The rows of a file, or of bytes in memory.
pub struct Rows<R = File> {
    path: PathBuf,
    reader: csv::Reader<R>,
    size: u64,
    map: Map,
    record: StringRecord,
    reading: Reading,
    is_first: bool,
    /// A row that did not fit into the message before.
    held_back: Option<ImportedRequest>,
    ends_in_crlf: bool,
}

impl Rows {
    /// Opens a file and binds the map to its columns.
    pub fn open(path: &Path, map: &Path) -> Result<Self, ImportError> {
        let unusable = |path: &Path, action| {
            let path = path.to_owned();
            move |source| ImportError::File { action, path, source }
        };
        let text = std::fs::read_to_string(map).map_err(unusable(map, "read"))?;
        let file = File::open(path).map_err(unusable(path, "opened"))?;
        let size = file.metadata().map_err(unusable(path, "read"))?.len();
        let ends_in_crlf = File::open(path).and_then(ends_in_crlf).map_err(unusable(path, "read"))?;
        Self::bind((path, file), (map, &text), size, ends_in_crlf)
    }
}

impl<R: Read> Rows<R> {
    /// Binds the text of a map to the columns of a file with its size in bytes.
    pub fn bind(
        (path, file): (&Path, R),
        (map, text): (&Path, &str),
        size: u64,
        ends_in_crlf: bool,
    ) -> Result<Self, ImportError> {
        let spec: Spec = toml::from_str(text).map_err(|source| ImportError::Syntax { path: map.to_owned(), source })?;
        let misfit = |source| ImportError::Map { path: map.to_owned(), file: path.to_owned(), source };
        let delimiter = spec.delimiter.unwrap_or(',');
        let delimiter = u8::try_from(delimiter).ok().filter(u8::is_ascii);
        let delimiter = delimiter.ok_or_else(|| {
            misfit(super::columns::map_error("delimiter", pick("must be an ASCII character", "须是一个 ASCII 字符")))
        })?;
        let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(file);
        let header = reader.headers().map_err(|source| ImportError::Header { path: path.to_owned(), source })?;
        let map = Map::bind(&spec, header).map_err(misfit)?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            size,
            map,
            record: StringRecord::new(),
            reading: Reading::default(),
            is_first: true,
            held_back: None,
            ends_in_crlf,
        })
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Position of the reader, in bytes.
    pub fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    /// Counts and rejected rows so far.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Counts and rejected rows in all.
    pub fn into_reading(self) -> Reading {
        self.reading
    }

    /// The next message; none at the end. A file without rows has one message too.
    pub fn next_message(&mut self) -> Result<Option<ImportRequestsRequest>, ImportError> {
        let mut rows: Vec<ImportedRequest> = Vec::new();
        let mut bytes = 0;
        while rows.len() < ROWS_PER_MESSAGE {
            let Some(row) = (match self.held_back.take() {
                Some(row) => Some(row),
                None => self.next_row()?,
            }) else {
                break;
            };
            bytes += row.encoded_len();
            if bytes > BYTES_PER_MESSAGE && !rows.is_empty() {
                self.held_back = Some(row);
                break;
            }
            rows.push(row);
        }
        self.reading.sent += rows.len() as u64;
        let first = std::mem::replace(&mut self.is_first, false);
        if rows.is_empty() && !first {
            return Ok(None);
        }
        let (source, calendar) =
            if first { (self.map.source.clone(), self.map.calendar.clone()) } else { Default::default() };
        Ok(Some(ImportRequestsRequest { source, rows, calendar }))
    }

    /// The next valid row. Rejects the invalid ones before it.
    fn next_row(&mut self) -> Result<Option<ImportedRequest>, ImportError> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    let line = self.line(self.record.position());
                    match self.map.request(&self.record, line, &mut self.reading.left_out) {
                        Ok(row) => return Ok(Some(row)),
                        Err(CellError { column, reason }) => {
                            let external_id = self.map.external_id(&self.record).to_owned();
                            self.reject(line, external_id, column, reason);
                        }
                    }
                }
                Err(error) => {
                    let line = self.line(error.position());
                    let reason = self.broken(line, &error).ok_or(error);
                    let reason = reason.map_err(|source| ImportError::Csv {
                        action: "read",
                        path: self.path.clone(),
                        source,
                    })?;
                    self.reject(line, String::new(), String::new(), reason);
                }
            }
        }
    }

    /// The line number of a record. The reader counts the LF of a CRLF as the beginning of the next record.
    fn line(&self, position: Option<&csv::Position>) -> u64 {
        position.map_or(0, |position| position.line() + u64::from(self.ends_in_crlf))
    }

    /// The fault of an invalid record; none if the file itself cannot be read.
    fn broken(&self, line: u64, error: &csv::Error) -> Option<String> {
        let reason = match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                told!("has {len} columns instead of {expected_len}", "有{len}列，应有{expected_len}列")
            }
            ErrorKind::Utf8 { .. } => pick("is not in UTF-8", "不是 UTF-8 编码").into(),
            _ => return None,
        };
        // The reader's position is the beginning of the next record.
        let last = self.line(Some(self.reader.position())).saturating_sub(1);
        Some(if last > line {
            told!(
                "{reason}; it goes on to line {last}: is a quote not closed?",
                "{reason}；一直延续到第{last}行，可能缺少一个引号"
            )
        } else {
            reason
        })
    }

    fn reject(&mut self, line: u64, external_id: String, field: String, reason: String) {
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        self.reading.rejected.push(RejectedRow { line, external_id, field, reason, ..RejectedRow::default() });
    }
}

/// Whether the first line ends in CRLF; the other lines are assumed to end likewise.
pub fn ends_in_crlf(file: impl Read) -> io::Result<bool> {
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    Ok(line.ends_with(b"\r\n"))
}

#[cfg(test)]
mod tests;
