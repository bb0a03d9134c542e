//! The CSV file of an import: columns, and rows as text.

use csv::{ByteRecord, ReaderBuilder};
use kefu_chassis::Error;
use kefu_chassis::error::Wrong;
use kefu_chassis::wrong;

use super::Rejected;

/// Required columns.
const REQUIRED: [&str; 3] = ["id", "number", "display_name"];
/// Optional columns. If one is missing, the stored values stay.
const OPTIONAL: [&str; 6] = ["department", "post", "level", "roles", "skills", "supervisor"];
/// Optional columns of an import that may create departments.
const OF_DEPARTMENTS: [&str; 4] = ["department_name", "department_kind", "domains", "position"];
/// Columns that describe the department of a row.
pub const DESCRIPTION: [&str; 3] = ["department_name", "department_kind", "domains"];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The rows of a file, as text.
#[derive(Debug, Default)]
pub struct File {
    columns: Vec<&'static str>,
    /// Rows that can be read, in the file's order.
    pub rows: Vec<Row>,
    /// Rows that cannot be read.
    pub rejected: Vec<Rejected>,
}

/// A row of the file.
#[derive(Debug)]
pub struct Row {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    cells: Vec<String>,
}

impl File {
    /// Reads a file. Fails if a required column is missing, or a column is unknown.
    pub fn read(bytes: &[u8], creates: bool) -> Result<Self, Error> {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(Error::unexpected)?.clone();
        let mut file = Self { columns: columns(&header, creates)?, ..Self::default() };
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(Error::unexpected)? {
            let line = record.position().map_or(0, |position| line_of(bytes, position));
            match row(line, &record, &file.columns) {
                Ok(row) => file.rows.push(row),
                Err(rejected) => file.rejected.push(rejected),
            }
        }
        Ok(file)
    }

    /// The cell of a row in a column; none if the file has no such column.
    pub fn cell<'a>(&self, row: &'a Row, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|known| *known == column)?;
        row.cells.get(at).map(String::as_str)
    }

    /// The values of a cell, separated by `;`; none if the file has no such column.
    pub fn values<'a>(&self, row: &'a Row, column: &str) -> Option<Vec<&'a str>> {
        let parts = self.cell(row, column)?.split([';', '；']).map(str::trim);
        Some(parts.filter(|part| !part.is_empty()).collect())
    }
}

/// The line number of a record. The reader's position lies before the empty lines, or the line feed, that precede the
/// record.
fn line_of(bytes: &[u8], position: &csv::Position) -> u64 {
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ends = bytes.get(from..).unwrap_or_default().iter().take_while(|byte| b"\r\n".contains(byte));
    ends.fold(position.line(), |line, byte| line + u64::from(*byte == b'\n'))
}

fn columns(header: &ByteRecord, creates: bool) -> Result<Vec<&'static str>, Error> {
    let mut columns = Vec::new();
    for name in header {
        let name = String::from_utf8_lossy(name).trim().to_owned();
        let known = REQUIRED.into_iter().chain(OPTIONAL).chain(OF_DEPARTMENTS).find(|known| *known == name);
        let column = known.ok_or_else(|| {
            Error::field(
                "chunk",
                wrong!(NotAccepted, "line 1: there is no column {name:?}", "第1行含有未知的列“{name}”"),
            )
        })?;
        if columns.contains(&column) {
            return Err(Error::field(
                "chunk",
                wrong!(RepeatedItem, "line 1: the column {column} stands twice", "第1行的列“{column}”重复出现"),
            ));
        }
        if OF_DEPARTMENTS.contains(&column) && !creates {
            return Err(Error::field(
                "chunk",
                wrong!(
                    OnlyWhen,
                    "line 1: the column {column} is read with create_departments only",
                    "第1行的列“{column}”仅在新建部门时读取"
                ),
            ));
        }
        columns.push(column);
    }
    match REQUIRED.into_iter().find(|required| !columns.contains(required)) {
        Some(missing) => Err(Error::field(
            "chunk",
            wrong!(Required, "line 1: the column {missing} is missing", "第1行缺少列“{missing}”"),
        )),
        None => Ok(columns),
    }
}

fn row(line: u64, record: &ByteRecord, columns: &[&'static str]) -> Result<Row, Rejected> {
    if record.len() != columns.len() {
        let (has, expected) = (record.len(), columns.len());
        let wrong = wrong!(ItemCount, "has {has} cells and not {expected}", "有{has}格，应有{expected}格");
        return Err(Rejected::new(line, "", wrong));
    }
    let cells = record.iter().zip(columns).map(|(cell, column)| match std::str::from_utf8(cell) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(Rejected::new(line, column, not_text())),
    });
    Ok(Row { line, cells: cells.collect::<Result<_, _>>()? })
}

fn not_text() -> Wrong {
    wrong!(Unreadable, "is not UTF-8", "不是有效的文本编码")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_by_the_name_of_their_column_and_lines_are_counted_as_an_editor_does() {
        let text = "\u{feff}number, id ,display_name,skills\n1,a,\"A\nB\",打印；网络; \n\n2,b,B,\n3,c,C,\n";
        for text in [text.replace('\n', "\r\n"), text.to_owned()] {
            let file = File::read(text.as_bytes(), false).unwrap();
            assert_eq!(file.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5, 6], "{text:?}");
        }
        let file = File::read(text.as_bytes(), false).unwrap();
        assert_eq!(file.rejected, []);
        let first = &file.rows[0];
        assert_eq!((file.cell(first, "id"), file.cell(first, "display_name")), (Some("a"), Some("A\nB")));
        assert_eq!(file.values(first, "skills"), Some(vec!["打印", "网络"]));
        assert_eq!(file.values(&file.rows[1], "skills"), Some(vec![]));
        assert_eq!(file.cell(first, "post"), None);
    }

    #[test]
    fn rows_that_cannot_be_read_are_rejected_with_their_line() {
        let file = File::read(b"id,number,display_name\na,1\nb,2,\xff\nc,3,C\n", false).unwrap();
        assert_eq!(file.rows.len(), 1);
        let expected = [(2, "", "has 2 cells and not 3".to_owned()), (3, "display_name", "is not UTF-8".to_owned())];
        let rejected = file.rejected.iter().map(|row| (row.line, row.column.as_str(), row.wrong.to_string()));
        assert_eq!(rejected.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_file_with_other_columns_is_refused() {
        for (text, creates) in [
            ("", false),
            ("id,number\n", false),
            ("id,number,display_name,id\n", false),
            ("id,number,display_name,salary\n", true),
            ("id,number,display_name,position\n", false),
        ] {
            let refused = File::read(text.as_bytes(), creates).unwrap_err();
            assert!(matches!(&refused, Error::Invalid(violations) if violations[0].field == "chunk"), "{text}");
        }
        assert!(File::read(b"id,number,display_name,position", true).unwrap().rows.is_empty());
    }
}
