//! Who owns a duty, who owned it, and who therefore decides nothing about it.

use kefu_proto::events::v1::DutyChange;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_regulation::params;

use super::{BY_PERSON, Duty, Entry};

impl Duty {
    /// Whether `staff` owns the duty or owned it while its clock ran. A hand-over that they passed on within the time of
    /// A2.4 does not count.
    #[must_use]
    pub fn was_owned_by(&self, staff: &str) -> bool {
        self.owner == staff || self.past_owners.iter().any(|owner| owner == staff)
    }

    /// Gives the duty to somebody else. A pause ends when the duty comes to whoever decided it.
    pub fn reassign(&mut self, owner: &str, department: &str, entry: Entry<'_>) -> Vec<DutyChange> {
        let pass_on = entry.regulation.get(params::ACCEPT_WITHIN);
        let was_passed_on = self.owned_since.is_some_and(|since| {
            entry.regulation.calendar().elapsed(since, entry.now, pass_on.measure) <= pass_on.length
        });
        if !was_passed_on {
            let before = self.owner.clone();
            add(&mut self.past_owners, &before);
        }
        owner.clone_into(&mut self.owner);
        department.clone_into(&mut self.department);
        self.owned_since = Some(entry.now);
        self.version += 1;
        let mut changes = vec![self.change(Kind::Reassigned, entry.at)];
        if self.pause_reasons & BY_PERSON != 0 && self.decided_by == owner {
            changes.push(self.resume(entry.now));
        }
        changes
    }
}

/// Adds a name that is not there yet.
pub(super) fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
