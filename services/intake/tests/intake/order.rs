//! Calls out of order, at wrong times, and against rules of the domain: each is refused with its clause or field, and
//! changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use kefu_proto::rules::v1::{ErrorReason, FieldRule, Role};
use kefu_testkit::any::{World as _, has, path};
use kefu_testkit::{assert_refused, sign};
use serde_json::{Value as Json, json};
use tonic::Code;

use super::any::World;

const PENDING: &str = "TRANSFER_PENDING";
const ALL: [&str; 7] = ["REGISTERED", "IN_PROGRESS", "AWAITING_CUSTOMER", "RESOLVED", "CLOSED", "CANCELLED", PENDING];
/// Methods that act on a transfer or an expectation, or are only for leaders: `ownership` and `remote` test them.
const APART: [&str; 4] = ["AcceptTransfer", "DeclineTransfer", "AnswerUnmetExpectation", "AssignRequest"];

/// An action on a request, by the lifecycle's table.
struct Act {
    method: String,
    /// What makes a valid request of the method one for this action.
    change: Json,
    clause: String,
    /// The states in which the action is possible.
    states: BTreeSet<String>,
}

/// Returns every action on a request but those of `APART`.
async fn acts(world: &World) -> Vec<Act> {
    let mut tables: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for each in world.explained().await.into_iter().filter(|each| !APART.contains(&each.method.as_str())) {
        tables.entry((each.method, each.clause)).or_default().extend(each.from_states);
    }
    let asked = |outcome: &str| json!({ "outcome": outcome, "comment": "仍然很慢" });
    let mut acts = Vec::new();
    for ((method, clause), states) in tables {
        let changes = match (method.as_str(), clause.as_str()) {
            ("RecordProgress", "C4.1") => vec![json!({ "told_by": "CHAT" })],
            ("ConfirmResolution", "C4.2") => ["SATISFIED", "NOT_REACHED", "GIVEN_UP"].map(asked).to_vec(),
            ("ConfirmResolution", "C4.3") => vec![asked("DISSATISFIED")],
            _ => vec![json!({})],
        };
        let act = |change| Act { method: method.clone(), change, clause: clause.clone(), states: states.clone() };
        acts.extend(changes.into_iter().map(act));
    }
    acts
}

/// A valid request of a method with some fields changed.
fn changed(world: &World, method: &str, change: &Json) -> Json {
    let mut request = world.json(method);
    for (field, value) in change.as_object().unwrap() {
        request[field] = value.clone();
    }
    request
}

#[tokio::test]
async fn every_action_out_of_order_is_refused_with_its_clause_and_changes_nothing() {
    let world = World::new().await;
    let before = world.digest().await;
    let acts = acts(&world).await;
    let mut refused = 0;
    for Act { method, change, clause, states } in &acts {
        for state in ALL.into_iter().filter(|state| !states.contains(*state)) {
            let mut call = changed(&world, method, change);
            let field = if call.get("parent").is_some() { "parent" } else { "name" };
            let name = &world.in_state[state];
            call[field] = json!(name);
            let outcome = world.call(&world.agent, method, call).await;
            let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::StateForbids);
            assert_eq!(
                (refusal.clauses(), refusal.resource()),
                (vec![clause.as_str()], name.as_str()),
                "{method} {state}"
            );
            refused += 1;
        }
        assert_eq!(world.digest().await, before, "{method}");
    }
    let methods = acts.iter().map(|act| act.method.as_str()).chain(APART);
    let methods: BTreeSet<_> = methods.map(str::to_owned).collect();
    let etagged = world
        .methods()
        .into_iter()
        .filter(|method| method.parent_service().name() == "RequestService" && has(&world.sample(method), "etag"));
    assert_eq!(methods, etagged.map(|method| method.name().to_owned()).collect(), "an action that the table lacks");
    assert!(refused > acts.len() && acts.len() > APART.len(), "{refused} of {} actions", acts.len());
}

#[tokio::test]
async fn a_duty_is_not_paused_twice_nor_resumed_while_it_runs_nor_touched_when_it_is_over() {
    let world = World::new().await;
    let running = world.json("PauseDuty")["name"].clone();
    let paused = world.json("ResumeDuty")["name"].clone();
    let over = world.duty_of(&world.in_state["CLOSED"]).await;
    let before = world.digest().await;
    let cases = [
        ("PauseDuty", &paused),
        ("ResumeDuty", &running),
        ("PauseDuty", &json!(over)),
        ("ResumeDuty", &json!(over)),
        ("WaiveDuty", &json!(over)),
    ];
    for (method, name) in cases {
        let outcome = world.call(&world.admin, method, changed(&world, method, &json!({ "name": name }))).await;
        let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::StateForbids);
        assert_eq!((refusal.clauses(), refusal.resource()), (vec!["C2.1"], name.as_str().unwrap()), "{method}");
    }
    assert_eq!(world.digest().await, before);
}

#[tokio::test]
async fn what_happened_is_recorded_neither_ahead_nor_too_late_nor_before_the_customer_came() {
    let world = World::new().await;
    let leader = sign("staff/boss", &["SUPERVISOR"]);
    let recipient = sign(world.holder("AcceptTransfer").0, &["AGENT"]);
    let us = SignedDuration::from_micros(1);
    // A client's clock may be ahead by so much.
    let skew = SignedDuration::from_mins(1);
    let (day, month) = (24.hours(), (30 * 24).hours());
    let now = world.bench.now();
    let before = world.digest().await;
    let methods: Vec<_> =
        world.methods().into_iter().filter(|method| has(&world.sample(method), "occurred_time")).collect();
    for method in &methods {
        let rule = world.bench.chassis().rules.at(&path(method)).unwrap();
        // Staff who are not leaders may record only a day late, leaders a month; a leader calls what is for leaders
        // only.
        let agent = match method.name() {
            "AcceptTransfer" | "DeclineTransfer" => &recipient,
            _ if rule.roles.contains(&Role::Agent) => &world.agent,
            _ => &leader,
        };
        let cases =
            [(agent, now + skew + us, ""), (agent, now - day - us, "A9.1"), (&leader, now - month - us, "A9.1")];
        // A registration sets the time of the contact; every other event must not be before it.
        let early = (method.name() != "RegisterRequest").then_some((agent, now - us, ""));
        let only_leaders = *agent == leader;
        let cases = cases.into_iter().filter(|(_, at, _)| !(only_leaders && *at == now - day - us));
        for (caller, at, clause) in cases.chain(early) {
            let call = changed(&world, method.name(), &json!({ "occurred_time": at.to_string() }));
            let outcome = world.call(caller, method.name(), call).await;
            let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
            assert_eq!(refusal.fields(), ["occurred_time"], "{} {at}", method.name());
            let reason = &refusal.details.bad_request().unwrap().field_violations[0].description;
            assert!(reason.starts_with(clause) && (reason.contains("A9.1") != clause.is_empty()), "{reason}");
        }
    }
    assert_eq!(world.digest().await, before);
    assert_eq!(methods.len(), 22);
    for (caller, at) in [(&world.agent, now - day), (&leader, now - month), (&world.agent, now)] {
        let call = changed(&world, "RegisterRequest", &json!({ "occurred_time": at.to_string() }));
        world.call(caller, "RegisterRequest", call).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_confirmed_before_it_was_resolved_nor_reopened_before_it_was_closed() {
    let world = World::new().await;
    let asked = world.bench.now() - SignedDuration::from_micros(1);
    let came = json!({ "occurred_time": (asked - 1.hour()).to_string() });
    let call = changed(&world, "RegisterRequest", &came);
    let name = super::any::shown(&world.call(&world.agent, "RegisterRequest", call).await.unwrap()).name;
    for step in ["RespondRequest", "ClassifyRequest", "ResolveRequest", "ConfirmResolution", "ReopenRequest"] {
        let late = changed(&world, step, &json!({ "name": name, "occurred_time": asked.to_string() }));
        if step == "ConfirmResolution" || step == "ReopenRequest" {
            let outcome = world.call(&world.agent, step, late).await;
            let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
            assert_eq!(refusal.fields(), ["occurred_time"], "{step}");
        }
        world.call(&world.agent, step, changed(&world, step, &json!({ "name": name }))).await.unwrap();
    }
}

/// Requests that break a rule of the domain: the method, the change, and the field that the refusal names.
fn broken_fields(world: &World) -> Vec<(&'static str, Json, &'static str)> {
    let request = "RegisterRequest";
    let find = |phone: &str, email: &str, name: &str| json!({ "phone": phone, "email": email, "display_name": name });
    let masked = |path: &str| json!({ "update_mask": path });
    let contact = |contact: Json| json!({ "customer": { "display_name": "王", "contacts": [contact] } });
    let (now, us) = (world.bench.now(), SignedDuration::from_micros(1));
    let answered = |time: Timestamp| json!({ "occurred_time": now.to_string(), "answered_time": time.to_string(), "answer": "已联系工程师" });
    let at = |time: Timestamp| json!({ "promised_time": time.to_string() });
    vec![
        (request, json!({ "contact": {} }), "contact"),
        (request, json!({ "contact": { "person": "王小明", "phone": " " } }), "contact"),
        (request, json!({ "contact": { "phone": "nobody" } }), "contact.phone"),
        (request, json!({ "contact": { "phone": "12" } }), "contact.phone"),
        (request, json!({ "kind": "SHIPMENT" }), "order_number"),
        (request, json!({ "kind": "SHIPMENT", "order_number": " " }), "order_number"),
        (request, json!({ "carrier_state": "DELAYED" }), "carrier_state"),
        (request, json!({ "business_domain": "printing" }), "problem_type"),
        (request, json!({ "problem_type": "offline" }), "business_domain"),
        (request, json!({ "answered_time": now.to_string() }), "answer"),
        (request, json!({ "answer": "已联系工程师" }), "answer"),
        (request, answered(now - us), "answered_time"),
        (request, answered(now + SignedDuration::from_mins(1) + us), "answered_time"),
        (request, json!({ "first_responder": "staff/zhao" }), "first_responder"),
        (request, json!({ "department": "departments/other" }), "department"),
        ("RecordProgress", json!({ "carrier_state": "DELAYED" }), "carrier_state"),
        ("PromiseWait", at(now), "promised_time"),
        ("PromiseWait", at(now - us), "promised_time"),
        ("ConfirmResolution", json!({ "outcome": "DISSATISFIED" }), "comment"),
        ("ConfirmResolution", json!({ "outcome": "DISSATISFIED", "comment": " " }), "comment"),
        ("FindCustomers", find("", "", ""), "phone"),
        ("FindCustomers", find("13800138000", "", "王小明"), "phone display_name"),
        ("FindCustomers", find("", "wang@example.com", "王小明"), "email display_name"),
        ("FindCustomers", find("nobody", "", ""), "phone"),
        ("FindCustomers", find("", "", "王"), "display_name"),
        ("FindCustomers", find("", "", " 王 "), "display_name"),
        ("UpdateCustomer", masked("displayNam"), "update_mask"),
        ("UpdateCustomer", masked("needs,etag"), "update_mask"),
        ("UpdateCustomer", masked("contacts.phone"), "update_mask"),
        ("UpdateProject", masked("createTime"), "update_mask"),
        ("UpdateCustomer", json!({ "customer": { "display_name": "王" } }), "customer.name"),
        ("UpdateProject", json!({ "project": { "name": " " }, "update_mask": "product" }), "project.name"),
        ("CreateCustomer", contact(json!({ "phone": "12" })), "customer.contacts[0].phone"),
        ("CreateCustomer", contact(json!({ "person": "王" })), "customer.contacts[0]"),
    ]
}

#[tokio::test]
async fn what_breaks_a_rule_of_the_domain_is_refused_with_its_field_and_changes_nothing() {
    let world = World::new().await;
    let customer = sign(&world.customer, &["CUSTOMER"]);
    let before = world.digest().await;
    let mut cases: Vec<_> = broken_fields(&world)
        .into_iter()
        .map(|(method, change, field)| (&world.agent, method, change, field))
        .collect();
    for outcome in ["NOT_REACHED", "GIVEN_UP"] {
        cases.push((&customer, "ConfirmResolution", json!({ "outcome": outcome }), "outcome"));
    }
    let service = sign("services/web", &["SERVICE"]);
    cases.push((&service, "RegisterRequest", json!({}), "first_responder"));
    cases.push((&service, "RegisterRequest", json!({ "first_responder": "staff/nobody" }), "first_responder"));
    let homeless = sign("staff/root", &["AGENT"]);
    cases.push((&homeless, "RegisterRequest", json!({}), "first_responder"));
    cases.push((&world.admin, "SummarizeCompliance", json!({ "group_by": ["DAY", "WEEK"] }), "group_by"));
    for (caller, method, change, field) in cases {
        let outcome = world.call(caller, method, changed(&world, method, &change)).await;
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields().join(" "), field, "{method} {change}");
    }
    assert_eq!(world.digest().await, before);
}

#[tokio::test]
async fn what_a_clause_forbids_is_refused_with_the_clause_and_changes_nothing() {
    let world = World::new().await;
    let unclassified = world.json("RespondRequest")["name"].clone();
    world.call(&world.agent, "RespondRequest", world.json("RespondRequest")).await.unwrap();
    let before = world.digest().await;
    for (method, change, clause) in [
        ("PromiseWait", json!({ "promised_time": "2026-11-27T18:00:00+08:00" }), "C2.2"),
        ("PromiseWait", json!({ "promised_time": "9999-12-30T00:00:00Z" }), "C2.2"),
        ("ResolveRequest", json!({ "name": unclassified }), "C2.4"),
        ("ConfirmResolution", json!({ "outcome": "GIVEN_UP" }), "C4.2"),
    ] {
        let call = changed(&world, method, &change);
        let name = call["name"].as_str().unwrap().to_owned();
        let outcome = world.call(&world.agent, method, call).await;
        let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
        assert_eq!((refusal.clauses(), refusal.resource()), (vec![clause], name.as_str()), "{method}");
    }
    assert_eq!(world.digest().await, before);
    let name = world.json("ReopenRequest")["name"].clone();
    world.bench.time().advance(SignedDuration::from_hours(30 * 24) + SignedDuration::from_micros(1));
    let outcome = world.call(&world.agent, "ReopenRequest", world.json("ReopenRequest")).await;
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["C4.3"], name.as_str().unwrap()));
}

#[tokio::test]
async fn a_request_is_registered_for_a_known_customer_and_a_project_of_theirs() {
    let world = World::new().await;
    let before = world.digest().await;
    let nothing = format!("{}/projects/01999999-0000-7000-8000-000000000000", world.customer);
    for project in [&world.other_project, &nothing] {
        let call = changed(&world, "RegisterRequest", &json!({ "project": project }));
        let outcome = world.call(&world.agent, "RegisterRequest", call).await;
        let refusal = assert_refused(outcome, Code::NotFound, ErrorReason::ResourceNotFound);
        let kind = refusal.details.resource_info().unwrap().resource_type.as_str();
        assert_eq!((kind, refusal.resource()), ("kefu/Project", project.as_str()));
    }
    assert_eq!(world.digest().await, before);
}

#[tokio::test]
async fn an_import_names_the_lines_it_rejects_in_the_order_they_came() {
    let world = World::new().await;
    let good = world.json("ImportRequests")["rows"][0].clone();
    let row = |line: i64, change: Json| {
        let mut row = good.clone();
        row["line"] = json!(line);
        for (field, value) in change.as_object().unwrap() {
            row[field] = value.clone();
        }
        row
    };
    let rows = json!([
        row(2, json!({ "customer": "customers/01999999-0000-7000-8000-000000000000" })),
        row(3, json!({ "closed_time": "2018-01-01T00:00:00Z" })),
        row(4, json!({ "closed_time": null })),
        row(5, json!({ "state": "REGISTERED" })),
        row(6, json!({ "contact_time": "2027-01-01T00:00:00Z", "closed_time": null, "state": "IN_PROGRESS" })),
        row(7, json!({ "department": "desk" })),
        row(8, json!({ "customer": "customers/none" })),
    ]);
    let before = world.digest().await;
    let call = json!({ "source": "test", "rows": rows });
    let reply = world.call(&world.admin, "ImportRequests", call).await.unwrap();
    let reply: kefu_proto::intake::v1::ImportRequestsResponse = prost::Message::decode(reply.as_slice()).unwrap();
    let rejected: Vec<_> = reply.rejected_rows.iter().map(|row| (row.line, row.field.as_str())).collect();
    let expected = ["customer", "closed_time", "closed_time", "state", "contact_time", "department", "customer"];
    assert_eq!(rejected, (2..).zip(expected).collect::<Vec<_>>());
    let state = &reply.rejected_rows[3];
    assert_eq!(state.rule(), FieldRule::NotAccepted);
    assert!(state.reason.starts_with("must be "), "in English: {state:?}");
    assert!(state.message.contains("只能为「"), "in the caller's language: {state:?}");
    assert_eq!((reply.imported_count, reply.known_count, reply.rejected_count), (0, 0, 7));
    for (field, change) in [
        ("source", json!({ "source": " " })),
        ("calendar", json!({ "calendar": "zone = " })),
        ("calendar", json!({ "calendar": "zone = 'Mars/Olympus'" })),
        ("rows", json!({ "rows": (0..1_001).map(|line| row(line, json!({}))).collect::<Vec<_>>() })),
    ] {
        let outcome = world.call(&world.admin, "ImportRequests", changed(&world, "ImportRequests", &change)).await;
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), [field]);
    }
    assert_eq!(world.digest().await, before);
}
