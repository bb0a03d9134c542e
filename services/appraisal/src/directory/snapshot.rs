//! What must hold in the directory: the rules that relate staff and departments with each other. Pure, over what was read of
//! the directory: all of it for an import, and what one change concerns otherwise.

use std::collections::HashMap;

use kefu_chassis::Error;
use kefu_chassis::language::{Language, Text};
use kefu_proto::rules::v1::Role;
use sqlx::PgConnection;

use super::Organisation;
use super::department::row::{self as department, DepartmentRow as Department};
use super::staff::row::{self as staff, StaffRow as Staff};

const IS_HEAD: Text =
    Text::new("they are its head: name another, or none, first", "其为部门负责人：须先另行指定或撤销");
const IS_GENERAL_MANAGER: Text =
    Text::new("they are the general manager: appoint another first", "其为总经理：须先任命他人");
const IS_LAST_ADMIN: Text =
    Text::new("they are the last active ADMIN: name another first", "其为最后一名在职管理员：须先指定他人");

/// So many levels of supervisors at most.
const LEVELS: usize = 64;

/// What was read of the directory.
#[derive(Clone, Debug, Default)]
pub struct DirectorySnapshot {
    staff: HashMap<String, Staff>,
    /// Who has a number.
    numbers: HashMap<String, String>,
    departments: HashMap<String, Department>,
    organisation: Organisation,
}

/// Why a change is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field of the resource that stands in the way.
    pub field: String,
    /// What is wrong.
    pub reason: String,
    cause: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// The field is wrong by itself or refers to what it cannot.
    Wrong(&'static str),
    /// A clause demands something of this resource first.
    Gate(&'static str, String, Text),
    /// This member of staff has the number.
    Taken(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.cause {
            Reason::Wrong(resource) => Self::field(format!("{resource}.{}", refusal.field), refusal.reason),
            Reason::Gate(clause, subject, missing) => Self::Gate { subject, clause: clause.into(), missing },
            Reason::Taken(name) => Self::Exists { kind: "kefu/Staff", name },
        }
    }
}

fn wrong(field: &str, reason: &str) -> Refusal {
    Refusal { field: field.to_owned(), reason: reason.to_owned(), cause: Reason::Wrong("staff") }
}

fn gate(field: &str, clause: &'static str, subject: &str, missing: Text) -> Refusal {
    let reason = format!("{clause}: {}", missing.of(Language::English));
    Refusal { field: field.to_owned(), reason, cause: Reason::Gate(clause, subject.to_owned(), missing) }
}

impl DirectorySnapshot {
    pub fn new(
        staff: impl IntoIterator<Item = Staff>,
        departments: impl IntoIterator<Item = Department>,
        organisation: Organisation,
    ) -> Self {
        let mut known = Self { organisation, ..Self::default() };
        for record in staff {
            known.put_staff(record);
        }
        for record in departments {
            known.put_department(record);
        }
        known
    }

    /// What a change of a member of staff concerns.
    pub async fn around_staff(
        connection: &mut PgConnection,
        organisation: Organisation,
        record: &Staff,
    ) -> Result<Self, Error> {
        let levels = i32::try_from(LEVELS).unwrap_or(i32::MAX);
        let staff = staff::around(connection, record, levels).await?;
        let departments = department::around_staff(connection, record).await?;
        Ok(Self::new(staff, departments, organisation))
    }

    /// All of the directory.
    pub async fn all(connection: &mut PgConnection, organisation: Organisation) -> Result<Self, Error> {
        Ok(Self::new(staff::all(connection).await?, department::all(connection).await?, organisation))
    }

    pub fn staff(&self, name: &str) -> Option<&Staff> {
        self.staff.get(name)
    }

    pub fn department(&self, name: &str) -> Option<&Department> {
        self.departments.get(name)
    }

    /// Takes a member of staff as they are now.
    pub fn put_staff(&mut self, record: Staff) {
        if let Some(old) = self.staff.get(&record.name) {
            self.numbers.remove(&old.number);
        }
        self.numbers.insert(record.number.clone(), record.name.clone());
        self.staff.insert(record.name.clone(), record);
    }

    /// Takes a member of staff as they were, or not at all.
    pub fn restore_staff(&mut self, name: &str, old: Option<&Staff>) {
        if let Some(new) = self.staff.remove(name) {
            self.numbers.remove(&new.number);
        }
        if let Some(old) = old {
            self.put_staff(old.clone());
        }
    }

    /// Who has a number.
    pub fn holder(&self, number: &str) -> Option<&str> {
        self.numbers.get(number).map(String::as_str)
    }

    /// Takes a department as it is now.
    pub fn put_department(&mut self, record: Department) {
        self.departments.insert(record.name.clone(), record);
    }

    /// Whether a member of staff may be, or become, as `new` says.
    pub fn check_staff(&self, new: &Staff) -> Result<(), Refusal> {
        let old = self.staff.get(&new.name);
        self.check_change(old, new)
    }

    /// Whether `old` may become `new`, beside everybody else as they are known.
    pub fn check_change(&self, old: Option<&Staff>, new: &Staff) -> Result<(), Refusal> {
        check_roles(new)?;
        self.check_department(new)?;
        if let Some(holder) = self.numbers.get(&new.number).filter(|holder| **holder != new.name) {
            let reason = format!("is the number of {holder}");
            return Err(Refusal { field: "number".into(), reason, cause: Reason::Taken(holder.clone()) });
        }
        if old.is_none_or(|old| old.supervisor != new.supervisor) {
            self.check_supervisor(new)?;
        }
        old.map_or(Ok(()), |old| self.check_left_behind(old, new))
    }

    fn check_department(&self, new: &Staff) -> Result<(), Refusal> {
        if new.department.is_empty() {
            let is_operator = new.roles().next().is_some() && new.roles().all(|role| role == Role::Admin);
            return if is_operator {
                Ok(())
            } else {
                Err(wrong("department", "is required of everybody who is not only an ADMIN"))
            };
        }
        match self.departments.get(&new.department) {
            None => Err(wrong("department", "is not known")),
            Some(department) if department.dissolved && !new.inactive => Err(wrong("department", "is dissolved")),
            Some(_) => Ok(()),
        }
    }

    /// Nobody supervises themselves, also not by way of others.
    fn check_supervisor(&self, new: &Staff) -> Result<(), Refusal> {
        let mut above = new.supervisor.as_str();
        if above.is_empty() {
            return Ok(());
        }
        if above == new.name {
            return Err(wrong("supervisor", "must be somebody else"));
        }
        match self.staff.get(above) {
            None => return Err(wrong("supervisor", "is not known")),
            Some(supervisor) if supervisor.inactive => return Err(wrong("supervisor", "has left")),
            Some(_) => {}
        }
        for _ in 0..LEVELS {
            above = self.staff.get(above).map_or("", |supervisor| supervisor.supervisor.as_str());
            if above.is_empty() {
                return Ok(());
            }
            if above == new.name {
                return Err(wrong("supervisor", "is supervised by them, directly or by way of others"));
            }
        }
        Err(wrong("supervisor", &format!("stands below more than {LEVELS} others")))
    }

    /// What somebody holds, they do not leave before another has it.
    fn check_left_behind(&self, old: &Staff, new: &Staff) -> Result<(), Refusal> {
        let leaves = new.inactive && !old.inactive;
        let moves = new.department != old.department;
        let field = if leaves { "inactive" } else { "department" };
        let headed = self.departments.values().find(|department| department.head == new.name);
        if let Some(department) = headed.filter(|department| leaves || moves && new.department != department.name) {
            return Err(gate(field, "A2.4", &department.name, IS_HEAD));
        }
        if leaves && self.organisation.general_manager == new.name {
            return Err(gate(field, "A2.5", &new.name, IS_GENERAL_MANAGER));
        }
        if old.is_active_admin() && !new.is_active_admin() {
            let others = self.staff.values().any(|other| other.name != new.name && other.is_active_admin());
            if !others {
                let field = if leaves { "inactive" } else { "roles" };
                return Err(gate(field, "A1.1", &new.name, IS_LAST_ADMIN));
            }
        }
        Ok(())
    }

    /// Whether a department may become as `new` says; `changed` are the fields that do. That nobody active belongs to one that is
    /// dissolved has to be looked at apart.
    pub fn check_leaders(&self, new: &Department, changed: &[&str]) -> Result<(), Refusal> {
        let wrong = |field: String, reason: &str| Refusal {
            field,
            reason: reason.to_owned(),
            cause: Reason::Wrong("department"),
        };
        if changed.contains(&"head") && !new.head.is_empty() {
            let head = self.staff.get(&new.head).ok_or_else(|| wrong("head".into(), "is not known"))?;
            if head.inactive {
                return Err(wrong("head".into(), "has left"));
            }
            if head.department != new.name {
                return Err(wrong("head".into(), "does not belong to the department"));
            }
        }
        if !changed.contains(&"deputies") {
            return Ok(());
        }
        for (index, deputy) in new.deputies.iter().enumerate() {
            let field = format!("deputies[{index}].staff");
            let staff = self.staff.get(&deputy.staff).ok_or_else(|| wrong(field.clone(), "is not known"))?;
            if staff.inactive {
                return Err(wrong(field, "has left"));
            }
            if new.deputies[..index].iter().any(|other| other.staff == deputy.staff) {
                return Err(wrong(field, "stands twice"));
            }
        }
        Ok(())
    }

    /// How many stand above somebody.
    pub fn depth(&self, name: &str) -> usize {
        let above =
            |name: &str| self.staff.get(name).map(|record| record.supervisor.as_str()).filter(|n| !n.is_empty());
        std::iter::successors(above(name), |name| above(name)).take(2 * LEVELS).count()
    }
}

fn check_roles(new: &Staff) -> Result<(), Refusal> {
    match new.roles().find(|role| matches!(role, Role::Unspecified | Role::Customer | Role::Service)) {
        None => Ok(()),
        Some(role) => Err(wrong("roles", &format!("{} is no role of staff", role.as_str_name()))),
    }
}
