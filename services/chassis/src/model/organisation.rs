//! The organisation: departments, staff, and who is in charge of what.

use std::collections::HashMap;

use jiff::Timestamp;
use kefu_proto::rules::v1::Role;

use crate::base::error::Error;
use crate::contract::call::Call;
use crate::contract::rules::MethodRule;

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
    /// The business domains it is in charge of.
    pub domains: Vec<String>,
    /// Its head; empty while there is none.
    pub head: String,
    /// Who stands in for the head, in order.
    pub deputies: Vec<Deputy>,
    /// Whether it exists no more.
    pub dissolved: bool,
}

/// Who stands in for a head.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Deputy {
    /// Who.
    pub staff: String,
    /// In which business domains; in all when empty.
    pub domains: Vec<String>,
}

/// A member of staff.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub roles: Vec<Role>,
    pub supervisor: String,
    pub inactive: bool,
    /// Since when in which department, oldest first.
    pub memberships: Vec<(Timestamp, String)>,
    /// From when until when away.
    pub absences: Vec<(Timestamp, Timestamp)>,
}

/// As what somebody is in charge of a matter (A2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// As the head.
    Head,
    /// As a deputy, because the head is absent or there is none.
    Deputy,
}

impl Organisation {
    /// Whether nothing is known yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.staff.is_empty()
    }

    /// A department that exists.
    #[must_use]
    pub fn department(&self, name: &str) -> Option<&Department> {
        self.departments.get(name).filter(|department| !department.dissolved)
    }

    /// Refuses what is no department.
    pub fn check_department(&self, name: &str) -> Result<(), Error> {
        match self.department(name) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound { kind: "kefu/Department", name: name.to_owned() }),
        }
    }

    /// Whether somebody is or was of the staff.
    #[must_use]
    pub fn is_known(&self, staff: &str) -> bool {
        self.staff.contains_key(staff)
    }

    /// Whether somebody is known and has not left.
    #[must_use]
    pub fn is_active(&self, staff: &str) -> bool {
        self.staff.get(staff).is_some_and(|member| !member.inactive)
    }

    /// Whether somebody is active and has a role of which `rule` asks one.
    #[must_use]
    pub fn may(&self, staff: &str, rule: &MethodRule) -> bool {
        let has_one = |member: &Member| member.roles.iter().any(|role| rule.roles.contains(role));
        self.staff.get(staff).is_some_and(|member| !member.inactive && has_one(member))
    }

    /// Whether somebody is active and not absent at `at`.
    #[must_use]
    pub fn is_present(&self, staff: &str, at: Timestamp) -> bool {
        let absent = |member: &Member| member.absences.iter().any(|&(start, end)| start <= at && at < end);
        self.staff.get(staff).is_some_and(|member| !member.inactive && !absent(member))
    }

    /// The department somebody belonged to at `at`; empty if none. Before the first that is known, that one.
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

    /// Who is in charge of a matter of a department at `at` (A2.4).
    #[must_use]
    pub fn responsible(&self, department: &str, domain: &str, at: Timestamp) -> Option<(&str, Capacity)> {
        let department = self.department(department)?;
        in_charge(&department.head, &department.deputies, domain, |staff| self.is_present(staff, at))
    }

    /// The general manager, if one is named.
    #[must_use]
    pub fn general_manager(&self) -> Option<&str> {
        Some(self.general_manager.as_str()).filter(|name| self.is_active(name))
    }

    /// Who supervises somebody: whom the directory names, if they have not left.
    #[must_use]
    pub fn supervisor_of(&self, staff: &str) -> Option<&str> {
        let supervisor = self.staff.get(staff).map(|member| member.supervisor.as_str())?;
        self.is_active(supervisor).then_some(supervisor)
    }
}

/// Who is in charge of a matter of a department with this head (empty while there is none) and these deputies (A2.4): the head,
/// or, where `is_present` says that they are not there, the first deputy there who stands in for the matter. A matter without
/// a domain, one that is not classified, is for those who stand in for every matter.
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

/// Whom a call names as the one who does something.
#[derive(Clone, Copy, Debug)]
pub struct ResponsibleParty<'a> {
    /// The field that names them.
    pub field: &'static str,
    /// The clause that wants somebody.
    pub clause: &'static str,
    /// Who, if that is said.
    pub staff: &'a str,
    /// Their department, if that is said.
    pub department: &'a str,
}

impl Organisation {
    /// The employee and the department that a call speaks for at `at`: the caller themselves, or, for a SERVICE or ADMIN,
    /// whom they name. The department is the directory's at that time; only while the directory is empty is it what the call
    /// says.
    pub fn responsible_for(
        &self,
        call: &Call,
        party: ResponsibleParty<'_>,
        at: Timestamp,
    ) -> Result<(String, String), Error> {
        let ResponsibleParty { field, clause, staff, department } = party;
        let caller = &call.caller.subject;
        let wrong = |reason: &str| Error::field(field, format!("{clause}: {reason}"));
        let for_other = call.acts_for_others() && !(staff.is_empty() && caller.starts_with("staff/"));
        if for_other && staff.is_empty() {
            return Err(wrong("is required of a caller that registers for somebody else"));
        }
        if !for_other && !staff.is_empty() && staff != caller {
            return Err(wrong("is whoever the customer asked: you"));
        }
        let staff = if staff.is_empty() { caller } else { staff };
        if !self.is_empty() && !self.is_active(staff) {
            return Err(wrong("is not active in the directory"));
        }
        let found = if self.is_empty() { department } else { self.department_of(staff, at) };
        if found.is_empty() {
            let reason = format!("{clause}: there is none, so nobody would be responsible");
            return Err(Error::field("department", reason));
        }
        if !department.is_empty() && department != found {
            return Err(Error::field("department", "is another than the directory has them in"));
        }
        Ok((staff.to_owned(), found.to_owned()))
    }
}

impl Member {
    pub fn department_at(&self, at: Timestamp) -> &str {
        let since = self.memberships.partition_point(|(since, _)| *since <= at);
        self.memberships.get(since.saturating_sub(1)).map_or("", |(_, department)| department)
    }
}

#[cfg(test)]
mod tests;
