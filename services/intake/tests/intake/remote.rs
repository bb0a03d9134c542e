//! Remote service under the customer's authorisation (A10.4, A10.5), and expectations that could not be met (A10.7).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::{Code, Status};

use super::desk::{Desk, proto};

async fn working(desk: &mut Desk) -> String {
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    name
}

fn allowed(parent: &str, until: &str) -> pb::AuthorizeRemoteRequest {
    pb::AuthorizeRemoteRequest {
        parent: parent.into(),
        authorized_by: "王小明".into(),
        given_by: Channel::Hotline.into(),
        scope: "查看打印机设置".into(),
        expire_time: proto(until),
        ..Default::default()
    }
}

async fn start(desk: &mut Desk, name: &str) -> Result<pb::Request, Status> {
    let call =
        pb::StartRemoteRequest { name: name.into(), reason: "电话中无法解决".into(), ..Default::default() };
    Ok(desk.requests.start_remote(call).await?.into_inner())
}

#[tokio::test]
async fn nobody_works_from_afar_without_an_authorisation_that_holds() {
    let mut desk = Desk::open().await;
    let name = working(&mut desk).await;
    let refused = assert_refused(start(&mut desk, &name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refused.clauses(), refused.resource()), (vec!["A10.5"], name.as_str()));
    desk.requests.authorize_remote(allowed(&name, "2026-11-20T10:30:00+08:00")).await.unwrap();
    desk.pass(30);
    let expired = assert_refused(start(&mut desk, &name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(expired.clauses(), ["A10.5"], "it held until then, and no longer");
    // This time the customer gives the authorisation.
    let mut customer = RequestServiceClient::new(desk.bench.as_(&desk.customer, &["CUSTOMER"]));
    let given = customer.authorize_remote(allowed(&name, "2026-11-20T12:00:00+08:00")).await.unwrap().into_inner();
    assert_eq!(given.author, desk.customer);
    let started = start(&mut desk, &name).await.unwrap();
    assert_eq!((started.service_level(), started.state()), (pb::ServiceLevel::Remote, State::InProgress));
    desk.pass(120);
    let again = assert_refused(start(&mut desk, &name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(again.clauses(), ["A10.5"], "each time anew");
    assert!(!desk.resolve(&name).await.unwrap().first_contact_resolution, "it took more than the first contact");
    let call = pb::ListRemoteAuthorizationsRequest { parent: name, ..Default::default() };
    let listed = customer.list_remote_authorizations(call).await.unwrap().into_inner().remote_authorizations;
    assert_eq!((listed.len(), listed[0].name.as_str()), (2, given.name.as_str()), "newest first");
}

#[tokio::test]
async fn an_authorisation_ends_after_it_is_given_and_within_a_month() {
    let mut desk = Desk::open().await;
    let name = working(&mut desk).await;
    for until in ["2026-11-20T10:00:00+08:00", "2026-12-21T10:00:00.000001+08:00"] {
        let refused = desk.requests.authorize_remote(allowed(&name, until)).await;
        let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["expire_time"], "{until}");
    }
    desk.requests.authorize_remote(allowed(&name, "2026-12-21T10:00:00+08:00")).await.unwrap();
}

#[tokio::test]
async fn a_request_does_not_close_while_an_unmet_expectation_has_no_answer() {
    let mut desk = Desk::open().await;
    let name = working(&mut desk).await;
    let unmet = pb::RecordUnmetExpectationRequest {
        parent: name.clone(),
        expectation: "当天上门".into(),
        ..Default::default()
    };
    let unmet = desk.requests.record_unmet_expectation(unmet).await.unwrap().into_inner();
    assert_eq!((unmet.answer.as_str(), unmet.answer_time), ("", None));
    desk.resolve(&name).await.unwrap();
    let refused = desk.confirm(&name, pb::contact_attempt::Outcome::Satisfied).await;
    let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A10.7"], name.as_str()));
    let answer = pb::AnswerUnmetExpectationRequest {
        name: unmet.name.clone(),
        analysis: "当日人手不足".into(),
        improvement: "增设夜班".into(),
        answer: "已致歉，明早上门".into(),
        told_by: Channel::Hotline.into(),
        ..Default::default()
    };
    let answered = desk.requests.answer_unmet_expectation(answer.clone()).await.unwrap().into_inner();
    assert_eq!((answered.improvement.as_str(), answered.told_by()), ("增设夜班", Channel::Hotline));
    let twice = desk.requests.answer_unmet_expectation(answer).await;
    let refusal = assert_refused(twice, Code::FailedPrecondition, ErrorReason::StateForbids);
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A10.7"], unmet.name.as_str()));
    let closed = desk.confirm(&name, pb::contact_attempt::Outcome::Satisfied).await.unwrap();
    assert_eq!((closed.state(), closed.open_expectations), (State::Closed, 0));
}
