//! Requests in Postgres.

use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::Call;
use kefu_chassis::call::Holder;
use kefu_chassis::names::Id;
use kefu_chassis::time::{sql, to_proto};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::ServiceLevel;
use kefu_proto::intake::v1::request::{Origin, Priority, State};
use sqlx::PgConnection;
use uuid::Uuid;

use super::search::text::Entry;
use crate::shared::{Complaint, Contact, Customer, Project, Request, Transfer};

/// A query of requests. Columns are named, so that a later version may add some while this one runs.
macro_rules! requests {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::store::Record,
            "select id, number, channel, kind, customer, contact, project, order_number, product_model, description,
                business_domain, problem_type, priority, first_responder, owner, department, state, cycle, carrier_state,
                origin, source, external_id, contact_at, first_response_at, promised_at, promise_reason,
                last_informed_at, resolution, assistance, resolved_at, closed_at, first_contact_resolution,
                settled_at_once, awaited, cancel_reason, unreached_attempts, created_at, updated_at, version, major,
                major_reason, major_at, in_scope, service_level, repeat_of, repeat_contacts, linked, transfers,
                pending_transfer, solved_first, emergency_reason, work_orders, open_expectations, complaint
            from intake.request " + $rest $($arguments)*
        )
    };
}

/// A query of steps of the work. Columns are named, so that a later version may add some while this one runs.
macro_rules! steps {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::store::ProgressRow,
            "select id, request, text, told_by, carrier_state, author, occurred_at, created_at
            from intake.progress " + $rest $($arguments)*
        )
    };
}

/// A query of attempts. Columns are named, so that a later version may add some while this one runs.
macro_rules! attempts {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::store::AttemptRow,
            "select id, request, outcome, channel, comment, cycle, working_day, author, occurred_at, created_at
            from intake.contact_attempt " + $rest $($arguments)*
        )
    };
}

pub(crate) use {attempts, requests, steps};

/// A request as it is stored.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: Uuid,
    pub number: String,
    pub channel: i16,
    pub kind: i16,
    pub customer: Option<Uuid>,
    pub contact: serde_json::Value,
    pub project: Option<Uuid>,
    pub order_number: String,
    pub product_model: String,
    pub description: String,
    pub business_domain: String,
    pub problem_type: String,
    pub priority: i16,
    pub first_responder: String,
    pub owner: String,
    pub department: String,
    pub state: i16,
    pub cycle: i32,
    pub carrier_state: i16,
    pub origin: i16,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub contact_at: SqlTime,
    pub first_response_at: Option<SqlTime>,
    pub promised_at: Option<SqlTime>,
    pub promise_reason: String,
    pub last_informed_at: Option<SqlTime>,
    pub resolution: String,
    pub assistance: String,
    pub resolved_at: Option<SqlTime>,
    pub closed_at: Option<SqlTime>,
    pub first_contact_resolution: bool,
    pub settled_at_once: bool,
    pub awaited: String,
    pub cancel_reason: String,
    pub unreached_attempts: i32,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub version: i64,
    pub major: bool,
    pub major_reason: String,
    pub major_at: Option<SqlTime>,
    pub in_scope: Option<bool>,
    pub service_level: i16,
    pub repeat_of: Option<Uuid>,
    pub repeat_contacts: i32,
    pub linked: Vec<Uuid>,
    pub transfers: i32,
    pub pending_transfer: Option<Uuid>,
    pub solved_first: bool,
    pub emergency_reason: String,
    pub work_orders: i32,
    pub open_expectations: i32,
    pub complaint: Option<Uuid>,
}

impl Record {
    /// A request of which nothing is known yet, made at `now`.
    pub fn blank(now: jiff::Timestamp) -> Self {
        Self {
            id: Id::<Request>::new(now).uuid(),
            number: String::new(),
            channel: 0,
            kind: 0,
            customer: None,
            contact: serde_json::Value::Null,
            project: None,
            order_number: String::new(),
            product_model: String::new(),
            description: String::new(),
            business_domain: String::new(),
            problem_type: String::new(),
            priority: Priority::Normal as i16,
            first_responder: String::new(),
            owner: String::new(),
            department: String::new(),
            state: State::Unspecified as i16,
            cycle: 0,
            carrier_state: 0,
            origin: Origin::Live as i16,
            source: None,
            external_id: None,
            contact_at: at(now),
            first_response_at: None,
            promised_at: None,
            promise_reason: String::new(),
            last_informed_at: None,
            resolution: String::new(),
            assistance: String::new(),
            resolved_at: None,
            closed_at: None,
            first_contact_resolution: false,
            settled_at_once: true,
            awaited: String::new(),
            cancel_reason: String::new(),
            unreached_attempts: 0,
            created_at: at(now),
            updated_at: at(now),
            version: 1,
            major: false,
            major_reason: String::new(),
            major_at: None,
            in_scope: None,
            service_level: ServiceLevel::Hotline as i16,
            repeat_of: None,
            repeat_contacts: 0,
            linked: Vec::new(),
            transfers: 0,
            pending_transfer: None,
            solved_first: false,
            emergency_reason: String::new(),
            work_orders: 0,
            open_expectations: 0,
            complaint: None,
        }
    }

    /// It is one step more urgent, as far as that goes (A2.8).
    pub fn raise_priority(&mut self) {
        self.priority = (self.priority + 1).min(Priority::Urgent as i16);
    }

    /// It is handled again (C4.3).
    pub fn begin_cycle(&mut self) {
        self.cycle += 1;
        self.settled_at_once = false;
        self.first_contact_resolution = false;
        self.unreached_attempts = 0;
        self.work_orders = 0;
    }

    /// Its id.
    pub fn id(&self) -> Id<Request> {
        Id::from_uuid(self.id)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }

    /// Whether the customer was answered: work on it begins with that, whatever an import knows of when it was.
    pub fn is_answered(&self) -> bool {
        let is_begun = !matches!(self.state(), State::Unspecified | State::Registered | State::TransferPending);
        is_begun || self.first_response_at.is_some() || self.cycle > 0
    }

    /// Whether it is solved, as we see it or as the customer does.
    pub fn is_solved(&self) -> bool {
        matches!(self.state(), State::Resolved | State::Closed)
    }

    /// How the customer came.
    pub fn channel(&self) -> Channel {
        Channel::try_from(i32::from(self.channel)).unwrap_or_default()
    }

    /// Its customer's name, or nothing.
    pub fn customer_name(&self) -> String {
        self.customer.map(|id| Id::<Customer>::from_uuid(id).to_string()).unwrap_or_default()
    }

    /// Whom it concerns.
    pub fn holder<'a>(&'a self, customer: &'a str) -> Holder<'a> {
        Holder { owner: &self.owner, department: &self.department, customer, ..Holder::default() }
    }

    /// As a caller may see it: customers see nothing of what is said about them or of how we share the work.
    pub fn show_to(&self, call: &Call) -> pb::Request {
        let shown = self.show();
        if !call.is_customer() {
            return shown;
        }
        pb::Request {
            major: false,
            major_reason: String::new(),
            major_time: None,
            in_scope: None,
            repeat_contacts: 0,
            transfer_count: 0,
            pending_transfer: String::new(),
            solved_first: false,
            emergency_reason: String::new(),
            open_expectations: 0,
            ..shown
        }
    }

    /// As the contract shows it.
    pub fn show(&self) -> pb::Request {
        let time = |time: Option<SqlTime>| time.map(|time| to_proto(time.to_jiff()));
        let contact: Option<Contact> = serde_json::from_value(self.contact.clone()).ok();
        pb::Request {
            name: self.id().to_string(),
            number: self.number.clone(),
            channel: self.channel.into(),
            kind: self.kind.into(),
            customer: self.customer_name(),
            contact: contact.map(|contact| contact.show()),
            project: self
                .project
                .map(|project| format!("{}/{}", self.customer_name(), Id::<Project>::from_uuid(project)))
                .unwrap_or_default(),
            order_number: self.order_number.clone(),
            product_model: self.product_model.clone(),
            description: self.description.clone(),
            business_domain: self.business_domain.clone(),
            problem_type: self.problem_type.clone(),
            priority: self.priority.into(),
            first_responder: self.first_responder.clone(),
            owner: self.owner.clone(),
            department: self.department.clone(),
            state: self.state.into(),
            cycle: self.cycle,
            carrier_state: self.carrier_state.into(),
            origin: self.origin.into(),
            external_id: self.external_id.clone().unwrap_or_default(),
            contact_time: time(Some(self.contact_at)),
            first_response_time: time(self.first_response_at),
            promised_time: time(self.promised_at),
            promise_reason: self.promise_reason.clone(),
            last_informed_time: time(self.last_informed_at),
            resolution: self.resolution.clone(),
            assistance: self.assistance.clone(),
            resolved_time: time(self.resolved_at),
            closed_time: time(self.closed_at),
            first_contact_resolution: self.first_contact_resolution,
            awaited: self.awaited.clone(),
            cancel_reason: self.cancel_reason.clone(),
            unreached_attempts: self.unreached_attempts,
            create_time: time(Some(self.created_at)),
            update_time: time(Some(self.updated_at)),
            etag: kefu_chassis::call::etag(self.version),
            major: self.major,
            major_reason: self.major_reason.clone(),
            major_time: time(self.major_at),
            in_scope: self.in_scope,
            service_level: self.service_level.into(),
            repeat_of: self.repeat_of.map(|id| Id::<Request>::from_uuid(id).to_string()).unwrap_or_default(),
            repeat_contacts: self.repeat_contacts,
            linked_requests: self.linked.iter().map(|&id| Id::<Request>::from_uuid(id).to_string()).collect(),
            transfer_count: self.transfers,
            pending_transfer: self
                .pending_transfer
                .map(|id| format!("{}/{}", self.id(), Id::<Transfer>::from_uuid(id)))
                .unwrap_or_default(),
            solved_first: self.solved_first,
            emergency_reason: self.emergency_reason.clone(),
            open_expectations: self.open_expectations,
            complaint: self.complaint.map(|id| Id::<Complaint>::from_uuid(id).to_string()).unwrap_or_default(),
        }
    }
}

/// Stores a new request; its number, made of the day `day` (YYYYMMDD) and the next running number.
pub async fn insert(connection: &mut PgConnection, record: &Record, day: &str) -> Result<String, sqlx::Error> {
    let entry = Entry::of_request(record);
    sqlx::query_scalar!(
        r#"
        with searched as (insert into intake.request_search (request, contact_at, tokens, said) values ($1, $20, $27, $28))
        insert into intake.request (
            id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
            problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, contact_at,
            first_response_at, promise_reason, last_informed_at, resolution, assistance, first_contact_resolution,
            settled_at_once, awaited, cancel_reason, unreached_attempts, created_at, updated_at, version, in_scope,
            repeat_of, linked)
        select $1, 'R-' || $2 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, 0, $18, $19, $20, $21, '', $22, '', '', false, true, '', '', 0, $23, $23, 1,
            $24, $25, $26
        from nextval('intake.request_number') as n
        returning number
        "#,
        record.id,
        day,
        record.channel,
        record.kind,
        record.customer,
        record.contact,
        record.project,
        record.order_number,
        record.product_model,
        record.description,
        record.business_domain,
        record.problem_type,
        record.priority,
        record.first_responder,
        record.owner,
        record.department,
        record.state,
        record.carrier_state,
        record.origin,
        record.contact_at as _,
        record.first_response_at as _,
        record.last_informed_at as _,
        record.created_at as _,
        record.in_scope,
        record.repeat_of,
        &record.linked,
        &entry.tokens,
        entry.said,
    )
    .fetch_one(connection)
    .await
}

/// Requests, locked in the order of their ids: their children and duties are written only under this lock.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Record>, sqlx::Error> {
    requests!("where id = any($1) order by id for no key update", ids).fetch_all(connection).await
}

/// The open requests that somebody has and that wait for no answer to a transfer, the oldest first.
pub async fn open_of(connection: &mut PgConnection, owner: &str, limit: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from intake.request where owner = $1 and state in (1, 2, 3, 4) order by contact_at, id limit $2",
        owner,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Gives requests to somebody else.
pub async fn give(
    connection: &mut PgConnection,
    ids: &[Uuid],
    owner: &str,
    now: jiff::Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update intake.request set owner = $2, version = version + 1, updated_at = $3 where id = any($1)",
        ids,
        owner,
        at(now) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A request.
pub async fn get(connection: &mut PgConnection, id: Id<Request>) -> Result<Option<Record>, sqlx::Error> {
    requests!("where id = $1", id.uuid()).fetch_optional(connection).await
}

/// Stores what can change of a request, and what it is found by, if that changed.
pub async fn update(connection: &mut PgConnection, record: &Record, entry: Option<Entry>) -> Result<(), sqlx::Error> {
    let (tokens, said) = entry.map(|entry| (entry.tokens, entry.said)).unzip();
    sqlx::query!(
        "with searched as (
            update intake.request_search set tokens = $39, said = $40 where request = $1 and $39::text[] is not null)
        update intake.request set
            business_domain = $2, problem_type = $3, priority = $4, state = $5, cycle = $6, carrier_state = $7,
            first_response_at = $8, promised_at = $9, promise_reason = $10, last_informed_at = $11, resolution = $12,
            assistance = $13, resolved_at = $14, closed_at = $15, first_contact_resolution = $16, settled_at_once = $17,
            awaited = $18, cancel_reason = $19, unreached_attempts = $20, updated_at = $21, version = $22, owner = $23,
            department = $24, major = $25, major_reason = $26, major_at = $27, in_scope = $28, service_level = $29,
            repeat_contacts = $30, linked = $31, transfers = $32, pending_transfer = $33, solved_first = $34,
            emergency_reason = $35, work_orders = $36, open_expectations = $37, repeat_of = $38, complaint = $41
        where id = $1",
        record.id,
        record.business_domain,
        record.problem_type,
        record.priority,
        record.state,
        record.cycle,
        record.carrier_state,
        record.first_response_at as _,
        record.promised_at as _,
        record.promise_reason,
        record.last_informed_at as _,
        record.resolution,
        record.assistance,
        record.resolved_at as _,
        record.closed_at as _,
        record.first_contact_resolution,
        record.settled_at_once,
        record.awaited,
        record.cancel_reason,
        record.unreached_attempts,
        record.updated_at as _,
        record.version,
        record.owner,
        record.department,
        record.major,
        record.major_reason,
        record.major_at as _,
        record.in_scope,
        record.service_level,
        record.repeat_contacts,
        &record.linked,
        record.transfers,
        record.pending_transfer,
        record.solved_first,
        record.emergency_reason,
        record.work_orders,
        record.open_expectations,
        record.repeat_of,
        tokens.as_deref(),
        said,
        record.complaint,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A step of the work as it is stored.
#[derive(Debug)]
pub struct ProgressRow {
    pub id: Uuid,
    pub request: Uuid,
    pub text: String,
    pub told_by: i16,
    pub carrier_state: i16,
    pub author: String,
    pub occurred_at: SqlTime,
    pub created_at: SqlTime,
}

impl ProgressRow {
    /// As the contract shows it.
    pub fn show(&self) -> pb::Progress {
        pb::Progress {
            name: format!(
                "{}/{}",
                Id::<Request>::from_uuid(self.request),
                Id::<crate::shared::Progress>::from_uuid(self.id)
            ),
            text: self.text.clone(),
            told_by: self.told_by.into(),
            carrier_state: self.carrier_state.into(),
            author: self.author.clone(),
            occurred_time: Some(to_proto(self.occurred_at.to_jiff())),
            create_time: Some(to_proto(self.created_at.to_jiff())),
        }
    }
}

/// Stores a step of the work.
pub async fn insert_progress(connection: &mut PgConnection, row: &ProgressRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into intake.progress (id, request, text, told_by, carrier_state, author, occurred_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        row.id,
        row.request,
        row.text,
        row.told_by,
        row.carrier_state,
        row.author,
        row.occurred_at as _,
        row.created_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An attempt to ask about a resolution as it is stored.
#[derive(Debug)]
pub struct AttemptRow {
    pub id: Uuid,
    pub request: Uuid,
    pub outcome: i16,
    pub channel: i16,
    pub comment: String,
    pub cycle: i32,
    pub working_day: Option<jiff_sqlx::Date>,
    pub author: String,
    pub occurred_at: SqlTime,
    pub created_at: SqlTime,
}

impl AttemptRow {
    /// As the contract shows it.
    pub fn show(&self) -> pb::ContactAttempt {
        pb::ContactAttempt {
            name: format!(
                "{}/{}",
                Id::<Request>::from_uuid(self.request),
                Id::<crate::shared::ContactAttempt>::from_uuid(self.id)
            ),
            outcome: self.outcome.into(),
            channel: self.channel.into(),
            comment: self.comment.clone(),
            cycle: self.cycle,
            author: self.author.clone(),
            occurred_time: Some(to_proto(self.occurred_at.to_jiff())),
            create_time: Some(to_proto(self.created_at.to_jiff())),
        }
    }
}

/// Stores an attempt.
pub async fn insert_attempt(connection: &mut PgConnection, row: &AttemptRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into intake.contact_attempt (id, request, outcome, channel, comment, cycle, working_day, author, occurred_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        row.id,
        row.request,
        row.outcome,
        row.channel,
        row.comment,
        row.cycle,
        row.working_day as _,
        row.author,
        row.occurred_at as _,
        row.created_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many working days the attempts of a cycle that reached nobody are on.
pub async fn attempt_days(connection: &mut PgConnection, request: Uuid, cycle: i32) -> Result<u32, sqlx::Error> {
    let days = sqlx::query_scalar!(
        r#"select count(distinct working_day) as "count!" from intake.contact_attempt where request = $1 and cycle = $2 and outcome = $3"#,
        request,
        cycle,
        pb::contact_attempt::Outcome::NotReached as i16,
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(days).unwrap_or(0))
}

/// When, as it is stored.
pub fn at(time: jiff::Timestamp) -> SqlTime {
    sql::at(time)
}
