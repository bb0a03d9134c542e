//! Complaints in Postgres.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Holder;
use kefu_chassis::contacts::Contact;
use kefu_chassis::names::Id;
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::search::Entry;
use crate::shared::{Complaint, Customer, Request, name};

/// A query of complaints. Columns are named, so that a later version may add some while this one runs.
macro_rules! complaints {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::complaint::store::Record,
            "select id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity,
                product, request, handler, department, responsible_department, responsible_person, no_person_reason,
                notified, investigator, parties, state, cycle, cause_category, cause, whys, outcome, resolution, closure,
                satisfaction, unreached_attempts, attempt_days, contacted, waived, evidence_count, withdraw_reason,
                acknowledged_at, investigated_at, concluded_at, proposed_at, approved_at, agreed_at, executed_at,
                closed_at, archived_at, last_informed_at, created_at, updated_at, version
            from complaints.complaint " + $rest $($arguments)*
        )
    };
}

pub(crate) use complaints;

/// A complaint as it is stored.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: Uuid,
    pub number: String,
    pub channel: i16,
    pub received_at: SqlTime,
    pub customer: Option<Uuid>,
    pub contact: serde_json::Value,
    pub matter: String,
    pub desired_remedy: String,
    pub category: i16,
    pub subcategory: String,
    pub severity: i16,
    pub product: String,
    pub request: Option<Uuid>,
    pub handler: String,
    pub department: String,
    pub responsible_department: String,
    pub responsible_person: String,
    pub no_person_reason: String,
    pub notified: Vec<String>,
    pub investigator: String,
    pub parties: Vec<String>,
    pub state: i16,
    pub cycle: i32,
    pub cause_category: i16,
    pub cause: String,
    pub whys: Vec<String>,
    pub outcome: i16,
    pub resolution: Option<Vec<u8>>,
    pub closure: i16,
    pub satisfaction: i16,
    pub unreached_attempts: i32,
    pub attempt_days: Vec<String>,
    pub contacted: bool,
    pub waived: bool,
    pub evidence_count: i32,
    pub withdraw_reason: String,
    pub acknowledged_at: Option<SqlTime>,
    pub investigated_at: Option<SqlTime>,
    pub concluded_at: Option<SqlTime>,
    pub proposed_at: Option<SqlTime>,
    pub approved_at: Option<SqlTime>,
    pub agreed_at: Option<SqlTime>,
    pub executed_at: Option<SqlTime>,
    pub closed_at: Option<SqlTime>,
    pub archived_at: Option<SqlTime>,
    pub last_informed_at: Option<SqlTime>,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub version: i64,
}

impl Record {
    /// A complaint of which nothing is known yet, made at `now`.
    pub fn blank(now: Timestamp) -> Self {
        Self {
            id: Id::<Complaint>::new(now).uuid(),
            number: String::new(),
            channel: 0,
            received_at: sql::at(now),
            customer: None,
            contact: serde_json::Value::Null,
            matter: String::new(),
            desired_remedy: String::new(),
            category: 0,
            subcategory: String::new(),
            severity: 0,
            product: String::new(),
            request: None,
            handler: String::new(),
            department: String::new(),
            responsible_department: String::new(),
            responsible_person: String::new(),
            no_person_reason: String::new(),
            notified: Vec::new(),
            investigator: String::new(),
            parties: Vec::new(),
            state: State::Unspecified as i16,
            cycle: 0,
            cause_category: 0,
            cause: String::new(),
            whys: Vec::new(),
            outcome: 0,
            resolution: None,
            closure: 0,
            satisfaction: 0,
            unreached_attempts: 0,
            attempt_days: Vec::new(),
            contacted: false,
            waived: false,
            evidence_count: 0,
            withdraw_reason: String::new(),
            acknowledged_at: None,
            investigated_at: None,
            concluded_at: None,
            proposed_at: None,
            approved_at: None,
            agreed_at: None,
            executed_at: None,
            closed_at: None,
            archived_at: None,
            last_informed_at: None,
            created_at: sql::at(now),
            updated_at: sql::at(now),
            version: 1,
        }
    }

    /// Its id.
    pub fn id(&self) -> Id<Complaint> {
        Id::from_uuid(self.id)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }

    /// The resolution that is proposed, approved or carried out, if there is one.
    pub fn resolution(&self) -> Option<pb::Resolution> {
        self.resolution.as_deref().and_then(|encoded| pb::Resolution::decode(encoded).ok())
    }

    /// It has this resolution from now on.
    pub fn resolve(&mut self, resolution: Option<&pb::Resolution>) {
        self.resolution = resolution.map(prost::Message::encode_to_vec);
    }

    /// Somebody, or a department, has to do with it from now on.
    pub fn involve(&mut self, party: &str) {
        if !party.is_empty() && !self.parties.iter().any(|known| known == party) {
            self.parties.push(party.to_owned());
        }
    }

    /// The complainant hears from us: what was recorded out of order does not make the silence longer (A9.1).
    pub fn inform(&mut self, at: Timestamp) {
        let at = self.last_informed_at.map_or(at, |last| at.max(last.to_jiff()));
        self.last_informed_at = Some(sql::at(at));
    }

    /// The complainant is wanted for another step than before: attempts to reach them count anew.
    pub fn want_anew(&mut self) {
        self.unreached_attempts = 0;
        self.attempt_days.clear();
    }

    /// Its customer's name, or nothing.
    pub fn customer_name(&self) -> String {
        name::<Customer>(self.customer)
    }

    /// Who has to do with it; `customer` is its customer's name.
    pub fn holder<'a>(&'a self, customer: &'a str) -> Holder<'a> {
        Holder { owner: &self.handler, department: &self.department, customer, parties: &self.parties }
    }

    /// Whether the caller is the person held responsible.
    pub fn accuses(&self, call: &Call) -> bool {
        self.responsible_person == call.caller.subject
    }

    /// Who handles it, and nobody else.
    pub fn handler(&self) -> Holder<'_> {
        Holder { owner: &self.handler, department: &self.department, ..Holder::default() }
    }

    /// As a caller may see it: customers see nothing of how we share the work, nor who is to blame.
    pub fn show_to(&self, call: &Call) -> pb::Complaint {
        let shown = self.show();
        if !call.is_customer() {
            return shown;
        }
        pb::Complaint {
            severity: 0,
            responsible_department: String::new(),
            responsible_person: String::new(),
            no_person_reason: String::new(),
            notified_departments: Vec::new(),
            investigator: String::new(),
            root_cause: None,
            // They hear of it with the resolution, once that is approved (C5.6).
            outcome: if self.approved_at.is_some() { shown.outcome } else { 0 },
            resolution: None,
            unreached_attempts: 0,
            evidence_count: 0,
            ..shown
        }
    }

    /// As the contract shows it.
    pub fn show(&self) -> pb::Complaint {
        let time = |time: Option<SqlTime>| time.map(|time| to_proto(time.to_jiff()));
        let contact: Option<Contact> = serde_json::from_value(self.contact.clone()).ok();
        pb::Complaint {
            name: self.id().to_string(),
            number: self.number.clone(),
            channel: self.channel.into(),
            received_time: time(Some(self.received_at)),
            customer: self.customer_name(),
            contact: contact.map(|contact| contact.show()),
            matter: self.matter.clone(),
            desired_remedy: self.desired_remedy.clone(),
            category: self.category.into(),
            subcategory: self.subcategory.clone(),
            severity: self.severity.into(),
            product: self.product.clone(),
            request: name::<Request>(self.request),
            handler: self.handler.clone(),
            department: self.department.clone(),
            responsible_department: self.responsible_department.clone(),
            responsible_person: self.responsible_person.clone(),
            no_person_reason: self.no_person_reason.clone(),
            notified_departments: self.notified.clone(),
            investigator: self.investigator.clone(),
            state: self.state.into(),
            cycle: self.cycle,
            root_cause: (self.cause_category != 0).then(|| pb::RootCause {
                category: self.cause_category.into(),
                text: self.cause.clone(),
                whys: self.whys.clone(),
            }),
            outcome: self.outcome.into(),
            resolution: self.resolution(),
            closure: self.closure.into(),
            satisfaction: self.satisfaction.into(),
            unreached_attempts: self.unreached_attempts,
            evidence_count: self.evidence_count,
            withdraw_reason: self.withdraw_reason.clone(),
            acknowledged_time: time(self.acknowledged_at),
            investigation_time: time(self.investigated_at),
            concluded_time: time(self.concluded_at),
            proposed_time: time(self.proposed_at),
            approved_time: time(self.approved_at),
            agreed_time: time(self.agreed_at),
            executed_time: time(self.executed_at),
            closed_time: time(self.closed_at),
            archived_time: time(self.archived_at),
            last_informed_time: time(self.last_informed_at),
            create_time: time(Some(self.created_at)),
            update_time: time(Some(self.updated_at)),
            etag: kefu_chassis::call::etag(self.version),
        }
    }
}

/// Stores a new complaint; its number, made of the day `day` (YYYYMMDD) and the next running number.
pub async fn insert(connection: &mut PgConnection, record: &Record, day: &str) -> Result<String, sqlx::Error> {
    let entry = Entry::of(record);
    sqlx::query_scalar!(
        r#"
        with searched as (
            insert into complaints.complaint_search (complaint, received_at, tokens, said) values ($1, $4, $19, $20))
        insert into complaints.complaint (
            id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity, product,
            request, handler, department, responsible_department, responsible_person, no_person_reason, notified,
            investigator, parties, state, cycle, cause_category, cause, whys, outcome, closure, satisfaction,
            unreached_attempts, attempt_days, contacted, waived, evidence_count, withdraw_reason, created_at, updated_at,
            version)
        select $1, 'C-' || $2 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $3, $4, $5, $6, $7, $8, $9, $10,
            $11, $12, $13, $14, $15, '', '', '', '{}', '', $16, $17, 0, 0, '', '{}', 0, 0, 0, 0, '{}', false, false, 0, '',
            $18, $18, 1
        from nextval('complaints.complaint_number') as n
        returning number
        "#,
        record.id,
        day,
        record.channel,
        record.received_at as _,
        record.customer,
        record.contact,
        record.matter,
        record.desired_remedy,
        record.category,
        record.subcategory,
        record.severity,
        record.product,
        record.request,
        record.handler,
        record.department,
        &record.parties,
        record.state,
        record.created_at as _,
        &entry.tokens,
        entry.said,
    )
    .fetch_one(connection)
    .await
}

/// Complaints, locked in the order of their ids: what is below them and their duties are written only under this lock.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Record>, sqlx::Error> {
    complaints!("where id = any($1) order by id for no key update", ids).fetch_all(connection).await
}

/// A complaint.
pub async fn get(connection: &mut PgConnection, id: Id<Complaint>) -> Result<Option<Record>, sqlx::Error> {
    complaints!("where id = $1", id.uuid()).fetch_optional(connection).await
}

/// The complaint that arose from a request.
pub async fn of_request(connection: &mut PgConnection, request: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select id from complaints.complaint where request = $1", request)
        .fetch_optional(connection)
        .await
}

/// Stores what can change of a complaint, and what it is found by, if that changed.
pub async fn update(connection: &mut PgConnection, record: &Record, entry: Option<Entry>) -> Result<(), sqlx::Error> {
    let (tokens, said) = entry.map(|entry| (entry.tokens, entry.said)).unzip();
    sqlx::query!(
        "with searched as (
            update complaints.complaint_search set tokens = $40, said = $41 where complaint = $1 and $40::text[] is not null)
        update complaints.complaint set
            category = $2, subcategory = $3, severity = $4, product = $5, handler = $6, responsible_department = $7,
            responsible_person = $8, no_person_reason = $9, notified = $10, investigator = $11, parties = $12, state = $13,
            cycle = $14, cause_category = $15, cause = $16, whys = $17, outcome = $18, resolution = $19, closure = $20,
            satisfaction = $21, unreached_attempts = $22, attempt_days = $23, contacted = $24, waived = $25,
            evidence_count = $26, withdraw_reason = $27, acknowledged_at = $28, investigated_at = $29, concluded_at = $30,
            proposed_at = $31, approved_at = $32, agreed_at = $33, executed_at = $34, closed_at = $35, archived_at = $36,
            last_informed_at = $37, updated_at = $38, version = $39
        where id = $1",
        record.id,
        record.category,
        record.subcategory,
        record.severity,
        record.product,
        record.handler,
        record.responsible_department,
        record.responsible_person,
        record.no_person_reason,
        &record.notified,
        record.investigator,
        &record.parties,
        record.state,
        record.cycle,
        record.cause_category,
        record.cause,
        &record.whys,
        record.outcome,
        record.resolution,
        record.closure,
        record.satisfaction,
        record.unreached_attempts,
        &record.attempt_days,
        record.contacted,
        record.waived,
        record.evidence_count,
        record.withdraw_reason,
        record.acknowledged_at as _,
        record.investigated_at as _,
        record.concluded_at as _,
        record.proposed_at as _,
        record.approved_at as _,
        record.agreed_at as _,
        record.executed_at as _,
        record.closed_at as _,
        record.archived_at as _,
        record.last_informed_at as _,
        record.updated_at as _,
        record.version,
        tokens.as_deref(),
        said,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The complaint that `call` may see under `name`.
pub async fn seen(connection: &mut PgConnection, call: &Call, name: &str) -> Result<Record, Error> {
    let id = kefu_chassis::names::id::<Complaint>(name)?;
    let record = get(connection, id).await?;
    record
        .filter(|record| call.reaches(record.holder(&record.customer_name())))
        .ok_or_else(|| kefu_chassis::names::unknown::<Complaint>(name))
}
