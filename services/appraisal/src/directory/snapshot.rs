//! Rules between staff and departments, checked against a snapshot of the directory: the whole directory for an import,
//! otherwise the part that a change concerns. Only reading a snapshot needs Postgres.

use std::collections::HashMap;

use kefu_chassis::error::{Wrong, not_known};
use kefu_chassis::labels;
use kefu_chassis::language::Text;
use kefu_chassis::{Error, FieldRule, wrong};
use kefu_proto::rules::v1::Role;
use sqlx::PgConnection;

use super::department::row::{self as department, DepartmentRow as Department};
use super::staff::row::{self as staff, StaffRow as Staff};
use super::{Organisation, has_left, is_number_of};

const IS_HEAD: Text =
    Text::new("they are its head: name another, or none, first", "该员工是部门负责人，须先改由他人负责或暂时空缺");
const IS_GENERAL_MANAGER: Text =
    Text::new("they are the general manager: appoint another first", "该员工是总经理，须先任命他人");
const IS_LAST_ADMIN: Text =
    Text::new("they are the last active ADMIN: name another first", "该员工是最后一名在职的系统管理员，须先指定他人");

/// Most levels of supervisors above somebody.
const LEVELS: usize = 64;

/// The part of the directory that was read.
#[derive(Clone, Debug, Default)]
pub struct DirectorySnapshot {
    staff: HashMap<String, Staff>,
    /// Names of staff by their number.
    numbers: HashMap<String, String>,
    departments: HashMap<String, Department>,
    organisation: Organisation,
}

/// The refusal of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field at fault.
    pub field: String,
    /// What is wrong with it.
    pub wrong: Box<Wrong>,
    cause: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// A field of the resource, `staff` or `department`, is invalid or refers to something that it must not.
    Wrong(&'static str),
    /// A clause requires another change first: clause, resource, and what is missing.
    Gate(&'static str, String, Text),
    /// Another member of staff has the number.
    Taken(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.cause {
            Reason::Wrong(resource) => Self::field(format!("{resource}.{}", refusal.field), *refusal.wrong),
            Reason::Gate(clause, subject, missing) => {
                Self::Gate { subject, clause: clause.into(), missing, field: None }
            }
            Reason::Taken(name) => Self::Exists { kind: "kefu/Staff", name },
        }
    }
}

fn wrong_field(field: &str, wrong: Wrong) -> Refusal {
    Refusal { field: field.to_owned(), wrong: Box::new(wrong), cause: Reason::Wrong("staff") }
}

fn gate(field: &str, clause: &'static str, subject: &str, missing: Text) -> Refusal {
    let wrong = Wrong { rule: FieldRule::NotAccepted, clause, text: missing.into() };
    Refusal {
        field: field.to_owned(),
        wrong: Box::new(wrong),
        cause: Reason::Gate(clause, subject.to_owned(), missing),
    }
}

impl DirectorySnapshot {
    /// Builds a snapshot of these rows.
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

    /// Reads the part that a change of a member of staff concerns.
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

    /// Reads the whole directory.
    pub async fn all(connection: &mut PgConnection, organisation: Organisation) -> Result<Self, Error> {
        Ok(Self::new(staff::all(connection).await?, department::all(connection).await?, organisation))
    }

    /// The member of staff with a name.
    pub fn staff(&self, name: &str) -> Option<&Staff> {
        self.staff.get(name)
    }

    /// The department with a name.
    pub fn department(&self, name: &str) -> Option<&Department> {
        self.departments.get(name)
    }

    /// Adds or replaces a member of staff.
    pub fn put_staff(&mut self, record: Staff) {
        if let Some(old) = self.staff.get(&record.name) {
            self.numbers.remove(&old.number);
        }
        self.numbers.insert(record.number.clone(), record.name.clone());
        self.staff.insert(record.name.clone(), record);
    }

    /// Puts a member of staff back as they were before, or removes a new one.
    pub fn restore_staff(&mut self, name: &str, old: Option<&Staff>) {
        if let Some(new) = self.staff.remove(name) {
            self.numbers.remove(&new.number);
        }
        if let Some(old) = old {
            self.put_staff(old.clone());
        }
    }

    /// Name of the member of staff with a number.
    pub fn holder_of(&self, number: &str) -> Option<&str> {
        self.numbers.get(number).map(String::as_str)
    }

    /// Adds or replaces a department.
    pub fn put_department(&mut self, record: Department) {
        self.departments.insert(record.name.clone(), record);
    }

    /// Checks a new or changed member of staff against the snapshot.
    pub fn check_staff(&self, new: &Staff) -> Result<(), Refusal> {
        let old = self.staff.get(&new.name);
        self.check_change(old, new)
    }

    /// Checks the change of a member of staff from `old` (none for a new one) to `new`, with everybody else as in the
    /// snapshot.
    pub fn check_change(&self, old: Option<&Staff>, new: &Staff) -> Result<(), Refusal> {
        check_roles(new)?;
        self.check_department(new)?;
        if let Some(holder) = self.numbers.get(&new.number).filter(|holder| **holder != new.name) {
            return Err(Refusal {
                field: "number".into(),
                wrong: Box::new(is_number_of(holder)),
                cause: Reason::Taken(holder.clone()),
            });
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
                Err(wrong_field(
                    "department",
                    wrong!(
                        Required,
                        "is required of everybody who is not only an operator",
                        "必填，只担任系统管理员的除外"
                    ),
                ))
            };
        }
        match self.departments.get(&new.department) {
            None => Err(wrong_field("department", not_known())),
            Some(department) if department.dissolved && !new.inactive => {
                Err(wrong_field("department", wrong!(NotAccepted, "is dissolved", "已撤销")))
            }
            Some(_) => Ok(()),
        }
    }

    /// Checks the supervisor: known, active, and not supervised by `new` in turn, directly or through others.
    fn check_supervisor(&self, new: &Staff) -> Result<(), Refusal> {
        let mut above = new.supervisor.as_str();
        if above.is_empty() {
            return Ok(());
        }
        if above == new.name {
            return Err(wrong_field("supervisor", wrong!(NotAccepted, "must be somebody else", "须是他人")));
        }
        match self.staff.get(above) {
            None => return Err(wrong_field("supervisor", not_known())),
            Some(supervisor) if supervisor.inactive => {
                return Err(wrong_field("supervisor", has_left()));
            }
            Some(_) => {}
        }
        for _ in 0..LEVELS {
            above = self.staff.get(above).map_or("", |supervisor| supervisor.supervisor.as_str());
            if above.is_empty() {
                return Ok(());
            }
            if above == new.name {
                return Err(wrong_field(
                    "supervisor",
                    wrong!(
                        Conflicting,
                        "is supervised by them, directly or by way of others",
                        "是该员工直接或间接管理的人"
                    ),
                ));
            }
        }
        Err(wrong_field(
            "supervisor",
            wrong!(TooMany, "stands below more than {LEVELS} others", "之上的层级超过{LEVELS}层"),
        ))
    }

    /// Fails if the change would leave a department without its head, the organisation without its general manager, or
    /// the directory without an active ADMIN.
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

    /// Checks head and deputies of a department, if they are among the `changed` fields. That a dissolved department
    /// has no members is checked by the caller, since the snapshot may lack them.
    pub fn check_leaders(&self, new: &Department, changed: &[&str]) -> Result<(), Refusal> {
        let wrong_field =
            |field: String, wrong: Wrong| Refusal { field, wrong: Box::new(wrong), cause: Reason::Wrong("department") };
        if changed.contains(&"head") && !new.head.is_empty() {
            let head = self.staff.get(&new.head).ok_or_else(|| wrong_field("head".into(), not_known()))?;
            if head.inactive {
                return Err(wrong_field("head".into(), has_left()));
            }
            if head.department != new.name {
                return Err(wrong_field(
                    "head".into(),
                    wrong!(NotAccepted, "does not belong to the department", "不属于该部门"),
                ));
            }
        }
        if !changed.contains(&"deputies") {
            return Ok(());
        }
        for (index, deputy) in new.deputies.iter().enumerate() {
            let field = format!("deputies[{index}].staff");
            let staff = self.staff.get(&deputy.staff).ok_or_else(|| wrong_field(field.clone(), not_known()))?;
            if staff.inactive {
                return Err(wrong_field(field, has_left()));
            }
            if new.deputies[..index].iter().any(|other| other.staff == deputy.staff) {
                return Err(wrong_field(field, wrong!(RepeatedItem, "stands twice", "重复出现")));
            }
        }
        Ok(())
    }

    /// Number of supervisors above somebody.
    pub fn depth(&self, name: &str) -> usize {
        let above =
            |name: &str| self.staff.get(name).map(|record| record.supervisor.as_str()).filter(|n| !n.is_empty());
        std::iter::successors(above(name), |name| above(name)).take(2 * LEVELS).count()
    }
}

fn check_roles(new: &Staff) -> Result<(), Refusal> {
    match new.roles().find(|role| matches!(role, Role::Unspecified | Role::Customer | Role::Service)) {
        None => Ok(()),
        Some(Role::Unspecified) => {
            Err(wrong_field("roles", wrong!(NotAccepted, "holds a role that is not stated", "中有未指明的角色")))
        }
        Some(role) => {
            let label = labels::of_roles(&[role]);
            let (role, zh) = label.first().map(|label| (label.en(), label.zh())).unwrap_or_default();
            let wrong = wrong!(NotAccepted, "holds “{role}”, which is no role of staff", "中的「{zh}」不是员工的角色");
            Err(wrong_field("roles", wrong))
        }
    }
}
