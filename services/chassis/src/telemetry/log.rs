//! Where logs and spans part: logs to standard error, a JSON record a line or text for people; spans to the exporter.

use std::fmt;
use std::io::IsTerminal as _;

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::TARGET;
use super::sql::Statements;
use crate::config::Log;

/// What takes logs as `config` says, and spans for `tracers`. A filter that cannot be read falls back to `info`.
pub fn subscriber(config: &Log, tracers: Option<&SdkTracerProvider>) -> Dispatch {
    let Some(tracers) = tracers else { return Registry::default().with(records(config)).into() };
    let tracer = tracers.tracer("kefu");
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer.clone())
        .with_location(false)
        .with_threads(false)
        .with_level(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let spans = spans.with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO));
    let statements = Statements::new(tracer).with_filter(Statements::filter());
    Registry::default().with(records(config)).with(spans).with(statements).into()
}

fn records<S>(config: &Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if config.json {
        let layer = layer.json().flatten_event(true).with_current_span(false).with_span_list(false);
        layer.map_event_format(InTrace).with_filter(filter).boxed()
    } else {
        layer.with_target(false).with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed()
    }
}

/// Puts the ids of the trace before the fields of a JSON record, where one is recorded.
struct InTrace<F>(F);

impl<S, N, F> FormatEvent<S, N> for InTrace<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let ids = Context::map_current(|cx| {
            let span = cx.span();
            let span = span.span_context();
            span.is_sampled().then(|| (span.trace_id(), span.span_id()))
        });
        let Some((trace, span)) = ids else { return self.0.format_event(ctx, writer, event) };
        let mut record = String::new();
        self.0.format_event(ctx, Writer::new(&mut record), event)?;
        let fields = record.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, r#"{{"trace_id":"{trace}","span_id":"{span}",{fields}"#)
    }
}
