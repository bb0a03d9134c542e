//! Reads a row as a member of staff and a department, checked like the requests of `CreateStaff` and
//! `CreateDepartment`.

use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::Role;
use prost::Message;

use super::Rejected;
use super::file::{DESCRIPTION, File, Row};
use crate::directory::{department, staff, stands_for_all};

/// Reads rows.
#[derive(Debug)]
pub struct Reader {
    /// Whether the file may create departments.
    pub creates_departments: bool,
    /// Time at which everything is recorded.
    pub now: jiff::Timestamp,
    creating_staff: Call,
    creating_departments: Call,
}

impl Reader {
    /// Builds the reader for an import by `call`.
    pub fn new(chassis: &Chassis, call: &Call, creates_departments: bool) -> Result<Self, Error> {
        let call_of = |method: &str| {
            let path = format!("/kefu.directory.v1.DirectoryService/{method}");
            let rule = chassis.rules.at(&path).cloned().ok_or(Error::UnknownMethod)?;
            Ok::<_, Error>(Call::internal(call.caller.clone(), rule, call.now, None, &[]))
        };
        Ok(Self {
            creates_departments,
            now: call.now,
            creating_staff: call_of("CreateStaff")?,
            creating_departments: call_of("CreateDepartment")?,
        })
    }

    /// The member of staff of a row. Fields without a column keep the stored value, or stay empty for a new member.
    pub fn staff(
        &self,
        file: &File,
        row: &Row,
        name: &str,
        old: Option<&staff::row::StaffRow>,
    ) -> Result<pb::Staff, Rejected> {
        let mut given = old.map(staff::row::StaffRow::show).unwrap_or_default();
        let set = |column: &str, field: &mut String| {
            if let Some(text) = file.cell(row, column) {
                text.clone_into(field);
            }
        };
        set("number", &mut given.number);
        set("display_name", &mut given.display_name);
        set("post", &mut given.post);
        set("department", &mut given.department);
        set("supervisor", &mut given.supervisor);
        given.department = reference("departments", &given.department);
        given.supervisor = reference("staff", &given.supervisor);
        if let Some(skills) = file.values(row, "skills") {
            given.skills = skills.into_iter().map(str::to_owned).collect();
        }
        if let Some(level) = file.cell(row, "level") {
            given.level =
                enum_number(row, "level", level, |name| pb::staff::Level::from_str_name(name).map(Into::into))?;
        }
        if let Some(roles) = file.values(row, "roles") {
            let role = |text: &str| enum_number(row, "roles", text, |name| Role::from_str_name(name).map(Into::into));
            given.roles = roles.into_iter().map(role).collect::<Result<_, _>>()?;
        }
        let staff_id = id("staff/", name);
        let request = pb::CreateStaffRequest { staff: Some(given.clone()), staff_id, ..Default::default() };
        check(&self.creating_staff, &request, row, |field| if field == "staff_id" { "id" } else { field })?;
        Ok(given)
    }

    /// The department that a row describes; none without a description.
    pub fn department(
        &self,
        file: &File,
        row: &Row,
        name: &str,
    ) -> Result<Option<department::row::DepartmentRow>, Rejected> {
        let text = |column: &str| file.cell(row, column).unwrap_or_default();
        if !describes(file, row) {
            return Ok(None);
        }
        let kind = enum_number(row, "department_kind", text("department_kind"), |name| {
            pb::department::Kind::from_str_name(name).map(Into::into)
        })?;
        let domains = file.values(row, "domains").unwrap_or_default();
        let given = pb::Department {
            display_name: text("department_name").to_owned(),
            kind,
            domains: domains.into_iter().map(str::to_owned).collect(),
            ..Default::default()
        };
        let record = department::row::DepartmentRow::of(name.to_owned(), &given, self.now);
        let department_id = id("departments/", name);
        let request = pb::CreateDepartmentRequest { department: Some(given), department_id, ..Default::default() };
        check(&self.creating_departments, &request, row, |field| match field {
            "department_id" => "department",
            "display_name" => "department_name",
            "kind" => "department_kind",
            field => field,
        })?;
        Ok(Some(record))
    }
}

/// The name of the row's member of staff.
pub fn staff_name(file: &File, row: &Row) -> Result<String, Rejected> {
    match file.cell(row, "id").unwrap_or_default() {
        "-" => Err(Rejected::new(row.line, "id", stands_for_all())),
        id => Ok(reference("staff", id)),
    }
}

/// The name of the department of the row's member; empty for none.
pub fn department_name(file: &File, row: &Row) -> String {
    reference("departments", file.cell(row, "department").unwrap_or_default())
}

/// Whether a row describes its department.
fn describes(file: &File, row: &Row) -> bool {
    DESCRIPTION.iter().any(|column| file.cell(row, column).is_some_and(|text| !text.is_empty()))
}

/// The part of a name after the collection.
fn id(collection: &str, name: &str) -> String {
    name.strip_prefix(collection).unwrap_or(name).to_owned()
}

/// The resource name for a cell that holds a name or an id; empty for an empty cell.
fn reference(collection: &str, text: &str) -> String {
    let is_name = text.strip_prefix(collection).is_some_and(|rest| rest.starts_with('/'));
    if text.is_empty() || is_name { text.to_owned() } else { format!("{collection}/{text}") }
}

/// The number of an enum value named in a cell; 0 for an empty cell.
fn enum_number(row: &Row, column: &str, text: &str, read: impl Fn(&str) -> Option<i32>) -> Result<i32, Rejected> {
    if text.is_empty() {
        return Ok(0);
    }
    let wrong = || wrong!(Defined, "is {text}, which is not known", "的取值“{text}”不在可选值之内");
    read(&text.to_uppercase()).ok_or_else(|| Rejected::new(row.line, column, wrong()))
}

/// Checks the request that would create what the row describes. `column` maps a field to its column.
fn check(call: &Call, request: &impl Message, row: &Row, column: fn(&str) -> &str) -> Result<(), Rejected> {
    let Err(error) = call.check(request) else { return Ok(()) };
    let Error::Invalid(violations) = error else {
        return Err(Rejected::new(row.line, "", wrong!(Unreadable, "cannot be read", "无法读取")));
    };
    let Some(first) = violations.into_iter().next() else { return Ok(()) };
    let field = first.field.rsplit('.').next().unwrap_or_default();
    let field = field.split('[').next().unwrap_or_default();
    Err(Rejected::new(row.line, column(field), first.wrong))
}
