//! Tests the metrics of calls, duties, journal, feeds and pool, of two services in one process.

use std::sync::Arc;

use jiff::SignedDuration;
use kefu_chassis::Call;
use kefu_chassis::identity::Identity;
use kefu_chassis::journal::NewEvent;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::{ListDutiesRequest, duty};
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{DutyChanged, SubscribeRequest};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::Role;
use kefu_testkit::{BARE, Bearer, Bench};

use super::collector::Collector;
use super::{agent, create, lead, registration};

const CREATE: &str = "kefu.intake.v1.CustomerService/CreateCustomer";
const REGISTER: &str = "kefu.intake.v1.RequestService/RegisterRequest";
const LIST: &str = "kefu.compliance.v1.ComplianceService/ListDuties";
const SUBSCRIBE: &str = "kefu.events.v1.EventFeed/Subscribe";
const EVENTS: i64 = 600;

async fn register(bench: &Bench, times: usize) {
    let agent = bench.as_("staff/lin", &["AGENT"]);
    let customer = create(&mut CustomerServiceClient::new(agent.clone())).await;
    for _ in 0..times {
        RequestServiceClient::new(agent.clone()).register_request(registration(&customer)).await.unwrap();
    }
}

#[tokio::test]
async fn calls_are_told_by_service_method_and_code() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let intake = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).start().await;
    let bare = Bench::builder(&BARE).telemetry(&telemetry).start().await;
    register(&intake, 3).await;
    let list = |bench: &Bench| ListDutiesRequest { parent: bench.name(), ..ListDutiesRequest::default() };
    let mut client = ComplianceServiceClient::new(agent(&bare, &telemetry));
    client.list_duties(list(&bare)).await.unwrap();
    client.list_duties(list(&intake)).await.unwrap_err();
    let mut stranger = ComplianceServiceClient::new(Bearer::new("x").on(intake.channel()));
    stranger.list_duties(list(&intake)).await.unwrap_err();
    // Methods that do not exist count under one name, so that callers cannot make up names of metrics.
    let mut wanderer = RequestServiceClient::new(bare.as_("staff/lin", &["AGENT"]));
    wanderer.get_request(pb::GetRequestRequest::default()).await.unwrap_err();
    wanderer.list_requests(pb::ListRequestsRequest::default()).await.unwrap_err();

    let (of_intake, of_bare) = (("kefu.service", "services/intake"), ("kefu.service", "services/bare"));
    for (service, method, code, calls) in [
        (of_intake, CREATE, "OK", 1.0),
        (of_intake, REGISTER, "OK", 3.0),
        (of_bare, LIST, "OK", 1.0),
        (of_bare, LIST, "NOT_FOUND", 1.0),
        (of_intake, LIST, "UNAUTHENTICATED", 1.0),
        (of_bare, "_OTHER", "UNIMPLEMENTED", 2.0),
    ] {
        let asked = [service, ("rpc.method", method), ("rpc.response.status_code", code)];
        collector.says("rpc.server.call.duration", &asked, Some(calls)).await;
    }
    let points = collector.points("rpc.server.call.duration");
    assert_eq!(points.len(), 6, "{points:?}");
    assert!(points.iter().all(|point| point.unit == "s" && point.attributes["rpc.system.name"] == "grpc"));
    let made = [("kefu.service", "services/tests"), ("rpc.method", LIST), ("error.type", "NOT_FOUND")];
    collector.says("rpc.client.call.duration", &made, Some(1.0)).await;
    telemetry.shutdown().await;
}

#[tokio::test]
async fn duties_are_told_by_clause_and_cease_to_be_open() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let bench = Bench::builder(&kefu_intake::SERVICE).telemetry(&telemetry).on_a_line().start().await;
    register(&bench, 2).await;
    let of_clause = [("kefu.service", "services/intake"), ("kefu.clause", "C2.1")];
    collector.says("kefu.duty.open", &of_clause, Some(2.0)).await;
    collector.says("kefu.duty.breached", &of_clause, Some(0.0)).await;

    let mut office = ComplianceServiceClient::new(bench.as_("staff/root", &["ADMIN"]));
    let open = ListDutiesRequest {
        parent: bench.name(),
        state: duty::State::Open.into(),
        page_size: 100,
        ..ListDutiesRequest::default()
    };
    let duties = office.list_duties(open).await.unwrap().into_inner().duties;
    let told: f64 = collector.points("kefu.duty.open").iter().map(|point| point.value).sum();
    assert!((told - f64::from(u32::try_from(duties.len()).unwrap())).abs() < 0.5, "{told} of {duties:?}");

    // Without a database the number is unknown, and no value is reported.
    bench.line().cut();
    collector.says("kefu.duty.open", &of_clause, None).await;
    bench.line().mend();
    collector.says("kefu.duty.open", &of_clause, Some(2.0)).await;

    bench.time().advance(SignedDuration::from_mins(4));
    collector.says("kefu.duty.breached", &of_clause, Some(2.0)).await;
    let mut client = RequestServiceClient::new(bench.as_("staff/lin", &["AGENT"]));
    let requests = client.list_requests(pb::ListRequestsRequest::default()).await.unwrap().into_inner().requests;
    for request in requests {
        client
            .respond_request(pb::RespondRequestRequest {
                name: request.name,
                text: "已联系工程师".into(),
                ..Default::default()
            })
            .await
            .unwrap();
    }
    collector.says("kefu.duty.open", &of_clause, None).await;
    collector.says("kefu.duty.breached", &of_clause, None).await;
    telemetry.shutdown().await;
}

/// Appends [`EVENTS`] events: more than the buffers between a server and a subscriber that does not read can hold.
async fn append(bench: &Bench) {
    let caller = Identity { subject: "staff/writer".into(), roles: vec![Role::Admin], department: String::new() };
    let rule = bench.chassis().rules.at("/kefu.compliance.v1.ComplianceService/PauseDuty").unwrap().clone();
    let call = Call::internal(Arc::new(caller), rule, bench.now(), None, b"");
    let mut work = bench.chassis().begin(&call).await.unwrap();
    for version in 1..=EVENTS {
        let payload = DutyChanged { subject: "x".repeat(10_000) };
        work.record(NewEvent::new("things/1", version, call.now, &["A9.1"], &payload));
    }
    work.commit(()).await.unwrap();
}

#[tokio::test]
async fn what_lags_behind_is_told_of_the_journal_of_its_readers_and_of_what_is_read() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let bench = Bench::builder(&BARE).telemetry(&telemetry).start().await;
    let of_bare = ("kefu.service", "services/bare");

    // Holding this lock keeps the sealer from sealing.
    let mut sealer = bench.admin().begin().await.unwrap();
    let hold = "select pg_advisory_xact_lock(hashtextextended('kefu.sealer.' || current_schema(), 0))";
    sqlx::query(hold).execute(&mut *sealer).await.unwrap();
    append(&bench).await;
    collector.says("kefu.journal.unsealed", &[of_bare], Some(600.0)).await;
    bench.time().advance(SignedDuration::from_secs(90));
    collector.says("kefu.journal.unsealed.age", &[of_bare], Some(90.0)).await;
    sealer.rollback().await.unwrap();
    collector.says("kefu.journal.unsealed", &[of_bare], Some(0.0)).await;
    collector.says("kefu.journal.unsealed.age", &[of_bare], Some(0.0)).await;

    let subscribe = || SubscribeRequest { parent: bench.name(), ..SubscribeRequest::default() };
    let mut stream = EventFeedClient::new(bench.as_service()).subscribe(subscribe()).await.unwrap().into_inner();
    let reader = [of_bare, ("kefu.feed.consumer", "services/tests")];
    collector.says("kefu.feed.subscriber.lag", &reader, Some(600.0)).await;
    for _ in 0..EVENTS {
        stream.message().await.unwrap().unwrap();
    }
    collector.says("kefu.feed.subscriber.lag", &reader, Some(0.0)).await;
    // The duration of a stream is known only when the stream ends.
    let subscription = [of_bare, ("rpc.method", SUBSCRIBE)];
    assert_eq!(collector.value("rpc.server.call.duration", &subscription), None);
    drop(stream);
    collector.says("kefu.feed.subscriber.lag", &reader, None).await;
    let left = [subscription[0], subscription[1], ("rpc.response.status_code", "CANCELLED")];
    collector.says("rpc.server.call.duration", &left, Some(1.0)).await;
    let person = EventFeedClient::new(bench.as_("staff/root", &["ADMIN"])).subscribe(subscribe()).await.unwrap();
    let operator = [of_bare, ("kefu.feed.consumer", "operator")];
    collector.says("kefu.feed.subscriber.lag", &operator, Some(600.0)).await;
    drop(person);

    bench.chassis().set_feed_lag("services/other", 7);
    collector.says("kefu.feed.lag", &[of_bare, ("kefu.feed.source", "services/other")], Some(7.0)).await;
    telemetry.shutdown().await;
}

#[tokio::test]
async fn the_pool_is_told_by_the_state_of_its_connections() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let bench = Bench::builder(&BARE).telemetry(&telemetry).connections(9).start().await;
    let pool = ("db.client.connection.pool.name", "services/bare");
    collector.says("db.client.connection.max", &[pool], Some(9.0)).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(bench.pool().acquire().await.unwrap());
    }
    let used = [pool, ("db.client.connection.state", "used")];
    kefu_testkit::eventually("six are used", async || {
        collector.value("db.client.connection.count", &used).filter(|&used| used >= 6.0)
    })
    .await;
    drop(held);
    kefu_testkit::eventually("they are idle again", async || {
        collector.value("db.client.connection.count", &used).filter(|&used| used < 6.0)
    })
    .await;
    let idle = collector.value("db.client.connection.count", &[pool, ("db.client.connection.state", "idle")]);
    assert!(idle.is_some_and(|idle| (1.0..=9.0).contains(&idle)), "{idle:?}");
    telemetry.shutdown().await;
}
