//! One step of a request's life: load and lock it, fire an action, store what that changes.

use jiff::Timestamp;
use kefu_chassis::duties::Duty as LiveDuty;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::lifecycle::{Scene, Touched};
use kefu_chassis::{Call, Change, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_regulation::params;
use prost::{Message, Name};

use super::lifecycle::{Action, Facts, LIFECYCLE};
use super::store::{self, Record};
use crate::shared::{Request, id, unknown};

/// A request under way from one state to the next.
pub struct Step<'a> {
    chassis: &'a Chassis,
    call: &'a Call,
    pub change: Change<'a>,
    /// The request, as it was and then as it will be.
    pub record: Record,
    /// When it happened.
    pub at: Timestamp,
    live: Vec<LiveDuty>,
    touched: Touched,
}

impl<'a> Step<'a> {
    /// Begins: the request named is locked, and is what the caller may touch and has seen.
    pub async fn begin(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        etag: &str,
        occurred: Option<&prost_types::Timestamp>,
    ) -> Result<Self, Error> {
        let at = call.occurred(occurred, chassis.backdating())?;
        let id = id::<Request>(name)?;
        let mut change = chassis.begin(call).await?;
        let record = store::lock(change.connection(), id).await?;
        let record = record
            .filter(|record| call.reaches(record.holder(&record.customer_name())))
            .ok_or_else(|| unknown::<Request>(name))?;
        kefu_chassis::call::check_etag(etag, &kefu_chassis::call::etag(record.version), name)?;
        if at < record.contact_at.to_jiff() {
            return Err(Error::field("occurred_time", "must not be before the customer came"));
        }
        let live = change.live_duties(&id.to_string()).await?;
        Ok(Self { chassis, call, change, record, at, live, touched: Touched::default() })
    }

    /// What gates and duties may ask about the request now.
    pub fn facts(&self) -> Facts {
        facts(self.chassis, &self.record, self.at)
    }

    /// Fires `action`: the state and the duties change, or it is refused.
    pub fn fire(&mut self, action: Action, facts: &Facts) -> Result<(), Error> {
        let subject = self.record.id().to_string();
        let state = self.record.state();
        let row = LIFECYCLE.fire(&subject, state, action, facts)?;
        let scene = scene(self.chassis, self.call, &subject, &self.record, self.at);
        self.touched = LIFECYCLE.touch(row, facts, std::mem::take(&mut self.live), scene);
        self.record.state = row.to.unwrap_or(state) as i16;
        Ok(())
    }

    /// The customer hears from us: what was recorded out of order does not make the silence longer (A9.1).
    pub fn inform(&mut self) {
        let at = self.record.last_informed_at.map_or(self.at, |last| self.at.max(last.to_jiff()));
        self.record.last_informed_at = Some(store::at(at));
    }

    /// The state it is in, as events tell it.
    pub fn state(&self) -> i32 {
        self.record.state().into()
    }

    /// Stores the request, its duties and the event, and replies with the request.
    pub async fn finish<P: Message + Name>(self, payload: &P) -> Result<pb::Request, Error> {
        self.finish_with(payload, pb::Request::clone).await
    }

    /// Stores the request, its duties and the event, and replies with what `reply` makes of the request.
    pub async fn finish_with<P: Message + Name, R: Message>(
        mut self,
        payload: &P,
        reply: impl FnOnce(&pb::Request) -> R,
    ) -> Result<R, Error> {
        self.record.version += 1;
        self.record.updated_at = store::at(self.call.now);
        store::update(self.change.connection(), &self.record).await?;
        let shown = self.record.show();
        let event = NewEvent::new(shown.name.clone(), self.record.version, self.at, &self.call.rule.clauses, payload);
        self.change.record_touching(event, self.touched);
        self.change.commit(reply(&shown)).await
    }
}

/// Whom and what an action at `at` concerns.
pub fn scene<'a>(
    chassis: &'a Chassis,
    call: &'a Call,
    subject: &'a str,
    record: &'a Record,
    at: Timestamp,
) -> Scene<'a> {
    Scene {
        subject,
        owner: &record.owner,
        department: &record.department,
        actor: &call.caller.subject,
        at,
        now: call.now,
        regulation: &chassis.regulation,
    }
}

/// What gates and duties may ask about a request at `at`.
pub fn facts(chassis: &Chassis, record: &Record, at: Timestamp) -> Facts {
    let regulation = &chassis.regulation;
    Facts {
        channel: record.channel(),
        is_answered: record.first_response_at.is_some()
            || !matches!(record.state(), State::Unspecified | State::Registered),
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
    }
}
