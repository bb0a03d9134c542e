//! Tests that a trace leads from the client over a service to SQL, and holds no personal data.

use kefu_chassis::telemetry::{TARGET, Telemetry};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::{Bench, assert_refused};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tonic::Code;
use tracing::Instrument as _;

use super::collector::{Attributes, Collector, attributes, has};
use super::{agent, create, lead, registration};

const CREATE: &str = "kefu.intake.v1.CustomerService/CreateCustomer";
const REGISTER: &str = "kefu.intake.v1.RequestService/RegisterRequest";
const GET: &str = "kefu.intake.v1.RequestService/GetRequest";
const SECRETS: [&str; 5] = ["13800138000", "138 0013 8000", "王小明", "打印机无法连接", "eyJ"];

/// A trace, with the span that it begins with.
pub struct Trace {
    pub root: Span,
    pub spans: Vec<Span>,
}

impl Trace {
    pub fn of(collector: &Collector, root: &str) -> Self {
        let spans = collector.spans();
        let mut roots = spans.iter().filter(|span| span.name == root && span.parent_span_id.is_empty());
        let root = roots.next().unwrap_or_else(|| panic!("no {root} in {:?}", names(&spans))).clone();
        assert!(roots.next().is_none(), "the trace began once");
        Self { spans: spans.into_iter().filter(|span| span.trace_id == root.trace_id).collect(), root }
    }

    /// Returns the children of `parent`, in the order in which they began.
    fn beneath(&self, parent: &Span) -> Vec<&Span> {
        let mut beneath: Vec<&Span> = self.spans.iter().filter(|span| span.parent_span_id == parent.span_id).collect();
        beneath.sort_by_key(|span| span.start_time_unix_nano);
        beneath
    }

    /// Returns the one child of `parent` with this kind, name and attributes. It must begin and end within `parent`.
    fn step(&self, parent: &Span, kind: SpanKind, name: &str, asked: &[(&str, &str)]) -> &Span {
        let is_asked = |span: &&&Span| span.kind() == kind && span.name == name && has(&told(span), asked);
        let beneath = self.beneath(parent);
        let mut steps = beneath.iter().filter(is_asked);
        let (Some(step), None) = (steps.next(), steps.next()) else {
            panic!("not one {kind:?} {name} {asked:?} beneath {}: {beneath:#?}", parent.name)
        };
        assert!(parent.start_time_unix_nano <= step.start_time_unix_nano, "{name} began before {}", parent.name);
        assert!(step.end_time_unix_nano <= parent.end_time_unix_nano, "{name} ended after {}", parent.name);
        step
    }

    /// Returns the server's span of the one call by `client` to `server` directly beneath `parent`.
    pub fn call(&self, parent: &Span, method: &str, client: &str, server: &str, code: &str) -> &Span {
        let about = [("rpc.system.name", "grpc"), ("rpc.method", method), ("rpc.response.status_code", code)];
        let of = |service| [about.as_slice(), &[("kefu.service", service)]].concat();
        let made = self.step(parent, SpanKind::Client, method, &of(client));
        self.step(made, SpanKind::Server, method, &of(server))
    }

    /// Returns the summaries of the statements that `service` ran directly beneath `parent`.
    pub fn statements(&self, parent: &Span, service: &str) -> Vec<String> {
        let beneath = self.beneath(parent);
        let of_postgres = beneath.iter().filter(|span| has(&told(span), &[("db.system.name", "postgresql")]));
        let summaries = of_postgres.map(|span| {
            let told = told(span);
            assert_eq!((span.kind(), told["kefu.service"].as_str()), (SpanKind::Client, service), "{span:?}");
            assert_eq!(told["db.query.summary"], span.name);
            span.name.clone()
        });
        summaries.collect()
    }
}

pub fn told(span: &Span) -> Attributes {
    attributes(&span.attributes)
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

/// Creates a customer, registers and reads a request of theirs, and asks for a request that does not exist.
async fn story(bench: &Bench, telemetry: &Telemetry) {
    let caller = agent(bench, telemetry);
    let customer = create(&mut CustomerServiceClient::new(caller.clone())).await;
    let mut requests = RequestServiceClient::new(caller);
    let registration = registration(&customer);
    let request = requests.register_request(registration).await.unwrap().into_inner();
    requests.get_request(pb::GetRequestRequest { name: request.name }).await.unwrap();
    let name = "requests/01936b8e-0000-7000-8000-000000000000".into();
    let refused = requests.get_request(pb::GetRequestRequest { name }).await;
    assert_refused(refused, Code::NotFound, kefu_proto::rules::v1::ErrorReason::ResourceNotFound);
}

#[tokio::test]
async fn one_trace_leads_from_the_client_over_intake_to_sql() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let bench = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).start().await;
    story(&bench, &telemetry).instrument(tracing::info_span!(target: TARGET, "story")).await;
    telemetry.shutdown().await;

    let trace = Trace::of(&collector, "story");
    let (client, intake) = ("services/tests", "services/intake");
    let create = trace.call(&trace.root, CREATE, client, intake, "OK");
    assert_eq!(trace.statements(create, intake).first().map(String::as_str), Some("BEGIN"));
    let register = trace.call(&trace.root, REGISTER, client, intake, "OK");
    let statements = trace.statements(register, intake);
    assert_eq!(statements.len(), 4, "as many as round trips: {statements:?}");
    assert_eq!([statements[0].as_str(), &statements[3]], ["BEGIN", "COMMIT"]);
    assert!(statements[1].starts_with("INSERT intake.request"), "{statements:?}");
    for table in ["INSERT duty", "INSERT journal", "INSERT reply"] {
        assert!(statements[2].contains(table), "{statements:?}");
    }
    let read = trace.call(&trace.root, GET, client, intake, "OK");
    assert_eq!(trace.statements(read, intake), ["SELECT intake.request"]);

    // NOT_FOUND is an error of the caller, not of the server.
    let missed = trace.call(&trace.root, GET, client, intake, "NOT_FOUND");
    assert!(!told(missed).contains_key("error.type"));
    let made = trace.spans.iter().find(|span| span.span_id == missed.parent_span_id).unwrap();
    assert!(has(&told(made), &[("error.type", "NOT_FOUND"), ("server.address", "127.0.0.1")]), "{made:?}");

    let resource = collector.resources().pop().unwrap();
    assert!(has(&resource, &[("service.name", "kefu-tests"), ("service.namespace", "kefu")]), "{resource:?}");
    assert!(!resource["service.instance.id"].is_empty());
}

#[tokio::test]
async fn a_collector_learns_nothing_of_persons() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let bench = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).start().await;
    story(&bench, &telemetry).await;
    collector.says("rpc.server.call.duration", &[("rpc.method", CREATE)], Some(1.0)).await;
    telemetry.shutdown().await;
    let everything = collector.everything();
    assert!(everything.contains(REGISTER) && everything.contains("INSERT journal"));
    for secret in SECRETS {
        assert!(!everything.contains(secret), "{secret} is in {everything}");
    }
    let customer: String =
        sqlx::query_scalar("select id::text from intake.customer").fetch_one(bench.admin()).await.unwrap();
    for name in ["staff/lin", "departments/desk", customer.as_str()] {
        assert!(!everything.contains(name), "{name} is in {everything}");
    }
}

#[tokio::test]
async fn a_caller_that_does_not_record_its_trace_is_not_recorded_and_a_broken_header_begins_a_new_one() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let bench = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).start().await;
    let mut client = RequestServiceClient::new(bench.as_("staff/lin", &["AGENT"]));
    for header in [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "no trace",
    ] {
        let mut list = tonic::Request::new(pb::ListRequestsRequest::default());
        list.metadata_mut().insert("traceparent", header.parse().unwrap());
        client.list_requests(list).await.unwrap();
    }
    telemetry.shutdown().await;
    let spans = collector.spans();
    let calls: Vec<&Span> = spans.iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let [of_caller, begun] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!(of_caller.trace_id, 0x1af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
    assert_eq!(of_caller.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert!(begun.parent_span_id.is_empty());
}
