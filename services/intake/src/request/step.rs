//! One step of a request's life: load and lock it, fire an action, store what that changes.

use jiff::Timestamp;
use kefu_chassis::directory::Organisation;
use kefu_chassis::duties::Duty as LiveDuty;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::lifecycle::{Scene, Touched};
use kefu_chassis::notifications::Notice;
use kefu_chassis::{Call, Change, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use kefu_regulation::params;
use prost::{Message, Name};
use uuid::Uuid;

use super::lifecycle::{Action, Facts, LIFECYCLE};
use super::search::text::{Entry, fingerprint};
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
    /// Other requests that were locked with it.
    pub others: Vec<Record>,
    live: Vec<LiveDuty>,
    touched: Touched,
    further: Vec<NewEvent>,
    /// Whether what it is found by changes, is seen by this.
    said: u64,
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
        Self::begin_with(chassis, call, name, etag, occurred, &[]).await
    }

    /// The same, with other requests that are locked with it.
    pub async fn begin_with(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        etag: &str,
        occurred: Option<&prost_types::Timestamp>,
        others: &[Uuid],
    ) -> Result<Self, Error> {
        let step = Self::lock(chassis, call, name, occurred, others).await?;
        if !call.reaches(step.record.holder(&step.record.customer_name())) {
            return Err(unknown::<Request>(name));
        }
        step.ready(etag).await
    }

    /// Locks the request named, whoever may touch it, and with it the other ones that exist: all in the order of their ids, so
    /// that no two calls wait for each other.
    pub async fn lock(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        occurred: Option<&prost_types::Timestamp>,
        others: &[Uuid],
    ) -> Result<Self, Error> {
        let at = call.occurred(occurred, chassis.backdating())?;
        let id = id::<Request>(name)?;
        let mut change = chassis.begin(call).await?;
        let ids: Vec<Uuid> = others.iter().copied().chain([id.uuid()]).collect();
        let mut records = store::lock(change.connection(), &ids).await?;
        let own = records.iter().position(|record| record.id == id.uuid()).ok_or_else(|| unknown::<Request>(name))?;
        let record = records.remove(own);
        let (live, touched, further) = (Vec::new(), Touched::default(), Vec::new());
        let said = fingerprint(&record);
        Ok(Self { chassis, call, change, record, at, others: records, live, touched, further, said })
    }

    /// Ready to be changed by a caller who may touch it: it is as they saw it, and its duties are locked too.
    pub async fn ready(mut self, etag: &str) -> Result<Self, Error> {
        let name = self.record.id().to_string();
        kefu_chassis::call::check_etag(etag, &kefu_chassis::call::etag(self.record.version), &name)?;
        if self.at < self.record.contact_at.to_jiff() {
            return Err(Error::field("occurred_time", "must not be before the customer came"));
        }
        self.live = self.change.live_duties(&name).await?;
        Ok(self)
    }

    /// Tells of something else that happened with it, in an event of its own.
    pub fn further<P: Message + Name>(&mut self, clause: &str, payload: &P, notices: impl IntoIterator<Item = Notice>) {
        let name = self.record.id().to_string();
        self.further.push(NewEvent::new(name, 0, self.at, &[clause], payload).telling(notices));
    }

    /// What gates and duties may ask about the request now.
    pub fn facts(&self) -> Facts {
        facts(self.chassis, &self.record, self.at)
    }

    /// Whether a duty of this kind is still to be fulfilled.
    pub fn owes(&self, kind: &str) -> bool {
        self.live.iter().any(|duty| duty.kind == kind)
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
        let version = self.record.version + 1;
        self.record.version = version + i64::try_from(self.further.len()).unwrap_or(0);
        self.record.updated_at = store::at(self.call.now);
        let entry = (fingerprint(&self.record) != self.said).then(|| Entry::of_request(&self.record));
        store::update(self.change.connection(), &self.record, entry).await?;
        let shown = self.record.show();
        let event = NewEvent::new(shown.name.clone(), version, self.at, &self.call.rule.clauses, payload);
        self.change.record_touching(event, self.touched);
        for (event, version) in self.further.into_iter().zip(version + 1..) {
            self.change.record(event.numbered(version));
        }
        self.change.commit(reply(&self.record.show_to(self.call))).await
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
        about: &record.number,
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
