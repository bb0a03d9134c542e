//! Duties in Postgres: their rows, and the queries that read or lock them.

use jiff_sqlx::Timestamp as SqlTime;
use kefu_regulation::Calendar;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::names::Id;
use crate::base::time::sql;
use crate::contract::paging::NEVER;
use crate::model::duty::{Duty, DutyResource, Measure, State};
use crate::store::calendars::Calendars;
use crate::store::record::{Columns, Record};

/// A duty as it is stored.
#[derive(Debug, Record, Columns)]
#[record(table = "duty", query = duties, read_only)]
pub struct DutyRow {
    pub id: Uuid,
    pub clause: String,
    pub kind: String,
    pub subject: String,
    pub number: String,
    pub owner: String,
    pub department: String,
    pub regulation: String,
    pub calendar: String,
    pub state: i16,
    pub measure: i16,
    pub budget_us: i64,
    pub elapsed_us: i64,
    pub paused_us: i64,
    pub opened_at: SqlTime,
    pub running_since: Option<SqlTime>,
    pub paused_since: Option<SqlTime>,
    pub pause_reasons: i16,
    pub due_at: SqlTime,
    pub provisional: bool,
    pub met_at: Option<SqlTime>,
    pub breached_at: Option<SqlTime>,
    pub breach_event: Option<Uuid>,
    pub late: bool,
    pub recorded_late: bool,
    pub taken_back: i16,
    pub moved_late: bool,
    pub attempted: bool,
    pub recurs: bool,
    pub imported: bool,
    pub tried_by: String,
    pub past_owners: String,
    pub owned_since: Option<SqlTime>,
    pub reason: String,
    pub decided_by: String,
    pub version: i64,
    pub escalation_level: i16,
    pub next_escalation_at: Option<SqlTime>,
}

impl DutyRow {
    /// Returns the duty; `calendar` is the one that the row names.
    fn on(self, calendar: Calendar) -> Duty {
        let row = self;
        Duty {
            id: Id::from_uuid(row.id),
            clause: row.clause,
            kind: row.kind,
            subject: row.subject,
            number: row.number,
            owner: row.owner,
            department: row.department,
            regulation: row.regulation,
            calendar,
            state: State::try_from(i32::from(row.state)).unwrap_or_default(),
            measure: Measure::try_from(i32::from(row.measure)).unwrap_or_default(),
            budget_us: row.budget_us,
            elapsed_us: row.elapsed_us,
            paused_us: row.paused_us,
            opened_at: row.opened_at.to_jiff(),
            running_since: sql::read(row.running_since),
            paused_since: sql::read(row.paused_since),
            pause_reasons: row.pause_reasons,
            due_at: Some(row.due_at.to_jiff()).filter(|&due| due != NEVER),
            provisional: row.provisional,
            met_at: sql::read(row.met_at),
            breached_at: sql::read(row.breached_at),
            breach_event: row.breach_event,
            late: row.late,
            recorded_late: row.recorded_late,
            taken_back: row.taken_back,
            moved_late: row.moved_late,
            attempted: row.attempted,
            recurs: row.recurs,
            imported: row.imported,
            tried_by: names(&row.tried_by),
            past_owners: names(&row.past_owners),
            owned_since: sql::read(row.owned_since),
            reason: row.reason,
            decided_by: row.decided_by,
            version: row.version,
            escalation_level: row.escalation_level,
            next_escalation_at: sql::read(row.next_escalation_at),
        }
    }
}

impl From<Duty> for DutyRow {
    fn from(duty: Duty) -> Self {
        Self {
            id: duty.id.uuid(),
            clause: duty.clause,
            kind: duty.kind,
            subject: duty.subject,
            number: duty.number,
            owner: duty.owner,
            department: duty.department,
            regulation: duty.regulation,
            calendar: duty.calendar.version().to_owned(),
            state: duty.state as i16,
            measure: duty.measure as i16,
            budget_us: duty.budget_us,
            elapsed_us: duty.elapsed_us,
            paused_us: duty.paused_us,
            opened_at: sql::at(duty.opened_at),
            running_since: sql::maybe(duty.running_since),
            paused_since: sql::maybe(duty.paused_since),
            pause_reasons: duty.pause_reasons,
            due_at: sql::at(duty.due_at.unwrap_or(NEVER)),
            provisional: duty.provisional,
            met_at: sql::maybe(duty.met_at),
            breached_at: sql::maybe(duty.breached_at),
            breach_event: duty.breach_event,
            late: duty.late,
            recorded_late: duty.recorded_late,
            taken_back: duty.taken_back,
            moved_late: duty.moved_late,
            attempted: duty.attempted,
            recurs: duty.recurs,
            imported: duty.imported,
            tried_by: duty.tried_by.join(","),
            past_owners: duty.past_owners.join(","),
            owned_since: sql::maybe(duty.owned_since),
            reason: duty.reason,
            decided_by: duty.decided_by,
            version: duty.version,
            escalation_level: duty.escalation_level,
            next_escalation_at: sql::maybe(duty.next_escalation_at),
        }
    }
}

/// Reads names that are stored separated by commas.
fn names(stored: &str) -> Vec<String> {
    stored.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Turns rows into duties, each with the calendar that it counts on.
pub async fn read(
    connection: &mut PgConnection,
    calendars: &Calendars,
    rows: Vec<DutyRow>,
) -> Result<Vec<Duty>, sqlx::Error> {
    let mut duties = Vec::with_capacity(rows.len());
    for row in rows {
        let calendar = calendars.get(connection, &row.calendar).await?;
        duties.push(row.on(calendar));
    }
    Ok(duties)
}

/// Locks and returns the live duties about some subjects; the duty clock skips them until the transaction ends.
pub async fn lock_live(
    connection: &mut PgConnection,
    calendars: &Calendars,
    subjects: &[String],
) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = duties!("where subject = any($1) and state in (1, 2) order by id for no key update", subjects);
    let rows = rows.fetch_all(&mut *connection).await?;
    read(connection, calendars, rows).await
}

/// Locks and returns the live duties about some subjects, and those that something after `at` fulfilled.
pub async fn lock_since(
    connection: &mut PgConnection,
    calendars: &Calendars,
    subjects: &[String],
    at: jiff::Timestamp,
) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = duties!(
        "where subject = any($1) and (state in (1, 2) or state = 3 and met_at > $2) order by id for no key update",
        subjects,
        sql::at(at) as _
    );
    let rows = rows.fetch_all(&mut *connection).await?;
    read(connection, calendars, rows).await
}

/// Locks and returns one duty.
pub async fn lock(
    connection: &mut PgConnection,
    calendars: &Calendars,
    id: Id<DutyResource>,
) -> Result<Option<Duty>, sqlx::Error> {
    let row = duties!("where id = $1 for no key update", id.uuid());
    let rows = row.fetch_all(&mut *connection).await?;
    Ok(read(connection, calendars, rows).await?.pop())
}

/// Returns one duty.
pub async fn get(
    connection: &mut PgConnection,
    calendars: &Calendars,
    id: Id<DutyResource>,
) -> Result<Option<Duty>, sqlx::Error> {
    let row = duties!("where id = $1", id.uuid());
    let rows = row.fetch_all(&mut *connection).await?;
    Ok(read(connection, calendars, rows).await?.pop())
}

/// Locks and returns duties that were due before `now` and whose breach is not marked, without those that others have locked.
pub async fn lock_overdue(
    connection: &mut PgConnection,
    calendars: &Calendars,
    now: jiff::Timestamp,
    limit: i64,
) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = duties!(
        "where state = 1 and breached_at is null and due_at < $1
        order by due_at limit $2 for no key update skip locked",
        sql::at(now) as _,
        limit
    );
    let rows = rows.fetch_all(&mut *connection).await?;
    read(connection, calendars, rows).await
}

/// Locks and returns breached duties whose next escalation was due before `now`, without those that others have locked.
pub async fn lock_to_escalate(
    connection: &mut PgConnection,
    calendars: &Calendars,
    now: jiff::Timestamp,
    limit: i64,
) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = duties!(
        "where state = 1 and next_escalation_at < $1 order by next_escalation_at limit $2 for no key update skip locked",
        sql::at(now) as _,
        limit
    );
    let rows = rows.fetch_all(&mut *connection).await?;
    read(connection, calendars, rows).await
}

/// Locks and returns running duties with ids after `after` whose due time is provisional, in the order of their ids.
pub async fn lock_provisional(
    connection: &mut PgConnection,
    calendars: &Calendars,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Duty>, sqlx::Error> {
    let rows =
        duties!("where state = 1 and provisional and id > $1 order by id limit $2 for no key update", after, limit);
    let rows = rows.fetch_all(&mut *connection).await?;
    read(connection, calendars, rows).await
}
