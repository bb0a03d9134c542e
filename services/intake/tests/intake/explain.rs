//! `ExplainRequest`: the actions possible next and the gates that are closed, in the caller's language.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kefu_proto::compliance::v1::Explanation;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::{ErrorReason, Refusal};
use kefu_testkit::any::World as _;
use kefu_testkit::{Bearer, Caller, assert_refused, sign};
use prost::Message as _;
use serde_json::json;
use tonic::Code;

use super::any::{STATES, World};
use super::desk::{DESK, Desk};

async fn explain(client: &RequestServiceClient<Caller>, name: &str) -> pb::ExplainRequestResponse {
    let call = pb::ExplainRequestRequest { name: name.into() };
    client.clone().explain_request(call).await.unwrap().into_inner()
}

/// The explanations of a method.
fn of<'a>(response: &'a pb::ExplainRequestResponse, method: &str) -> Vec<&'a Explanation> {
    let of: Vec<_> = response.explanations.iter().filter(|each| each.method == method).collect();
    assert!(!of.is_empty(), "{method} is not explained");
    of
}

/// Reason and clause of each refusal.
fn blocked(explanation: &Explanation) -> Vec<(ErrorReason, &str)> {
    explanation.refusals.iter().map(|refusal| (refusal.reason(), refusal.clause.as_str())).collect()
}

#[tokio::test]
async fn what_is_explained_as_allowed_is_accepted_and_nothing_else_is() {
    let world = World::new().await;
    let (mut accepted, mut refused) = (0, 0);
    for state in STATES {
        let call = json!({ "name": world.in_state[state.as_str_name()] });
        let reply = world.call(&world.agent, "ExplainRequest", call).await.unwrap();
        let explained = pb::ExplainRequestResponse::decode(reply.as_slice()).unwrap();
        assert_eq!(explained.state(), state);
        let mut methods: BTreeMap<&str, Vec<&Explanation>> = BTreeMap::new();
        for each in &explained.explanations {
            assert_eq!(each.allowed, each.refusals.is_empty());
            assert_eq!(
                each.from_states.iter().any(|from| from == state.as_str_name()),
                blocked(each).iter().all(|(reason, _)| *reason != ErrorReason::StateForbids)
            );
            methods.entry(&each.method).or_default().push(each);
        }
        // Methods that act on a transfer or an expectation of the request have tests of their own.
        let of_parts = ["AcceptTransfer", "DeclineTransfer", "AnswerUnmetExpectation"];
        for (method, explanations) in methods.into_iter().filter(|(method, _)| !of_parts.contains(method)) {
            let mut call = world.json(method);
            let field = if call.get("parent").is_some() { "parent" } else { "name" };
            call[field] = json!(world.request_in(state).await);
            let outcome = world.call(&world.agent, method, call).await;
            if explanations.iter().any(|each| each.allowed) {
                assert!(outcome.is_ok(), "{method} in {state:?}: {outcome:?}");
                accepted += 1;
            } else if explanations[0].refusals[0].reason() == ErrorReason::RoleMissing {
                assert_refused(outcome, Code::PermissionDenied, ErrorReason::RoleMissing);
                refused += 1;
            } else {
                let refusal = assert_refused(outcome, Code::FailedPrecondition, explanations[0].refusals[0].reason());
                assert_eq!(refusal.clauses(), [explanations[0].refusals[0].clause.as_str()], "{method} in {state:?}");
                assert_eq!(refusal.told().1, explanations[0].refusals[0].message);
                refused += 1;
            }
        }
    }
    assert!(accepted > STATES.len() && refused > STATES.len(), "{accepted} accepted, {refused} refused");
}

#[tokio::test]
async fn a_closed_gate_is_told_with_its_clause_until_it_opens() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    let explained = explain(&desk.requests, &name).await;
    let resolve = of(&explained, "ResolveRequest")[0];
    assert_eq!(blocked(resolve), [(ErrorReason::GateClosed, "C2.4")]);
    assert!(!resolve.allowed);
    assert_eq!(
        (resolve.to_state.as_str(), resolve.from_states.as_slice()),
        ("RESOLVED", ["IN_PROGRESS".to_owned()].as_slice())
    );
    let effects: Vec<_> = resolve.duty_effects.iter().map(|effect| (effect.kind.as_str(), effect.change())).collect();
    assert_eq!(
        effects,
        [
            ("progress", Kind::Met),
            ("delay_notice", Kind::Met),
            ("question", Kind::Opened),
            ("pass_on", Kind::Met),
            ("work_order", Kind::Opened)
        ]
    );
    let refusal = assert_refused(desk.resolve(&name).await, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.told(), ("en", resolve.refusals[0].message.as_str()));

    desk.classify(&name).await.unwrap();
    assert!(of(&explain(&desk.requests, &name).await, "ResolveRequest")[0].allowed);
    desk.resolve(&name).await.unwrap();
}

#[tokio::test]
async fn giving_up_is_refused_until_enough_attempts_on_enough_days_are_recorded_and_reopening_once_it_is_too_late() {
    let mut desk = Desk::open().await;
    let name = desk.resolved().await.name;
    let give_up = async |desk: &Desk| {
        let explained = explain(&desk.requests, &name).await;
        let asked = of(&explained, "ConfirmResolution");
        assert_eq!(asked.len(), 4, "satisfied, dissatisfied, not reached, given up");
        let closes: Vec<_> = asked.into_iter().filter(|each| each.to_state == "CLOSED").collect();
        assert!(closes[0].allowed, "the customer may be satisfied at any time");
        closes[1].refusals.len()
    };
    assert_eq!(give_up(&desk).await, 2, "too few attempts, on too few days");
    for _ in 0..3 {
        desk.confirm(&name, Outcome::NotReached).await.unwrap();
    }
    assert_eq!(give_up(&desk).await, 1, "all on one day");
    // From Friday to Monday, then to Tuesday.
    for days in [3, 1] {
        desk.pass(days * 24 * 60);
        desk.confirm(&name, Outcome::NotReached).await.unwrap();
    }
    assert_eq!(give_up(&desk).await, 0);
    desk.confirm(&name, Outcome::GivenUp).await.unwrap();

    assert!(of(&explain(&desk.requests, &name).await, "ReopenRequest")[0].allowed);
    desk.bench.time().advance(SignedDuration::from_hours(24 * 400));
    let late = explain(&desk.requests, &name).await;
    assert_eq!(blocked(of(&late, "ReopenRequest")[0]), [(ErrorReason::GateClosed, "C4.3")]);
}

#[tokio::test]
async fn a_method_is_explained_as_what_it_would_mean_now_and_what_depends_on_the_call_is_told_apart() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    let promise = async |desk: &Desk| {
        let explained = explain(&desk.requests, &name).await;
        let [promise] = of(&explained, "PromiseWait")[..] else { panic!("one meaning at a time") };
        assert!(promise.allowed);
        let possible: Vec<_> =
            promise.possible_refusals.iter().map(|each| (each.reason(), each.clause.clone())).collect();
        assert_eq!(possible, [(ErrorReason::GateClosed, "C2.2".to_owned())]);
        promise.duty_effects.iter().map(|effect| (effect.kind.clone(), effect.change())).collect::<Vec<_>>()
    };
    let first = [("first_response".to_owned(), Kind::Replaced), ("promised_wait".to_owned(), Kind::Opened)];
    assert_eq!(promise(&desk).await, first);
    let promised_time = super::desk::proto("2026-11-20T10:20:00+08:00");
    let call =
        pb::PromiseWaitRequest { name: name.clone(), reason: "查询中".into(), promised_time, ..Default::default() };
    desk.requests.promise_wait(call).await.unwrap();
    assert_eq!(promise(&desk).await, [("second_promise".to_owned(), Kind::Deviated)]);
}

#[tokio::test]
async fn whoever_may_only_look_is_told_that_and_sees_what_others_could_do() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    let reasons = async |subject: &str, role: &str, department: &str, method: &str| {
        if subject.starts_with("staff/") {
            desk.bench.enrol(subject, department).await;
        }
        let client = RequestServiceClient::new(desk.bench.as_(subject, &[role]));
        let explained = explain(&client, &name).await;
        let reasons: Vec<_> = of(&explained, method)[0].refusals.iter().map(Refusal::reason).collect();
        reasons
    };
    let other = "departments/other";
    assert_eq!(reasons("staff/lin", "AGENT", DESK, "RespondRequest").await, []);
    assert_eq!(reasons("staff/boss", "SUPERVISOR", DESK, "RespondRequest").await, []);
    assert_eq!(reasons("staff/mei", "AGENT", DESK, "RespondRequest").await, [ErrorReason::ResourceNotFound]);
    assert_eq!(reasons("staff/mei", "AGENT", DESK, "RecordProgress").await, []);
    // What ends the matter is for its owner and those who lead.
    assert_eq!(reasons("staff/mei", "AGENT", DESK, "CancelRequest").await, [ErrorReason::ResourceNotFound]);
    assert_eq!(reasons("staff/zhao", "AGENT", other, "CancelRequest").await, [ErrorReason::ResourceNotFound]);
    assert_eq!(reasons("staff/boss", "SUPERVISOR", other, "RespondRequest").await, [ErrorReason::ResourceNotFound]);
    // Whoever took a request over answers it, whatever their role.
    assert_eq!(reasons("staff/ceo", "EXECUTIVE", "", "RespondRequest").await, []);
    assert_eq!(reasons("staff/ceo", "EXECUTIVE", "", "ResolveRequest").await, [ErrorReason::StateForbids]);
    assert_eq!(reasons("staff/ceo", "EXECUTIVE", "", "ConvertToComplaint").await, [ErrorReason::RoleMissing]);
    assert_eq!(reasons("staff/admin", "ADMIN", "", "RespondRequest").await, []);

    let customer = sign(&desk.customer, &["CUSTOMER"]);
    let mut theirs = RequestServiceClient::new(Bearer::new(&customer).on(desk.bench.channel()));
    let refused = theirs.explain_request(pb::ExplainRequestRequest { name: name.clone() }).await;
    assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn how_the_customer_wishes_to_be_served_is_told_with_what_can_be_done() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    assert_eq!(explain(&desk.requests, &name).await.preferences, None);
    let preferences = pb::Preferences {
        channel: pb::preferences::Channel::Phone.into(),
        hours: "工作日下午".into(),
        language: pb::preferences::Language::ZhCn.into(),
    };
    let customer =
        pb::Customer { name: desk.customer.clone(), preferences: Some(preferences.clone()), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["preferences".into()] });
    let call = pb::UpdateCustomerRequest { customer: Some(customer), update_mask, ..Default::default() };
    CustomerServiceClient::clone(&desk.customers).update_customer(call).await.unwrap();
    assert_eq!(explain(&desk.requests, &name).await.preferences, Some(preferences));
}

#[tokio::test]
async fn refusals_name_clause_title_and_what_is_missing_in_the_language_of_the_reader() {
    let mut desk = Desk::open().await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    let token = sign("staff/lin", &["AGENT"]);
    let mut chinese = RequestServiceClient::new(Bearer::new(&token).reading("zh-CN").on(desk.bench.channel()));
    let resolve = pb::ResolveRequestRequest {
        name: name.clone(),
        resolution: "重启".into(),
        assistance: "无需".into(),
        ..Default::default()
    };
    let refused = chinese.resolve_request(resolve).await;
    let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
    let gate = "按规定须先满足另一项要求。C2.4（初步判断）：尚未作出初步判断。";
    assert_eq!(refusal.told(), ("zh-CN", gate));
    assert_eq!(refusal.status.message(), "C2.4: the request is not classified", "for the caller's programmers");
    let explained = explain(&chinese, &name).await;
    assert_eq!(of(&explained, "ResolveRequest")[0].refusals[0].message, gate);
    assert_eq!(of(&explained, "ResolveRequest")[0].summary, "我方认为已解决");
    for text in explained.explanations.iter().flat_map(|each| {
        let refusals = each.refusals.iter().chain(&each.possible_refusals).map(|refusal| &refusal.message);
        refusals.chain([&each.summary])
    }) {
        assert!(text.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign)), "{text}");
    }

    let call =
        pb::RespondRequestRequest { name: name.clone(), text: "已联系工程师".into(), ..Default::default() };
    let refusal =
        assert_refused(chinese.respond_request(call).await, Code::FailedPrecondition, ErrorReason::StateForbids);
    assert_eq!(
        refusal.told().1,
        "当前状态下不能进行此操作。C2.1（及时应答）：状态为「处理中」时不能「登记首次应答」。"
    );
    let refusal = assert_refused(desk.respond(&name).await, Code::FailedPrecondition, ErrorReason::StateForbids);
    assert_eq!(
        refusal.told().1,
        "This is not possible in the present state. C2.1 (First answer in time): “Record the first response” is not \
         possible while it is “In progress”."
    );
}
