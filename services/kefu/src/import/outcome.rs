//! The outcome of an import: counts, rows per second, and rejected rows with line and reason.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use kefu_chassis::labels;
use kefu_chassis::language::Language;
use kefu_proto::intake::v1::{ImportRequestsResponse, ImportedRequest, RejectedRow};
use prost::Name as _;

use super::columns::LeftOut;
use super::file::{ImportError, Reading};
use crate::language::{pick, spoken, told};
use crate::terminal::grouped;

const SHOWN: usize = 20;

/// The outcome of an import.
#[derive(Debug)]
pub struct Outcome {
    imported: i64,
    known: i64,
    rejected_count: i64,
    rejected: Vec<RejectedRow>,
    left_out: LeftOut,
    took: Duration,
}

impl Outcome {
    /// Combines the rows rejected while reading with the service's answer.
    pub fn new(reading: Reading, answer: ImportRequestsResponse, took: Duration) -> Self {
        let Reading { mut rejected, left_out, .. } = reading;
        let here = i64::try_from(rejected.len()).unwrap_or(i64::MAX);
        rejected.extend(answer.rejected_rows);
        Self {
            imported: answer.imported_count,
            known: answer.known_count,
            rejected_count: here + answer.rejected_count,
            rejected,
            left_out,
            took,
        }
    }

    /// Sorts the rejected rows by line.
    pub fn sort(&mut self) {
        self.rejected.sort_by_key(|row| row.line);
    }

    /// Writes all rejected rows to a CSV file.
    pub fn write_rejects(&self, path: &Path) -> Result<(), ImportError> {
        let write = || {
            let mut writer = csv::Writer::from_path(path)?;
            writer.write_record(["line", "external_id", "field", "reason"])?;
            for row in &self.rejected {
                writer.write_record([row.line.to_string().as_str(), &row.external_id, &row.field, &row.reason])?;
            }
            writer.flush()?;
            Ok(())
        };
        write().map_err(|source| ImportError::Csv { action: "written", path: path.to_owned(), source })
    }

    /// The summary for people.
    pub fn summary(&self, rejects: Option<&Path>) -> String {
        let rows = self.imported + self.known + self.rejected_count;
        let micros = i64::try_from(self.took.as_micros()).unwrap_or(i64::MAX).max(1);
        let pace = rows.saturating_mul(1_000_000) / micros;
        let mut text = told!(
            "{} rows in {:.1} s, {} a second\n",
            "共 {} 行，用时 {:.1} 秒，每秒 {} 行\n",
            grouped(rows),
            self.took.as_secs_f64(),
            grouped(pace)
        );
        for (what, count) in [
            (pick("imported", "已导入"), self.imported),
            (pick("known from before", "此前已导入"), self.known),
            (pick("rejected", "未导入"), self.rejected_count),
        ] {
            let _ = writeln!(text, "  {:>10}  {what}", grouped(count));
        }
        for (field, &count) in &self.left_out {
            let count = grouped(i64::try_from(count).unwrap_or(i64::MAX));
            let label = label(field);
            text.push_str(&told!(
                "  {count:>10}  without {field}: left out as the map says\n",
                "  {count:>10}  未带「{label}」：按映射文件略去\n"
            ));
        }
        if self.rejected.is_empty() {
            return text;
        }
        text.push_str(pick("Rejected:\n", "未导入的行：\n"));
        for row in self.rejected.iter().take(SHOWN) {
            let _ = writeln!(text, "  {}", show(row));
        }
        let more = self.rejected_count - i64::try_from(self.rejected.len().min(SHOWN)).unwrap_or(0);
        let listed = self.rejected_count - i64::try_from(self.rejected.len()).unwrap_or(0);
        match rejects {
            Some(path) => {
                let but = pick(", but for those that intake did not list", "，intake 未列出的除外");
                let but = if listed > 0 { but } else { "" };
                text.push_str(&told!("All are in {}{but}.\n", "全部写入 {}{but}。\n", path.display()));
            }
            None if more > 0 => {
                text.push_str(&told!(
                    "  … and {} more; --rejects FILE writes them all down\n",
                    "  … 另有 {} 行；用 --rejects 文件名 可全部写入文件\n",
                    grouped(more)
                ));
            }
            None => {}
        }
        text
    }
}

fn show(row: &RejectedRow) -> String {
    let (line, id) = (row.line, &row.external_id);
    let mut text = match id.as_str() {
        "" => told!("line {line}: ", "第{line}行："),
        id => told!("line {line} ({id}): ", "第{line}行（{id}）："),
    };
    // The sentence of the service names the field; English readers get the field as the program has it.
    if spoken() == Language::Chinese && !row.message.is_empty() {
        return text + &row.message;
    }
    if !row.field.is_empty() {
        let (field, label) = (&row.field, label(&row.field));
        text.push_str(&told!("{field} ", "「{label}」"));
    }
    text + &row.reason
}

/// What people call a field of a row, in Chinese; a column of the file as it stands.
fn label(field: &str) -> String {
    let row = kefu_proto::pool().get_message_by_name(&ImportedRequest::full_name());
    labels::of_path(row.as_ref(), field, Language::Chinese)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: i64, field: &str) -> RejectedRow {
        let external_id = format!("1-{line}");
        RejectedRow { line, external_id, field: field.into(), reason: "is wrong".into(), ..RejectedRow::default() }
    }

    fn outcome(here: Vec<RejectedRow>, there: Vec<RejectedRow>) -> Outcome {
        let reading = Reading { sent: 9, rejected: here, left_out: LeftOut::from([("promised_time", 3)]) };
        let rejected_count = i64::try_from(there.len()).unwrap();
        let answer =
            ImportRequestsResponse { imported_count: 9_000, known_count: 1, rejected_count, rejected_rows: there };
        let mut outcome = Outcome::new(reading, answer, Duration::from_secs(3));
        outcome.sort();
        outcome
    }

    #[test]
    fn rejected_rows_of_both_sides_are_listed_by_line() {
        let text = outcome(vec![row(7, ""), row(2, "Status")], vec![row(5, "closed_time")]).summary(None);
        assert!(text.starts_with("9,004 rows in 3.0 s, 3,001 a second\n"), "{text}");
        assert!(text.contains("3  rejected") && text.contains("3  without promised_time"), "{text}");
        assert!(
            text.ends_with(
                "  line 2 (1-2): Status is wrong\n  line 5 (1-5): closed_time is wrong\n  line 7 (1-7): is wrong\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn twenty_are_shown_and_the_rest_is_counted() {
        let text = outcome((1..=25).map(|line| row(line, "x")).collect(), Vec::new()).summary(None);
        assert!(text.contains("line 20 ") && !text.contains("line 21 ") && text.contains("… and 5 more"), "{text}");
    }

    #[test]
    fn all_are_written_down_as_csv() {
        let path = std::env::temp_dir().join(format!("kefu-rejects-{}.csv", std::process::id()));
        outcome(vec![row(2, "a,b")], vec![row(1, "c")]).write_rejects(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text, "line,external_id,field,reason\n1,1-1,c,is wrong\n2,1-2,\"a,b\",is wrong\n");
    }
}
