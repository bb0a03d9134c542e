//! gRPC and gRPC-Web on the port of HTTP, so that every client has one address.

use kefu_proto::events::v1::SubscribeRequest;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Bearer, Caller, assert_refused, eventually};
use prost_reflect::prost::Message as _;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::stage::{Stage, lin};

fn caller(stage: &Stage) -> Caller {
    let endpoint = Endpoint::from_shared(format!("http://{}", stage.address())).unwrap();
    Bearer::new(&lin()).reading("zh").on(endpoint.connect_lazy())
}

fn create(name: &str) -> pb::CreateCustomerRequest {
    let contact = kefu_proto::contacts::v1::Contact { phone: "13800138000".into(), ..Default::default() };
    let customer = pb::Customer { display_name: name.into(), contacts: vec![contact], ..Default::default() };
    pb::CreateCustomerRequest { customer: Some(customer), allow_shared_contacts: true, ..Default::default() }
}

#[tokio::test]
async fn a_grpc_client_calls_streams_and_is_refused_as_by_the_service() {
    let mut stage = Stage::start().await;
    let mut customers = CustomerServiceClient::new(caller(&stage));
    let created = customers.create_customer(create("林")).await.unwrap().into_inner();
    let get = |name: &str| pb::GetCustomerRequest { name: name.into() };
    assert_eq!(customers.get_customer(get(&created.name)).await.unwrap().into_inner(), created);
    let refused = customers.get_customer(get("customers/none")).await;
    assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);

    let mut feed = EventFeedClient::new(caller(&stage));
    let request = SubscribeRequest { parent: "services/intake".into(), ..Default::default() };
    let mut events = feed.subscribe(request).await.unwrap().into_inner();
    loop {
        if let Some(event) = events.message().await.unwrap().unwrap().event {
            assert_eq!(event.aggregate, created.name);
            break;
        }
    }
    drop(events);
    let lost = feed.subscribe(SubscribeRequest { parent: "services/nowhere".into(), ..Default::default() }).await;
    assert_refused(lost, Code::Unavailable, ErrorReason::BackendAway);
    let unsaid = feed.subscribe(SubscribeRequest::default()).await;
    assert_refused(unsaid, Code::InvalidArgument, ErrorReason::FieldInvalid);
    stage.intake.halt().await;
    let away = customers.get_customer(get(&created.name)).await;
    assert_refused(away, Code::Unavailable, ErrorReason::BackendAway);
}

#[tokio::test]
async fn reflection_and_health_are_the_gateways_own() {
    let mut stage = Stage::start().await;
    let channel = Endpoint::from_shared(format!("http://{}", stage.address())).unwrap().connect_lazy();
    let asked = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut reflection = ServerReflectionClient::new(channel.clone());
    let mut answers = reflection.server_reflection_info(tokio_stream::once(asked)).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) = answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list")
    };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["kefu.intake.v1.RequestService", "kefu.directory.v1.DirectoryService", "kefu.events.v1.EventFeed"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    let health = async |service: &str| {
        let asked = HealthCheckRequest { service: service.to_owned() };
        HealthClient::new(channel.clone()).check(asked).await.unwrap().into_inner().status()
    };
    assert_eq!(health("").await, ServingStatus::Serving);
    assert_eq!(health("kefu.intake.v1.RequestService").await, ServingStatus::Serving);
    stage.complaints.halt().await;
    eventually("its health is told", async || {
        (health("kefu.complaints.v1.ComplaintService").await == ServingStatus::NotServing).then_some(())
    })
    .await;
    assert_eq!(health("kefu.events.v1.EventFeed").await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_browser_speaks_grpc_web_over_http_1() {
    let stage = Stage::start().await;
    let mut customers = CustomerServiceClient::new(caller(&stage));
    let created = customers.create_customer(create("林")).await.unwrap().into_inner();
    let request = pb::GetCustomerRequest { name: created.name.clone() }.encode_to_vec();
    let length = u32::try_from(request.len()).unwrap().to_be_bytes();
    let body = [&[0], length.as_slice(), &request].concat();
    let path = "/kefu.intake.v1.CustomerService/GetCustomer";
    let sent = stage.request(Method::POST, path).header(CONTENT_TYPE, "application/grpc-web+proto").body(body);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("application/grpc-web"));
    let answer = answer.bytes().await.unwrap();
    let length = usize::try_from(u32::from_be_bytes(answer[1..5].try_into().unwrap())).unwrap();
    assert_eq!(pb::Customer::decode(&answer[5..5 + length]).unwrap(), created);
    let trailers = String::from_utf8_lossy(&answer[5 + length + 5..]).into_owned();
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn grpc_of_a_method_that_is_none_is_refused_as_grpc() {
    let stage = Stage::start().await;
    let sent = stage.request(Method::POST, "/kefu.intake.v1.CustomerService/Nothing");
    let answer = sent.header(CONTENT_TYPE, "application/grpc-web").body(vec![0; 5]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "12");
}

#[tokio::test]
async fn whoever_calls_too_often_by_grpc_is_refused_as_grpc() {
    let stage = Stage::with(|setup| (setup.limits.rate_per_second, setup.limits.rate_burst) = (1, 1)).await;
    let mut customers = CustomerServiceClient::new(caller(&stage));
    customers.create_customer(create("林")).await.unwrap();
    let refused = customers.create_customer(create("木")).await;
    assert_refused(refused, Code::ResourceExhausted, ErrorReason::Overloaded);
}
