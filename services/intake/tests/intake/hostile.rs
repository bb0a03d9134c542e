//! The hostile matrix of requests: every state × every method × every kind of caller, with Explain before each call.

use std::collections::BTreeMap;

use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_testkit::any::World as _;
use kefu_testkit::any::hostile::{Caller, Scene, Stage, assert_hostile};
use kefu_testkit::lifecycle::states_of_methods;
use kefu_testkit::sign;
use prost::Message as _;
use serde_json::{Value as Json, json};

use super::any::{STATES, World, shown};

/// Gives each of the staff the roles of their post; the test staff has every role otherwise.
pub const POSTS: &str = "
    update directory_staff set roles = '{1}' where name in ('staff/lin', 'staff/mei', 'staff/zhao', 'staff/new');
    update directory_staff set roles = '{2}' where name = 'staff/wu';
    update directory_staff set roles = '{9}' where name = 'staff/x';
    update directory_staff set roles = '{5}' where name = 'staff/boss';
    update directory_staff set roles = '{4,6}' where name in ('staff/head', 'staff/fieldhead', 'staff/chief');
    update directory_staff set roles = '{7}' where name = 'staff/ceo';
    update directory_staff set roles = '{8}' where name in ('staff/office', 'staff/ruler');
    update directory_staff set roles = '{10}'
        where name in ('staff/admin', 'staff/root', 'staff/operator', 'staff/writer')";

pub const EVERY: [&str; 10] = [
    "AGENT",
    "TECHNICIAN",
    "INVESTIGATOR",
    "APPROVER",
    "SUPERVISOR",
    "MANAGER",
    "EXECUTIVE",
    "OFFICE",
    "TRAINER",
    "ADMIN",
];

/// Every kind of caller: the owner, colleagues, leaders, whoever it was handed to, outsiders, those who lead the
/// organisation, an operator, customers and services.
fn callers(world: &World) -> Vec<Caller> {
    let staff = [
        ("owner", "staff/lin"),
        ("colleague", "staff/mei"),
        ("technician", "staff/wu"),
        ("trainer of the department", "staff/x"),
        ("supervisor", "staff/boss"),
        ("head", "staff/head"),
        ("recipient", "staff/chief"),
        ("agent of the receiving department", "staff/zhao"),
        ("head of another department", "staff/fieldhead"),
        ("executive", "staff/ceo"),
        ("office", "staff/office"),
        ("operator", "staff/admin"),
    ];
    let mut callers: Vec<Caller> = staff.map(|(who, name)| (who, sign(name, &EVERY))).into();
    callers.push(("customer", sign(&world.customer, &["CUSTOMER"])));
    callers.push(("other customer", sign(&world.other_customer, &["CUSTOMER"])));
    callers.push(("service", sign("services/web", &["SERVICE"])));
    callers
}

/// A valid request of every method of the lifecycle that has something to act on in the request as it is.
async fn requests(world: &World, name: &str, methods: &[String]) -> BTreeMap<&'static str, Json> {
    let reply = world.call(&world.agent, "GetRequest", json!({ "name": name })).await.unwrap();
    let transfer = shown(&reply).pending_transfer;
    let unmet = world.call(&world.agent, "ListUnmetExpectations", json!({ "parent": name })).await.unwrap();
    let unmet = pb::ListUnmetExpectationsResponse::decode(unmet.as_slice()).unwrap().unmet_expectations;
    let mut requests = BTreeMap::new();
    for method in methods {
        let mut request = world.json(method);
        let field = if request.get("name").is_some() { "name" } else { "parent" };
        request[field] = match method.as_str() {
            "AcceptTransfer" | "DeclineTransfer" if transfer.is_empty() => continue,
            "AcceptTransfer" | "DeclineTransfer" => json!(transfer),
            "AnswerUnmetExpectation" => match unmet.first() {
                Some(unmet) => json!(unmet.name),
                None => continue,
            },
            _ => json!(name),
        };
        requests.insert(&*method.clone().leak(), request);
    }
    requests
}

#[tokio::test]
async fn explain_and_outcome_agree_for_every_state_method_and_caller_of_a_request() {
    let world = World::new().await;
    let methods: Vec<String> = states_of_methods(&world.explained().await).into_keys().collect();
    let mut scenes = Vec::new();
    for state in STATES {
        let name = world.request_in(state).await;
        let requests = requests(&world, &name, &methods).await;
        scenes.push(Scene { label: state.as_str_name(), name, requests });
    }
    for (label, state) in [("unmet in progress", State::InProgress), ("unmet and resolved", State::Resolved)] {
        let name = world.request_in(state).await;
        let unmet = json!({ "parent": name, "expectation": "当天上门" });
        world.call(&world.agent, "RecordUnmetExpectation", unmet).await.unwrap();
        let requests = requests(&world, &name, &methods).await;
        assert!(requests.contains_key("AnswerUnmetExpectation"));
        scenes.push(Scene { label, name, requests });
    }
    assert!(scenes.iter().any(|scene| scene.label == State::TransferPending.as_str_name()));
    world.bench.change_directory(POSTS).await;
    let callers = callers(&world);
    // These change another request, or another service, as well.
    let beyond = &["LinkRequests", "ConvertToComplaint", "ReassignRequests"];
    let unseen = &[("recipient", "AcceptTransfer"), ("recipient", "DeclineTransfer")];
    let stage = Stage { world: &world, explain: "ExplainRequest", table: "request", scenes, callers, beyond, unseen };
    let tally = assert_hostile(&stage).await;
    assert!(tally.done > 200 && tally.refused > 500 && tally.shut_out > 200, "{tally:?}");
    assert!(tally.fields < 100, "requests of the scenes are hardly ever wrong in themselves: {tally:?}");
}
