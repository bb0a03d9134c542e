//! The export to the collector: one channel, a bounded queue of spans, no retries, and one line in the log when it
//! breaks or works again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{MetricExporter, RetryPolicy, SpanExporter, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tonic::transport::{Channel, Endpoint};

use super::propagation::Within;
use super::{SERVICE, TelemetryError};
use crate::base::clock::Clock;
use crate::base::names::new_uuid;
use crate::telemetry::settings::Telemetry;

/// How long the collector may take to accept a connection or a batch.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long spans gather before they are sent, unless a batch is full earlier.
const GATHER: Duration = Duration::from_secs(2);
const BATCH: usize = 512;

/// Creates the providers that send the spans and the metrics of the process `name` to `endpoint`.
pub fn providers(
    config: &Telemetry,
    endpoint: &str,
    name: &str,
) -> Result<(SdkTracerProvider, SdkMeterProvider), TelemetryError> {
    let channel = channel(endpoint)?;
    let delivery = |signal| Delivery { signal, endpoint: endpoint.to_owned(), broken: AtomicBool::new(false) };
    let instance = config.instance.clone().unwrap_or_else(|| new_uuid(Clock::system().now()).to_string());
    // The resource is built empty, so that only the configuration counts, and neither the environment nor the machine.
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", name.to_owned()),
            KeyValue::new("service.namespace", "kefu"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
        ])
        .build();

    let spans =
        SpanExporter::builder().with_tonic().with_channel(channel.clone()).with_retry_policy(RetryPolicy::disabled());
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(config.span_queue)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(GATHER)
        .build();
    let spans = BatchSpanProcessor::builder(Watched { inner: spans.build()?, delivery: delivery("traces") });
    let tracers = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sampling_ratio))))
        .with_resource(resource.clone())
        .with_span_processor(Marker)
        .with_span_processor(spans.with_batch_config(batches).build())
        .build();

    let metrics = MetricExporter::builder().with_tonic().with_channel(channel);
    let metrics = metrics.with_retry_policy(RetryPolicy::disabled()).with_temporality(Temporality::Cumulative);
    let interval = Duration::from_millis(config.metric_interval_ms);
    let reader = PeriodicReader::builder(Watched { inner: metrics.build()?, delivery: delivery("metrics") })
        .with_interval(interval)
        .build();
    let meters = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
    Ok((tracers, meters))
}

fn channel(endpoint: &str) -> Result<Channel, TelemetryError> {
    let wrong = TelemetryError::Config { key: "endpoint", problem: "must be a URL such as http://127.0.0.1:4317" };
    match Endpoint::from_shared(endpoint.to_owned()) {
        Ok(endpoint) if endpoint.uri().scheme_str() == Some("http") => {
            Ok(endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect_lazy())
        }
        _ => Err(wrong),
    }
}

/// The delivery of one signal to the collector.
#[derive(Debug)]
struct Delivery {
    signal: &'static str,
    endpoint: String,
    broken: AtomicBool,
}

impl Delivery {
    /// Logs when delivery breaks and when it works again, and nothing in between.
    fn note(&self, outcome: OTelSdkResult) -> OTelSdkResult {
        let Self { signal, endpoint, .. } = self;
        let was_broken = self.broken.swap(outcome.is_err(), Ordering::AcqRel);
        match &outcome {
            Err(error) if !was_broken => {
                tracing::warn!(signal, endpoint, %error, "telemetry cannot be sent; it is dropped until the collector answers");
            }
            Ok(()) if was_broken => tracing::info!(signal, endpoint, "telemetry is sent again"),
            _ => {}
        }
        outcome
    }
}

/// An exporter that logs when its delivery breaks and when it works again.
#[derive(Debug)]
struct Watched<E> {
    inner: E,
    delivery: Delivery,
}

impl<E: opentelemetry_sdk::trace::SpanExporter> opentelemetry_sdk::trace::SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.delivery.note(self.inner.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.delivery.note(self.inner.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}

/// A span processor that sets the service's name on every span beneath one of its calls.
#[derive(Debug)]
struct Marker;

impl SpanProcessor for Marker {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        if let Some(Within(service)) = cx.get::<Within>() {
            opentelemetry::trace::Span::set_attribute(span, KeyValue::new(SERVICE, service.clone()));
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
