// `JournalRow` of services/chassis/src/store/chain.rs, expanded.

///Queries `journal`: what follows the `from`, and its parameters.
macro_rules! journal {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(JournalRow,
        r"select seq, position, hash, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation,
    payload_type, payload, salt, payload_digest, duty_changes, corrects
from journal "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use journal;
impl JournalRow {
    /// The columns and the table, for a statement that is not checked when it is compiled.
    #[allow(dead_code, reason = "most statements are checked")]
    pub(crate) const SELECT: &'static str = r"select seq, position, hash, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation,
    payload_type, payload, salt, payload_digest, duty_changes, corrects
from journal ";
}
