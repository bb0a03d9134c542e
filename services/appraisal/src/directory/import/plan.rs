//! The plan of an import: which rows to store, in an order that keeps the rules of the directory after every step.
//! Planning needs no Postgres.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use kefu_chassis::wrong;
use kefu_proto::directory::v1 as pb;

use super::Rejected;
use super::file::{DESCRIPTION, File, Row};
use super::rows::{Reader, department_name, staff_name};
use crate::directory::snapshot::DirectorySnapshot;
use crate::directory::{department, is_number_of, staff};

/// Most resources stored in one transaction.
const STEP_SIZE: usize = 500;

/// The remaining steps of an import.
#[derive(Debug, Default)]
pub struct Plan {
    /// Transactions still to do, the first one first.
    pub steps: VecDeque<Step>,
    /// Number of rows that change nothing.
    pub unchanged: usize,
    /// Rows that the directory does not allow.
    pub rejected: Vec<Rejected>,
}

/// The resources that one transaction stores.
#[derive(Debug)]
pub enum Step {
    /// New departments.
    Departments(Vec<department::row::DepartmentRow>),
    /// New or changed staff.
    Staff(Vec<Entry>),
    /// Departments that get a head or deputies, with the changed fields.
    Leaders(Vec<(department::row::DepartmentRow, Vec<&'static str>)>),
}

/// A member of staff to store.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Index of the row in the file.
    pub row: usize,
    line: u64,
    /// Row to store.
    pub record: staff::row::StaffRow,
    /// Changed fields; empty for a new member of staff.
    pub changed: Vec<&'static str>,
}

impl Plan {
    /// Plans the rows of a file that are not `done`, over a snapshot of the directory.
    pub fn of(file: &File, done: &HashSet<usize>, known: &DirectorySnapshot, reader: &Reader) -> Self {
        let mut plan = Self::default();
        let described = Described::by(file, known, reader);
        let mut after = known.clone();
        for (_, record) in described.0.values() {
            after.put_department(record.clone());
        }
        let mut entries = plan.entries(file, done, known, reader, &described);
        for entry in &entries {
            after.put_staff(entry.record.clone());
        }
        // Rejecting a row can invalidate others, for example rows that name its person as supervisor: repeats until
        // none is rejected.
        loop {
            let before = entries.len();
            entries.retain(|entry| {
                let old = known.staff(&entry.record.name);
                let Err(refusal) = after.check_change(old, &entry.record) else { return true };
                after.restore_staff(&entry.record.name, old);
                plan.rejected.push(Rejected::new(entry.line, &refusal.field, *refusal.wrong));
                false
            });
            if entries.len() == before {
                break;
            }
        }
        plan.order_steps(entries, described, &after);
        plan.add_leaders(file, known, &after, reader);
        plan
    }

    /// The rows that change something. Rejects rows that are invalid by themselves or contradict an earlier row.
    fn entries(
        &mut self,
        file: &File,
        done: &HashSet<usize>,
        known: &DirectorySnapshot,
        reader: &Reader,
        described: &Described,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut seen = Seen::default();
        for (index, row) in file.rows.iter().enumerate() {
            let entry = read_entry(file, index, known, reader).and_then(|entry| {
                seen.check(file, row, &entry.record)?;
                described.check(file, row, known, reader)?;
                match known.holder_of(&entry.record.number).filter(|holder| *holder != entry.record.name) {
                    Some(holder) => Err(Rejected::new(row.line, "number", is_number_of(holder))),
                    None => Ok(entry),
                }
            });
            if done.contains(&index) {
                continue;
            }
            match entry {
                Err(rejected) => self.rejected.push(rejected),
                Ok(entry) if known.staff(&entry.record.name).is_some() && entry.changed.is_empty() => {
                    self.unchanged += 1;
                }
                Ok(entry) => entries.push(entry),
            }
        }
        entries
    }

    /// Orders departments before staff, and supervisors before those they supervise, so that no step stores a cycle of
    /// supervisors, or refers to what is not stored yet.
    fn order_steps(&mut self, mut entries: Vec<Entry>, described: Described, after: &DirectorySnapshot) {
        let used: HashSet<&str> = entries.iter().map(|entry| entry.record.department.as_str()).collect();
        let departments = described.0.into_iter().filter(|(name, _)| used.contains(name.as_str()));
        let departments: Vec<_> = departments.map(|(_, (_, record))| record).collect();
        self.steps.extend(departments.chunks(STEP_SIZE).map(|chunk| Step::Departments(chunk.to_vec())));
        entries.sort_by_cached_key(|entry| after.depth(&entry.record.name));
        self.steps.extend(entries.chunks(STEP_SIZE).map(|chunk| Step::Staff(chunk.to_vec())));
    }

    /// Adds heads and deputies named by the file to departments that have none. Stored heads and deputies are not replaced.
    fn add_leaders(&mut self, file: &File, known: &DirectorySnapshot, after: &DirectorySnapshot, reader: &Reader) {
        let mut leaders: BTreeMap<String, pb::Department> = BTreeMap::new();
        for row in file.rows.iter().filter(|_| reader.creates_departments) {
            let position = file.cell(row, "position").unwrap_or_default();
            let (name, department) = (staff_name(file, row).unwrap_or_default(), department_name(file, row));
            let is_member =
                after.staff(&name).is_some_and(|record| !record.inactive && record.department == department);
            if position.is_empty() || !is_member {
                continue;
            }
            let named = leaders.entry(department).or_default();
            if position == "head" && named.head.is_empty() {
                named.head = name;
            } else if position == "deputy" && named.deputies.iter().all(|deputy| deputy.staff != name) {
                named.deputies.push(pb::department::Deputy { staff: name, domains: Vec::new() });
            }
        }
        let leaders = leaders.into_iter().filter_map(|(name, named)| {
            let old = after.department(&name)?;
            let has_deputies = known.department(&name).is_some_and(|department| !department.deputies.is_empty());
            let fields: Vec<&'static str> = [("head", old.head.is_empty()), ("deputies", !has_deputies)]
                .into_iter()
                .filter_map(|(field, is_open)| is_open.then_some(field))
                .collect();
            let (new, changed) = old.updated(&fields, &named, reader.now);
            (!changed.is_empty() && !old.dissolved).then_some((new, changed))
        });
        let leaders: Vec<_> = leaders.collect();
        self.steps.extend(leaders.chunks(STEP_SIZE).map(|chunk| Step::Leaders(chunk.to_vec())));
    }
}

/// Reads a row as a member of staff to store.
fn read_entry(file: &File, index: usize, known: &DirectorySnapshot, reader: &Reader) -> Result<Entry, Rejected> {
    let row = &file.rows[index];
    let name = staff_name(file, row)?;
    let old = known.staff(&name);
    let given = reader.staff(file, row, &name, old)?;
    let (record, changed) = match old {
        None => (staff::row::StaffRow::of(name, &given, reader.now, reader.now), Vec::new()),
        Some(old) => old.imported(&given, reader.now),
    };
    Ok(Entry { row: index, line: row.line, record, changed })
}

/// Names, numbers and headships of earlier rows, each with its line, to reject a second use.
#[derive(Default)]
struct Seen {
    names: HashMap<String, u64>,
    numbers: HashMap<String, u64>,
    heads: HashMap<String, u64>,
}

impl Seen {
    fn check(&mut self, file: &File, row: &Row, record: &staff::row::StaffRow) -> Result<(), Rejected> {
        let first = |lines: &mut HashMap<String, u64>, key: &str, column: &str| {
            if let Some(line) = lines.get(key) {
                let wrong = wrong!(RepeatedItem, "stands in line {line} already", "与第{line}行重复");
                return Err(Rejected::new(row.line, column, wrong));
            }
            lines.insert(key.to_owned(), row.line);
            Ok(())
        };
        first(&mut self.names, &record.name, "id")?;
        first(&mut self.numbers, &record.number, "number")?;
        match file.cell(row, "position").unwrap_or_default() {
            "" | "deputy" => Ok(()),
            "head" => first(&mut self.heads, &department_name(file, row), "position"),
            _ => {
                let (head, deputy) = ("head", "deputy");
                let wrong = wrong!(Defined, "must be {head} or {deputy}, or empty", "只能为“{head}”、“{deputy}”或留空");
                Err(Rejected::new(row.line, "position", wrong))
            }
        }
    }
}

/// Unknown departments that the file describes, each with the index of the first row that describes it.
struct Described(BTreeMap<String, (usize, department::row::DepartmentRow)>);

impl Described {
    fn by(file: &File, known: &DirectorySnapshot, reader: &Reader) -> Self {
        let mut described = BTreeMap::new();
        for (index, row) in file.rows.iter().enumerate().filter(|_| reader.creates_departments) {
            let name = department_name(file, row);
            if name.is_empty() || known.department(&name).is_some() || described.contains_key(&name) {
                continue;
            }
            // A row with an invalid description is rejected later, by `check`.
            if let Ok(Some(record)) = reader.department(file, row, &name) {
                described.insert(name, (index, record));
            }
        }
        Self(described)
    }

    /// Checks a row's description of an unknown department: valid, and the same as that of the first row.
    fn check(&self, file: &File, row: &Row, known: &DirectorySnapshot, reader: &Reader) -> Result<(), Rejected> {
        let name = department_name(file, row);
        if !reader.creates_departments || name.is_empty() || known.department(&name).is_some() {
            return Ok(());
        }
        let Some((index, _)) = self.0.get(&name) else {
            return reader.department(file, row, &name).map(|_| ());
        };
        let first = &file.rows[*index];
        for column in DESCRIPTION {
            let (text, described) = (file.cell(row, column).unwrap_or_default(), file.cell(first, column));
            if !text.is_empty() && described != Some(text) {
                let line = first.line;
                let wrong = wrong!(Conflicting, "line {line} says otherwise", "与第{line}行不一致");
                return Err(Rejected::new(row.line, column, wrong));
            }
        }
        Ok(())
    }
}
