// `DutyRow` of services/chassis/src/store/duty.rs, expanded.

///Queries `duty`: what follows the `from`, and its parameters.
macro_rules! duties {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(DutyRow,
        r"select id, clause, kind, subject, number, owner, department, regulation, calendar, state, measure, budget_us, elapsed_us,
    paused_us, opened_at, running_since, paused_since, pause_reasons, due_at, provisional, met_at, breached_at,
    breach_event, late, recorded_late, taken_back, moved_late, attempted, recurs, imported, tried_by, past_owners,
    owned_since, reason, decided_by, version, escalation_level, next_escalation_at
from duty "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use duties;
impl DutyRow {
    /// The columns and the table, for a statement that is not checked when it is compiled.
    #[allow(dead_code, reason = "most statements are checked")]
    pub(crate) const SELECT: &'static str = r"select id, clause, kind, subject, number, owner, department, regulation, calendar, state, measure, budget_us, elapsed_us,
    paused_us, opened_at, running_since, paused_since, pause_reasons, due_at, provisional, met_at, breached_at,
    breach_event, late, recorded_late, taken_back, moved_late, attempted, recurs, imported, tried_by, past_owners,
    owned_since, reason, decided_by, version, escalation_level, next_escalation_at
from duty ";
}
///[`DutyRow`]s, a vector for each column, as a statement unnests them.
#[derive(Debug)]
pub struct DutyColumns {
    pub id: Vec<Uuid>,
    pub clause: Vec<String>,
    pub kind: Vec<String>,
    pub subject: Vec<String>,
    pub number: Vec<String>,
    pub owner: Vec<String>,
    pub department: Vec<String>,
    pub regulation: Vec<String>,
    pub calendar: Vec<String>,
    pub state: Vec<i16>,
    pub measure: Vec<i16>,
    pub budget_us: Vec<i64>,
    pub elapsed_us: Vec<i64>,
    pub paused_us: Vec<i64>,
    pub opened_at: Vec<SqlTime>,
    pub running_since: Vec<Option<SqlTime>>,
    pub paused_since: Vec<Option<SqlTime>>,
    pub pause_reasons: Vec<i16>,
    pub due_at: Vec<SqlTime>,
    pub provisional: Vec<bool>,
    pub met_at: Vec<Option<SqlTime>>,
    pub breached_at: Vec<Option<SqlTime>>,
    pub breach_event: Vec<Option<Uuid>>,
    pub late: Vec<bool>,
    pub recorded_late: Vec<bool>,
    pub taken_back: Vec<i16>,
    pub moved_late: Vec<bool>,
    pub attempted: Vec<bool>,
    pub recurs: Vec<bool>,
    pub imported: Vec<bool>,
    pub tried_by: Vec<String>,
    pub past_owners: Vec<String>,
    pub owned_since: Vec<Option<SqlTime>>,
    pub reason: Vec<String>,
    pub decided_by: Vec<String>,
    pub version: Vec<i64>,
    pub escalation_level: Vec<i16>,
    pub next_escalation_at: Vec<Option<SqlTime>>,
}
impl FromIterator<DutyRow> for DutyColumns {
    fn from_iter<I: IntoIterator<Item = DutyRow>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let count = rows.size_hint().0;
        let mut columns = Self {
            id: Vec::with_capacity(count),
            clause: Vec::with_capacity(count),
            kind: Vec::with_capacity(count),
            subject: Vec::with_capacity(count),
            number: Vec::with_capacity(count),
            owner: Vec::with_capacity(count),
            department: Vec::with_capacity(count),
            regulation: Vec::with_capacity(count),
            calendar: Vec::with_capacity(count),
            state: Vec::with_capacity(count),
            measure: Vec::with_capacity(count),
            budget_us: Vec::with_capacity(count),
            elapsed_us: Vec::with_capacity(count),
            paused_us: Vec::with_capacity(count),
            opened_at: Vec::with_capacity(count),
            running_since: Vec::with_capacity(count),
            paused_since: Vec::with_capacity(count),
            pause_reasons: Vec::with_capacity(count),
            due_at: Vec::with_capacity(count),
            provisional: Vec::with_capacity(count),
            met_at: Vec::with_capacity(count),
            breached_at: Vec::with_capacity(count),
            breach_event: Vec::with_capacity(count),
            late: Vec::with_capacity(count),
            recorded_late: Vec::with_capacity(count),
            taken_back: Vec::with_capacity(count),
            moved_late: Vec::with_capacity(count),
            attempted: Vec::with_capacity(count),
            recurs: Vec::with_capacity(count),
            imported: Vec::with_capacity(count),
            tried_by: Vec::with_capacity(count),
            past_owners: Vec::with_capacity(count),
            owned_since: Vec::with_capacity(count),
            reason: Vec::with_capacity(count),
            decided_by: Vec::with_capacity(count),
            version: Vec::with_capacity(count),
            escalation_level: Vec::with_capacity(count),
            next_escalation_at: Vec::with_capacity(count),
        };
        for row in rows {
            columns.id.push(row.id);
            columns.clause.push(row.clause);
            columns.kind.push(row.kind);
            columns.subject.push(row.subject);
            columns.number.push(row.number);
            columns.owner.push(row.owner);
            columns.department.push(row.department);
            columns.regulation.push(row.regulation);
            columns.calendar.push(row.calendar);
            columns.state.push(row.state);
            columns.measure.push(row.measure);
            columns.budget_us.push(row.budget_us);
            columns.elapsed_us.push(row.elapsed_us);
            columns.paused_us.push(row.paused_us);
            columns.opened_at.push(row.opened_at);
            columns.running_since.push(row.running_since);
            columns.paused_since.push(row.paused_since);
            columns.pause_reasons.push(row.pause_reasons);
            columns.due_at.push(row.due_at);
            columns.provisional.push(row.provisional);
            columns.met_at.push(row.met_at);
            columns.breached_at.push(row.breached_at);
            columns.breach_event.push(row.breach_event);
            columns.late.push(row.late);
            columns.recorded_late.push(row.recorded_late);
            columns.taken_back.push(row.taken_back);
            columns.moved_late.push(row.moved_late);
            columns.attempted.push(row.attempted);
            columns.recurs.push(row.recurs);
            columns.imported.push(row.imported);
            columns.tried_by.push(row.tried_by);
            columns.past_owners.push(row.past_owners);
            columns.owned_since.push(row.owned_since);
            columns.reason.push(row.reason);
            columns.decided_by.push(row.decided_by);
            columns.version.push(row.version);
            columns.escalation_level.push(row.escalation_level);
            columns.next_escalation_at.push(row.next_escalation_at);
        }
        columns
    }
}
