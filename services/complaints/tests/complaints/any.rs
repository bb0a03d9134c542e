//! Data for tests that call every method by its descriptor: something for each method to act on, and a valid request of
//! each.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use jiff::SignedDuration;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::compliance::v1::ListDutiesResponse;
use kefu_proto::notifications::v1::ListNotificationsResponse;
use kefu_testkit::any::{World as _, named};
use kefu_testkit::lifecycle::states_of_methods;
use kefu_testkit::{Bench, sign};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::{Value as Json, json};
use sha2::Digest as _;

use super::desk::{DESK, FIELD};

const EVERY: [&str; 6] = ["AGENT", "TECHNICIAN", "INVESTIGATOR", "APPROVER", "SUPERVISOR", "MANAGER"];
const CUSTOMER: &str = "customers/0199aaaa-0000-7000-8000-000000000002";
const OTHER_CUSTOMER: &str = "customers/0199aaaa-0000-7000-8000-000000000003";

/// Methods whose valid request fits another state than the first one from which they may act, and methods that read.
const ACTED_ON: [(&str, State); 5] = [
    ("RecordCustomerContact", State::Investigating),
    ("WaiveContact", State::Approved),
    ("RecordComplaintProgress", State::Agreed),
    ("GetComplaint", State::Concluded),
    ("GetArchive", State::Archived),
];

/// A service with data: complaints in every state, handled and investigated by staff/lin.
pub struct World {
    pub bench: Bench,
    admin: String,
    pub lin: String,
    /// The resource that each method acts on.
    target: BTreeMap<String, String>,
}

impl World {
    pub async fn new() -> Self {
        let bench = Bench::of(&kefu_complaints::SERVICE).await;
        bench.enrol("staff/lei", FIELD).await;
        bench.enrol("staff/qin", FIELD).await;
        let (admin, lin) = (sign("staff/admin", &["ADMIN"]), sign("staff/lin", &EVERY));
        let mut world = Self { bench, admin, lin, target: BTreeMap::new() };
        world.seed().await;
        world
    }

    async fn seed(&mut self) {
        self.seed_improvements().await;
        self.seed_notifications().await;
        for (method, state) in self.acted_on().await {
            let name = self.complaint_in(state).await;
            self.target.insert(method, name);
        }
        let mut named = self.json("ClassifyComplaint");
        (named["name"], named["responsible_person"]) = (json!(self.target["JudgeNaming"]), json!("staff/lei"));
        self.call(&sign("staff/mei", &EVERY), "ClassifyComplaint", named).await.unwrap();
        for _ in 0..2 {
            let evidence = self.made("AddEvidence", self.json("AddEvidence")).await;
            self.target.insert("link".into(), evidence);
        }
        let mut refusal = self.json("UploadEvidence");
        refusal["evidence"]["parent"] = json!(self.target["WaiveContact"]);
        // Whoever goes on without the complainant did not put the refusal on file.
        let reply = self.upload_by(&sign("staff/mei", &EVERY), refusal).await;
        self.target.insert("evidence".into(), reply);
        let measures = self.shown(&self.target["CompleteMeasure"]).await.resolution.unwrap().measures;
        self.target.insert("CompleteMeasure".into(), measures[0].name.clone());
        for method in ["ApproveResolution", "RejectResolution"] {
            let digest = self.shown(&self.target[method]).await.resolution.unwrap().digest;
            let key = if method == "ApproveResolution" { "approved" } else { "rejected" };
            self.target.insert(key.into(), base64::engine::general_purpose::STANDARD.encode(digest));
        }
        for method in ["PauseDuty", "ResumeDuty", "WaiveDuty"] {
            let duty = self.duty_of(&self.complaint_in(State::Registered).await).await;
            self.target.insert(method.into(), duty);
        }
        let paused = json!({ "name": self.target["ResumeDuty"], "reason": "停电" });
        self.call(&self.admin, "PauseDuty", paused).await.unwrap();
    }

    /// Each method that acts on a complaint, by the lifecycle's table, with a state in which it may.
    async fn acted_on(&self) -> BTreeMap<String, State> {
        let call = json!({ "name": self.complaint_in(State::Registered).await });
        let reply = self.call(&self.lin, "ExplainComplaint", call).await.unwrap();
        let explained = pb::ExplainComplaintResponse::decode(reply.as_slice()).unwrap().explanations;
        let first = |states: BTreeSet<String>| states.iter().filter_map(|name| State::from_str_name(name)).min();
        let actions =
            states_of_methods(&explained).into_iter().filter_map(|(method, states)| Some((method, first(states)?)));
        actions.chain(ACTED_ON.map(|(method, state)| (method.to_owned(), state))).collect()
    }

    /// Adds a planned improvement, and one carried out three months ago, whose effect can be checked.
    async fn seed_improvements(&mut self) {
        let complaint = self.complaint_in(State::Concluded).await;
        self.target.insert("CreateImprovement".into(), complaint);
        let mut theirs = self.json("CreateImprovement");
        (theirs["owner"], theirs["verifier"]) = (json!("staff/fieldhead"), json!("staff/lin"));
        let done = self.made_by(&self.admin, "CreateImprovement", theirs).await;
        let carried_out = json!({ "name": done, "report": "已修订规程" });
        self.call(&self.admin, "CompleteImprovement", carried_out).await.unwrap();
        self.target.insert("VerifyImprovement".into(), done);
        self.bench.time().advance(SignedDuration::from_hours(24 * 91));
        let planned = self.made_by(&self.admin, "CreateImprovement", self.json("CreateImprovement")).await;
        self.target.insert("CompleteImprovement".into(), planned);
    }

    /// Adds two overdue duties of staff/lin, who is notified of both.
    async fn seed_notifications(&mut self) {
        for _ in 0..2 {
            self.complaint_in(State::Registered).await;
        }
        self.bench.time().advance(SignedDuration::from_hours(24 * 4));
        self.bench.mark_overdue().await;
        let list = json!({ "parent": "services/complaints" });
        let reply = self.call(&self.lin, "ListNotifications", list).await.unwrap();
        let told = ListNotificationsResponse::decode(reply.as_slice()).unwrap().notifications;
        self.target.insert("GetNotification".into(), told[0].name.clone());
        self.target.insert("AcknowledgeNotification".into(), told[1].name.clone());
    }

    /// The first duty about a complaint.
    async fn duty_of(&self, subject: &str) -> String {
        let call = json!({ "parent": "services/complaints", "subject": subject });
        let duties = self.call(&self.admin, "ListDuties", call).await.unwrap();
        ListDutiesResponse::decode(duties.as_slice()).unwrap().duties[0].name.clone()
    }

    pub async fn shown(&self, name: &str) -> pb::Complaint {
        let reply = self.call(&self.admin, "GetComplaint", json!({ "name": name })).await.unwrap();
        pb::Complaint::decode(reply.as_slice()).unwrap()
    }

    /// A new complaint in a state.
    pub async fn complaint_in(&self, state: State) -> String {
        let name = self.made("RegisterComplaint", self.json("RegisterComplaint")).await;
        let steps = [
            (State::Registered, ""),
            (State::Acknowledged, "AcknowledgeComplaint"),
            (State::Investigating, "AssignInvestigator"),
            (State::Concluded, "ConcludeInvestigation"),
            (State::Proposed, "ProposeResolution"),
            (State::Approved, "ApproveResolution"),
            (State::Agreed, "RecordAgreement"),
            (State::Callback, "CompleteMeasure"),
            (State::Closed, "RecordCallback"),
            (State::Archived, "ArchiveComplaint"),
        ];
        for (reached, step) in steps {
            if reached == State::Registered {
                continue;
            }
            if reached as i32 > state as i32 {
                break;
            }
            self.take(&name, step).await;
        }
        assert_eq!(self.shown(&name).await.state(), state);
        name
    }

    /// Takes a step with a complaint, as a caller who may.
    async fn take(&self, name: &str, step: &str) {
        let of = |mut call: Json| {
            call["name"] = json!(name);
            call
        };
        let mei = sign("staff/mei", &EVERY);
        match step {
            "AssignInvestigator" => {
                let call = json!({ "name": name, "investigator": "staff/lin" });
                self.call(&self.lin, step, call).await.unwrap();
                let spoken = json!({ "name": name, "purpose": "INVESTIGATION", "outcome": "REACHED", "channel": "HOTLINE", "text": "说明经过" });
                self.call(&self.lin, "RecordCustomerContact", spoken).await.unwrap();
            }
            "ProposeResolution" => {
                self.call(&mei, step, of(self.json(step))).await.unwrap();
            }
            "ApproveResolution" => {
                let digest = self.shown(name).await.resolution.unwrap().digest;
                let digest = base64::engine::general_purpose::STANDARD.encode(digest);
                for approver in [self.lin.clone(), sign("staff/qin", &["APPROVER"])] {
                    self.call(&approver, step, json!({ "name": name, "digest": digest })).await.unwrap();
                }
            }
            "CompleteMeasure" => {
                for measure in self.shown(name).await.resolution.unwrap().measures {
                    let call = json!({ "name": measure.name, "report": "已完成" });
                    self.call(&self.lin, step, call).await.unwrap();
                }
            }
            _ => {
                self.call(&self.lin, step, of(self.json(step))).await.unwrap();
            }
        }
    }

    async fn upload_by(&self, token: &str, header: Json) -> String {
        let method = named("UploadEvidence");
        let encode = |json: &Json| kefu_testkit::any::message(&method, json).encode_to_vec();
        let content = json!({ "content": base64::engine::general_purpose::STANDARD.encode("拒绝沟通") });
        let parts = vec![encode(&header), encode(&content)];
        let reply = self.send_to(&kefu_testkit::any::path(&method), Some(token), parts).await.unwrap();
        pb::Evidence::decode(reply.as_slice()).unwrap().name
    }

    async fn made(&self, method: &str, request: Json) -> String {
        self.made_by(&self.lin, method, request).await
    }

    /// Calls a method. Returns the name of the resource that it created or changed.
    async fn made_by(&self, token: &str, method: &str, request: Json) -> String {
        let reply = self.call(token, method, request).await.unwrap();
        let reply = DynamicMessage::decode(named(method).output(), reply.as_slice()).unwrap();
        reply.get_field_by_name("name").unwrap().as_str().unwrap().to_owned()
    }

    /// A valid request of a method.
    fn good(&self, method: &str) -> Json {
        let target = self.target.get(method).map_or("", String::as_str);
        let of = |key: &str| self.target.get(key).cloned().unwrap_or_default();
        let service = "services/complaints";
        let archive = format!("{}/archive", of("GetArchive"));
        let text = "拒绝沟通".as_bytes();
        let sha256 = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
        match method {
            "RegisterComplaint" => json!({
                "channel": "HOTLINE", "customer": CUSTOMER, "contact": { "person": "王小明", "phone": "138 0013 8000", "email": "wang@example.com" },
                "matter": "安装后漏水", "desired_remedy": "重装", "handler": "staff/lin",
            }),
            "AcknowledgeComplaint" | "RecordAgreement" | "RecordDecline" | "RecordComplaintProgress" => {
                json!({ "name": target, "channel": "HOTLINE", "text": "已说明" })
            }
            "ClassifyComplaint" => {
                json!({ "name": target, "category": "QUALITY", "severity": "MINOR", "responsible_department": FIELD })
            }
            "JudgeNaming" => {
                json!({ "name": target, "staff": "staff/lei", "judgement": "STRUCK", "reason": "录音不支持" })
            }
            "NotifyDepartment" => json!({ "name": target, "department": FIELD }),
            "AssignComplaint" => json!({ "name": target, "handler": "staff/mei", "reason": "休假" }),
            "AssignInvestigator" => json!({ "name": target, "investigator": "staff/wu" }),
            "RecordCustomerContact" => {
                json!({ "name": target, "purpose": "INVESTIGATION", "outcome": "REACHED", "channel": "HOTLINE", "text": "经过" })
            }
            "WaiveContact" => json!({
                "name": target, "ground": "WRITTEN_REFUSAL", "decision": "CLOSE", "reason": "拒绝沟通", "evidence": of("evidence"),
            }),
            "ConcludeInvestigation" => json!({
                "name": target, "course": "经过", "root_cause": { "category": "PEOPLE", "text": "未试压", "whys": ["未培训"] },
                "outcome": "UPHELD", "responsible_department": FIELD, "responsible_person": "staff/lei", "no_evidence_reason": "现场已清理",
            }),
            "ProposeResolution" => {
                let due = (self.bench.now() + SignedDuration::from_hours(72)).to_string();
                json!({
                    "name": target, "explanation": "重装并致歉", "departments": [DESK],
                    "measures": [{ "text": "重装", "owner": "staff/lin", "due_time": due }],
                    "compensation": { "amount_minor": 10_000, "currency_code": "CNY", "text": "退还安装费" },
                })
            }
            "ApproveResolution" => json!({ "name": target, "digest": of("approved") }),
            "RejectResolution" => json!({ "name": target, "digest": of("rejected"), "reason": "补偿不足" }),
            "CompleteMeasure" | "CompleteImprovement" => json!({ "name": target, "report": "已完成" }),
            "RecordCallback" => json!({ "name": target, "satisfied": true, "satisfaction": 5, "channel": "HOTLINE" }),
            "WithdrawComplaint" | "PauseDuty" | "WaiveDuty" => json!({ "name": target, "reason": "已解决" }),
            "ArchiveComplaint" | "ResumeDuty" | "GetNotification" | "AcknowledgeNotification" | "GetComplaint" => {
                json!({ "name": target })
            }
            "GetArchive" | "VerifyArchive" => json!({ "name": archive }),
            "ExplainComplaint" => json!({ "name": of("GetComplaint") }),
            "ListPapers" => json!({ "parent": of("GetComplaint") }),
            "ListEvidence" => json!({ "parent": of("AddEvidence") }),
            "AddEvidence" => {
                json!({ "parent": target, "kind": "PHOTO", "source": "现场", "uri": "https://files.example/1" })
            }
            "UploadEvidence" => json!({ "evidence": {
                "parent": of("AddEvidence"), "kind": "STATEMENT", "source": "投诉人", "file_name": "拒绝.txt", "media_type": "text/plain",
                "size_bytes": text.len(), "sha256": sha256,
            } }),
            "GetEvidence" => json!({ "name": of("link") }),
            "GetEvidenceContent" => json!({ "name": of("evidence") }),
            "SearchComplaints" => json!({ "query": "漏水" }),
            "CreateImprovement" => json!({
                "complaints": [target], "cause_category": "PEOPLE", "cause": "无试压规程", "responsible_department": FIELD, "measure": "修订规程",
                "owner": "staff/lin", "due_time": "2027-12-01T00:00:00Z", "verifier": "staff/chief",
            }),
            "VerifyImprovement" => json!({ "name": target, "comment": "投诉减少" }),
            "GetImprovement" | "ExplainImprovement" => json!({ "name": of("CompleteImprovement") }),
            "AnalyzeComplaints" => json!({ "start_time": "2026-01-01T00:00:00Z", "end_time": "2027-12-01T00:00:00Z" }),
            "ListComplaints" | "WatchComplaints" | "ListImprovements" => json!({}),
            "GetDuty" => json!({ "name": of("PauseDuty") }),
            _ => kefu_testkit::any::of_every_service(method, service)
                .unwrap_or_else(|| panic!("{method} has no good request in any.rs: add one")),
        }
    }
}

impl kefu_testkit::any::World for World {
    fn bench(&self) -> &Bench {
        &self.bench
    }

    fn admin(&self) -> &str {
        &self.admin
    }

    fn reader(&self) -> &str {
        &self.lin
    }

    fn other_reader(&self) -> String {
        sign("staff/mei", &EVERY)
    }

    fn json(&self, method: &str) -> Json {
        self.good(method)
    }

    fn rest(&self, method: &str) -> Vec<Vec<u8>> {
        let content = json!({ "content": base64::engine::general_purpose::STANDARD.encode("拒绝沟通") });
        let upload = method == "UploadEvidence";
        upload.then(|| kefu_testkit::any::message(&named(method), &content).encode_to_vec()).into_iter().collect()
    }

    /// The refusal of an unreadable upload names its content.
    fn unreadable(&self, method: &str) -> &'static str {
        if method == "UploadEvidence" { "content" } else { "" }
    }

    /// Staff and departments are the directory's, customers and requests intake's.
    fn keeps(&self, kind: &str) -> bool {
        !["kefu/Staff", "kefu/Department", "kefu/Customer", "kefu/Request"].contains(&kind)
    }

    fn holder(&self, _: &str) -> (&str, &str) {
        ("staff/lin", DESK)
    }

    fn unaimed(&self) -> &[&str] {
        &["AddEvidence"]
    }

    fn customer(&self) -> Option<&str> {
        Some(CUSTOMER)
    }

    fn other_customer(&self) -> Option<&str> {
        Some(OTHER_CUSTOMER)
    }
}
