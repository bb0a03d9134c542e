//! A complaint as the root of its aggregate: what a step of its life loads, asks and stores.

use jiff::Timestamp;
use kefu_chassis::lifecycle::{Lifecycle, Part};
use kefu_chassis::names::Id;
use kefu_chassis::step::Root;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Chassis};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_regulation::params;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lifecycle::{Action, Duty, Facts, LIFECYCLE};
use super::search::{Entry, fingerprint};
use super::store::{self, Record};
use crate::shared::Complaint;

/// A complaint under way from one state to the next.
pub type Step<'a> = kefu_chassis::step::Step<'a, Record>;

impl Root for Record {
    type Kind = Complaint;
    type State = State;
    type Action = Action;
    type Duty = Duty;
    type Facts = Facts;
    type Shown = pb::Complaint;

    fn lifecycle() -> &'static Lifecycle<State, Action, Duty, Facts> {
        &LIFECYCLE
    }

    fn id(&self) -> Id<Complaint> {
        Self::id(self)
    }

    fn number(&self) -> &str {
        &self.number
    }

    fn owner(&self) -> (&str, &str) {
        (&self.handler, &self.department)
    }

    fn state(&self) -> State {
        Self::state(self)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn began_at(&self) -> Timestamp {
        self.received_at.to_jiff()
    }

    fn changed_at(&self) -> Timestamp {
        self.updated_at.to_jiff()
    }

    fn is_reached(&self, call: &Call) -> bool {
        call.reaches(self.handler())
    }

    fn facts(&self, chassis: &Chassis, at: Timestamp) -> Facts {
        let (regulation, known) = (&chassis.regulation, chassis.directory.now());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let measures = open_measures(self.resolution().as_ref());
        let investigator = (!self.investigator.is_empty())
            .then(|| (self.investigator.clone(), known.department_of(&self.investigator, at).to_owned()));
        Facts {
            is_acknowledged: self.acknowledged_at.is_some(),
            is_evidenced: self.evidence_count > 0,
            is_contacted: self.contacted || self.waived,
            investigator,
            is_plan_late: measures.iter().any(|measure| measure.due.is_some_and(|due| due <= at)),
            measures_left: measures.len(),
            measures,
            executed_at: self.executed_at.map(jiff_sqlx::Timestamp::to_jiff),
            attempts: (
                u32::try_from(self.unreached_attempts).unwrap_or(0),
                regulation.get(params::COMPLAINANT_ATTEMPTS),
            ),
            attempt_days: (count(self.attempt_days.len()), regulation.get(params::COMPLAINANT_ATTEMPT_DAYS)),
            ..Facts::default()
        }
    }

    fn show_to(&self, call: &Call) -> pb::Complaint {
        Self::show_to(self, call)
    }

    fn enter(&mut self, state: State) {
        self.state = state as i16;
    }

    fn renew(&mut self, version: i64, now: Timestamp) {
        self.version = version;
        self.updated_at = sql::at(now);
    }

    fn parts(&self) -> Vec<String> {
        open_measures(self.resolution().as_ref()).into_iter().map(|measure| measure.subject).collect()
    }

    async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        store::lock(connection, ids).await
    }

    fn said(&self) -> u64 {
        fingerprint(self)
    }

    async fn store(&self, connection: &mut PgConnection, is_found_anew: bool) -> Result<(), sqlx::Error> {
        let entry = is_found_anew.then(|| Entry::of(self));
        store::update(connection, self, entry).await
    }
}

/// What gates ask about a step that the caller takes.
pub fn facts(step: &Step<'_>, call: &Call) -> Facts {
    Facts { is_accused: step.record.accuses(call), ..step.facts() }
}

/// The measures of a resolution that are not done.
pub fn open_measures(resolution: Option<&pb::Resolution>) -> Vec<Part> {
    let open = resolution.iter().flat_map(|resolution| &resolution.measures);
    open.filter(|measure| measure.completed_time.is_none()).map(part).collect()
}

/// A measure as a part of its complaint.
pub fn part(measure: &pb::Measure) -> Part {
    Part {
        subject: measure.name.clone(),
        owner: measure.owner.clone(),
        department: measure.department.clone(),
        due: measure.due_time.as_ref().and_then(from_proto),
    }
}
