//! Deadlines: the caller's, the default and the longest. A call that misses one is refused with kefu's details and
//! changes nothing.

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kefu_chassis::config::Limits;
use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused, sign};
use tonic::{Code, Request, Response, Status};

use crate::stage::{duty, get, store};

/// Makes a call that waits for a row which the test has locked. The client sends a `grpc-timeout` and does not enforce
/// it itself.
async fn pause(bench: &Bench, name: &str, timeout: Option<&'static str>) -> Result<Response<pb::Duty>, Status> {
    let http = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<tonic::body::Body>();
    let mut client = ComplianceServiceClient::with_origin(http, format!("http://{}", bench.address()).parse().unwrap());
    let mut request =
        Request::new(pb::PauseDutyRequest { name: name.into(), reason: "parts".into(), ..Default::default() });
    let token = format!("Bearer {}", sign("staff/root", &["ADMIN"]));
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    if let Some(timeout) = timeout {
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    client.pause_duty(request).await
}

#[tokio::test]
async fn a_call_that_takes_longer_than_its_deadline_is_refused_and_changes_nothing() {
    let usual = Limits { deadline_ms: 60, ..Limits::default() };
    let capped = Limits { deadline_cap_ms: 60, ..Limits::default() };
    for (limits, timeout) in [
        (Limits::default(), Some("500m")),
        (Limits::default(), Some("1n")),
        (Limits::default(), Some("0S")),
        (usual, None),
        (usual, Some("not one")),
        (capped, Some("1H")),
        (capped, None),
    ] {
        let bench = Bench::builder(&BARE).limits(limits).start().await;
        let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
        let mut holder = bench.admin().begin().await.unwrap();
        sqlx::query("select from duty for update").execute(&mut *holder).await.unwrap();
        let refused = pause(&bench, &name, timeout).await;
        assert!(refused.is_err(), "{timeout:?}");
        let refusal = assert_refused(refused, Code::DeadlineExceeded, ErrorReason::DeadlinePassed);
        assert!(refusal.details.retry_info().is_some(), "when to come back");
        holder.rollback().await.unwrap();
        let shown = get(&bench, &name).await;
        assert_eq!((shown.state(), shown.etag.as_str()), (pb::duty::State::Open, "\"1\""), "{timeout:?}");
        assert_eq!(bench.number("select count(*) from journal").await, 1);
    }
}

#[tokio::test]
async fn a_call_within_its_deadline_is_answered() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    pause(&bench, &name, Some("10S")).await.unwrap();
}
