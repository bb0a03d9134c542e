//! Tests telemetry as a collector sees it. Each test has a real OTLP receiver and sends it the spans of its own thread,
//! on which its services run, so tests in one process do not see each other's spans.

use http::Uri;
use kefu_chassis::config::{self, Log};
use kefu_chassis::telemetry::Telemetry;
use kefu_chassis::telemetry::traced::Traced;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_testkit::{Bearer, Bench, sign, subscribe_thread};
use tonic::client::GrpcService;
use tonic::codegen::{Body, Bytes, StdError};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tracing::subscriber::DefaultGuard;

mod collector;
mod gateway;
mod metrics;
mod silence;
mod suite;
mod trace;

/// A channel to a service whose calls carry the trace and a token.
type Caller = InterceptedService<Traced<Channel>, Bearer>;

/// Sends the telemetry of this thread to `endpoint` until the guard is dropped. A test must shut it down: when dropped,
/// the SDK would block this thread waiting for work that only this thread can do.
fn lead(endpoint: &str) -> (Telemetry, DefaultGuard) {
    lead_as(&config::Telemetry { endpoint: Some(endpoint.to_owned()), metric_interval_ms: 20, ..Default::default() })
}

/// Sends the telemetry of this thread as `config` says.
fn lead_as(config: &config::Telemetry) -> (Telemetry, DefaultGuard) {
    let telemetry = Telemetry::build(config, "kefu-tests").unwrap();
    let guard = subscribe_thread(&telemetry.subscriber(&Log { filter: "error".into(), json: true }));
    (telemetry, guard)
}

/// Returns an agent's channel to `bench`; its calls are part of this thread's trace.
fn agent(bench: &Bench, telemetry: &Telemetry) -> Caller {
    caller(bench, telemetry, &sign("staff/lin", &["AGENT"]))
}

/// Returns a channel to `bench` with a token; its calls are part of this thread's trace.
fn caller(bench: &Bench, telemetry: &Telemetry, token: &str) -> Caller {
    let server: Uri = format!("http://{}", bench.address()).parse().unwrap();
    let traced = Traced::new(bench.channel(), telemetry, "services/tests", server);
    InterceptedService::new(traced, Bearer::new(token))
}

/// Creates a customer with personal data, and returns the customer's name.
async fn create<T>(client: &mut CustomerServiceClient<T>) -> String
where
    T: GrpcService<
            tonic::body::Body,
            Error: Into<StdError>,
            ResponseBody: Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
        >,
{
    let contacts = vec![contact()];
    let customer = pb::Customer { display_name: "王小明".into(), contacts, ..Default::default() };
    let create =
        pb::CreateCustomerRequest { customer: Some(customer), allow_shared_contacts: true, ..Default::default() };
    client.create_customer(create).await.unwrap().into_inner().name
}

fn contact() -> kefu_proto::contacts::v1::Contact {
    kefu_proto::contacts::v1::Contact { phone: "138 0013 8000".into(), ..kefu_proto::contacts::v1::Contact::default() }
}

/// Makes the call that registers a request of a customer.
fn registration(customer: &str) -> pb::RegisterRequestRequest {
    pb::RegisterRequestRequest {
        customer: customer.to_owned(),
        channel: kefu_proto::contacts::v1::Channel::Chat.into(),
        kind: pb::request::Kind::Service.into(),
        contact: Some(contact()),
        description: "打印机无法连接".into(),
        ..Default::default()
    }
}
