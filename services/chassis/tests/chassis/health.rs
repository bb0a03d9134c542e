//! Health tells a live server from a ready one, reflection lists what is served, and calls are refused as unavailable
//! while Postgres is away.

use kefu_proto::compliance::v1 as pb;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused, eventually};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::stage::compliance;

const SERVED: [&str; 4] = [
    "kefu.compliance.v1.ComplianceService",
    "kefu.events.v1.EventFeed",
    "kefu.notifications.v1.NotificationService",
    "kefu.regulation.v1.RegulationService",
];

async fn health(bench: &Bench, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.into() };
    HealthClient::new(bench.channel()).check(request).await.unwrap().into_inner().status()
}

async fn until(bench: &Bench, status: ServingStatus) {
    for service in SERVED {
        eventually(&format!("{service} is {status:?}"), || async {
            (health(bench, service).await == status).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_service_is_ready_while_postgres_answers_and_lives_without_it() {
    let bench = Bench::builder(&BARE).on_a_line().start().await;
    until(&bench, ServingStatus::Serving).await;
    bench.line().cut();
    until(&bench, ServingStatus::NotServing).await;
    assert_eq!(health(&bench, "").await, ServingStatus::Serving);

    let mut client = compliance(bench.as_service());
    let list = pb::ListDutiesRequest { parent: bench.name(), ..pb::ListDutiesRequest::default() };
    let refusal = assert_refused(client.list_duties(list.clone()).await, Code::Unavailable, ErrorReason::BackendAway);
    assert!(refusal.details.retry_info().is_some());
    assert!(!refusal.status.message().contains("127.0.0.1"), "callers learn nothing of the inside");

    bench.line().mend();
    eventually("the service answers again", || {
        let (mut client, list) = (client.clone(), list.clone());
        async move { client.list_duties(list).await.ok() }
    })
    .await;
    until(&bench, ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_stopping_service_is_not_ready_before_it_is_gone() {
    let bench = Bench::of(&BARE).await;
    until(&bench, ServingStatus::Serving).await;
    let request = HealthCheckRequest { service: SERVED[0].into() };
    let mut watched = HealthClient::new(bench.channel()).watch(request).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    bench.chassis().stop();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(watched);
    let address = bench.address();
    bench.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn health_of_a_service_that_is_not_served_is_not_found() {
    let bench = Bench::of(&BARE).await;
    let request = HealthCheckRequest { service: "kefu.intake.v1.RequestService".into() };
    assert_eq!(HealthClient::new(bench.channel()).check(request).await.unwrap_err().code(), Code::NotFound);
}

async fn reflect(bench: &Bench, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = ServerReflectionClient::new(bench.channel());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn reflection_lists_what_is_served_and_nothing_else() {
    let bench = Bench::of(&BARE).await;
    let MessageResponse::ListServicesResponse(listed) =
        reflect(&bench, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list");
    };
    let mut listed: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
    listed.sort();
    assert_eq!(listed, ["grpc.health.v1.Health", SERVED[0], SERVED[1], SERVED[2], SERVED[3]]);
    let symbol = MessageRequest::FileContainingSymbol("kefu.events.v1.EventFeed".into());
    assert!(matches!(reflect(&bench, symbol).await, MessageResponse::FileDescriptorResponse(_)));
}

#[tokio::test]
async fn a_postgres_that_refuses_connections_is_told_as_away() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let options =
        sqlx::postgres::PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(closed).username("kefu_bare");
    let pool = kefu_chassis::database::pool(options, 2);
    let error = kefu_chassis::Error::from(sqlx::query("select 1").execute(&pool).await.unwrap_err());
    let status = error.into_status(kefu_chassis::language::Language::English);
    assert_refused(Err::<(), _>(status), Code::Unavailable, ErrorReason::BackendAway);
}
