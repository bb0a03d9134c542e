//! Tests that one trace leads from HTTP over the gateway to SQL.

use kefu_gateway::{BackendConfig, Cors, Gateway, Limits, Setup};
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_testkit::{Bench, sign};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::collector::{Collector, has};
use super::trace::{Trace, told};
use super::{agent, create, lead};

const GET: &str = "kefu.intake.v1.CustomerService/GetCustomer";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_trace_that_a_web_client_has_begun_goes_on_over_the_gateway_to_sql() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let intake = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).start().await;
    let url = format!("http://{}", intake.address());
    let setup = Setup {
        listen: "127.0.0.1:0".parse().unwrap(),
        services: [("intake".to_owned(), BackendConfig { url, ca_file: None })].into(),
        names: kefu_gateway::Names::system(),
        issuers: intake.issuers(),
        cors: Cors::default(),
        limits: Limits::default(),
        clock: kefu_chassis::Clock::system(),
        tls: None,
        telemetry: telemetry.clone(),
    };
    let gateway = Gateway::start(setup).await.unwrap();
    let customer = create(&mut CustomerServiceClient::new(agent(&intake, &telemetry))).await;
    let get = async |path: &str| {
        let request = reqwest::Client::new().get(format!("http://{}/v1/{path}", gateway.address));
        let request = request.bearer_auth(sign("staff/lin", &["AGENT"]));
        let request = request.header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get(&customer).await.0, 200);
    let (status, problem) = get("nothing").await;
    assert!(status == 404 && problem.contains(TRACE), "{problem}");
    gateway.stop().await;
    intake.stop().await;
    telemetry.shutdown().await;

    let spans = collector.spans();
    let of_gateway = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name && span.kind() == SpanKind::Server);
        let (Some(span), None) = (found.next(), found.next()) else {
            panic!("not one {name} in {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>())
        };
        assert_eq!(span.trace_id, u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes());
        assert_eq!(span.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert!(has(&told(span), &[("kefu.service", "services/gateway")]), "{span:?}");
        span.clone()
    };
    of_gateway("GET");
    let root = of_gateway("GET /v1/{name=customers/*}");
    let trace = Trace { spans: spans.iter().filter(|span| span.trace_id == root.trace_id).cloned().collect(), root };
    let read = trace.call(&trace.root, GET, "services/gateway", "services/intake", "OK");
    assert_eq!(trace.statements(read, "services/intake").len(), 1);
    let text = format!("{spans:?}");
    assert!(!text.contains(customer.trim_start_matches("customers/")), "no name of anybody is in a span");
    let routes = collector.points("http.server.request.duration");
    assert!(
        routes.iter().any(|point| has(&point.attributes, &[("http.route", "/v1/{name=customers/*}")])),
        "{routes:?}"
    );
}
