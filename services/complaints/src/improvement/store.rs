//! Improvements in Postgres.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::{Holder, etag};
use kefu_chassis::lifecycle::Lifecycle;
use kefu_chassis::names::Id;
use kefu_chassis::step::Root;
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Chassis};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::improvement::{Effect, State};
use sqlx::PgConnection;
use uuid::Uuid;

use super::lifecycle::{Action, Duty, Facts, LIFECYCLE};
use crate::shared::{Complaint, Improvement};

/// A query of improvements. Columns are named, so that a later version may add some while this one runs.
macro_rules! improvements {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::improvement::store::Record,
            "select id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at,
                verifier, state, report, completed_at, check_at, verified_at, comment, days, count_before, count_after,
                contacts_before, contacts_after, created_at, updated_at, version
            from complaints.improvement " + $rest $($arguments)*
        )
    };
}

pub(crate) use improvements;

/// An improvement as it is stored.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: Uuid,
    pub number: String,
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

impl Record {
    /// An improvement of which nothing else is known yet, made at `now`.
    pub fn blank(now: Timestamp, due: Timestamp) -> Self {
        Self {
            id: Id::<Improvement>::new(now).uuid(),
            number: String::new(),
            complaints: Vec::new(),
            cause_category: 0,
            cause: String::new(),
            responsible_department: String::new(),
            measure: String::new(),
            owner: String::new(),
            department: String::new(),
            due_at: sql::at(due),
            verifier: String::new(),
            state: State::Unspecified as i16,
            report: String::new(),
            completed_at: None,
            check_at: None,
            verified_at: None,
            comment: String::new(),
            days: 0,
            count_before: 0,
            count_after: 0,
            contacts_before: 0,
            contacts_after: 0,
            created_at: sql::at(now),
            updated_at: sql::at(now),
            version: 1,
        }
    }

    /// Its id.
    pub fn id(&self) -> Id<Improvement> {
        Id::from_uuid(self.id)
    }

    /// What was counted is kept.
    pub fn keep(&mut self, effect: &Effect) {
        self.days = effect.days;
        (self.count_before, self.count_after) = (effect.count_before, effect.count_after);
        (self.contacts_before, self.contacts_after) = (effect.contacts_before, effect.contacts_after);
    }

    /// As the contract shows it.
    pub fn show(&self) -> pb::Improvement {
        let time = |time: Option<SqlTime>| time.map(|time| to_proto(time.to_jiff()));
        let complaints = self.complaints.iter().map(|&id| Id::<Complaint>::from_uuid(id).to_string());
        pb::Improvement {
            name: self.id().to_string(),
            number: self.number.clone(),
            complaints: complaints.collect(),
            cause_category: self.cause_category.into(),
            cause: self.cause.clone(),
            responsible_department: self.responsible_department.clone(),
            measure: self.measure.clone(),
            owner: self.owner.clone(),
            department: self.department.clone(),
            due_time: time(Some(self.due_at)),
            verifier: self.verifier.clone(),
            state: self.state.into(),
            report: self.report.clone(),
            completed_time: time(self.completed_at),
            check_time: time(self.check_at),
            verified_time: time(self.verified_at),
            comment: self.comment.clone(),
            effect: self.verified_at.map(|_| Effect {
                days: self.days,
                count_before: self.count_before,
                count_after: self.count_after,
                contacts_before: self.contacts_before,
                contacts_after: self.contacts_after,
            }),
            create_time: time(Some(self.created_at)),
            update_time: time(Some(self.updated_at)),
            etag: etag(self.version),
        }
    }
}

impl Root for Record {
    type Kind = Improvement;
    type State = State;
    type Action = Action;
    type Duty = Duty;
    type Facts = Facts;
    type Shown = pb::Improvement;

    fn lifecycle() -> &'static Lifecycle<State, Action, Duty, Facts> {
        &LIFECYCLE
    }

    fn id(&self) -> Id<Improvement> {
        Self::id(self)
    }

    fn number(&self) -> &str {
        &self.number
    }

    fn owner(&self) -> (&str, &str) {
        (&self.owner, &self.department)
    }

    fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn began_at(&self) -> Timestamp {
        self.created_at.to_jiff()
    }

    fn changed_at(&self) -> Timestamp {
        self.updated_at.to_jiff()
    }

    fn is_reached(&self, call: &Call) -> bool {
        call.reaches(Holder { owner: &self.owner, department: &self.department, ..Holder::default() })
    }

    fn facts(&self, _: &Chassis, at: Timestamp) -> Facts {
        Facts {
            due: Some(self.due_at.to_jiff()),
            is_time: self.check_at.is_some_and(|check| check.to_jiff() <= at),
            ..Facts::default()
        }
    }

    fn show_to(&self, _: &Call) -> pb::Improvement {
        self.show()
    }

    fn enter(&mut self, state: State) {
        self.state = state as i16;
    }

    fn renew(&mut self, version: i64, now: Timestamp) {
        self.version = version;
        self.updated_at = sql::at(now);
    }

    async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        improvements!("where id = any($1) order by id for no key update", ids).fetch_all(connection).await
    }

    async fn store(&self, connection: &mut PgConnection, _: bool) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "update complaints.improvement set state = $2, report = $3, completed_at = $4, check_at = $5, verified_at = $6,
                comment = $7, days = $8, count_before = $9, count_after = $10, contacts_before = $11, contacts_after = $12,
                updated_at = $13, version = $14
            where id = $1",
            self.id,
            self.state,
            self.report,
            self.completed_at as _,
            self.check_at as _,
            self.verified_at as _,
            self.comment,
            self.days,
            self.count_before,
            self.count_after,
            self.contacts_before,
            self.contacts_after,
            self.updated_at as _,
            self.version,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Stores a new improvement; its number, made of the day `day` (YYYYMMDD) and the next running number.
pub async fn insert(connection: &mut PgConnection, record: &Record, day: &str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into complaints.improvement (
            id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at, verifier,
            state, report, comment, days, count_before, count_after, contacts_before, contacts_after, created_at,
            updated_at, version)
        select $1, 'I-' || $2 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $3, $4, $5, $6, $7, $8, $9, $10,
            $11, $12, '', '', 0, 0, 0, 0, 0, $13, $13, 1
        from nextval('complaints.improvement_number') as n
        returning number",
        record.id,
        day,
        &record.complaints,
        record.cause_category,
        record.cause,
        record.responsible_department,
        record.measure,
        record.owner,
        record.department,
        record.due_at as _,
        record.verifier,
        record.state,
        record.created_at as _,
    )
    .fetch_one(connection)
    .await
}
