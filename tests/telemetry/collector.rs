//! A collector, which receives OTLP over gRPC on a free port and keeps everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kefu_testkit::eventually;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Attributes by key, as text.
pub type Attributes = BTreeMap<String, String>;

/// A collector that runs until its test ends.
#[derive(Clone)]
pub struct Collector {
    port: u16,
    kept: Arc<Mutex<Kept>>,
    gate: Arc<watch::Sender<bool>>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    resources: Vec<Attributes>,
    metrics: Option<ExportMetricsServiceRequest>,
}

/// The last value of a metric for one set of attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub attributes: Attributes,
    /// The value; of a histogram, the count.
    pub value: f64,
    pub unit: String,
}

impl Collector {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let collector = Self { port, kept: Arc::default(), gate: Arc::new(watch::Sender::new(true)) };
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        collector
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Opens or closes the gate: while it is closed, no sender gets an answer.
    pub fn open(&self, open: bool) {
        self.gate.send_replace(open);
    }

    pub fn spans(&self) -> Vec<Span> {
        self.kept.lock().unwrap().spans.clone()
    }

    /// Returns the attributes of the processes that sent spans, one entry an export.
    pub fn resources(&self) -> Vec<Attributes> {
        self.kept.lock().unwrap().resources.clone()
    }

    /// Returns everything received as text, to be searched for what must not be there.
    pub fn everything(&self) -> String {
        let kept = self.kept.lock().unwrap();
        format!("{:?} {:?} {:?}", kept.spans, kept.resources, kept.metrics)
    }

    /// Returns the last points of the metric `name`.
    pub fn points(&self, name: &str) -> Vec<Point> {
        let kept = self.kept.lock().unwrap();
        let resources = kept.metrics.iter().flat_map(|request| &request.resource_metrics);
        let metrics = resources.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
        let of_name = metrics.filter(|metric| metric.name == name);
        of_name
            .flat_map(|metric| {
                let points = match metric.data.as_ref().unwrap() {
                    metric::Data::Gauge(gauge) => gauge.data_points.iter().map(number).collect(),
                    metric::Data::Sum(sum) => sum.data_points.iter().map(number).collect(),
                    #[expect(clippy::cast_precision_loss, reason = "tests count to hundreds")]
                    metric::Data::Histogram(histogram) => histogram
                        .data_points
                        .iter()
                        .map(|point| (attributes(&point.attributes), point.count as f64))
                        .collect::<Vec<_>>(),
                    other => panic!("{name} is {other:?}"),
                };
                let point = |(attributes, value)| Point { attributes, value, unit: metric.unit.clone() };
                points.into_iter().map(point).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Returns the value of the metric `name` for the one set of attributes with all of `asked`; none if none has them.
    pub fn value(&self, name: &str, asked: &[(&str, &str)]) -> Option<f64> {
        let mut points = self.points(name);
        points.retain(|point| has(&point.attributes, asked));
        assert!(points.len() < 2, "{name} {asked:?}: {points:?}");
        points.pop().map(|point| point.value)
    }

    /// Waits until [`Collector::value`] is `expected`.
    pub async fn says(&self, name: &str, asked: &[(&str, &str)], expected: Option<f64>) {
        let what = format!("{name} of {asked:?} is {expected:?}");
        eventually(&what, async || (self.value(name, asked) == expected).then_some(())).await;
    }
}

/// Whether `attributes` has all of `asked`.
pub fn has(attributes: &Attributes, asked: &[(&str, &str)]) -> bool {
    asked.iter().all(|&(key, value)| attributes.get(key).is_some_and(|stands| stands == value))
}

fn number(point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint) -> (Attributes, f64) {
    #[expect(clippy::cast_precision_loss, reason = "tests count to hundreds")]
    let value = match point.value.unwrap() {
        number_data_point::Value::AsInt(value) => value as f64,
        number_data_point::Value::AsDouble(value) => value,
    };
    (attributes(&point.attributes), value)
}

/// Returns attributes as text by key.
pub fn attributes(pairs: &[KeyValue]) -> Attributes {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
        let mut kept = self.kept.lock().unwrap();
        for resource in request.into_inner().resource_spans {
            kept.resources.push(attributes(&resource.resource.unwrap_or_default().attributes));
            kept.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
        self.kept.lock().unwrap().metrics = Some(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
