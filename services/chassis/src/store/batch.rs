//! The batch that a transaction writes beside its domain rows, in one statement: events, duties, notifications and the reply.

use jiff::Timestamp;
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::time::sql;
use crate::model::duty::Duty;
use crate::model::event::{DutyChanges, NewEvent, payload_digest};
use crate::store::duty::{DutyColumns, DutyRow};
use crate::store::notice::NoticeColumns;
use crate::store::record::Columns;

/// A reply to keep for retries of its call.
#[derive(Debug)]
pub(crate) struct NewReply<'a> {
    /// Caller that the reply is for; another caller may use the same request id.
    pub subject: &'a str,
    /// Full name of the method, e.g. `kefu.intake.v1.RequestService/RegisterRequest`.
    pub method: &'a str,
    /// Id that the caller gave the request.
    pub request_id: Uuid,
    /// SHA-256 of the request, by which another request of the same id is told apart.
    pub digest: [u8; 32],
    /// Encoded response.
    pub response: Vec<u8>,
}

/// What one transaction writes beside its domain rows.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// Caller or task that makes the change, e.g. `staff/5`.
    pub actor: &'a str,
    /// When the transaction's call was admitted: the recorded time of every row.
    pub now: Timestamp,
    /// Version of the regulation in force.
    pub regulation: &'a str,
    /// Events to append to the journal.
    pub events: Vec<NewEvent>,
    /// Duties that were opened or changed, as they are now.
    pub duties: Vec<Duty>,
    /// Reply to keep; none for a call without a request id.
    pub reply: Option<NewReply<'a>>,
}

impl Batch<'_> {
    /// Writes the batch. Returns false if the call of the reply was answered before; the transaction must then be
    /// rolled back.
    #[expect(clippy::too_many_lines, reason = "one statement, with a line for each of its columns")]
    pub async fn write(self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let wants_reply = self.reply.is_some();
        let duties: DutyColumns = self.duties.into_iter().map(DutyRow::from).collect();
        let mut events = self.events;
        let notices = NoticeColumns::of(&mut events, self.now);
        let events: EventColumns = events.into_iter().map(EventRow::from).collect();
        let reply = self.reply;
        let replied = sqlx::query_scalar!(
            r#"
            with duties as (
                insert into duty (
                    id, clause, kind, subject, owner, department, regulation, calendar, state, measure, budget_us, elapsed_us,
                    paused_us, opened_at, running_since, paused_since, pause_reasons, due_at, provisional, met_at, breached_at, breach_event, late,
                    reason, decided_by, version, escalation_level, next_escalation_at, number, recorded_late, taken_back,
                    moved_late, attempted, imported, tried_by, past_owners, owned_since, recurs)
                select * from unnest(
                    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::smallint[], $10::smallint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::timestamptz[],
                    $15::timestamptz[], $16::timestamptz[], $17::smallint[], $18::timestamptz[], $19::boolean[],
                    $20::timestamptz[], $21::timestamptz[], $22::uuid[], $23::boolean[], $25::text[],
                    $26::text[], $27::bigint[], $47::smallint[], $48::timestamptz[], $59::text[], $24::boolean[],
                    $61::smallint[], $62::boolean[], $63::boolean[], $64::boolean[], $65::text[], $66::text[],
                    $67::timestamptz[], $68::boolean[])
                on conflict (id) do update set
                    owner = excluded.owner, department = excluded.department, escalation_level = excluded.escalation_level,
                    next_escalation_at = excluded.next_escalation_at, state = excluded.state, measure = excluded.measure, budget_us = excluded.budget_us,
                    elapsed_us = excluded.elapsed_us, paused_us = excluded.paused_us, running_since = excluded.running_since,
                    paused_since = excluded.paused_since, pause_reasons = excluded.pause_reasons, due_at = excluded.due_at, provisional = excluded.provisional,
                    met_at = excluded.met_at, breached_at = excluded.breached_at, breach_event = excluded.breach_event, late = excluded.late, recorded_late = excluded.recorded_late,
                    taken_back = excluded.taken_back, moved_late = excluded.moved_late, attempted = excluded.attempted,
                    tried_by = excluded.tried_by, past_owners = excluded.past_owners, owned_since = excluded.owned_since, recurs = excluded.recurs,
                    reason = excluded.reason, decided_by = excluded.decided_by, version = excluded.version
            ), events as (
                insert into journal (
                    event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation, payload_type,
                    payload, salt, payload_digest, duty_changes, corrects)
                select event_id, aggregate, version, $28, occurred_at, $29, string_to_array(clauses, ','), $30, payload_type,
                    payload, salt, digest, changes, corrects
                from unnest(
                    $31::uuid[], $32::text[], $33::bigint[], $34::timestamptz[], $35::text[], $36::text[], $37::bytea[],
                    $38::bytea[], $39::bytea[], $40::bytea[], $41::uuid[])
                    with ordinality as e (
                        event_id, aggregate, version, occurred_at, clauses, payload_type, payload, salt, digest, changes, corrects, place)
                order by place
            ), notices as (
                insert into notification (
                    id, event, recipient, kind, clause, subject, number, duty, text_en, text_zh, acknowledgement_required, created_at)
                select id, event, recipient, kind, clause, subject, number, duty, text_en, text_zh, required, $29
                from unnest(
                    $49::uuid[], $50::uuid[], $51::text[], $52::text[], $53::text[], $54::text[], $55::uuid[], $56::text[],
                    $57::text[], $58::boolean[], $60::text[])
                    as n (id, event, recipient, kind, clause, subject, duty, text_en, text_zh, required, number)
            ), replied as (
                insert into reply (subject, method, request_id, digest, response, recorded_at)
                select $42::text, $43::text, $44::uuid, $45::bytea, $46::bytea, $29 where $44::uuid is not null
                on conflict do nothing
                returning 1
            )
            select count(*) as "count!" from replied
            "#,
            &duties.id,
            &duties.clause,
            &duties.kind,
            &duties.subject,
            &duties.owner,
            &duties.department,
            &duties.regulation,
            &duties.calendar,
            &duties.state,
            &duties.measure,
            &duties.budget_us,
            &duties.elapsed_us,
            &duties.paused_us,
            &duties.opened_at as _,
            &duties.running_since as _,
            &duties.paused_since as _,
            &duties.pause_reasons,
            &duties.due_at as _,
            &duties.provisional,
            &duties.met_at as _,
            &duties.breached_at as _,
            &duties.breach_event as _,
            &duties.late,
            &duties.recorded_late,
            &duties.reason,
            &duties.decided_by,
            &duties.version,
            self.actor,
            sql::at(self.now) as _,
            self.regulation,
            &events.event_id,
            &events.aggregate,
            &events.version,
            &events.occurred_at as _,
            &events.clauses,
            &events.payload_type,
            &events.payload,
            &events.salt,
            &events.digest,
            &events.changes,
            &events.corrects as _,
            reply.as_ref().map(|reply| reply.subject),
            reply.as_ref().map(|reply| reply.method),
            reply.as_ref().map(|reply| reply.request_id),
            reply.as_ref().map(|reply| reply.digest.to_vec()),
            reply.map(|reply| reply.response),
            &duties.escalation_level,
            &duties.next_escalation_at as _,
            &notices.id,
            &notices.event,
            &notices.recipient,
            &notices.kind,
            &notices.clause,
            &notices.subject,
            &notices.duty as _,
            &notices.english,
            &notices.chinese,
            &notices.required,
            &duties.number,
            &notices.number,
            &duties.taken_back,
            &duties.moved_late,
            &duties.attempted,
            &duties.imported,
            &duties.tried_by,
            &duties.past_owners,
            &duties.owned_since as _,
            &duties.recurs,
        )
        .fetch_one(connection)
        .await?;
        Ok(!wants_reply || replied == 1)
    }
}

/// The row of a new event in the journal.
#[derive(Columns)]
struct EventRow {
    event_id: Uuid,
    aggregate: String,
    version: i64,
    occurred_at: jiff_sqlx::Timestamp,
    clauses: String,
    payload_type: String,
    payload: Vec<u8>,
    salt: Vec<u8>,
    digest: Vec<u8>,
    changes: Vec<u8>,
    corrects: Option<Uuid>,
}

impl From<NewEvent> for EventRow {
    fn from(event: NewEvent) -> Self {
        // A salt must not be guessed, so all of it is random. A UUIDv7 would not do: its first half is time and
        // counter.
        let mut salt = vec![0; 16];
        let filled = aws_lc_rs::rand::fill(&mut salt);
        debug_assert!(filled.is_ok(), "the system's random source answers");
        Self {
            digest: payload_digest(&salt, &event.payload).to_vec(),
            event_id: event.id,
            aggregate: event.aggregate,
            version: event.version,
            occurred_at: sql::at(event.occurred_at),
            clauses: event.clauses.join(","),
            payload_type: event.payload_type,
            payload: event.payload,
            salt,
            changes: DutyChanges { changes: event.duty_changes }.encode_to_vec(),
            corrects: event.corrects,
        }
    }
}
