//! The stored improvement as an aggregate root.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::directory::{Actors, Organisation};
use kefu_chassis::lifecycle::Lifecycle;
use kefu_chassis::record::Record;
use kefu_chassis::rules::MethodRule;
use kefu_chassis::step::{AggregateRoot, Step};
use kefu_chassis::{Call, Chassis};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::improvement::{Effect, State};
use kefu_proto::rules::v1::Role;
use kefu_regulation::params;
use uuid::Uuid;

use super::lifecycle::{Action, Duty, Facts, LIFECYCLE};
use crate::shared::{Complaint, Improvement, record_last_resort};

/// An improvement as it is stored.
#[derive(Clone, Debug, Record)]
#[record(table = "complaints.improvement", query = improvements, kind = Improvement, state = State)]
#[record(number("I", sequence = "complaints.improvement_number"))]
#[record(shows = pb::Improvement, computed(effect = Self::effect))]
#[record(fixed(number, complaints, cause_category, cause, responsible_department, measure, owner, department))]
#[record(fixed(due_at, verifier))]
#[record(hidden(days, count_before, count_after, contacts_before, contacts_after))]
pub struct ImprovementRow {
    pub id: Uuid,
    pub number: String,
    #[record(names = Complaint)]
    pub complaints: Vec<Uuid>,
    pub cause_category: i16,
    pub cause: String,
    pub responsible_department: String,
    pub measure: String,
    pub owner: String,
    pub department: String,
    pub due_at: SqlTime,
    pub verifier: String,
    pub state: i16,
    pub report: String,
    pub completed_at: Option<SqlTime>,
    pub check_at: Option<SqlTime>,
    pub verified_at: Option<SqlTime>,
    pub comment: String,
    pub days: i32,
    pub count_before: i64,
    pub count_after: i64,
    pub contacts_before: i64,
    pub contacts_after: i64,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub version: i64,
}

impl ImprovementRow {
    /// Counts from the check of the effect; none before it.
    fn effect(&self) -> Option<Effect> {
        self.verified_at.map(|_| Effect {
            days: self.days,
            count_before: self.count_before,
            count_after: self.count_after,
            contacts_before: self.contacts_before,
            contacts_after: self.contacts_after,
        })
    }

    /// Sets the counts from the check of the effect.
    pub fn set_effect(&mut self, effect: &Effect) {
        self.days = effect.days;
        (self.count_before, self.count_after) = (effect.count_before, effect.count_after);
        (self.contacts_before, self.contacts_after) = (effect.contacts_before, effect.contacts_after);
    }
}

impl ImprovementRow {
    /// Whether somebody is of the department that carries the improvement out, or was at any time since `insider_for`
    /// before that (A1.1).
    fn is_insider(&self, chassis: &Chassis, staff: &str, at: Timestamp) -> bool {
        let carried_out = self.completed_at.map_or(at, SqlTime::to_jiff).min(at);
        let since = carried_out.checked_sub(chassis.regulation.get(params::INSIDER_FOR).length);
        chassis.directory.now().was_of(staff, &self.department, since.unwrap_or(Timestamp::MIN), at)
    }

    /// Whether somebody may check the effect, and whether only because everybody is an insider.
    pub fn may_check(&self, chassis: &Chassis, staff: &str, at: Timestamp) -> (bool, bool) {
        if !self.is_insider(chassis, staff, at) {
            return (true, false);
        }
        let Some(rule) = chassis.rules.named("VerifyImprovement") else { return (false, false) };
        let known = chassis.directory.now();
        let is_last = self.actors(&known, chassis, rule, at).is_last_resort(staff);
        (is_last, is_last)
    }

    /// Who acts on the improvement with the method of `rule`: owner or verifier, whoever leads their department or the
    /// organisation, or whoever stands in for them.
    fn actors<'a>(&self, known: &'a Organisation, chassis: &Chassis, rule: &MethodRule, at: Timestamp) -> Actors<'a> {
        if rule.name() != "VerifyImprovement" {
            return known.who_handles(&self.owner, &self.department, rule, at);
        }
        let department = known.department_of(&self.verifier, at);
        let leads_there = |staff: &str| {
            known.department_of(staff, at) == department && known.has_role(staff, &[Role::Supervisor, Role::Manager])
        };
        let leads_all = |staff: &str| known.has_role(staff, &[Role::Executive, Role::Office]);
        known.who_acts(
            department,
            at,
            |staff| known.may(staff, rule),
            |staff| staff == self.verifier || leads_there(staff) || leads_all(staff),
            |staff| self.is_insider(chassis, staff, at),
        )
    }
}

impl AggregateRoot for ImprovementRow {
    type Action = Action;
    type Duty = Duty;
    type Facts = Facts;

    fn lifecycle() -> &'static Lifecycle<State, Action, Duty, Facts> {
        &LIFECYCLE
    }

    fn stakeholders(&self) -> Stakeholders<'_> {
        Stakeholders::of(&self.owner, &self.department)
    }

    fn facts(&self, chassis: &Chassis, _: &Call, at: Timestamp) -> Facts {
        let department = chassis.directory.now().department_of(&self.verifier, at).to_owned();
        Facts {
            due: Some(self.due_at.to_jiff()),
            verifier: self.verifier.clone(),
            verifiers_department: department,
            check_at: self.check_at.map(SqlTime::to_jiff),
            is_time: self.check_at.is_some_and(|check| check.to_jiff() <= at),
            ..Facts::default()
        }
    }

    fn record_deviation(step: &mut Step<'_, Self>, facts: &Facts) {
        record_last_resort(step, facts.deviation.as_ref());
    }

    fn stands_in(&self, chassis: &Chassis, call: &Call, at: Timestamp) -> bool {
        self.actors(&chassis.directory.now(), chassis, &call.rule, at).stands_in(&call.caller.subject)
    }
}
