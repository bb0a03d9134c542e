//! A request as the root of its aggregate: what a step of its life loads, asks and stores.

use jiff::Timestamp;
use kefu_chassis::directory::Organisation;
use kefu_chassis::lifecycle::Lifecycle;
use kefu_chassis::names::Id;
use kefu_chassis::step::Root;
use kefu_chassis::{Call, Chassis};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_regulation::params;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lifecycle::{Action, Duty, Facts, LIFECYCLE};
use super::search::text::{Entry, fingerprint};
use super::store::{self, Record};
use crate::shared::Request;

/// A request under way from one state to the next.
pub type Step<'a> = kefu_chassis::step::Step<'a, Record>;

impl Root for Record {
    type Kind = Request;
    type State = State;
    type Action = Action;
    type Duty = Duty;
    type Facts = Facts;
    type Shown = pb::Request;

    fn lifecycle() -> &'static Lifecycle<State, Action, Duty, Facts> {
        &LIFECYCLE
    }

    fn id(&self) -> Id<Request> {
        Self::id(self)
    }

    fn number(&self) -> &str {
        &self.number
    }

    fn owner(&self) -> (&str, &str) {
        (&self.owner, &self.department)
    }

    fn state(&self) -> State {
        Self::state(self)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn began_at(&self) -> Timestamp {
        self.contact_at.to_jiff()
    }

    fn changed_at(&self) -> Timestamp {
        self.updated_at.to_jiff()
    }

    fn is_reached(&self, call: &Call) -> bool {
        call.reaches(self.holder(&self.customer_name()))
    }

    fn facts(&self, chassis: &Chassis, at: Timestamp) -> Facts {
        facts(chassis, self, at)
    }

    fn show_to(&self, call: &Call) -> pb::Request {
        Self::show_to(self, call)
    }

    fn enter(&mut self, state: State) {
        self.state = state as i16;
    }

    fn renew(&mut self, version: i64, now: Timestamp) {
        self.version = version;
        self.updated_at = store::at(now);
    }

    fn said(&self) -> u64 {
        fingerprint(self)
    }

    async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        store::lock(connection, ids).await
    }

    async fn store(&self, connection: &mut PgConnection, is_found_anew: bool) -> Result<(), sqlx::Error> {
        let entry = is_found_anew.then(|| Entry::of_request(self));
        store::update(connection, self, entry).await
    }
}

impl Record {
    /// The customer hears from us: what was recorded out of order does not make the silence longer (A9.1).
    pub fn inform(&mut self, at: Timestamp) {
        let at = self.last_informed_at.map_or(at, |last| at.max(last.to_jiff()));
        self.last_informed_at = Some(store::at(at));
    }
}

/// What gates and duties may ask about a request at `at`.
fn facts(chassis: &Chassis, record: &Record, at: Timestamp) -> Facts {
    let (regulation, known) = (&chassis.regulation, chassis.directory.now());
    Facts {
        channel: record.channel(),
        is_answered: record.is_answered(),
        answered_at: None,
        classified_at: None,
        is_classified: !record.problem_type.is_empty(),
        promised_at: None,
        promised_wait: jiff::SignedDuration::ZERO,
        promise_at_most: regulation.get(params::PROMISE_AT_MOST).length,
        is_delayed: false,
        informed_at: None,
        attempts: (u32::try_from(record.unreached_attempts).unwrap_or(0), regulation.get(params::ATTEMPTS)),
        attempt_days: (0, regulation.get(params::ATTEMPT_DAYS)),
        closed_for: (
            record.closed_at.map_or(jiff::SignedDuration::ZERO, |closed| at.duration_since(closed.to_jiff())),
            regulation.get(params::REOPEN_WITHIN).length,
        ),
        was_answered: record.is_answered(),
        in_scope: record.in_scope,
        is_handed_over: record.work_orders > 0
            || !known.is_empty()
                && known.department_of(&record.first_responder, record.contact_at.to_jiff()) != record.department,
        solved_first: false,
        has_reason: false,
        recipient: None,
        is_declined: false,
        is_unattended: is_unattended(&known, record, at),
        fits_department: false,
        is_reported: record.major,
        general_manager: known.general_manager().map(str::to_owned),
        is_authorized: false,
        open_expectations: u32::try_from(record.open_expectations).unwrap_or(0),
        is_complaint: record.complaint.is_some(),
    }
}

/// Whether nobody is at work on a request: its owner took it over for their department as its head or deputy, is absent, or
/// has left.
pub fn is_unattended(known: &Organisation, record: &Record, at: Timestamp) -> bool {
    let took_over = record.owner != record.first_responder
        && known
            .responsible(&record.department, &record.business_domain, at)
            .is_some_and(|(name, _)| name == record.owner);
    took_over || !known.is_present(&record.owner, at)
}
