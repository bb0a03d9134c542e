//! Who is apart from a complaint, and who acts where nobody is (A1.1): namings of whoever is or was said to be responsible,
//! insiders of the responsible department, and whoever wrote what others judge.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::call::Stakeholders;
use kefu_chassis::directory::{Actors, Organisation};
use kefu_chassis::rules::MethodRule;
use kefu_chassis::{Call, Chassis};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::naming;
use kefu_proto::rules::v1::Role;
use kefu_regulation::params;

use super::super::lifecycle::LIFECYCLE;
use super::ComplaintRow;

/// How much a matter of a complaint concerns somebody; from nothing to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// It does not concern them.
    #[default]
    Apart,
    /// They are or were of the department whose work it is.
    Insider,
    /// They work under whom it is about.
    Subordinate,
    /// They wrote what is to be judged, judged it before, or reported somebody in it.
    Involved,
    /// They were said to be responsible, and are not any more.
    NamedBefore,
    /// They are reported to be responsible.
    Reported,
    /// They are held responsible.
    Accused,
}

/// A part of a complaint's handling that others are separated from.
#[derive(Clone, Copy, Debug)]
pub enum Matter<'a> {
    /// Handling the complaint.
    Handling,
    /// Investigating it, where the investigation finds this department responsible; empty before it finds one.
    Investigation(&'a str),
    /// Approving its resolution for a department.
    Approval(&'a str),
    /// Judging whether somebody is rightly named.
    Judgement(&'a str),
}

/// The separation of people from one complaint, by its record and the directory at one time.
pub struct Separation<'a> {
    root: &'a ComplaintRow,
    known: Arc<Organisation>,
    at: Timestamp,
    insider_for: SignedDuration,
    namings: Vec<pb::Naming>,
}

impl<'a> Separation<'a> {
    /// Creates the relations of a complaint's people as of `at`.
    pub fn of(root: &'a ComplaintRow, chassis: &Chassis, at: Timestamp) -> Self {
        let insider_for = chassis.regulation.get(params::INSIDER_FOR).length;
        Self { root, known: chassis.directory.now(), at, insider_for, namings: root.namings() }
    }

    /// Namings that count or wait for a judgement.
    fn standing(&self) -> impl Iterator<Item = &pb::Naming> {
        self.namings.iter().filter(|naming| naming.state() != naming::State::Struck)
    }

    /// Whether somebody is or was said to be responsible, and how.
    pub fn accusation(&self, staff: &str) -> Concern {
        let named = self.standing().filter(|naming| naming.staff == staff).map(pb::Naming::state);
        let is_present = self.root.responsible_person == staff;
        let degree = |state| match state {
            naming::State::Reported => Concern::Reported,
            _ if is_present => Concern::Accused,
            _ => Concern::NamedBefore,
        };
        named.map(degree).max().unwrap_or(if is_present { Concern::Accused } else { Concern::Apart })
    }

    /// Whether somebody reported a person above them, and nobody has judged that yet.
    pub fn has_open_report(&self, staff: &str) -> bool {
        self.open_reports().any(|naming| naming.named_by == staff)
    }

    /// Reports that wait for a judgement.
    pub fn open_reports(&self) -> impl Iterator<Item = &pb::Naming> {
        self.namings.iter().filter(|naming| naming.state() == naming::State::Reported)
    }

    /// Whether somebody is of a department, or was at any time since `insider_for` before the receipt.
    pub fn is_insider(&self, staff: &str, department: &str) -> bool {
        let since = self.root.received_at.to_jiff().checked_sub(self.insider_for).unwrap_or(Timestamp::MIN);
        !department.is_empty() && self.known.was_of(staff, department, since, self.at)
    }

    /// How much a matter concerns somebody.
    pub fn concern(&self, staff: &str, matter: Matter<'_>) -> Concern {
        let holds = |concern, is_so: bool| if is_so { concern } else { Concern::Apart };
        let accused = self.accusation(staff).max(holds(Concern::Involved, self.has_open_report(staff)));
        let responsible = self.root.responsible_department.as_str();
        accused.max(match matter {
            Matter::Handling => Concern::Apart,
            Matter::Investigation(found) => {
                let is_insider = self.is_insider(staff, responsible) || self.is_insider(staff, found);
                holds(Concern::Insider, is_insider)
            }
            Matter::Approval(department) => {
                let is_insider = department != responsible && self.is_insider(staff, responsible);
                holds(Concern::Involved, self.has_written(staff) || self.has_judged(staff))
                    .max(holds(Concern::Insider, is_insider))
            }
            Matter::Judgement(named) => {
                let theirs = self.known.department_of(named, self.at).to_owned();
                let has_named = self.namings.iter().any(|naming| naming.staff == named && naming.named_by == staff);
                holds(Concern::Involved, has_named)
                    .max(holds(Concern::Subordinate, self.known.is_above(named, staff, self.at)))
                    .max(holds(Concern::Insider, self.is_insider(staff, &theirs)))
            }
        })
    }

    /// Whether somebody wrote this or an earlier version of the resolution.
    pub fn has_written(&self, staff: &str) -> bool {
        let resolution = self.root.resolution().unwrap_or_default();
        resolution.author == staff || resolution.earlier_authors.iter().any(|author| author == staff)
    }

    /// Whether somebody approved this version of the resolution for any department.
    pub fn has_judged(&self, staff: &str) -> bool {
        let resolution = self.root.resolution().unwrap_or_default();
        resolution.approvals.iter().any(|approval| approval.approver == staff)
    }

    /// Departments that have to approve the resolution and have not; before there is one, those that will have to.
    pub fn approvals_due(&self) -> Vec<String> {
        if let Some(resolution) = self.root.resolution() {
            let has_judged =
                |department: &String| resolution.approvals.iter().any(|each| each.department == *department);
            return resolution.departments.iter().filter(|department| !has_judged(department)).cloned().collect();
        }
        let mut due = vec![self.root.responsible_department.clone(), self.root.department.clone()];
        due.retain(|department| !department.is_empty());
        due.dedup();
        due
    }

    /// Who acts in a matter by the method of `rule`: those whose matter it is, or whoever stands in for them.
    pub fn actors(&self, matter: Matter<'_>, rule: &MethodRule) -> Actors<'_> {
        let department_of = |staff: &str| self.known.department_of(staff, self.at);
        let leads_all = |staff: &str| self.known.has_role(staff, &[Role::Executive, Role::Office]);
        let is_party = |department: &str| self.root.parties.iter().any(|party| party == department);
        let is_member = |staff: &str| match matter {
            Matter::Handling => department_of(staff) == self.root.department || leads_all(staff),
            Matter::Investigation(_) => true,
            Matter::Approval(department) => department_of(staff) == department,
            Matter::Judgement(_) => is_party(department_of(staff)) || leads_all(staff),
        };
        let department = if let Matter::Approval(department) = matter { department } else { &self.root.department };
        self.known.who_acts(
            department,
            self.at,
            |staff| self.known.may(staff, rule),
            is_member,
            |staff| self.concern(staff, matter),
        )
    }

    /// The matters that a method is about, for which somebody may stand in.
    fn matters(&self, method: &str) -> Vec<OwnedMatter> {
        match method {
            "ConcludeInvestigation" => vec![OwnedMatter::Investigation],
            "ApproveResolution" | "RejectResolution" => {
                self.approvals_due().into_iter().map(OwnedMatter::Approval).collect()
            }
            "JudgeNaming" => self.open_reports().map(|naming| OwnedMatter::Judgement(naming.staff.clone())).collect(),
            _ => vec![OwnedMatter::Handling],
        }
    }

    /// Whether the caller acts with the call's method though it concerns them, because it concerns everybody.
    pub fn is_last_resort(&self, call: &Call) -> bool {
        let matters = self.matters(call.rule.name());
        matters.iter().any(|matter| self.actors(matter.borrow(), &call.rule).is_last_resort(&call.caller.subject))
    }

    /// Whether the caller stands in for whoever should act: with the call's method, or with any if that only reads. Whoever
    /// may conclude the investigation for its investigator reads it, too.
    pub fn stands_in(&self, chassis: &Chassis, call: &Call) -> bool {
        let stands_in = |rule: &MethodRule| {
            let matters = self.matters(rule.name());
            matters.iter().any(|matter| self.actors(matter.borrow(), rule).stands_in(&call.caller.subject))
        };
        let acts = LIFECYCLE.transitions.iter().any(|row| row.action.label().method == call.rule.name());
        if acts {
            return stands_in(&call.rule);
        }
        let methods = ["AssignComplaint", "AcknowledgeComplaint", "JudgeNaming", "ApproveResolution"];
        self.may_conclude(chassis, call)
            || methods.into_iter().filter_map(|method| chassis.rules.named(method)).any(|rule| stands_in(rule))
    }

    /// Whether the caller may conclude the investigation as its investigator, or as whoever leads their department.
    fn may_conclude(&self, chassis: &Chassis, call: &Call) -> bool {
        let investigator = self.root.investigator.as_str();
        let theirs = Stakeholders::of(investigator, self.known.department_of(investigator, self.at));
        let rule = chassis.rules.named("ConcludeInvestigation");
        !investigator.is_empty() && rule.is_some_and(|rule| call.barred(rule, |call| call.reaches(&theirs)).is_none())
    }

    /// The department for which the caller may judge the resolution with the call's method, and whether that is only
    /// because everybody is concerned. Without one, the caller's own where that has to judge it.
    pub fn speaks_for(&self, call: &Call) -> Option<(String, bool)> {
        let caller = call.caller.subject.as_str();
        let own = self.known.department_of(caller, self.at);
        let due = self.approvals_due();
        let is_due = due.iter().any(|department| department == own);
        if is_due && self.concern(caller, Matter::Approval(own)) == Concern::Apart {
            return Some((own.to_owned(), false));
        }
        let own_first = due.iter().filter(|&each| each == own).chain(due.iter().filter(|&each| each != own));
        for department in own_first {
            let actors = self.actors(Matter::Approval(department), &call.rule);
            if actors.stands_in(caller) {
                return Some((department.clone(), actors.is_last_resort(caller)));
            }
        }
        (is_due && !self.has_judged(caller)).then(|| (own.to_owned(), false))
    }

    /// Whether somebody may investigate: apart from the complaint and from the department that the investigation finds
    /// responsible (empty before it finds one), or the least concerned where everybody is concerned. Says as well whether it
    /// is only for that.
    pub fn may_investigate(&self, staff: &str, found: &str, rule: &MethodRule) -> (bool, bool) {
        if self.concern(staff, Matter::Investigation(found)) == Concern::Apart {
            return (true, false);
        }
        let is_last = self.actors(Matter::Investigation(found), rule).is_last_resort(staff);
        (is_last, is_last)
    }

    /// Whether somebody may judge the naming of `named`, and whether that is only because everybody is concerned.
    pub fn may_judge(&self, staff: &str, named: &str, rule: &MethodRule) -> (bool, bool) {
        if self.concern(staff, Matter::Judgement(named)) == Concern::Apart {
            return (true, false);
        }
        let is_last = self.actors(Matter::Judgement(named), rule).is_last_resort(staff);
        (is_last, is_last)
    }

    /// The naming of `staff` by `by` that a classification makes; none where the same person names them already. Naming
    /// somebody above, or somebody who would have a say in the case, is a report; whoever is above them, or leads the
    /// organisation, names them at once.
    pub fn new_naming(&self, staff: &str, by: &str) -> Option<pb::Naming> {
        if staff.is_empty() || self.standing().any(|naming| naming.staff == staff && naming.named_by == by) {
            return None;
        }
        let has_say = self.known.leads(staff) || self.known.has_role(staff, &[Role::Investigator]);
        let may_name =
            self.known.is_above(by, staff, self.at) || self.known.has_role(by, &[Role::Executive, Role::Office]);
        let is_report = self.known.is_above(staff, by, self.at) || has_say && !may_name;
        let state = if is_report { naming::State::Reported } else { naming::State::Confirmed };
        Some(pb::Naming {
            staff: staff.to_owned(),
            named_by: by.to_owned(),
            named_time: Some(kefu_chassis::time::to_proto(self.at)),
            state: state.into(),
            ..pb::Naming::default()
        })
    }

    /// Whether the naming of `staff` was struck before, and `by` is not somebody who leads.
    pub fn is_struck_for(&self, staff: &str, by: &str) -> bool {
        let was_struck = |naming: &pb::Naming| naming.staff == staff && naming.state() == naming::State::Struck;
        self.namings.iter().any(was_struck) && !self.known.leads(by)
    }
}

/// A matter with names of its own.
enum OwnedMatter {
    Handling,
    Investigation,
    Approval(String),
    Judgement(String),
}

impl OwnedMatter {
    fn borrow(&self) -> Matter<'_> {
        match self {
            Self::Handling => Matter::Handling,
            Self::Investigation => Matter::Investigation(""),
            Self::Approval(department) => Matter::Approval(department),
            Self::Judgement(named) => Matter::Judgement(named),
        }
    }
}
