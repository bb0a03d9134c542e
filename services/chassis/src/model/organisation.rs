//! The organisation: departments, staff, and who is in charge of what, as every service's copy of the directory holds
//! it.

use std::collections::HashMap;

use jiff::Timestamp;
use kefu_proto::rules::v1::Role;

use crate::base::error::Error;
use crate::contract::call::Call;
use crate::contract::rules::MethodRule;
use crate::wrong;

mod stand_in;

pub use stand_in::{Actors, Post};

/// Departments and staff.
#[derive(Debug, Default)]
pub struct Organisation {
    pub(crate) departments: HashMap<String, Department>,
    pub(crate) staff: HashMap<String, Member>,
    pub(crate) general_manager: String,
}

/// A department.
#[derive(Clone, Debug, Default)]
pub struct Department {
    /// The business domains that the department is in charge of.
    pub domains: Vec<String>,
    /// The head; empty while there is none.
    pub head: String,
    /// The deputies of the head, in order.
    pub deputies: Vec<Deputy>,
    /// Whether the department is dissolved.
    pub dissolved: bool,
}

/// A deputy of a department's head.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Deputy {
    /// The deputy, `staff/…`.
    pub staff: String,
    /// The business domains in which the deputy stands in; all when empty.
    pub domains: Vec<String>,
}

/// A member of staff.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    /// Roles that the directory gives them.
    pub roles: Vec<Role>,
    /// Supervisor, `staff/{id}`; empty when there is none.
    pub supervisor: String,
    /// Whether the member has left.
    pub inactive: bool,
    /// The departments, each with the time of joining, oldest first.
    pub memberships: Vec<(Timestamp, String)>,
    /// The absences, each with its start and its end.
    pub absences: Vec<(Timestamp, Timestamp)>,
}

/// The capacity in which somebody is in charge of a matter (A2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The head of the department.
    Head,
    /// A deputy, because the head is absent or there is none.
    Deputy,
}

impl Organisation {
    /// Whether no staff is known yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.staff.is_empty()
    }

    /// Returns a department, unless it is dissolved.
    #[must_use]
    pub fn department(&self, name: &str) -> Option<&Department> {
        self.departments.get(name).filter(|department| !department.dissolved)
    }

    /// Refuses a name that is no department's, or that of a dissolved one.
    pub fn check_department(&self, name: &str) -> Result<(), Error> {
        match self.department(name) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound { kind: "kefu/Department", name: name.to_owned() }),
        }
    }

    /// Whether somebody is or was a member of staff.
    #[must_use]
    pub fn is_known(&self, staff: &str) -> bool {
        self.staff.contains_key(staff)
    }

    /// Whether somebody is a member of staff and has not left.
    #[must_use]
    pub fn is_active(&self, staff: &str) -> bool {
        self.staff.get(staff).is_some_and(|member| !member.inactive)
    }

    /// Whether somebody is active and has one of the roles of `rule`.
    #[must_use]
    pub fn may(&self, staff: &str, rule: &MethodRule) -> bool {
        self.has_role(staff, &rule.roles)
    }

    /// Whether somebody is active and has one of these roles.
    #[must_use]
    pub fn has_role(&self, staff: &str, roles: &[Role]) -> bool {
        let has_one = |member: &Member| member.roles.iter().any(|role| roles.contains(role));
        self.staff.get(staff).is_some_and(|member| !member.inactive && has_one(member))
    }

    /// Whether somebody else than the members of `department` belongs to a department at `at` and has one of the roles of
    /// `rule`.
    #[must_use]
    pub fn has_others_than(&self, department: &str, rule: &MethodRule, at: Timestamp) -> bool {
        let is_other = |of: &str| of != department && self.department(of).is_some();
        self.staff.iter().any(|(name, member)| self.may(name, rule) && is_other(member.department_at(at)))
    }

    /// Whether somebody is active and not absent at `at`.
    #[must_use]
    pub fn is_present(&self, staff: &str, at: Timestamp) -> bool {
        let absent = |member: &Member| member.absences.iter().any(|&(start, end)| start <= at && at < end);
        self.staff.get(staff).is_some_and(|member| !member.inactive && !absent(member))
    }

    /// Returns the department that somebody belonged to at `at`; empty if none. For a time before the first known department,
    /// that is the first.
    #[must_use]
    pub fn department_of(&self, staff: &str, at: Timestamp) -> &str {
        self.staff.get(staff).map_or("", |member| member.department_at(at))
    }

    /// Whether somebody belonged to a department at any time from `since` to `until`.
    #[must_use]
    pub fn was_of(&self, staff: &str, department: &str, since: Timestamp, until: Timestamp) -> bool {
        let Some(member) = self.staff.get(staff) else { return false };
        let later = member.memberships.iter().any(|(from, of)| since < *from && *from <= until && of == department);
        later || member.department_at(since) == department
    }

    /// Whether a department is in charge of a business domain (A2.3).
    #[must_use]
    pub fn is_in_charge(&self, department: &str, domain: &str) -> bool {
        self.departments.get(department).is_some_and(|known| known.domains.iter().any(|known| known == domain))
    }

    /// Returns who is in charge of a matter of a department at `at` (A2.4), as [`in_charge`] says; nobody of a
    /// dissolved one.
    #[must_use]
    pub fn responsible(&self, department: &str, domain: &str, at: Timestamp) -> Option<(&str, Capacity)> {
        let department = self.department(department)?;
        in_charge(&department.head, &department.deputies, domain, |staff| self.is_present(staff, at))
    }

    /// Returns the general manager, if one is named and active.
    #[must_use]
    pub fn general_manager(&self) -> Option<&str> {
        Some(self.general_manager.as_str()).filter(|name| self.is_active(name))
    }

    /// Returns who stands in for the general manager, in the department of the general manager, while they are absent.
    #[must_use]
    pub fn general_managers_deputy(&self, at: Timestamp) -> Option<&str> {
        let manager = self.general_manager().filter(|manager| !self.is_present(manager, at))?;
        let (deputy, _) = self.responsible(self.department_of(manager, at), "", at)?;
        Some(deputy).filter(|deputy| *deputy != manager)
    }

    /// Returns the people of a department who are absent at `at` or have left.
    #[must_use]
    pub fn missing_of(&self, department: &str, at: Timestamp) -> Vec<String> {
        let is_missing = |name: &&String| self.department_of(name, at) == department && !self.is_present(name, at);
        self.staff.keys().filter(is_missing).cloned().collect()
    }

    /// Returns somebody's supervisor as the directory names them, who may have left.
    #[must_use]
    pub fn named_supervisor_of(&self, staff: &str) -> Option<&str> {
        let supervisor = self.staff.get(staff).map(|member| member.supervisor.as_str())?;
        self.is_known(supervisor).then_some(supervisor)
    }

    /// Returns somebody's supervisor, if the directory names one who has not left.
    #[must_use]
    pub fn supervisor_of(&self, staff: &str) -> Option<&str> {
        let supervisor = self.staff.get(staff).map(|member| member.supervisor.as_str())?;
        self.is_active(supervisor).then_some(supervisor)
    }
}

/// Returns who is in charge of a matter of a department with this head (empty while there is none) and these deputies
/// (A2.4): the head or, where there is none or `is_present` says that the head is away, the first deputy who is present
/// and stands in for the matter's `domain`. A matter that is not classified yet has an empty domain, for which only
/// deputies of all domains stand in.
pub fn in_charge<'a>(
    head: &'a str,
    deputies: &'a [Deputy],
    domain: &str,
    is_present: impl Fn(&str) -> bool,
) -> Option<(&'a str, Capacity)> {
    if !head.is_empty() && is_present(head) {
        return Some((head, Capacity::Head));
    }
    let stands_in = |deputy: &&Deputy| {
        let is_for_it = deputy.domains.is_empty() || deputy.domains.iter().any(|known| known == domain);
        is_for_it && is_present(&deputy.staff)
    };
    deputies.iter().find(stands_in).map(|deputy| (deputy.staff.as_str(), Capacity::Deputy))
}

/// The person whom a call names as responsible for something.
#[derive(Clone, Copy, Debug)]
pub struct ResponsibleParty<'a> {
    /// The request field that names the person.
    pub field: &'static str,
    /// The clause that demands a responsible person.
    pub clause: &'static str,
    /// The person; empty if the call names none.
    pub staff: &'a str,
    /// The person's department; empty if the call names none.
    pub department: &'a str,
}

impl Organisation {
    /// Returns the responsible person and their department at `at`. The person is the one that the call names or, if it names
    /// none, the caller. Everybody may name themselves, a SERVICE or ADMIN anybody, and a SERVICE must name somebody. The
    /// department is the one that the directory has for that time; only while the directory is empty is it the one that the
    /// call names. Refused when the call contradicts that, or the person is not active or of no department.
    pub fn responsible_for(
        &self,
        call: &Call,
        party: ResponsibleParty<'_>,
        at: Timestamp,
    ) -> Result<(String, String), Error> {
        let ResponsibleParty { field, clause, staff, department } = party;
        let caller = &call.caller.subject;
        let is_own = staff.is_empty() || staff == caller;
        if staff.is_empty() && !caller.starts_with("staff/") {
            let wrong = wrong!(RequiredForRoles under clause, "is required of a caller who is no member of staff", "由非员工登记时必填");
            return Err(Error::field(field, wrong));
        }
        if !is_own && !call.acts_for_others() {
            let wrong = wrong!(ForRoles under clause, "is whoever the customer asked: you", "只能是您本人");
            return Err(Error::field(field, wrong));
        }
        let staff = if is_own { caller } else { staff };
        if !self.is_empty() && !self.is_active(staff) {
            let wrong = wrong!(NotAccepted under clause, "is not active in the directory", "不是员工目录中的在职员工");
            return Err(Error::field(field, wrong));
        }
        let found = if self.is_empty() { department } else { self.department_of(staff, at) };
        if found.is_empty() {
            // What cures it: a department while the directory has none, otherwise another person.
            return Err(if self.is_empty() {
                let wrong = wrong!(
                    Required under clause,
                    "is missing, so nobody would be responsible",
                    "必填，否则无人负责"
                );
                Error::field("department", wrong)
            } else if is_own && call.acts_for_others() {
                let wrong = wrong!(
                    RequiredWhen under clause,
                    "must name somebody else, because the directory has you in no department",
                    "须填写他人，因为您在员工目录中不属于任何部门"
                );
                Error::field(field, wrong)
            } else {
                let wrong = wrong!(
                    NotAccepted under clause,
                    "is of no department in the directory, so nobody would be responsible",
                    "在员工目录中不属于任何部门，将无人负责"
                );
                Error::field(field, wrong)
            });
        }
        if !department.is_empty() && department != found {
            return Err(Error::field(
                "department",
                wrong!(Conflicting, "is another than the directory has them in", "与员工目录中的部门不一致"),
            ));
        }
        Ok((staff.to_owned(), found.to_owned()))
    }
}

impl Member {
    /// Returns the department, `departments/{id}`, that the member was of at a time; the first one for any time before,
    /// and empty for a member of none.
    pub fn department_at(&self, at: Timestamp) -> &str {
        let since = self.memberships.partition_point(|(since, _)| *since <= at);
        self.memberships.get(since.saturating_sub(1)).map_or("", |(_, department)| department)
    }
}

#[cfg(test)]
mod tests;
