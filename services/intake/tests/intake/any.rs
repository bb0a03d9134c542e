//! Data for tests that call every method by its descriptor: something for each method to act on, and a valid request of
//! each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use kefu_proto::compliance::v1::Explanation;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_proto::notifications::v1::ListNotificationsResponse;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::any::{UnknownName, World as _, named};
use kefu_testkit::lifecycle::states_of_methods;
use kefu_testkit::{Bench, Said, assert_refused, sign};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::{Value as Json, json};
use tonic::{Code, Status};

pub const DESK: &str = "departments/desk";
pub const STATES: [State; 7] = [
    State::Registered,
    State::InProgress,
    State::AwaitingCustomer,
    State::Resolved,
    State::Closed,
    State::Cancelled,
    State::TransferPending,
];

/// The states that a request is brought into for a method to act on: the first one from which the method may.
const ACTED_ON: [State; 6] = [
    State::InProgress,
    State::Registered,
    State::AwaitingCustomer,
    State::Resolved,
    State::Closed,
    State::TransferPending,
];

/// A service with data: two customers, projects, and requests and duties of staff/lin in every state.
pub struct World {
    pub bench: Bench,
    /// The complaints service, with which conversions register.
    complaints: Bench,
    pub admin: String,
    pub agent: String,
    pub customer: String,
    pub other_customer: String,
    pub project: String,
    pub other_project: String,
    /// A request in each state, which no valid request changes.
    pub in_state: BTreeMap<&'static str, String>,
    /// The resource that each method acts on.
    target: BTreeMap<String, String>,
    matters: AtomicU32,
}

impl World {
    pub async fn new() -> Self {
        let bench = Bench::of(&kefu_intake::SERVICE).await;
        let complaints = Bench::builder(&kefu_complaints::SERVICE).on_the_clock_of(&bench).start().await;
        bench.meet(&complaints);
        let mut world = Self {
            bench,
            complaints,
            admin: sign("staff/admin", &["ADMIN"]),
            agent: sign("staff/lin", &["AGENT"]),
            customer: String::new(),
            other_customer: String::new(),
            project: String::new(),
            other_project: String::new(),
            in_state: BTreeMap::new(),
            target: BTreeMap::new(),
            matters: AtomicU32::new(0),
        };
        world.seed().await;
        world
    }

    /// Adds what some methods need besides a request in a state.
    async fn seed_desk(&mut self) {
        for method in ["AcceptTransfer", "DeclineTransfer"] {
            let reply = self.call(&self.agent, "GetRequest", json!({ "name": self.target[method] })).await.unwrap();
            self.target.insert(method.into(), shown(&reply).pending_transfer);
        }
        let allowed = json!({
            "parent": self.target["StartRemote"], "authorized_by": "王小明", "given_by": "HOTLINE", "scope": "查看设置",
            "expire_time": "2026-12-01T00:00:00Z",
        });
        self.made("AuthorizeRemote", allowed).await;
        let unmet = json!({ "parent": self.target["AnswerUnmetExpectation"], "expectation": "当天上门" });
        let unmet = self.made("RecordUnmetExpectation", unmet).await;
        self.target.insert("AnswerUnmetExpectation".into(), unmet);
        let working = self.request_in(State::InProgress).await;
        self.target.insert("children".into(), working.clone());
        for _ in 0..2 {
            for method in ["FileWorkOrder", "AuthorizeRemote", "RecordUnmetExpectation"] {
                let mut call = self.json(method);
                call["parent"] = json!(working);
                self.made(method, call).await;
            }
            let handed = json!({ "name": working, "department": "departments/other", "reason": "涉及物流" });
            let handed = self.made("TransferRequest", handed).await;
            let declined = json!({ "name": handed, "reason": "与物流无关" });
            self.call(&self.admin, "DeclineTransfer", declined).await.unwrap();
        }
        // staff/new registers a request and leaves; staff/mei has one to reassign.
        for (staff, method) in [("staff/new", "ClaimRequest"), ("staff/mei", "ReassignRequests")] {
            let token = sign(staff, &["AGENT"]);
            let reply = self.call(&token, "RegisterRequest", self.json("RegisterRequest")).await.unwrap();
            self.target.insert(method.into(), shown(&reply).name);
        }
        let left = "update directory_staff set inactive = true where name = 'staff/new'";
        self.bench.change_directory(left).await;
    }

    /// Adds two overdue duties of staff/lin, who is notified of both.
    async fn seed_notifications(&mut self) {
        for _ in 0..2 {
            self.request_in(State::Registered).await;
        }
        self.bench.time().advance(jiff::SignedDuration::from_mins(5));
        self.bench.mark_overdue().await;
        let reply = self.call(&self.agent, "ListNotifications", json!({ "parent": "services/intake" })).await.unwrap();
        let told = ListNotificationsResponse::decode(reply.as_slice()).unwrap().notifications;
        self.target.insert("GetNotification".into(), told[0].name.clone());
        self.target.insert("AcknowledgeNotification".into(), told[1].name.clone());
    }

    async fn seed(&mut self) {
        self.customer = self.made("CreateCustomer", self.json("CreateCustomer")).await;
        self.other_customer = self.made("CreateCustomer", self.json("CreateCustomer")).await;
        let twice = self.made("CreateCustomer", self.json("CreateCustomer")).await;
        self.target.insert("MergeCustomers".into(), twice);
        self.made("CreateProject", self.json("CreateProject")).await;
        self.project = self.made("CreateProject", self.json("CreateProject")).await;
        let theirs = json!({ "parent": self.other_customer, "project": { "display_name": "别家" } });
        self.other_project = self.made("CreateProject", theirs).await;
        self.seed_notifications().await;
        for state in STATES {
            let name = self.request_in(state).await;
            self.in_state.insert(state.as_str_name(), name);
        }
        for (method, states) in states_of_methods(&self.explained().await) {
            let state = ACTED_ON.into_iter().find(|state| states.contains(state.as_str_name()));
            let name = self
                .request_in(state.unwrap_or_else(|| panic!("{method} acts on no request that is open or closed")))
                .await;
            self.target.insert(method, name);
        }
        self.seed_desk().await;
        let (working, resolved) = (&self.in_state["IN_PROGRESS"], &self.in_state["RESOLVED"]);
        for _ in 0..2 {
            self.made("RecordProgress", json!({ "parent": working, "text": "已派单" })).await;
            let attempt = json!({ "name": resolved, "outcome": "NOT_REACHED", "channel": "HOTLINE" });
            self.made("ConfirmResolution", attempt).await;
        }
        for method in ["PauseDuty", "ResumeDuty", "WaiveDuty"] {
            let duty = self.duty_of(&self.request_in(State::Registered).await).await;
            self.target.insert(method.into(), duty);
        }
        let paused = json!({ "name": self.target["ResumeDuty"], "reason": "停电" });
        self.call(&self.admin, "PauseDuty", paused).await.unwrap();
    }

    /// The first duty about a request.
    pub async fn duty_of(&self, subject: &str) -> String {
        let call = json!({ "parent": "services/intake", "subject": subject });
        let duties = self.call(&self.admin, "ListDuties", call).await.unwrap();
        let duties = kefu_proto::compliance::v1::ListDutiesResponse::decode(duties.as_slice()).unwrap().duties;
        duties[0].name.clone()
    }

    /// What can happen to a request, by the lifecycle's table.
    pub async fn explained(&self) -> Vec<Explanation> {
        let call = json!({ "name": self.in_state["REGISTERED"] });
        let reply = self.call(&self.agent, "ExplainRequest", call).await.unwrap();
        pb::ExplainRequestResponse::decode(reply.as_slice()).unwrap().explanations
    }

    /// Registers a request, and brings it into a state by its owner's calls.
    pub async fn request_in(&self, state: State) -> String {
        let name = self.made("RegisterRequest", self.json("RegisterRequest")).await;
        let steps: &[&str] = match state {
            State::Registered => &[],
            State::InProgress => &["RespondRequest", "ClassifyRequest"],
            State::AwaitingCustomer => &["RespondRequest", "ClassifyRequest", "AwaitCustomer"],
            State::Resolved => &["RespondRequest", "ClassifyRequest", "ResolveRequest"],
            State::Closed => &["RespondRequest", "ClassifyRequest", "ResolveRequest", "ConfirmResolution"],
            State::Cancelled => &["CancelRequest"],
            State::TransferPending => &["RespondRequest", "ClassifyRequest", "TransferRequest"],
            State::Unspecified => panic!("no request is nowhere"),
        };
        for step in steps {
            let mut call = self.json(step);
            call["name"] = json!(name);
            self.made(step, call).await;
        }
        name
    }

    /// Calls a method as the agent. Returns the name of the resource that it created or changed.
    async fn made(&self, method: &str, request: Json) -> String {
        let reply = self.call(&self.agent, method, request).await.unwrap();
        let reply = DynamicMessage::decode(named(method).output(), reply.as_slice()).unwrap();
        reply.get_field_by_name("name").unwrap().as_str().unwrap().to_owned()
    }

    /// A valid request of a method.
    fn good(&self, method: &str) -> Json {
        let target = self.target.get(method).map_or("", String::as_str);
        let working = self.in_state.get("IN_PROGRESS").map_or("", String::as_str);
        let service = "services/intake";
        let (customer, project) = (&self.customer, &self.project);
        let contact = json!({ "person": "王小明", "phone": "138 0013 8000", "email": "wang@example.com" });
        match method {
            "CreateCustomer" => json!({
                "customer": { "display_name": "王小明", "contacts": [contact] }, "allow_shared_contacts": true,
            }),
            "MergeCustomers" => {
                json!({ "name": customer, "merged": self.target.get("MergeCustomers"), "reason": "重复建档" })
            }
            "SuggestDraftDuplicates" => json!({ "customer": customer, "description": "打印机无法连接" }),
            "GetCustomer" | "GetCustomerTimeline" => json!({ "name": customer }),
            "BatchGetCustomers" => json!({ "names": [customer] }),
            "UpdateCustomer" => {
                json!({ "customer": { "name": customer, "display_name": "王大明", "contacts": [contact] }, "update_mask": "*" })
            }
            "FindCustomers" => json!({ "phone": "13800138000" }),
            "CreateProject" => json!({ "parent": customer, "project": { "display_name": "机房改造" } }),
            "GetProject" => json!({ "name": project }),
            "BatchGetProjects" => json!({ "parent": "customers/-", "names": [project] }),
            "ListProjects" => json!({ "parent": customer }),
            "UpdateProject" => {
                json!({ "project": { "name": project, "display_name": "机房搬迁" }, "update_mask": "*" })
            }
            "RegisterRequest" => json!({
                "customer": customer, "channel": "CHAT", "kind": "SERVICE", "contact": contact, "description": "打印机无法连接",
            }),
            "PromiseWait" => {
                json!({ "name": target, "reason": "配件在途", "promised_time": "2026-11-20T11:00:00+08:00" })
            }
            // Every call gives another type of problem: the same one would be a repeat contact.
            "ClassifyRequest" => {
                let matter = format!("offline {}", self.matters.fetch_add(1, Ordering::Relaxed));
                json!({ "name": target, "business_domain": "printing", "problem_type": matter })
            }
            "RecordProgress" => json!({ "parent": target, "text": "已联系工程师" }),
            "AwaitCustomer" => json!({ "name": target, "awaited": "序列号" }),
            "ResolveRequest" => json!({ "name": target, "resolution": "重新安装驱动", "assistance": "远程陪同操作" }),
            "ConfirmResolution" => json!({ "name": target, "outcome": "SATISFIED", "channel": "HOTLINE" }),
            "RespondRequest" => json!({ "name": target, "text": "已联系工程师" }),
            "RecordCustomerReply" | "ResumeDuty" | "GetNotification" | "AcknowledgeNotification" => {
                json!({ "name": target })
            }
            "ReopenRequest" | "CancelRequest" | "PauseDuty" | "WaiveDuty" | "DeclineTransfer" | "MarkMajor"
            | "StartRemote" => {
                json!({ "name": target, "reason": "又坏了" })
            }
            "ConvertToComplaint" => json!({
                "name": target, "category": "QUALITY", "severity": "MINOR", "contact": { "phone": "+8613800138000" },
            }),
            "ClaimRequest" | "AcceptTransfer" => json!({ "name": target }),
            "AssignRequest" => json!({ "name": target, "owner": "staff/mei" }),
            "ReassignRequests" => {
                json!({ "from_owner": "staff/mei", "to_owner": "staff/wu", "requests": [target], "reason": "调岗" })
            }
            "TransferRequest" => json!({ "name": target, "department": "departments/other", "reason": "涉及物流" }),
            "FileWorkOrder" => {
                json!({ "parent": target, "for_department": "departments/field", "content": "检查线路", "reason": "事后补单" })
            }
            "LinkRequests" => json!({ "name": target, "other": working, "relation": "RELATED" }),
            "AuthorizeRemote" => json!({
                "parent": target, "authorized_by": "王小明", "given_by": "HOTLINE", "scope": "查看设置",
                "expire_time": "2026-12-01T00:00:00Z",
            }),
            "RecordUnmetExpectation" => json!({ "parent": target, "expectation": "当天上门" }),
            "AnswerUnmetExpectation" => json!({
                "name": target, "analysis": "人手不足", "improvement": "增加班次", "answer": "已致歉并说明", "told_by": "HOTLINE",
            }),
            "ListTransfers" | "ListWorkOrders" | "ListRemoteAuthorizations" | "ListUnmetExpectations" => {
                json!({ "parent": self.target.get("children") })
            }
            "GetRequest" | "ExplainRequest" | "SuggestDuplicates" => json!({ "name": working }),
            "SearchRequests" => json!({ "query": "打印机" }),
            "ListProgress" => json!({ "parent": working }),
            "ListContactAttempts" => json!({ "parent": self.in_state.get("RESOLVED") }),
            "ListCustomers" | "ListRequests" | "ListMyQueue" | "WatchRequests" => json!({}),
            "ImportRequests" => {
                json!({ "source": "test", "calendar": "zone = 'Asia/Tokyo'\nholidays = 'none'", "rows": [{
                "line": 7, "external_id": "1-7", "channel": "WEB", "kind": "SERVICE", "state": "CLOSED", "customer": customer,
                "department": DESK, "contact_time": "2018-01-02T09:00:00Z", "closed_time": "2018-01-02T16:00:00Z",
            }] })
            }
            "GetDuty" => json!({ "name": self.target.get("PauseDuty") }),
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
        &self.agent
    }

    fn other_reader(&self) -> String {
        sign("staff/mei", &["AGENT"])
    }

    fn json(&self, method: &str) -> Json {
        self.good(method)
    }

    /// An import rejects the row, not the call.
    fn said(&self, method: &str, outcome: Result<Vec<u8>, Status>) -> Vec<Said> {
        if let ("ImportRequests", Ok(reply)) = (method, &outcome) {
            let result = pb::ImportRequestsResponse::decode(reply.as_slice()).unwrap();
            assert_eq!((result.imported_count, result.known_count, result.rejected_count), (0, 0, 1));
            let said = |row: pb::RejectedRow| Said {
                field: format!("rows[0].{}", row.field),
                rule: row.rule(),
                english: row.reason,
                chinese: row.message,
            };
            return result.rejected_rows.into_iter().map(said).collect();
        }
        assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid).said()
    }

    fn beside(&self) -> Vec<&Bench> {
        vec![&self.complaints]
    }

    fn rejects(&self, method: &str, reply: &[u8]) -> bool {
        method == "ImportRequests" && pb::ImportRequestsResponse::decode(reply).unwrap().rejected_count > 0
    }

    fn unreadable(&self, method: &str) -> &'static str {
        if method == "ImportRequests" { "rows" } else { "" }
    }

    /// Staff and departments are the directory's.
    fn keeps(&self, kind: &str) -> bool {
        !["kefu/Staff", "kefu/Department"].contains(&kind)
    }

    fn unknown_name(&self, method: &str, field: &str, kind: String, name: String) -> UnknownName {
        match (method, field) {
            ("ImportRequests", field) => UnknownName::Field(field.to_owned()),
            // The refusal names the project, which does not belong to the unknown customer.
            ("BatchGetProjects", "parent") => UnknownName::Resource("kefu/Project".into(), self.project.clone()),
            _ => UnknownName::Resource(kind, name),
        }
    }

    /// `FindCustomers` takes exactly one field; a test asks it another question by another value of that field.
    fn asks(&self, method: &str, query: &DynamicMessage) -> bool {
        method != "FindCustomers" || query.fields().count() == 1
    }

    fn holder(&self, method: &str) -> (&str, &str) {
        match method {
            "AcceptTransfer" | "DeclineTransfer" => ("staff/chief", "departments/other"),
            "ClaimRequest" => ("staff/new", DESK),
            _ => ("staff/lin", DESK),
        }
    }

    /// The caller must reach the requests, not the owners that the call names.
    fn reached_by<'a>(&self, method: &str, resource_field: &'a str) -> &'a str {
        if method == "ReassignRequests" { "requests" } else { resource_field }
    }

    /// Linking appends an event for each of the two requests, a conversion one for its beginning and one for its end.
    fn events(&self, method: &str) -> i64 {
        if matches!(method, "LinkRequests" | "ConvertToComplaint") { 2 } else { 1 }
    }

    async fn settled(&self) {
        let begun = self.complaints.number("select count(*) from journal").await;
        if begun > 0 {
            self.bench.caught_up_with(&self.complaints).await;
        }
    }

    fn unaimed(&self) -> &[&str] {
        &["CreateProject", "ReassignRequests"]
    }

    fn customer(&self) -> Option<&str> {
        Some(&self.customer)
    }

    fn other_customer(&self) -> Option<&str> {
        Some(&self.other_customer)
    }
}

/// The request that a reply shows.
pub fn shown(reply: &[u8]) -> pb::Request {
    pb::Request::decode(reply).unwrap()
}
