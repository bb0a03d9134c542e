//! Units of work: one transaction that stores domain rows, events, duties and the reply, all or nothing, once per request id.

use jiff::Timestamp;
use kefu_proto::Payload;
use prost::Message;
use sqlx::{PgConnection, Postgres, Transaction};
use tracing::Instrument as _;

use crate::base::error::Error;
use crate::contract::call::Call;
use crate::model::duty::{Deviation, Duty};
use crate::model::event::NewEvent;
use crate::model::lifecycle::DutyEffects;
use crate::store::batch::{Batch, NewReply};
use crate::store::duty;
use crate::telemetry::sql::boundary;
use crate::work::chassis::Chassis;

/// A unit of work under way. One that is dropped without a commit never happened.
pub struct UnitOfWork<'a> {
    chassis: &'a Chassis,
    call: &'a Call,
    transaction: Transaction<'static, Postgres>,
    events: Vec<NewEvent>,
    duties: Vec<Duty>,
}

impl Chassis {
    /// Begins a unit of work for a call.
    pub async fn begin<'a>(&'a self, call: &'a Call) -> Result<UnitOfWork<'a>, Error> {
        UnitOfWork::begin(self, call).await
    }
}

impl<'a> UnitOfWork<'a> {
    async fn begin(chassis: &'a Chassis, call: &'a Call) -> Result<Self, Error> {
        let transaction = chassis.pool().begin().instrument(boundary("BEGIN")).await?;
        Ok(Self { chassis, call, transaction, events: Vec::new(), duties: Vec::new() })
    }

    /// Returns the transaction's connection, for the domain's own SQL.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Locks and returns the live duties about `subject`, whose root must be locked before.
    pub async fn live_duties(&mut self, subject: &str) -> Result<Vec<Duty>, Error> {
        Ok(duty::lock_live(&mut self.transaction, &self.chassis.calendars, &[subject.to_owned()]).await?)
    }

    /// Locks and returns the duties about several subjects that something which happened at `at` may change: the live ones,
    /// and those that something later fulfilled.
    pub async fn duties_since(&mut self, subjects: &[String], at: Timestamp) -> Result<Vec<Duty>, Error> {
        if at >= self.call.now {
            return self.live_duties_of(subjects).await;
        }
        Ok(duty::lock_since(&mut self.transaction, &self.chassis.calendars, subjects, at).await?)
    }

    /// Locks and returns the live duties about several subjects.
    pub async fn live_duties_of(&mut self, subjects: &[String]) -> Result<Vec<Duty>, Error> {
        Ok(duty::lock_live(&mut self.transaction, &self.chassis.calendars, subjects).await?)
    }

    /// Returns the time at which everything in this call is recorded.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.call.now
    }

    /// Returns the time at which the change of a resource is recorded that was last changed at `changed`: the later of the two.
    /// Refused when the clock here is more than a minute behind.
    pub fn after(&self, changed: Timestamp) -> Result<Timestamp, Error> {
        self.call.after(changed, self.call.now)
    }

    /// Appends an event of a resource that happened with the call.
    pub fn record_now<P: Payload>(&mut self, name: String, version: i64, payload: &P) {
        self.record(NewEvent::new(name, version, self.call.now, &self.call.rule.clauses, payload));
    }

    /// Appends an event.
    pub fn record(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// Appends an event and stores its effects on duties.
    pub fn record_with_effects(&mut self, event: NewEvent, effects: DutyEffects) {
        self.duties.extend(effects.duties);
        self.record(event.correcting(effects.corrects).with_duties(effects.changes).telling(effects.notices));
    }

    /// Appends an event together with a deviation: something that a clause forbids was done, as the event says.
    pub fn record_deviation(&mut self, event: NewEvent, deviation: &Deviation<'_>) {
        let (duty, change) = deviation.record(&self.chassis.regulation, self.call.now);
        self.duties.push(duty);
        self.record(event.with_duties(vec![change]));
    }

    /// Stores a duty that was opened or changed.
    pub fn put(&mut self, duty: Duty) {
        self.duties.push(duty);
    }

    /// Stores everything, and no reply: the call goes on, and another unit of work answers it.
    pub async fn commit_unanswered(self) -> Result<(), Error> {
        self.write(None).await
    }

    /// Stores everything and keeps `reply` for retries of the call.
    pub async fn commit<R: Message>(self, reply: R) -> Result<R, Error> {
        let response = self.call.request_id.map(|_| reply.encode_to_vec());
        self.write(response).await?;
        Ok(reply)
    }

    async fn write(mut self, response: Option<Vec<u8>>) -> Result<(), Error> {
        let kept = self.call.request_id.zip(response).map(|(request_id, response)| NewReply {
            subject: &self.call.caller.subject,
            method: &self.call.rule.path,
            request_id,
            digest: self.call.digest,
            response,
        });
        let batch = Batch {
            actor: &self.call.caller.subject,
            now: self.call.now,
            regulation: self.chassis.regulation.version(),
            events: self.events,
            duties: self.duties,
            reply: kept,
        };
        if !batch.write(&mut self.transaction).await? {
            self.transaction.rollback().await?;
            return Err(Error::Repeated);
        }
        self.transaction.commit().instrument(boundary("COMMIT")).await?;
        self.chassis.appended.notify_one();
        Ok(())
    }
}
