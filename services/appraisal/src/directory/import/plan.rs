//! What an import does: which rows are taken, and in which order, so that what is stored holds after every step. Pure.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use kefu_proto::directory::v1 as pb;

use super::Rejected;
use super::file::{DESCRIPTION, File, Row};
use super::rows::{Reader, department_name, staff_name};
use crate::directory::snapshot::DirectorySnapshot;
use crate::directory::{department, staff};

/// So many resources in one transaction.
const STEP: usize = 500;

/// What remains to be done.
#[derive(Debug, Default)]
pub struct Plan {
    pub steps: VecDeque<Step>,
    pub unchanged: usize,
    pub rejected: Vec<Rejected>,
}

/// What one transaction stores.
#[derive(Debug)]
pub enum Step {
    /// Departments that are new.
    Departments(Vec<department::row::DepartmentRow>),
    /// Staff, new or changed.
    Staff(Vec<Entry>),
    /// Departments that get a head or deputies, with the fields that change.
    Leaders(Vec<(department::row::DepartmentRow, Vec<&'static str>)>),
}

/// A member of staff to be stored.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The index of the row.
    pub row: usize,
    line: u64,
    pub record: staff::row::StaffRow,
    /// The fields that change; none if they are new.
    pub changed: Vec<&'static str>,
}

impl Plan {
    /// For the rows of a file that are not `done`, in the directory as it is known.
    pub fn of(file: &File, done: &HashSet<usize>, known: &DirectorySnapshot, reader: &Reader) -> Self {
        let mut plan = Self::default();
        let described = Described::by(file, known, reader);
        let mut then = known.clone();
        for (_, record) in described.0.values() {
            then.put_department(record.clone());
        }
        let mut entries = plan.entries(file, done, known, reader, &described);
        for entry in &entries {
            then.put_staff(entry.record.clone());
        }
        // Who is rejected changes what the others stand beside, until nobody more is.
        loop {
            let before = entries.len();
            entries.retain(|entry| {
                let old = known.staff(&entry.record.name);
                let Err(refusal) = then.check_change(old, &entry.record) else { return true };
                then.restore_staff(&entry.record.name, old);
                plan.rejected.push(Rejected::new(entry.line, &refusal.field, refusal.reason));
                false
            });
            if entries.len() == before {
                break;
            }
        }
        plan.arrange(entries, described, &then);
        plan.lead(file, known, &then, reader);
        plan
    }

    /// The rows that change something, as far as each can be judged by itself and by what other rows say before it.
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
            let entry = read(file, index, known, reader).and_then(|entry| {
                seen.check(file, row, &entry.record)?;
                described.check(file, row, known, reader)?;
                match known.holder(&entry.record.number).filter(|holder| *holder != entry.record.name) {
                    Some(holder) => Err(Rejected::new(row.line, "number", format!("is the number of {holder}"))),
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

    /// Puts whoever supervises before those they supervise: then no step makes a circle, whatever stands stored so far.
    fn arrange(&mut self, mut entries: Vec<Entry>, described: Described, then: &DirectorySnapshot) {
        let wanted: HashSet<&str> = entries.iter().map(|entry| entry.record.department.as_str()).collect();
        let departments = described.0.into_iter().filter(|(name, _)| wanted.contains(name.as_str()));
        let departments: Vec<_> = departments.map(|(_, (_, record))| record).collect();
        self.steps.extend(departments.chunks(STEP).map(|chunk| Step::Departments(chunk.to_vec())));
        entries.sort_by_cached_key(|entry| then.depth(&entry.record.name));
        self.steps.extend(entries.chunks(STEP).map(|chunk| Step::Staff(chunk.to_vec())));
    }

    /// Heads and deputies as the file names them, for departments that have none: what is known is not replaced.
    fn lead(&mut self, file: &File, known: &DirectorySnapshot, then: &DirectorySnapshot, reader: &Reader) {
        let mut led: BTreeMap<String, pb::Department> = BTreeMap::new();
        for row in file.rows.iter().filter(|_| reader.creates) {
            let position = file.cell(row, "position").unwrap_or_default();
            let (name, department) = (staff_name(file, row).unwrap_or_default(), department_name(file, row));
            let is_member = then.staff(&name).is_some_and(|record| !record.inactive && record.department == department);
            if position.is_empty() || !is_member {
                continue;
            }
            let named = led.entry(department).or_default();
            if position == "head" && named.head.is_empty() {
                named.head = name;
            } else if position == "deputy" && named.deputies.iter().all(|deputy| deputy.staff != name) {
                named.deputies.push(pb::department::Deputy { staff: name, domains: Vec::new() });
            }
        }
        let led = led.into_iter().filter_map(|(name, named)| {
            let old = then.department(&name)?;
            let has_deputies = known.department(&name).is_some_and(|department| !department.deputies.is_empty());
            let fields: Vec<&'static str> = [("head", old.head.is_empty()), ("deputies", !has_deputies)]
                .into_iter()
                .filter_map(|(field, is_open)| is_open.then_some(field))
                .collect();
            let (new, changed) = old.updated(&fields, &named, reader.now);
            (!changed.is_empty() && !old.dissolved).then_some((new, changed))
        });
        let led: Vec<_> = led.collect();
        self.steps.extend(led.chunks(STEP).map(|chunk| Step::Leaders(chunk.to_vec())));
    }
}

/// A row as the member of staff that it makes.
fn read(file: &File, index: usize, known: &DirectorySnapshot, reader: &Reader) -> Result<Entry, Rejected> {
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

/// What earlier rows have taken, each with its line: nothing is said twice.
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
                return Err(Rejected::new(row.line, column, format!("stands in line {line} already")));
            }
            lines.insert(key.to_owned(), row.line);
            Ok(())
        };
        first(&mut self.names, &record.name, "id")?;
        first(&mut self.numbers, &record.number, "number")?;
        match file.cell(row, "position").unwrap_or_default() {
            "" | "deputy" => Ok(()),
            "head" => first(&mut self.heads, &department_name(file, row), "position"),
            _ => Err(Rejected::new(row.line, "position", "must be head or deputy, or empty")),
        }
    }
}

/// The departments that the file describes and that are not known, each with the row that does so first.
struct Described(BTreeMap<String, (usize, department::row::DepartmentRow)>);

impl Described {
    fn by(file: &File, known: &DirectorySnapshot, reader: &Reader) -> Self {
        let mut described = BTreeMap::new();
        for (index, row) in file.rows.iter().enumerate().filter(|_| reader.creates) {
            let name = department_name(file, row);
            if name.is_empty() || known.department(&name).is_some() || described.contains_key(&name) {
                continue;
            }
            // What is wrong with a description is said when its row is judged.
            if let Ok(Some(record)) = reader.department(file, row, &name) {
                described.insert(name, (index, record));
            }
        }
        Self(described)
    }

    /// Whether what a row says of a department that is not known is right, and what the row that describes it says.
    fn check(&self, file: &File, row: &Row, known: &DirectorySnapshot, reader: &Reader) -> Result<(), Rejected> {
        let name = department_name(file, row);
        if !reader.creates || name.is_empty() || known.department(&name).is_some() {
            return Ok(());
        }
        let Some((index, _)) = self.0.get(&name) else {
            return reader.department(file, row, &name).map(|_| ());
        };
        let first = &file.rows[*index];
        for column in DESCRIPTION {
            let (text, described) = (file.cell(row, column).unwrap_or_default(), file.cell(first, column));
            if !text.is_empty() && described != Some(text) {
                return Err(Rejected::new(row.line, column, format!("line {} says otherwise", first.line)));
            }
        }
        Ok(())
    }
}
