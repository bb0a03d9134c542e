// `AcknowledgementRow` of services/chassis/src/store/record.rs, expanded.

///Queries `notification`: what follows the `from`, and its parameters.
macro_rules! acknowledgements {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(AcknowledgementRow,
        r"select recipient, acknowledged_at
from notification " + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use acknowledgements;
impl AcknowledgementRow {
    /// The columns and the table, for a statement that is not checked when it is compiled.
    #[allow(dead_code, reason = "most statements are checked")]
    pub(crate) const SELECT: &'static str = r"select recipient, acknowledged_at
from notification ";
}
