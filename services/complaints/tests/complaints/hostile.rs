//! The hostile matrix of complaints and improvements: every state × every method × every kind of caller, with Explain before
//! each call.

use std::collections::BTreeMap;

use base64::Engine as _;
use jiff::SignedDuration;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Outcome, State};
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_testkit::any::hostile::{Caller, Scene, Stage, assert_hostile};
use kefu_testkit::any::{World as Any, message, named};
use kefu_testkit::{Bench, sign};
use prost::Message as _;
use serde_json::{Value as Json, json};

use super::desk::{DESK, Desk, FIELD};
use super::posts::{EVERY, open};

const CUSTOMER: &str = "customers/0199aaaa-0000-7000-8000-000000000002";
const OTHER: &str = "customers/0199aaaa-0000-7000-8000-000000000003";

/// A desk whose calls are made by descriptor.
struct World(Desk);

impl Any for World {
    fn bench(&self) -> &Bench {
        &self.0.bench
    }

    fn admin(&self) -> &'static str {
        unreachable!("the matrix has its own callers")
    }

    fn reader(&self) -> &'static str {
        unreachable!("the matrix has its own callers")
    }

    fn other_reader(&self) -> String {
        unreachable!("the matrix has its own callers")
    }

    fn json(&self, method: &str) -> Json {
        unreachable!("{method} has its request in the scene")
    }

    fn keeps(&self, _: &str) -> bool {
        false
    }
}

/// Every kind of caller: the handler, colleagues, leaders, the investigator, the accused, who was named before, outsiders,
/// those who lead the organisation, an operator, customers and services.
fn callers() -> Vec<Caller> {
    let staff = [
        ("handler", "staff/lin"),
        ("colleague", "staff/mei"),
        ("supervisor", "staff/boss"),
        ("head", "staff/head"),
        ("investigator", "staff/zhao"),
        ("accused", "staff/lei"),
        ("approver of the responsible department", "staff/qin"),
        ("head of the responsible department", "staff/fieldhead"),
        ("head of another department", "staff/chief"),
        ("trainer", "staff/x"),
        ("executive", "staff/ceo"),
        ("office", "staff/office"),
        ("operator", "staff/admin"),
    ];
    let mut callers: Vec<Caller> = staff.map(|(who, name)| (who, sign(name, &EVERY))).into();
    callers.push(("customer", sign(CUSTOMER, &["CUSTOMER"])));
    callers.push(("other customer", sign(OTHER, &["CUSTOMER"])));
    callers.push(("service", sign("services/web", &["SERVICE"])));
    callers
}

async fn shown(desk: &Desk, name: &str) -> pb::Complaint {
    let call = pb::GetComplaintRequest { name: name.into() };
    ComplaintServiceClient::new(desk.bench.as_service()).get_complaint(call).await.unwrap().into_inner()
}

/// A valid request of every method of the lifecycle for a complaint as it is.
async fn requests(desk: &Desk, name: &str) -> BTreeMap<&'static str, Json> {
    let complaint = shown(desk, name).await;
    let resolution = complaint.resolution.unwrap_or_default();
    let digest = if resolution.digest.is_empty() { vec![0; 32] } else { resolution.digest.clone() };
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    let open = resolution.measures.iter().find(|each| each.completed_time.is_none());
    let measure = open.or(resolution.measures.first());
    let due = (desk.bench.now() + SignedDuration::from_hours(72)).to_string();
    let words = || json!({ "name": name, "channel": "HOTLINE", "text": "已说明" });
    let named = complaint.namings.last().map_or("staff/lei".to_owned(), |naming| naming.staff.clone());
    let completed = measure.map(|measure| ("CompleteMeasure", json!({ "name": measure.name, "report": "已完成" })));
    let others = [
        ("AcknowledgeComplaint", words()),
        (
            "ClassifyComplaint",
            json!({
                "name": name, "category": "QUALITY", "severity": "MINOR", "responsible_department": FIELD,
                "responsible_person": "staff/qin",
            }),
        ),
        ("JudgeNaming", json!({ "name": name, "staff": named, "judgement": "STRUCK", "reason": "录音不支持" })),
        ("NotifyDepartment", json!({ "name": name, "department": "departments/other" })),
        ("AssignComplaint", json!({ "name": name, "handler": "staff/wu" })),
        ("AssignInvestigator", json!({ "name": name, "investigator": "staff/chief" })),
        (
            "RecordCustomerContact",
            json!({ "name": name, "purpose": "INVESTIGATION", "outcome": "REACHED", "channel": "HOTLINE", "text": "经过" }),
        ),
        (
            "WaiveContact",
            json!({ "name": name, "ground": "UNREACHABLE", "decision": "CLOSE", "reason": "多次联系未果" }),
        ),
        (
            "ConcludeInvestigation",
            json!({
                "name": name, "course": "经过", "root_cause": { "category": "PEOPLE", "text": "未试压" }, "outcome": "UPHELD",
                "responsible_department": FIELD, "responsible_person": "staff/lei", "no_evidence_reason": "现场已清理",
            }),
        ),
        (
            "ProposeResolution",
            json!({
                "name": name, "explanation": "重装并致歉", "departments": [DESK],
                "measures": [{ "text": "重装", "owner": "staff/fieldhead", "due_time": due }],
            }),
        ),
        ("ApproveResolution", json!({ "name": name, "digest": digest })),
        ("RejectResolution", json!({ "name": name, "digest": digest, "reason": "补偿不足" })),
        ("RecordAgreement", words()),
        ("RecordDecline", words()),
        ("RecordComplaintProgress", words()),
        ("RecordCallback", json!({ "name": name, "satisfied": true, "satisfaction": 5, "channel": "HOTLINE" })),
        ("WithdrawComplaint", json!({ "name": name, "reason": "已解决" })),
        ("ArchiveComplaint", json!({ "name": name })),
        ("AddEvidence", json!({ "parent": name, "kind": "PHOTO", "source": "现场", "uri": "https://files.example/1" })),
    ];
    others.into_iter().chain(completed).collect()
}

/// A complaint that has gone as far as `state`.
async fn complaint_in(desk: &Desk, state: State) -> String {
    let registration = pb::RegisterComplaintRequest { customer: CUSTOMER.into(), ..Desk::registration() };
    let name = desk.as_("staff/lin").register_complaint(registration).await.unwrap().into_inner().name;
    let steps = [
        State::Acknowledged,
        State::Investigating,
        State::Concluded,
        State::Proposed,
        State::Approved,
        State::Agreed,
        State::Executing,
        State::Callback,
        State::Closed,
        State::Archived,
    ];
    if state == State::Withdrawn {
        let call = pb::WithdrawComplaintRequest { name: name.clone(), reason: "—".into(), ..Default::default() };
        desk.as_("staff/lin").withdraw_complaint(call).await.unwrap();
    }
    for step in steps.into_iter().filter(|step| *step as i32 <= state as i32 && state != State::Withdrawn) {
        match step {
            State::Acknowledged => drop(desk.acknowledge(&name).await.unwrap()),
            State::Investigating => {
                desk.classify(&name).await.unwrap();
                desk.investigate(&name, "staff/zhao").await.unwrap();
                desk.speak(&name).await.unwrap();
            }
            State::Concluded => drop(desk.conclude(&name, Outcome::Upheld).await.unwrap()),
            State::Proposed => drop(desk.propose(&name).await.unwrap()),
            State::Approved => {
                desk.approve(&name, "staff/qin").await.unwrap();
                desk.approve(&name, "staff/head").await.unwrap();
            }
            State::Agreed => drop(desk.agree(&name).await.unwrap()),
            State::Executing | State::Callback => {
                let measures = shown(desk, &name).await.resolution.unwrap().measures;
                let open = measures.iter().find(|each| each.completed_time.is_none()).unwrap();
                let call = json!({ "name": open.name, "report": "已完成" });
                as_json(desk, &open.owner, "CompleteMeasure", call).await;
            }
            State::Closed => drop(desk.call_back(&name, true).await.unwrap()),
            _ => drop(desk.archive(&name).await.unwrap()),
        }
    }
    assert_eq!(shown(desk, &name).await.state(), state);
    name
}

/// Calls a method as a member of staff, who may.
async fn as_json(desk: &Desk, staff: &str, method: &str, call: Json) {
    let method = named(method);
    let body = message(&method, &call).encode_to_vec();
    let path = kefu_testkit::any::path(&method);
    kefu_testkit::any::send_on(&desk.bench, &path, Some(&sign(staff, &EVERY)), vec![body]).await.unwrap();
}

/// Names somebody in a complaint by a classification.
async fn name_in(desk: &Desk, complaint: &str, by: &str, (department, person): (&str, &str)) {
    let call = json!({
        "name": complaint, "category": "QUALITY", "severity": "MAJOR", "responsible_department": department,
        "responsible_person": person,
    });
    as_json(desk, by, "ClassifyComplaint", call).await;
}

#[tokio::test]
async fn explain_and_outcome_agree_for_every_state_method_and_caller_of_a_complaint() {
    let desk = open().await;
    let mut scenes = Vec::new();
    let states = [
        ("registered", State::Registered),
        ("acknowledged", State::Acknowledged),
        ("investigating", State::Investigating),
        ("concluded", State::Concluded),
        ("proposed", State::Proposed),
        ("approved", State::Approved),
        ("agreed", State::Agreed),
        ("executing", State::Executing),
        ("at the return call", State::Callback),
        ("closed", State::Closed),
        ("archived", State::Archived),
        ("withdrawn", State::Withdrawn),
    ];
    for (label, state) in states {
        scenes.push((label, complaint_in(&desk, state).await));
    }
    let accused = complaint_in(&desk, State::Registered).await;
    name_in(&desk, &accused, "staff/head", (DESK, "staff/lin")).await;
    scenes.push(("registered, its handler accused", accused));
    let reported = complaint_in(&desk, State::Acknowledged).await;
    name_in(&desk, &reported, "staff/lin", (DESK, "staff/boss")).await;
    scenes.push(("acknowledged, a supervisor reported", reported));
    let mut stage = Stage {
        world: &World(desk),
        explain: "ExplainComplaint",
        table: "complaint",
        scenes: Vec::new(),
        callers: callers(),
        beyond: &[],
        unseen: &[],
    };
    for (label, name) in scenes {
        let requests = requests(&stage.world.0, &name).await;
        stage.scenes.push(Scene { label, name, requests });
    }
    let tally = assert_hostile(&stage).await;
    assert!(tally.done > 300 && tally.refused > 1_500 && tally.shut_out > 300, "{tally:?}");
    assert!(tally.fields < 100, "requests of the scenes are hardly ever wrong in themselves: {tally:?}");
}

#[tokio::test]
async fn explain_and_outcome_agree_for_every_state_method_and_caller_of_an_improvement() {
    let desk = open().await;
    let complaint = complaint_in(&desk, State::Concluded).await;
    let due = (desk.bench.now() + SignedDuration::from_hours(24 * 30)).to_string();
    let plan = json!({
        "complaints": [complaint], "cause_category": "PEOPLE", "cause": "未培训", "responsible_department": FIELD,
        "measure": "全员培训", "owner": "staff/fieldhead", "due_time": due, "verifier": "staff/boss",
    });
    let mut names = Vec::new();
    for _ in 0..5 {
        as_json(&desk, "staff/head", "CreateImprovement", plan.clone()).await;
        let last = "select 'improvements/' || id from complaints.improvement order by number desc limit 1";
        let name: String = sqlx::query_scalar(last).fetch_one(desk.bench.admin()).await.unwrap();
        names.push(name);
    }
    let done = |name: &str| json!({ "name": name, "report": "已培训" });
    let checked = |name: &str| json!({ "name": name, "comment": "已核查" });
    for name in &names[1..3] {
        as_json(&desk, "staff/fieldhead", "CompleteImprovement", done(name)).await;
    }
    desk.bench.time().advance(SignedDuration::from_hours(24 * 91));
    as_json(&desk, "staff/boss", "VerifyImprovement", checked(&names[2])).await;
    as_json(&desk, "staff/fieldhead", "CompleteImprovement", done(&names[3])).await;
    // The clock marks what is late by now; it would otherwise do so while the matrix looks for changes.
    desk.bench.mark_overdue().await;
    let labels = ["planned", "done for its time", "checked", "just done", "planned long ago"];
    let scene = |(label, name): (&'static str, &String)| Scene {
        label,
        name: name.clone(),
        requests: BTreeMap::from([("CompleteImprovement", done(name)), ("VerifyImprovement", checked(name))]),
    };
    let scenes = labels.into_iter().zip(&names).map(scene).collect();
    let callers = callers();
    let stage = Stage {
        world: &World(desk),
        explain: "ExplainImprovement",
        table: "improvement",
        scenes,
        callers,
        beyond: &[],
        unseen: &[],
    };
    let tally = assert_hostile(&stage).await;
    assert!(tally.done > 10 && tally.refused > 50 && tally.shut_out > 10, "{tally:?}");
}
