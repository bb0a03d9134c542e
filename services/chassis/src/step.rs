//! One step of an aggregate's life: load and lock it, fire an action, store what that changes, all or nothing.

use jiff::Timestamp;
use kefu_proto::Payload;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::call::{Call, check_etag, etag};
use crate::change::Change;
use crate::chassis::Chassis;
use crate::duties::Duty as LiveDuty;
use crate::error::Error;
use crate::journal::NewEvent;
use crate::lifecycle::{Lifecycle, Scene, Touched};
use crate::names::{Id, Resource, id, unknown};
use crate::notifications::Notice;

/// The root of an aggregate as it is stored.
pub trait Root: Sized + Send + Sync {
    /// Its kind of resource.
    type Kind: Resource;
    /// Where it can stand.
    type State: Copy + Eq + Into<i32> + 'static;
    /// What can happen to it.
    type Action: Copy + Eq + 'static;
    /// Its duties.
    type Duty: Copy + Eq + 'static;
    /// What gates and duties ask about it.
    type Facts: 'static;
    /// As the contract shows it.
    type Shown: Message;

    /// Its lifecycle.
    fn lifecycle() -> &'static Lifecycle<Self::State, Self::Action, Self::Duty, Self::Facts>;
    /// Its id.
    fn id(&self) -> Id<Self::Kind>;
    /// What people call it, e.g. by its number; nothing personal.
    fn number(&self) -> &str;
    /// Who owns it, and the department responsible: whose its duties are.
    fn owner(&self) -> (&str, &str);
    /// Where it stands.
    fn state(&self) -> Self::State;
    /// Its version.
    fn version(&self) -> i64;
    /// Before this nothing can have happened to it.
    fn began_at(&self) -> Timestamp;
    /// When it was last changed, by the clock of whoever did.
    fn changed_at(&self) -> Timestamp;
    /// Whether a caller may touch it.
    fn is_reached(&self, call: &Call) -> bool;
    /// What gates and duties may ask about it at `at`.
    fn facts(&self, chassis: &Chassis, at: Timestamp) -> Self::Facts;
    /// As a caller may see it.
    fn show_to(&self, call: &Call) -> Self::Shown;
    /// It stands there from now on.
    fn enter(&mut self, state: Self::State);
    /// It is this version from `now` on.
    fn renew(&mut self, version: i64, now: Timestamp);
    /// Names of resources below it that have duties of their own.
    fn parts(&self) -> Vec<String> {
        Vec::new()
    }
    /// What it is found by, in short: when that changes, [`Root::store`] is told.
    fn said(&self) -> u64 {
        0
    }
    /// Those that exist of `ids`, locked in the order of their ids.
    fn lock(connection: &mut PgConnection, ids: &[Uuid])
    -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;
    /// Stores what can change of it.
    fn store(
        &self,
        connection: &mut PgConnection,
        is_found_anew: bool,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Whom and what an action at `at` concerns.
    fn scene<'a>(&'a self, chassis: &'a Chassis, call: &'a Call, subject: &'a str, at: Timestamp) -> Scene<'a> {
        let (owner, department) = self.owner();
        Scene {
            subject,
            about: self.number(),
            owner,
            department,
            actor: &call.caller.subject,
            at,
            now: call.now,
            regulation: &chassis.regulation,
        }
    }
}

/// An aggregate under way from one state to the next.
pub struct Step<'a, R: Root> {
    chassis: &'a Chassis,
    call: &'a Call,
    /// The transaction.
    pub change: Change<'a>,
    /// Its root, as it was and then as it will be.
    pub record: R,
    /// When it happened.
    pub at: Timestamp,
    /// Others that were locked with it.
    pub others: Vec<R>,
    live: Vec<LiveDuty>,
    touched: Touched,
    further: Vec<NewEvent>,
    said: u64,
}

impl<'a, R: Root> Step<'a, R> {
    /// Begins: what is named is locked, and is what the caller may touch and has seen.
    pub async fn begin(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        etag: &str,
        occurred: Option<&prost_types::Timestamp>,
    ) -> Result<Self, Error> {
        Self::begin_with(chassis, call, name, etag, occurred, &[]).await
    }

    /// The same, with others that are locked with it.
    pub async fn begin_with(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        etag: &str,
        occurred: Option<&prost_types::Timestamp>,
        others: &[Uuid],
    ) -> Result<Self, Error> {
        let step = Self::lock(chassis, call, name, occurred, others).await?;
        if !step.record.is_reached(call) {
            return Err(unknown::<R::Kind>(name));
        }
        step.ready(etag).await
    }

    /// Locks what is named, whoever may touch it, and with it the other ones that exist: all in the order of their ids, so that
    /// no two calls wait for each other.
    pub async fn lock(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        occurred: Option<&prost_types::Timestamp>,
        others: &[Uuid],
    ) -> Result<Self, Error> {
        let at = call.occurred(occurred, chassis.backdating())?;
        let id = id::<R::Kind>(name)?;
        let mut change = chassis.begin(call).await?;
        let ids: Vec<Uuid> = others.iter().copied().chain([id.uuid()]).collect();
        let mut records = R::lock(change.connection(), &ids).await?;
        let own = records.iter().position(|record| record.id() == id).ok_or_else(|| unknown::<R::Kind>(name))?;
        let record = records.remove(own);
        let (live, touched, further) = (Vec::new(), Touched::default(), Vec::new());
        let said = record.said();
        Ok(Self { chassis, call, change, record, at, others: records, live, touched, further, said })
    }

    /// Ready to be changed by a caller who may touch it: it is as they saw it, and its duties are locked too.
    pub async fn ready(mut self, given: &str) -> Result<Self, Error> {
        let name = self.record.id().to_string();
        check_etag(given, &etag(self.record.version()), &name)?;
        self.at = self.call.after(self.record.changed_at(), self.at)?;
        if self.at < self.record.began_at() {
            return Err(Error::field("occurred_time", "must not be before it began"));
        }
        let subjects: Vec<String> = self.record.parts().into_iter().chain([name]).collect();
        self.live = self.change.live_duties_of(&subjects).await?;
        Ok(self)
    }

    /// Refuses when it is said to have happened before something else, e.g. `the request was resolved`.
    pub fn not_before(&self, time: Option<Timestamp>, what: &str) -> Result<(), Error> {
        let is_before = time.is_some_and(|time| self.at < time);
        if is_before { Err(Error::field("occurred_time", format!("must not be before {what}"))) } else { Ok(()) }
    }

    /// Tells of something else that happened with it, in an event of its own.
    pub fn further<P: Payload>(&mut self, clause: &str, payload: &P, notices: impl IntoIterator<Item = Notice>) {
        let name = self.record.id().to_string();
        self.further.push(NewEvent::new(name, 0, self.at, &[clause], payload).telling(notices));
    }

    /// What gates and duties may ask about it now.
    pub fn facts(&self) -> R::Facts {
        self.record.facts(self.chassis, self.at)
    }

    /// Whether a duty of this kind is still to be fulfilled.
    pub fn owes(&self, kind: &str) -> bool {
        self.live.iter().any(|duty| duty.kind == kind)
    }

    /// Until when a duty of this kind is to be fulfilled, if one is.
    pub fn due(&self, kind: &str) -> Option<Timestamp> {
        self.live.iter().find(|duty| duty.kind == kind)?.due_at
    }

    /// Fires `action`: the state and the duties change, or it is refused.
    pub fn fire(&mut self, action: R::Action, facts: &R::Facts) -> Result<(), Error> {
        let subject = self.record.id().to_string();
        let state = self.record.state();
        let row = R::lifecycle().fire(&subject, state, action, facts)?;
        let scene = self.record.scene(self.chassis, self.call, &subject, self.at);
        self.touched = R::lifecycle().touch(row, facts, std::mem::take(&mut self.live), scene);
        self.record.enter(row.to.unwrap_or(state));
        Ok(())
    }

    /// The state it is in, as events tell it.
    pub fn state(&self) -> i32 {
        self.record.state().into()
    }

    /// Stores it, its duties and the event, and replies with it as it is now.
    pub async fn finish<P: Payload>(self, payload: &P) -> Result<R::Shown, Error> {
        let (change, shown) = self.settle(payload).await?;
        change.commit(shown).await
    }

    /// Stores it, its duties and the event, and replies with something else.
    pub async fn finish_with<P: Payload, M: Message>(self, payload: &P, reply: M) -> Result<M, Error> {
        let (change, _) = self.settle(payload).await?;
        change.commit(reply).await
    }

    /// Stores it, its duties and the event, and no reply: what answers the call comes with another step.
    pub async fn finish_unanswered<P: Payload>(self, payload: &P) -> Result<(), Error> {
        let (change, _) = self.settle(payload).await?;
        change.commit_unanswered().await
    }

    async fn settle<P: Payload>(mut self, payload: &P) -> Result<(Change<'a>, R::Shown), Error> {
        let version = self.record.version() + 1;
        self.record.renew(version + i64::try_from(self.further.len()).unwrap_or(0), self.call.now);
        let is_found_anew = self.record.said() != self.said;
        self.record.store(self.change.connection(), is_found_anew).await?;
        let name = self.record.id().to_string();
        let event = NewEvent::new(name, version, self.at, &self.call.rule.clauses, payload);
        self.change.record_touching(event, self.touched);
        for (event, version) in self.further.into_iter().zip(version + 1..) {
            self.change.record(event.numbered(version));
        }
        Ok((self.change, self.record.show_to(self.call)))
    }
}
