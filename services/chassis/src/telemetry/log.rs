//! The subscriber of logs and spans: logs go to standard error, as a JSON record a line or as text for people, and spans to
//! the exporter.

use std::fmt;
use std::io::IsTerminal as _;

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::TARGET;
use super::sql::Statements;
use crate::telemetry::settings::Log;

/// Creates the subscriber that writes logs to `writer` as `config` says, and passes spans to `tracers`. A filter that cannot
/// be read falls back to `info`.
pub fn subscriber<W>(config: &Log, tracers: Option<&SdkTracerProvider>, writer: W) -> Dispatch
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let Some(tracers) = tracers else { return Registry::default().with(records(config, writer)).into() };
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
    Registry::default().with(records(config, writer)).with(spans).with(statements).into()
}

fn records<S, W>(config: &Log, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    if config.json {
        let layer = layer.json().flatten_event(true).with_current_span(false).with_span_list(false);
        layer.map_event_format(InTrace).with_filter(filter).boxed()
    } else {
        layer.with_target(false).with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed()
    }
}

/// A format of JSON records that begin with the ids of the trace and the span, where a trace is recorded.
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TraceContextExt as _;
    use opentelemetry_sdk::trace::Sampler;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged inside and outside a span that `sampler` decides about, a JSON record a line, and the span's trace id.
    fn logged(sampler: Sampler) -> (Vec<serde_json::Value>, String) {
        let written = Written::default();
        let writer = written.clone();
        let tracers = SdkTracerProvider::builder().with_sampler(sampler).build();
        let spans = tracing_opentelemetry::layer().with_tracer(tracers.tracer("test"));
        let spans = spans.with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO));
        let registry = Registry::default().with(records(&Log::default(), move || writer.clone())).with(spans);
        let id = tracing::subscriber::with_default(registry, || {
            tracing::info!(count = 1, "outside");
            let span = tracing::info_span!(target: TARGET, "work");
            span.in_scope(|| tracing::info!(count = 2, "inside"));
            span.context().span().span_context().trace_id().to_string()
        });
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        (written.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), id)
    }

    #[test]
    fn a_record_within_a_sampled_span_has_its_ids_and_any_other_has_none() {
        let (records, id) = logged(Sampler::AlwaysOn);
        assert_eq!((&records[0]["count"], records[0].get("trace_id")), (&1.into(), None));
        assert_eq!((&records[1]["message"], &records[1]["count"]), (&"inside".into(), &2.into()));
        assert_eq!(records[1]["trace_id"], id);
        assert_eq!(records[1]["span_id"].as_str().map(str::len), Some(16));
        let (records, _) = logged(Sampler::AlwaysOff);
        assert_eq!((&records[1]["message"], records[1].get("trace_id")), (&"inside".into(), None));
    }
}
