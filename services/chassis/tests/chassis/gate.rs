//! The gate: unknown methods, the caller's language, too many calls at once.

use kefu_chassis::config::Limits;
use kefu_proto::compliance::v1 as pb;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Anchor, SubscribeRequest, VerifyJournalRequest};
use kefu_proto::intake::v1::GetRequestRequest;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bearer, Bench, assert_refused, eventually, sign};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::stage::{compliance, duty, get, store};

#[tokio::test]
async fn a_method_that_is_not_served_is_unimplemented_whoever_asks() {
    let bench = Bench::of(&BARE).await;
    let request = GetRequestRequest { name: "requests/1".into() };
    let refused = RequestServiceClient::new(bench.as_service()).get_request(request.clone()).await;
    assert_refused(refused, Code::Unimplemented, ErrorReason::MethodUnknown);
    let refused = RequestServiceClient::new(bench.channel()).get_request(request).await;
    assert_refused(refused, Code::Unimplemented, ErrorReason::MethodUnknown);
}

#[tokio::test]
async fn a_journal_is_for_services_and_those_who_answer_for_it_and_for_its_own_service() {
    let bench = Bench::of(&BARE).await;
    let subscribe = |parent: &str| SubscribeRequest { parent: parent.into(), ..SubscribeRequest::default() };
    let verify = |parent: &str| VerifyJournalRequest { parent: parent.into(), anchors: Vec::new() };
    for (role, follows, verifies) in [
        ("AGENT", false, false),
        ("MANAGER", false, false),
        ("EXECUTIVE", false, true),
        ("OFFICE", false, true),
        ("ADMIN", true, true),
    ] {
        let mut client = EventFeedClient::new(bench.as_("staff/lin", &[role]));
        for (allowed, refused) in [
            (follows, client.subscribe(subscribe(&bench.name())).await.err()),
            (verifies, client.verify_journal(verify(&bench.name())).await.err()),
        ] {
            assert_eq!(allowed, refused.is_none(), "{role}: {refused:?}");
            if let Some(status) = refused {
                assert_refused(Err::<(), _>(status), Code::PermissionDenied, ErrorReason::RoleMissing);
            }
        }
    }
    let mut client = EventFeedClient::new(bench.as_service());
    let refused = client.subscribe(subscribe("services/other")).await;
    assert_eq!(assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound).resource(), "services/other");
    let refused = client.verify_journal(verify("services/other")).await;
    assert_eq!(assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound).resource(), "services/other");
    let refused = client.subscribe(SubscribeRequest { after_position: -1, ..subscribe(&bench.name()) }).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["after_position"]);
    let anchors = vec![Anchor { position: 0, hash: Vec::new() }];
    let refused = client.verify_journal(VerifyJournalRequest { anchors, ..verify(&bench.name()) }).await;
    let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["anchors[0].position", "anchors[0].hash"]);
}

/// Sends a message that the method's contract does not have.
async fn send<M: prost::Message + Default + 'static>(
    bench: &Bench,
    message: M,
) -> Result<Response<pb::ListDutiesResponse>, Status> {
    let mut grpc = tonic::client::Grpc::new(bench.as_service());
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/kefu.compliance.v1.ComplianceService/ListDuties");
    grpc.unary(Request::new(message), path, tonic_prost::ProstCodec::default()).await
}

#[tokio::test]
async fn a_message_that_cannot_be_read_or_is_too_large_is_the_callers_fault() {
    let bench = Bench::of(&BARE).await;
    // The message has a number in the field of the parent.
    let refused = send(&bench, Anchor { position: 5, hash: Vec::new() }).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), [""]);
    let refused = send(&bench, pb::ListDutiesRequest { parent: "x".repeat(5 << 20), ..Default::default() }).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), [""]);
    let refused = send(&bench, pb::ListDutiesRequest { parent: "x".repeat(3 << 20), ..Default::default() }).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["parent"]);
}

#[tokio::test]
async fn a_refusal_speaks_the_language_that_its_caller_reads() {
    let bench = Bench::of(&BARE).await;
    let token = sign("staff/root", &["ADMIN"]);
    for (languages, locale) in [("zh-CN,en;q=0.5", "zh-CN"), ("en-GB", "en"), ("fr, zh", "zh-CN"), ("fr", "en")] {
        let mut client = compliance(Bearer::new(&token).reading(languages).on(bench.channel()));
        // The handler refuses the first call, the gate the second.
        let refused =
            client.list_duties(pb::ListDutiesRequest { parent: "services/other".into(), ..Default::default() }).await;
        let refusal = assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
        assert_eq!(refusal.told().0, locale, "{languages}");
        let mut stranger = compliance(Bearer::new("x").reading(languages).on(bench.channel()));
        let refused = stranger.list_duties(pb::ListDutiesRequest::default()).await;
        let refusal = assert_refused(refused, Code::Unauthenticated, ErrorReason::TokenInvalid);
        assert_eq!((refusal.told().0, refusal.told().1.is_ascii()), (locale, locale == "en"), "{languages}");
    }
}

#[tokio::test]
async fn calls_beyond_the_limit_are_told_to_come_back_and_the_service_still_says_that_it_lives() {
    let bench = Bench::builder(&BARE).limits(Limits { concurrency: 1, ..Limits::default() }).start().await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    // The first call waits for the duty's row, which the test has locked.
    let mut holder = bench.admin().begin().await.unwrap();
    sqlx::query("select from duty for update").execute(&mut *holder).await.unwrap();
    let mut first = compliance(bench.as_("staff/root", &["ADMIN"]));
    let mut second = first.clone();
    let pause = pb::PauseDutyRequest { name: name.clone(), reason: "parts".into(), ..pb::PauseDutyRequest::default() };
    let held = async { first.pause_duty(pause).await };
    let beyond = async {
        let list = pb::ListDutiesRequest { parent: bench.name(), ..pb::ListDutiesRequest::default() };
        let refused = eventually("the limit is reached", || {
            let (mut client, list) = (second.clone(), list.clone());
            async move { client.list_duties(list).await.err() }
        });
        let refusal = assert_refused(Err::<(), _>(refused.await), Code::ResourceExhausted, ErrorReason::Overloaded);
        assert!(refusal.details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()));
        HealthClient::new(bench.channel()).check(HealthCheckRequest::default()).await.unwrap();
        holder.rollback().await.unwrap();
        list
    };
    let (held, list) = tokio::join!(held, beyond);
    assert_eq!(held.unwrap().into_inner().state(), pb::duty::State::Paused);
    second.list_duties(list).await.unwrap();
    assert_eq!(get(&bench, &name).await.etag, "\"2\"");
}
