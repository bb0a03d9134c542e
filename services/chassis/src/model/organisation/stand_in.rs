//! Who acts where nobody of a department may: the posts that stand in for it, in order, and in the last resort whoever is
//! concerned least.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kefu_proto::rules::v1::Role;

use super::Organisation;
use crate::contract::rules::MethodRule;

/// The post by which somebody acts for a department.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// Those whose matter it is anyway.
    Member,
    /// The head of the department.
    Head,
    /// A deputy of the head.
    Deputy,
    /// Whoever leads the head, directly or further up.
    Superior,
    /// An executive.
    Executive,
    /// The office that rules between departments.
    Office,
    /// The general manager.
    GeneralManager,
    /// Whoever is concerned least, since everybody is.
    LeastConcerned,
}

/// The people who act for a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actors<'a> {
    /// The members of staff, by name; empty only where nobody at all is left with a role for it.
    pub staff: BTreeSet<&'a str>,
    /// The post by which they act.
    pub post: Post,
}

impl Actors<'_> {
    /// Whether `staff` acts in the stead of those whose matter it is.
    #[must_use]
    pub fn stands_in(&self, staff: &str) -> bool {
        self.post != Post::Member && self.staff.contains(staff)
    }

    /// Whether `staff` acts though they are concerned, because everybody is.
    #[must_use]
    pub fn is_last_resort(&self, staff: &str) -> bool {
        self.post == Post::LeastConcerned && self.staff.contains(staff)
    }
}

impl Organisation {
    /// Returns who acts for a department at `at`. `has_role` says who has a role for it at all, `is_member` whose matter
    /// it is, and `concern` how much the matter concerns somebody, where the default is not at all. Those whose matter it
    /// is come first; then the head, the deputies, whoever leads the head, executives, the office and the general manager;
    /// the first post counts whose holders are not concerned, and those who are present before those who are not. Where
    /// everybody is concerned, those are left whom it concerns least.
    pub fn who_acts<C: Ord + Default>(
        &self,
        department: &str,
        at: Timestamp,
        has_role: impl Fn(&str) -> bool,
        is_member: impl Fn(&str) -> bool,
        concern: impl Fn(&str) -> C,
    ) -> Actors<'_> {
        let able: BTreeSet<&str> = self.staff.keys().map(String::as_str).filter(|staff| has_role(staff)).collect();
        let none = C::default();
        let free: BTreeSet<&str> = able.iter().copied().filter(|staff| concern(staff) == none).collect();
        let members: BTreeSet<&str> = free.iter().copied().filter(|staff| is_member(staff)).collect();
        if !members.is_empty() {
            return Actors { staff: members, post: Post::Member };
        }
        let posts = self.posts(department);
        let present = |staff: &str| self.is_present(staff, at);
        for is_there in [&present as &dyn Fn(&str) -> bool, &|_| true] {
            for (post, holders) in &posts {
                let staff: BTreeSet<&str> =
                    holders.iter().copied().filter(|staff| free.contains(staff) && is_there(staff)).collect();
                if !staff.is_empty() {
                    return Actors { staff, post: *post };
                }
            }
        }
        // Nobody on any of these posts is free. Somebody else who is comes before everybody who is concerned.
        let least = able.iter().map(|staff| concern(staff)).min();
        let staff = able.into_iter().filter(|staff| Some(concern(staff)) == least).collect();
        Actors { staff, post: Post::LeastConcerned }
    }

    /// Returns who acts on something of `owner` in `department` by the method of `rule`: the owner and whoever leads the
    /// department or the organisation, or whoever stands in for them.
    #[must_use]
    pub fn who_handles(&self, owner: &str, department: &str, rule: &MethodRule, at: Timestamp) -> Actors<'_> {
        let leads_there = |staff: &str| {
            self.department_of(staff, at) == department && self.has_role(staff, &[Role::Supervisor, Role::Manager])
        };
        let leads_all = |staff: &str| self.has_role(staff, &[Role::Executive, Role::Office]);
        self.who_acts(
            department,
            at,
            |staff| self.may(staff, rule),
            |staff| staff == owner || leads_there(staff) || leads_all(staff),
            |_| false,
        )
    }

    /// Returns the holders of the posts that stand in for a department, in the order of the posts.
    fn posts(&self, department: &str) -> Vec<(Post, Vec<&str>)> {
        let known = self.departments.get(department);
        let head = known.map(|known| known.head.as_str()).filter(|head| !head.is_empty());
        let deputies = known.map(|known| known.deputies.iter().map(|deputy| deputy.staff.as_str()).collect());
        let with = |role: Role| {
            self.staff
                .iter()
                .filter(|(_, member)| member.roles.contains(&role))
                .map(|(name, _)| name.as_str())
                .collect()
        };
        let mut posts = vec![(Post::Head, Vec::from_iter(head)), (Post::Deputy, deputies.unwrap_or_default())];
        let above = head.map(|head| self.superiors_of(head)).unwrap_or_default();
        posts.extend(above.into_iter().map(|superior| (Post::Superior, vec![superior])));
        posts.push((Post::Executive, with(Role::Executive)));
        posts.push((Post::Office, with(Role::Office)));
        posts.push((Post::GeneralManager, Vec::from_iter(self.general_manager())));
        posts
    }

    /// Returns those who lead somebody, the nearest first: the supervisor, the supervisor's supervisor, and so on.
    #[must_use]
    pub fn superiors_of(&self, staff: &str) -> Vec<&str> {
        let mut superiors: Vec<&str> = Vec::new();
        let mut below = staff;
        while let Some(supervisor) = self.supervisor_of(below) {
            if supervisor == staff || superiors.contains(&supervisor) {
                break;
            }
            superiors.push(supervisor);
            below = supervisor;
        }
        superiors
    }

    /// Whether `superior` stands above `staff`: leads them, directly or further up, heads their department as head or
    /// deputy, or has a leading role where `staff` has none.
    #[must_use]
    pub fn is_above(&self, superior: &str, staff: &str, at: Timestamp) -> bool {
        if superior == staff || !self.is_active(superior) {
            return false;
        }
        let department = self.departments.get(self.department_of(staff, at));
        let heads = |staff: &str| {
            department.is_some_and(|department| {
                department.head == staff || department.deputies.iter().any(|deputy| deputy.staff == staff)
            })
        };
        self.superiors_of(staff).contains(&superior)
            || heads(superior) && !heads(staff)
            || self.leads(superior) && !self.leads(staff)
    }

    /// Whether somebody has a role that leads others.
    #[must_use]
    pub fn leads(&self, staff: &str) -> bool {
        self.has_role(staff, &[Role::Supervisor, Role::Manager, Role::Executive, Role::Office])
    }
}

#[cfg(test)]
mod tests;
