//! Spans of SQL. sqlx reports every statement when it has ended; beneath a recorded call the report becomes a span, without a
//! round trip. A span names operations and tables, never values.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context as LayerContext;

use super::TARGET;

/// The longest summary of a statement, in characters, as the conventions ask.
const SUMMARY_AT_MOST: usize = 255;

/// Creates a span for the beginning or the end of a transaction, which sqlx does not report; an empty one outside a
/// recorded call.
pub fn boundary(operation: &'static str) -> Span {
    if !is_recorded(&Context::current()) {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "sql",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = "postgresql",
        db.operation.name = operation,
        db.query.summary = operation,
    )
}

fn is_recorded(cx: &Context) -> bool {
    cx.span().span_context().is_sampled() && !cx.is_telemetry_suppressed()
}

/// A layer that turns sqlx's reports into spans.
pub struct Statements {
    tracer: SdkTracer,
}

impl Statements {
    /// Creates the layer, whose spans go to `tracer`.
    pub fn new(tracer: SdkTracer) -> Self {
        Self { tracer }
    }

    /// Returns the filter of sqlx's reports of statements.
    pub fn filter() -> Targets {
        Targets::new().with_target("sqlx::query", LevelFilter::DEBUG)
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    #[expect(clippy::disallowed_methods, reason = "telemetry stays on real time")]
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let cx = Context::current();
        if !is_recorded(&cx) {
            return;
        }
        let mut statement = Statement::default();
        event.record(&mut statement);
        let summary = summary(if statement.text.is_empty() { &statement.summary } else { &statement.text });
        let ended = SystemTime::now();
        let began = ended.checked_sub(statement.elapsed).unwrap_or(ended);
        let mut attributes = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.query.summary", summary.clone()),
            KeyValue::new("db.response.returned_rows", statement.rows),
        ];
        if let Some(operation) = summary.split(' ').next().filter(|operation| !operation.is_empty()) {
            attributes.push(KeyValue::new("db.operation.name", operation.to_owned()));
        }
        let name = if summary.is_empty() { "postgresql".to_owned() } else { summary };
        let span = self.tracer.span_builder(name).with_kind(SpanKind::Client).with_start_time(began);
        span.with_attributes(attributes).start_with_context(&self.tracer, &cx).end_with_timestamp(ended);
    }
}

/// sqlx's report of a statement.
#[derive(Default)]
struct Statement {
    text: String,
    summary: String,
    rows: i64,
    elapsed: Duration,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "db.statement" => value.clone_into(&mut self.text),
            "summary" => value.clone_into(&mut self.summary),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = i64::try_from(value).unwrap_or(i64::MAX);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.elapsed = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Returns the operations of a statement and their tables in the order of the text, e.g. `INSERT duty INSERT journal`.
/// The summary holds nothing else of the text, so no value can slip into it.
fn summary(statement: &str) -> String {
    let words = statement.split(|it: char| it.is_whitespace() || "(),;".contains(it));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut parts: Vec<String> = Vec::new();
    let mut add = |operation: &str, table: Option<&str>| {
        let part = table.map_or_else(|| operation.to_owned(), |table| format!("{operation} {table}"));
        if !parts.contains(&part) {
            parts.push(part);
        }
    };
    let mut selecting = 0;
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
        let next = |by: usize| words.get(at + by).copied().filter(|name| is_name(name));
        match *word {
            "insert" if words.get(at + 1) == Some(&"into") => add("INSERT", next(2)),
            "delete" if words.get(at + 1) == Some(&"from") => add("DELETE", next(2)),
            // Not that of `do update set`, `for update` and `for no key update`.
            "update" if !["do", "for", "key"].contains(&before) => add("UPDATE", next(1)),
            "select" => selecting += 1,
            "from" if selecting > 0 && before != "delete" && next(1).is_some() => {
                selecting -= 1;
                add("SELECT", next(1));
            }
            _ => {}
        }
    }
    if parts.is_empty() && selecting > 0 {
        parts.push("SELECT".to_owned());
    }
    while parts.len() > 1 && parts.iter().map(|part| part.len() + 1).sum::<usize>() > SUMMARY_AT_MOST {
        parts.pop();
    }
    parts.join(" ")
}

/// Whether a word is a table's name rather than a keyword or a value.
fn is_name(word: &str) -> bool {
    let is_identifier = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "_.".contains(it);
    word.starts_with(|it: char| it.is_ascii_lowercase() || it == '_')
        && word.chars().all(is_identifier)
        && !["select", "unnest", "set", "only", "lateral", "values"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_operations_and_tables_of_a_statement_and_no_values() {
        for (statement, expected) in [
            ("select id, clause from duty where id = $1 for no key update", "SELECT duty"),
            ("\n\ninsert into intake.request (id, phone)\nvalues ($1, '138 0013 8000')\n", "INSERT intake.request"),
            ("update journal set position = s.p from unnest($1::bigint[]) as s where seq = s.seq", "UPDATE journal"),
            (
                "with d as (insert into duty select * from unnest($1) on conflict (id) do update set state = 1), e as (insert into journal (x) select x from unnest($2)) select count(*) from d",
                "INSERT duty INSERT journal SELECT d",
            ),
            ("delete from reply where (a) in (select a from reply limit 1)", "DELETE reply SELECT reply"),
            ("select 1", "SELECT"),
            ("select '13800138000' from '李'", "SELECT"),
            ("", ""),
        ] {
            assert_eq!(summary(statement), expected, "{statement}");
        }
        let many: Vec<String> = (0..99).map(|table| format!("insert into table_{table} values ($1)")).collect();
        let summary = summary(&many.join(" "));
        assert!(summary.len() <= SUMMARY_AT_MOST && summary.starts_with("INSERT table_0 INSERT table_1 "), "{summary}");
    }
}
