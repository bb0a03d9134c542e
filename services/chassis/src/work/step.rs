//! Steps of an aggregate's life: lock it, fire an action, and store what that changes, all or nothing.

use jiff::Timestamp;
use kefu_proto::{Paged, Payload, Target};
use prost::Message;
use uuid::Uuid;

use crate::base::error::{Error, constraint};
use crate::base::language::{Language, Text};
use crate::base::names::{Id, Resource, as_unknown, id, under, unknown};
use crate::contract::call::{Call, Stakeholders, check_etag, etag};
use crate::contract::paging::Page;
use crate::model::duty::{Deviation, Duty};
use crate::model::event::NewEvent;
use crate::model::lifecycle::{ActionContext, DutyEffects, Lifecycle};
use crate::model::notice::Notice;
use crate::store::record::{ChildRow, StatefulRow};
use crate::work::chassis::Chassis;
use crate::work::unit_of_work::UnitOfWork;
use crate::wrong;

/// The root of an aggregate: a stored row with a lifecycle.
pub trait AggregateRoot: StatefulRow {
    /// The actions.
    type Action: Copy + Eq + 'static;
    /// The kinds of duties.
    type Duty: Copy + Eq + 'static;
    /// The facts that gates and duties ask for.
    type Facts: 'static;

    /// The lifecycle.
    fn lifecycle() -> &'static Lifecycle<Self::State, Self::Action, Self::Duty, Self::Facts>;
    /// Everybody who has to do with the aggregate. Owner and department own its duties. All stakeholders may see it; further
    /// parties may act on it only where a row of the lifecycle says so.
    fn stakeholders(&self) -> Stakeholders<'_>;
    /// The earliest time at which anything can have happened to the aggregate.
    fn began_at(&self) -> Timestamp {
        self.created_at()
    }
    /// The facts that gates and duties may ask for when `call` acts at `at`, as far as they are on record or known of the
    /// caller.
    fn facts(&self, chassis: &Chassis, call: &Call, at: Timestamp) -> Self::Facts;
    /// Records in the step that somebody acts from whom a clause separates the matter, where these facts say so.
    fn record_deviation(_step: &mut Step<'_, Self>, _facts: &Self::Facts) {}
    /// Whether the caller acts in somebody's stead, because nobody who should can: then they reach the aggregate, whoever
    /// its stakeholders are.
    fn stands_in(&self, _chassis: &Chassis, _call: &Call, _at: Timestamp) -> bool {
        false
    }
    /// Shows the aggregate as a caller may see it.
    fn show_to(&self, _: &Call) -> Self::Shown {
        self.show()
    }
    /// The names of resources beneath the aggregate that have duties of their own.
    fn subjects_beneath(&self) -> Vec<String> {
        Vec::new()
    }
    /// Returns the refusal for a new aggregate that violates this constraint of the database; none where the violation is a
    /// fault of the service.
    fn refused(&self, _constraint: &str) -> Option<Error> {
        None
    }

    /// The context of an action at `at`.
    fn context<'a>(
        &'a self,
        chassis: &'a Chassis,
        call: &'a Call,
        subject: &'a str,
        at: Timestamp,
    ) -> ActionContext<'a> {
        let Stakeholders { owner, department, .. } = self.stakeholders();
        ActionContext {
            subject,
            about: self.number(),
            owner,
            department,
            actor: &call.caller.subject,
            leads: call.leads(),
            at,
            now: call.now,
            regulation: &chassis.regulation,
        }
    }
}

/// Reads the aggregate that `call` may see under `name`.
pub async fn seen<R: AggregateRoot>(
    chassis: &Chassis,
    connection: &mut sqlx::PgConnection,
    call: &Call,
    name: &str,
) -> Result<R, Error> {
    let root = R::get(connection, id::<R::Kind>(name)?.uuid()).await?;
    let may_see = |root: &R| call.reaches(&root.stakeholders()) || root.stands_in(chassis, call, call.now);
    root.filter(may_see).ok_or_else(|| unknown::<R::Kind>(name))
}

/// Reads the aggregate above the resource of kind `K` with this name, if `call` may see it; otherwise the resource is not
/// found.
pub async fn seen_above<R: AggregateRoot, K: Resource>(
    chassis: &Chassis,
    connection: &mut sqlx::PgConnection,
    call: &Call,
    name: &str,
) -> Result<R, Error> {
    let (aggregate, _) = under::<K>(name)?;
    seen(chassis, connection, call, aggregate).await.map_err(as_unknown::<K>(name))
}

/// Reads a page of the resources beneath the aggregate that the request names, the newest first, and the token of the next
/// page. Refused unless `call` may see the aggregate.
pub async fn children<R: AggregateRoot, C: ChildRow>(
    chassis: &Chassis,
    call: &Call,
    request: &impl Paged,
    parent: &str,
) -> Result<(Vec<C::Shown>, String), Error> {
    let page: Page<Id<C::Kind>> = Page::of(call, request)?;
    let mut connection = chassis.pool().acquire().await?;
    let above: R = seen(chassis, &mut connection, call, parent).await?;
    let after = page.after.map(Id::uuid);
    let rows = C::newest_of(&mut connection, above.id().uuid(), after, page.limit).await?;
    Ok(page.fill(rows.iter().map(|row| (row.id(), row.show()))))
}

/// Implements methods that list resources beneath an aggregate, each given by its request, its response and the response's
/// field of the rows. The messages are of the package imported as `$package`. The module above sees the methods.
#[macro_export]
macro_rules! children {
    (impl $api:ty, under $root:ty, of $package:ident {
        $($method:ident($request:ident) -> $response:ident { $field:ident: $row:ty })*
    }) => {
        impl $api {$(
            pub(super) async fn $method(
                &self,
                call: &$crate::Call,
                request: $package::$request,
            ) -> Result<$package::$response, $crate::Error> {
                let page = $crate::step::children::<$root, $row>(&self.chassis, call, &request, &request.parent);
                let ($field, next_page_token) = page.await?;
                Ok($package::$response { $field, next_page_token })
            }
        )*}
    };
}

/// A step of an aggregate from one state to the next.
pub struct Step<'a, R: AggregateRoot> {
    chassis: &'a Chassis,
    call: &'a Call,
    /// The unit of work.
    pub work: UnitOfWork<'a>,
    /// The aggregate's root: as it is stored until `fire`, and from then on as the action leaves it.
    pub root: R,
    /// When the action happened.
    pub at: Timestamp,
    /// Other aggregates of the same kind that were locked with it.
    pub others: Vec<R>,
    /// The duties that the action may change: the live ones, and those that something later fulfilled.
    known: Vec<Duty>,
    effects: DutyEffects,
    also_recorded: Vec<NewEvent>,
    search_fingerprint: u64,
}

impl<'a, R: AggregateRoot> Step<'a, R> {
    /// Begins a step: locks the aggregate that the request names. Refused unless the caller may act on it and has seen its
    /// latest version.
    pub async fn begin(chassis: &'a Chassis, call: &'a Call, request: &impl Target) -> Result<Self, Error> {
        Self::begin_with(chassis, call, request, &[]).await
    }

    /// Begins a step with other aggregates locked as well.
    pub async fn begin_with(
        chassis: &'a Chassis,
        call: &'a Call,
        request: &impl Target,
        others: &[Uuid],
    ) -> Result<Self, Error> {
        let step = Self::lock(chassis, call, request.name(), request.occurred_time(), others).await?;
        let facts = step.facts();
        step.ready(request, &facts).await
    }

    /// Begins a step for a request that names a resource of kind `K` beneath the aggregate, e.g. `requests/1/transfers/2`.
    /// Where there is no such aggregate, the resource is not found.
    pub async fn begin_under<K: Resource>(
        chassis: &'a Chassis,
        call: &'a Call,
        request: &impl Target,
    ) -> Result<Self, Error> {
        let step = Self::lock_under::<K>(chassis, call, request).await?;
        let facts = step.facts();
        step.ready(request, &facts).await.map_err(as_unknown::<K>(request.name()))
    }

    /// Locks the aggregate above the resource of kind `K` that a request names, without asking who may act on it.
    pub async fn lock_under<K: Resource>(
        chassis: &'a Chassis,
        call: &'a Call,
        request: &impl Target,
    ) -> Result<Self, Error> {
        let (aggregate, _) = under::<K>(request.name())?;
        let step = Self::lock(chassis, call, aggregate, request.occurred_time(), &[]).await;
        step.map_err(as_unknown::<K>(request.name()))
    }

    /// Locks the named aggregate, without asking who may act on it, and the `others` that exist, all in the order of
    /// their ids, so that no two calls wait for each other.
    pub async fn lock(
        chassis: &'a Chassis,
        call: &'a Call,
        name: &str,
        occurred: Option<&prost_types::Timestamp>,
        others: &[Uuid],
    ) -> Result<Self, Error> {
        let at = call.occurred(occurred, chassis.backdating())?;
        let id = id::<R::Kind>(name)?;
        let mut work = chassis.begin(call).await?;
        let ids: Vec<Uuid> = others.iter().copied().chain([id.uuid()]).collect();
        let mut roots = R::lock(work.connection(), &ids).await?;
        let own = roots.iter().position(|root| root.id() == id).ok_or_else(|| unknown::<R::Kind>(name))?;
        let root = roots.remove(own);
        Ok(Self { others: roots, ..Self::of(chassis, call, work, root, at) })
    }

    fn of(chassis: &'a Chassis, call: &'a Call, work: UnitOfWork<'a>, root: R, at: Timestamp) -> Self {
        let (known, effects, also_recorded) = (Vec::new(), DutyEffects::default(), Vec::new());
        let search_fingerprint = root.search_fingerprint();
        Self { chassis, call, work, root, at, others: Vec::new(), known, effects, also_recorded, search_fingerprint }
    }

    /// Readies a locked aggregate for the call's method, and locks its duties. Refused as not found unless the caller may act
    /// on it, given these facts, and as stale unless they have seen its latest version.
    pub async fn ready(self, request: &impl Target, facts: &R::Facts) -> Result<Self, Error> {
        let method = self.call.rule.name();
        self.ready_for(method, request.name(), request.etag(), facts).await
    }

    /// Readies a locked aggregate for `method` on behalf of a call of another method, e.g. of one that acts on many aggregates.
    /// `name` is the name that the caller gave, and `given_etag` the version that they have seen.
    pub async fn ready_for(self, method: &str, name: &str, given_etag: &str, facts: &R::Facts) -> Result<Self, Error> {
        let reach = R::lifecycle().reach(method, facts, self.root.stakeholders());
        if !self.call.reaches(&reach) && !self.root.stands_in(self.chassis, self.call, self.at) {
            return Err(unknown::<R::Kind>(name));
        }
        check_etag(given_etag, &etag(self.root.version()), &self.root.id().to_string())?;
        self.prepare().await
    }

    /// Readies a locked aggregate for an action of the service itself, which needs no rights of a caller, and locks its duties.
    pub async fn prepare(mut self) -> Result<Self, Error> {
        let name = self.root.id().to_string();
        self.at = self.call.after(self.root.changed_at(), self.at)?;
        if self.at < self.root.began_at() {
            return Err(Error::field(
                "occurred_time",
                wrong!(TooEarly, "must not be before it began", "不得早于事项开始的时间"),
            ));
        }
        let subjects: Vec<String> = self.root.subjects_beneath().into_iter().chain([name]).collect();
        self.known = self.work.duties_since(&subjects, self.at).await?;
        Ok(self)
    }

    /// Begins the life of a new aggregate at `at`: fires its first action before anything is asked of the database.
    /// [`Step::insert`] stores the aggregate.
    pub async fn create(
        chassis: &'a Chassis,
        call: &'a Call,
        mut root: R,
        at: Timestamp,
        action: R::Action,
        facts: &R::Facts,
    ) -> Result<Self, Error> {
        let subject = root.id().to_string();
        let (lifecycle, state) = (R::lifecycle(), root.state());
        let row = lifecycle.fire(&subject, state, action, facts)?;
        root.enter(row.to.unwrap_or(state));
        let effects = lifecycle.duty_effects(row, facts, Vec::new(), root.context(chassis, call, &subject, at));
        let work = chassis.begin(call).await?;
        let mut step = Self { effects, ..Self::of(chassis, call, work, root, at) };
        R::record_deviation(&mut step, facts);
        Ok(step)
    }

    /// Stores the new aggregate, its duties and its event, and replies with it. The day in its number is that of the business
    /// calendar's zone.
    pub async fn insert<P: Payload>(mut self, payload: impl FnOnce(R::Shown) -> P) -> Result<R::Shown, Error> {
        let zone = self.chassis.regulation.calendar().zone().clone();
        let day = self.at.to_zoned(zone).strftime("%Y%m%d").to_string();
        let version = self.root.version();
        self.renew(version);
        if let Err(error) = self.root.insert(self.work.connection(), &day).await {
            let refusal = constraint(&error).and_then(|constraint| self.root.refused(constraint));
            return Err(refusal.unwrap_or_else(|| error.into()));
        }
        let payload = payload(self.root.show());
        let (work, shown) = self.with_events(version, &payload);
        work.commit(shown).await
    }

    /// Refuses an action that is said to have happened before `time`. `what` names what happened then, e.g. `the request was
    /// resolved` and `请求解决`.
    pub fn not_before(&self, time: Option<Timestamp>, what: Text) -> Result<(), Error> {
        if time.is_none_or(|time| self.at >= time) {
            return Ok(());
        }
        let (what, zh) = (what.of(Language::English), what.of(Language::Chinese));
        let wrong = wrong!(TooEarly, "must not be before {what}", "不得早于{zh}的时间");
        Err(Error::field("occurred_time", wrong))
    }

    /// Records something else that happened with the action, in an event of its own.
    pub fn also_record<P: Payload>(&mut self, clause: &str, payload: &P, notices: impl IntoIterator<Item = Notice>) {
        let name = self.root.id().to_string();
        self.also_recorded.push(NewEvent::new(name, 0, self.at, &[clause], payload).telling(notices));
    }

    /// Returns the facts that gates and duties may ask for now.
    pub fn facts(&self) -> R::Facts {
        self.root.facts(self.chassis, self.call, self.at)
    }

    /// Whether a duty of this kind is live.
    pub fn owes(&self, kind: &str) -> bool {
        self.live(kind).is_some()
    }

    /// Returns the duties of the aggregate that the action may touch: the live ones, and those fulfilled by something later.
    pub fn owed(&self) -> impl Iterator<Item = &Duty> {
        self.known.iter()
    }

    /// Returns the chassis.
    pub fn chassis(&self) -> &'a Chassis {
        self.chassis
    }

    /// Returns the due time of the live duty of this kind, if there is one.
    pub fn due(&self, kind: &str) -> Option<Timestamp> {
        self.live(kind)?.due_at
    }

    /// Returns the live duty of this kind, if there is one.
    pub fn live(&self, kind: &str) -> Option<&Duty> {
        self.known.iter().find(|duty| duty.kind == kind && duty.is_live())
    }

    /// Refuses an attempt that reached nobody when it is recorded later than the working day after it ended: it counts
    /// for nothing then. `clause` is that of the gate which counts attempts.
    pub fn check_attempt(&self, clause: &'static str) -> Result<(), Error> {
        let calendar = self.chassis.regulation.calendar();
        if self.call.now <= calendar.end_of_next_working_day(self.at) {
            return Ok(());
        }
        let wrong = wrong!(
            TooEarly under clause,
            "is too long ago: an attempt counts only if it is recorded by the end of the next working day",
            "相隔过久，未能联系到的记录须在下一工作日下班前补录，否则不予计算"
        );
        Err(Error::field("occurred_time", wrong))
    }

    /// Fires `action`: changes the state and the duties. Refused when the state or a gate forbids it.
    pub fn fire(&mut self, action: R::Action, facts: &R::Facts) -> Result<(), Error> {
        let subject = self.root.id().to_string();
        let state = self.root.state();
        let row = R::lifecycle().fire(&subject, state, action, facts)?;
        let context = self.root.context(self.chassis, self.call, &subject, self.at);
        self.effects = R::lifecycle().duty_effects(row, facts, std::mem::take(&mut self.known), context);
        self.root.enter(row.to.unwrap_or(state));
        R::record_deviation(self, facts);
        Ok(())
    }

    /// Notifies somebody with the action's event.
    pub fn notify(&mut self, notice: impl IntoIterator<Item = Notice>) {
        self.effects.notices.extend(notice);
    }

    /// Records with the action that `staff` of `department` did what a clause forbids; `kind` is its code, e.g. `bounce`.
    /// A deviation that is the owner's and follows from the facts alone is a rule of the lifecycle instead.
    pub fn deviate(&mut self, clause: &str, kind: &str, staff: &str, department: &str) {
        let subject = self.root.id().to_string();
        let number = self.root.number();
        let deviation = Deviation { clause, kind, subject: &subject, number, owner: staff, department, at: self.at };
        let (duty, change) = deviation.record(&self.chassis.regulation, self.call.now);
        self.effects.duties.push(duty);
        self.effects.changes.push(change);
    }

    /// Returns the state, as events write it.
    pub fn state(&self) -> i32 {
        self.root.state().into()
    }

    /// Stores the aggregate, its duties and the event, and replies with the aggregate as it is now.
    pub async fn finish<P: Payload>(self, payload: &P) -> Result<R::Shown, Error> {
        let (work, shown) = self.write(payload).await?;
        work.commit(shown).await
    }

    /// Stores the aggregate, its duties and the event, and replies with something else.
    pub async fn finish_with<P: Payload, M: Message>(self, payload: &P, reply: M) -> Result<M, Error> {
        let (work, _) = self.write(payload).await?;
        work.commit(reply).await
    }

    /// Stores the aggregate, its duties and the event, and no reply: another step answers the call.
    pub async fn finish_unanswered<P: Payload>(self, payload: &P) -> Result<(), Error> {
        let (work, _) = self.write(payload).await?;
        work.commit_unanswered().await
    }

    async fn write<P: Payload>(mut self, payload: &P) -> Result<(UnitOfWork<'a>, R::Shown), Error> {
        let version = self.root.version() + 1;
        self.renew(version);
        let reindex = self.root.search_fingerprint() != self.search_fingerprint;
        self.root.update(self.work.connection(), reindex).await?;
        Ok(self.with_events(version, payload))
    }

    /// Sets the version of the aggregate to that of the step's last event; the first has `version`.
    fn renew(&mut self, version: i64) {
        self.root.renew(version + i64::try_from(self.also_recorded.len()).unwrap_or(0), self.call.now);
    }

    /// Records the event of the step under `version`, with its effects, and the further events under the versions after
    /// it. Returns the unit of work, and the aggregate as the caller may see it.
    fn with_events<P: Payload>(mut self, version: i64, payload: &P) -> (UnitOfWork<'a>, R::Shown) {
        let name = self.root.id().to_string();
        // A new aggregate had no number yet when its first action opened duties.
        for duty in self.effects.duties.iter_mut().filter(|duty| duty.number.is_empty()) {
            self.root.number().clone_into(&mut duty.number);
        }
        let event = NewEvent::new(name, version, self.at, &self.call.rule.clauses, payload);
        self.work.record_with_effects(event, self.effects);
        for (event, version) in self.also_recorded.into_iter().zip(version + 1..) {
            self.work.record(event.numbered(version));
        }
        (self.work, self.root.show_to(self.call))
    }
}
