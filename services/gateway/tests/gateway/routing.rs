//! Tests that each HTTP binding and gRPC path of the contracts reaches its own method, on the service that the address
//! names and on no other, with the values in the address.

use std::collections::BTreeMap;

use kefu_gateway::{BackendConfig, Gateway};
use kefu_proto::contract::{Binding, bindings, methods, served_by};
use kefu_testkit::{Bench, sign};
use prost_reflect::prost::Message as _;
use prost_reflect::prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, Value};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method};
use tonic::transport::Endpoint;
use tower_service::Service as _;

use crate::recorder::{Reached, Recorder};
use crate::stage::setup;

/// The services of the suite, each behind a recorder of its calls, and a gateway before them.
struct House {
    recorders: BTreeMap<&'static str, Recorder>,
    gateway: kefu_gateway::Running,
    _benches: [Bench; 3],
}

impl House {
    async fn open() -> Self {
        let (intake, complaints, appraisal) = tokio::join!(
            Box::pin(Bench::of(&kefu_intake::SERVICE)),
            Box::pin(Bench::of(&kefu_complaints::SERVICE)),
            Box::pin(Bench::of(&kefu_appraisal::SERVICE))
        );
        let mut recorders = BTreeMap::new();
        let mut plan = setup(&[("intake", &intake)]);
        for (name, bench) in [("intake", &intake), ("complaints", &complaints), ("appraisal", &appraisal)] {
            let recorder = Recorder::before(bench).await;
            let config = BackendConfig { url: format!("http://{}", recorder.address), ca_file: None };
            plan.services.insert(name.to_owned(), config);
            recorders.insert(name, recorder);
        }
        let gateway = Gateway::start(plan).await.unwrap();
        Self { recorders, gateway, _benches: [intake, complaints, appraisal] }
    }

    /// Removes and returns the calls that reached the services, each with the service.
    fn take(&self) -> Vec<(&'static str, Reached)> {
        let calls = self
            .recorders
            .iter()
            .flat_map(|(name, recorder)| recorder.take().into_iter().map(|call| (*name, call)).collect::<Vec<_>>());
        calls.collect()
    }
}

/// Returns the services that serve a method.
fn services(method: &MethodDescriptor) -> Vec<String> {
    match served_by(method.parent_service()) {
        Some(service) => vec![service],
        None => ["intake", "complaints", "appraisal"].map(|name| format!("services/{name}")).to_vec(),
    }
}

/// Returns a path that fits a template, with ids in place of wildcards, and the value that it gives to each variable.
fn path(binding: &Binding, service: &str) -> (String, Vec<(String, String)>) {
    let mut path = binding.template.clone();
    let mut said = Vec::new();
    for (variable, pattern) in binding.variables() {
        let value = match pattern.strip_prefix("services/*") {
            Some(rest) => format!("{service}{}", rest.replace('*', "an-id")),
            None => pattern.replace('*', "an-id"),
        };
        path = path.replace(&format!("{{{variable}={pattern}}}"), &value).replace(&format!("{{{variable}}}"), &value);
        said.push((variable.to_owned(), value));
    }
    (path, said)
}

/// Decodes the first message of a gRPC body.
fn first(method: &MethodDescriptor, body: &Bytes) -> DynamicMessage {
    let length = usize::try_from(u32::from_be_bytes(body[1..5].try_into().unwrap())).unwrap();
    DynamicMessage::decode(method.input(), body.slice(5..5 + length)).unwrap()
}

fn at(message: &DynamicMessage, path: &str) -> String {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    match message.get_field_by_name(head).unwrap().into_owned() {
        Value::Message(inner) => at(&inner, rest),
        value => value.as_str().unwrap().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_binding_reaches_its_method_on_the_service_it_names_and_no_other() {
    let house = House::open().await;
    let client = Client::new();
    let token = sign("staff/lin", &["AGENT", "ADMIN", "SUPERVISOR", "OFFICE"]);
    let mut reached = 0;
    for method in methods(kefu_proto::pool()) {
        for (binding, service) in bindings(&method)
            .iter()
            .flat_map(|binding| services(&method).into_iter().map(move |service| (binding.clone(), service)))
        {
            let (path, said) = path(&binding, &service);
            let verb: Method = binding.verb.to_ascii_uppercase().parse().unwrap();
            let mut request =
                client.request(verb, format!("http://{}{path}", house.gateway.address)).bearer_auth(&token);
            let is_bytes =
                method.input().get_field_by_name(&binding.body).is_some_and(|field| field.kind() == Kind::Bytes);
            request = match binding.body.as_str() {
                "" => request,
                _ if is_bytes => request.body("bytes"),
                "*" if method.is_client_streaming() => {
                    request.header(CONTENT_TYPE, "application/x-ndjson").body("{}\n")
                }
                _ => request.json(&serde_json::json!({})),
            };
            let answer = request.send().await.unwrap();
            let (status, calls) = (answer.status(), house.take());
            let what = format!("{} by {} {path}: {status}", method.full_name(), binding.verb);
            assert!(!status.is_server_error(), "{what}");
            let [(service_reached, call)] = calls.as_slice() else { panic!("{what}: {calls:?}") };
            assert_eq!(format!("services/{service_reached}"), service, "{what}");
            assert_eq!(call.path, format!("/{}/{}", method.parent_service().full_name(), method.name()), "{what}");
            let message = first(&method, &call.body);
            for (field, value) in said {
                assert_eq!(at(&message, &field), value, "{what}");
            }
            reached += 1;
        }
    }
    assert!(reached > 100, "{reached}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_grpc_path_reaches_its_method_on_the_service_that_the_message_or_the_metadata_names() {
    let house = House::open().await;
    let mut channel = Endpoint::from_shared(format!("http://{}", house.gateway.address)).unwrap().connect_lazy();
    for method in methods(kefu_proto::pool()) {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        for service in services(&method) {
            let addressed =
                ["parent", "name"].into_iter().find(|field| method.input().get_field_by_name(field).is_some());
            let is_shared = served_by(method.parent_service()).is_none();
            for by_metadata in [false, true] {
                let mut message = DynamicMessage::new(method.input());
                let mut request = http::Request::post(&path)
                    .header("content-type", "application/grpc")
                    .header("te", "trailers")
                    .header("authorization", format!("Bearer {}", sign("staff/lin", &["ADMIN"])));
                if is_shared && by_metadata {
                    request = request.header("kefu-service", &service);
                } else if is_shared {
                    let (field, rest) = if addressed == Some("name") { ("name", "/duties/1") } else { ("parent", "") };
                    message.set_field_by_name(field, Value::String(format!("{service}{rest}")));
                }
                let encoded = message.encode_to_vec();
                let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
                let framed = Bytes::from([&[0], length.as_slice(), &encoded].concat());
                let request = request.body(tonic::body::Body::new(http_body_util::Full::new(framed))).unwrap();
                std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
                let answer = channel.call(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                let calls = house.take();
                let [(reached, call)] = calls.as_slice() else { panic!("{path} {service}: {calls:?}") };
                assert_eq!((format!("services/{reached}"), call.path.as_str()), (service.clone(), path.as_str()));
            }
        }
    }
}

#[tokio::test]
async fn the_services_that_contracts_name_are_those_that_serve_them() {
    for service in [&kefu_intake::SERVICE, &kefu_complaints::SERVICE, &kefu_appraisal::SERVICE] {
        for served in service.serves {
            let descriptor = kefu_proto::pool().get_service_by_name(served).unwrap();
            assert_eq!(served_by(&descriptor), Some(format!("services/{}", service.schema)), "{served}");
        }
    }
}
