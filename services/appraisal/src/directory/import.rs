//! `ImportStaff`: staff, and departments if the call says so, from a CSV file. The whole file is read, then stored in
//! transactions of bounded size. When another call changes the directory between two of them, the rest of the file is
//! planned again.

use std::collections::HashSet;

use kefu_chassis::error::Wrong;
use kefu_chassis::labels;
use kefu_chassis::language::{Language, Text};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error, UnitOfWork};
use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::import_staff_response::RejectedRow;
use prost::Name as _;
use tokio_stream::StreamExt as _;
use tonic::Streaming;

use super::snapshot::DirectorySnapshot;
use super::{Directory, department, lock_organisation, staff};

mod file;
mod plan;
mod rows;

use file::File;
use plan::{Plan, Step};
use rows::Reader;

/// Most bytes of a file.
const MAX_BYTES: usize = 16 << 20;
/// Most rejected rows that a reply lists.
const REJECTED_LISTED_AT_MOST: usize = 1_000;

/// A rejected row: its line, the column at fault, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    /// Column at fault, as the file names it.
    pub column: String,
    /// What is wrong with the cell.
    pub wrong: Wrong,
}

impl Rejected {
    /// Rejects a row for what is wrong in a column.
    pub fn new(line: u64, column: &str, wrong: Wrong) -> Self {
        Self { line, column: column.to_owned(), wrong }
    }
}

impl Directory {
    pub(super) async fn import_staff(
        &self,
        call: &mut Call,
        pieces: Streaming<pb::ImportStaffRequest>,
    ) -> Result<pb::ImportStaffResponse, Error> {
        let (bytes, creates_departments) = receive(call, pieces).await?;
        let file = File::read(&bytes, creates_departments)?;
        drop(bytes);
        let reader = Reader::new(&self.chassis, call, creates_departments)?;
        let mut result = pb::ImportStaffResponse::default();
        let mut done: HashSet<usize> = HashSet::new();
        let mut plan = Plan::default();
        let mut planned_for = None;
        loop {
            let mut work = self.chassis.begin(call).await?;
            let organisation = lock_organisation(work.connection()).await?;
            let version = organisation.version;
            if planned_for.is_none_or(|planned| planned + 1 != version) {
                let known = DirectorySnapshot::all(work.connection(), organisation).await?;
                plan = Plan::of(&file, &done, &known, &reader);
            }
            planned_for = Some(version);
            let Some(step) = plan.steps.pop_front() else {
                report(call.language, &mut result, &file, &plan);
                return Ok(result);
            };
            store_step(&mut work, call, &step).await?;
            work.commit(pb::ImportStaffResponse::default()).await?;
            if let Step::Staff(entries) = step {
                let new = entries.iter().filter(|entry| entry.changed.is_empty()).count();
                result.created_count += count(new);
                result.updated_count += count(entries.len() - new);
                done.extend(entries.iter().map(|entry| entry.row));
            }
        }
    }
}

/// Stores one step of the plan.
async fn store_step(work: &mut UnitOfWork<'_>, call: &Call, step: &Step) -> Result<(), Error> {
    match step {
        Step::Departments(records) => {
            department::row::DepartmentRow::upsert(work.connection(), &records.iter().collect::<Vec<_>>()).await?;
            for record in records {
                work.record(department::row::created(call, record));
            }
        }
        Step::Leaders(led) => {
            let records: Vec<_> = led.iter().map(|(record, _)| record).collect();
            department::row::DepartmentRow::upsert(work.connection(), &records).await?;
            for (record, changed) in led {
                work.record(department::row::updated(call, record, changed));
            }
        }
        Step::Staff(entries) => {
            let records: Vec<_> = entries.iter().map(|entry| &entry.record).collect();
            staff::row::StaffRow::upsert(work.connection(), &records).await?;
            for entry in entries {
                work.record(match entry.changed.as_slice() {
                    [] => staff::row::created(call, &entry.record),
                    changed => staff::row::updated(call, &entry.record, changed, call.now),
                });
            }
        }
    }
    Ok(())
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Receives the whole file. Also returns whether the file may create departments.
async fn receive(call: &Call, mut pieces: Streaming<pb::ImportStaffRequest>) -> Result<(Vec<u8>, bool), Error> {
    let mut bytes = Vec::new();
    let mut creates_departments = None;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|status| {
            let code = status.code();
            Error::field(
                "chunk",
                wrong!(OutOfPlace, "ends too early, the stream broke off: {code}", "不完整，数据流中断：“{code}”"),
            )
        })?;
        call.check(&piece)?;
        creates_departments.get_or_insert(piece.create_departments);
        if bytes.len() + piece.chunk.len() > MAX_BYTES {
            return Err(Error::field(
                "chunk",
                wrong!(TooLong, "is too long: the whole file must have at most 16 MiB", "过大，整个文件最多16兆字节"),
            ));
        }
        bytes.extend_from_slice(&piece.chunk);
    }
    Ok((bytes, creates_departments.unwrap_or_default()))
}

/// What people call a column.
fn label(column: &str, language: Language) -> String {
    let own = match column {
        "id" => Text::new("Id", "标识"),
        "department_name" => Text::new("Name of the department", "部门名称"),
        "department_kind" => Text::new("Kind of department", "部门类别"),
        "position" => Text::new("Position", "职务"),
        _ => {
            let staff = kefu_proto::pool().get_message_by_name(&pb::Staff::full_name());
            return labels::of_path(staff.as_ref(), column, language);
        }
    };
    own.of(language).to_owned()
}

fn report(language: Language, result: &mut pb::ImportStaffResponse, file: &File, plan: &Plan) {
    let mut rejected: Vec<&Rejected> = file.rejected.iter().chain(&plan.rejected).collect();
    rejected.sort_by_key(|rejected| rejected.line);
    result.unchanged_count = count(plan.unchanged);
    result.rejected_count = count(rejected.len());
    result.rejected_rows = rejected
        .into_iter()
        .take(REJECTED_LISTED_AT_MOST)
        .map(|rejected| RejectedRow {
            line: i64::try_from(rejected.line).unwrap_or(i64::MAX),
            field: rejected.column.clone(),
            reason: rejected.wrong.text.en().to_owned(),
            rule: rejected.wrong.rule.into(),
            message: language.sentence(&label(&rejected.column, language), &rejected.wrong),
        })
        .collect();
}
