// `NotificationRow` of services/chassis/src/serve/notifications.rs, expanded.

///Queries `notification`: what follows the `from`, and its parameters.
macro_rules! notifications {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(NotificationRow,
        r"select id, event, recipient, kind, clause, subject, number, duty, text_en, text_zh, acknowledgement_required,
    acknowledged_at, created_at
from notification "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use notifications;
impl NotificationRow {
    /// The columns and the table, for a statement that is not checked when it is compiled.
    #[allow(dead_code, reason = "most statements are checked")]
    pub(crate) const SELECT: &'static str = r"select id, event, recipient, kind, clause, subject, number, duty, text_en, text_zh, acknowledgement_required,
    acknowledged_at, created_at
from notification ";
}
