//! Any method, called by its descriptor: a world with something for each method to act on, and one good request of each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;
use kefu_proto::notifications::v1::ListNotificationsResponse;
use kefu_proto::rules::v1::{Access, Role};
use kefu_testkit::{Bench, sign};
use prost::Message as _;
use prost::bytes::{Buf as _, BufMut as _};
use prost_reflect::{DynamicMessage, MethodDescriptor, ReflectMessage as _, Value};
use serde_json::{Value as Json, json};
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;

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

/// Each action with the state of a request that it can be done to.
const ACTIONS: [(&str, State); 22] = [
    ("ClaimRequest", State::InProgress),
    ("AssignRequest", State::InProgress),
    ("TransferRequest", State::InProgress),
    ("AcceptTransfer", State::TransferPending),
    ("DeclineTransfer", State::TransferPending),
    ("MarkMajor", State::InProgress),
    ("FileWorkOrder", State::InProgress),
    ("LinkRequests", State::InProgress),
    ("AuthorizeRemote", State::InProgress),
    ("StartRemote", State::InProgress),
    ("RecordUnmetExpectation", State::InProgress),
    ("AnswerUnmetExpectation", State::InProgress),
    ("RespondRequest", State::Registered),
    ("PromiseWait", State::Registered),
    ("ClassifyRequest", State::InProgress),
    ("RecordProgress", State::InProgress),
    ("AwaitCustomer", State::InProgress),
    ("CustomerReplied", State::AwaitingCustomer),
    ("ResolveRequest", State::InProgress),
    ("ConfirmResolution", State::Resolved),
    ("ReopenRequest", State::Closed),
    ("CancelRequest", State::Registered),
];

/// A service at work: two customers, projects, and requests and duties of staff/lin in every state.
pub struct World {
    pub bench: Bench,
    pub admin: String,
    pub agent: String,
    pub customer: String,
    pub other_customer: String,
    pub project: String,
    pub other_project: String,
    /// A request in each state, which no good request acts on.
    pub in_state: BTreeMap<&'static str, String>,
    /// What each action acts on.
    target: BTreeMap<&'static str, String>,
    matters: AtomicU32,
}

impl World {
    pub async fn new() -> Self {
        let bench = Bench::of(&kefu_intake::SERVICE).await;
        let mut world = Self {
            bench,
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

    /// Who may do what a method does, to what its sample names.
    pub fn able(&self, method: &MethodDescriptor) -> &str {
        let rule = self.bench.chassis().rules.at(&path(method)).unwrap();
        if rule.access == Access::Self_ || !rule.roles.contains(&Role::Admin) { &self.agent } else { &self.admin }
    }

    /// Whose what a good request acts on is, and their department.
    pub fn holder(&self, method: &str) -> (&'static str, &'static str) {
        match method {
            "AcceptTransfer" | "DeclineTransfer" => ("staff/chief", "departments/other"),
            "ClaimRequest" => ("staff/new", DESK),
            _ => ("staff/lin", DESK),
        }
    }

    /// What some actions need beside a request in a state.
    async fn seed_desk(&mut self) {
        for method in ["AcceptTransfer", "DeclineTransfer"] {
            let reply = self.call(&self.agent, "GetRequest", json!({ "name": self.target[method] })).await.unwrap();
            self.target.insert(method, shown(&reply).pending_transfer);
        }
        let allowed = json!({
            "parent": self.target["StartRemote"], "authorized_by": "王小明", "given_by": "HOTLINE", "scope": "查看设置",
            "expire_time": "2026-12-01T00:00:00Z",
        });
        self.made("AuthorizeRemote", allowed).await;
        let unmet = json!({ "parent": self.target["AnswerUnmetExpectation"], "expectation": "当天上门" });
        let unmet = self.made("RecordUnmetExpectation", unmet).await;
        self.target.insert("AnswerUnmetExpectation", unmet);
        let working = self.request_in(State::InProgress).await;
        self.target.insert("children", working.clone());
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
        // Somebody registers a request and leaves; somebody else has one that is given on.
        for (staff, method) in [("staff/new", "ClaimRequest"), ("staff/mei", "ReassignRequests")] {
            let token = sign(staff, &["AGENT"]);
            let reply = self.call(&token, "RegisterRequest", self.json("RegisterRequest")).await.unwrap();
            self.target.insert(method, shown(&reply).name);
        }
        let left = "update directory_staff set inactive = true where name = 'staff/new'";
        self.bench.change_directory(left).await;
    }

    /// Two duties of staff/lin are overdue, and staff/lin is told.
    async fn seed_notifications(&mut self) {
        for _ in 0..2 {
            self.request_in(State::Registered).await;
        }
        self.bench.time().advance(jiff::SignedDuration::from_mins(5));
        self.bench.mark_overdue().await;
        let reply = self.call(&self.agent, "ListNotifications", json!({ "parent": "services/intake" })).await.unwrap();
        let told = ListNotificationsResponse::decode(reply.as_slice()).unwrap().notifications;
        self.target.insert("GetNotification", told[0].name.clone());
        self.target.insert("AcknowledgeNotification", told[1].name.clone());
    }

    async fn seed(&mut self) {
        self.customer = self.made("CreateCustomer", self.json("CreateCustomer")).await;
        self.other_customer = self.made("CreateCustomer", self.json("CreateCustomer")).await;
        self.made("CreateProject", self.json("CreateProject")).await;
        self.project = self.made("CreateProject", self.json("CreateProject")).await;
        let theirs = json!({ "parent": self.other_customer, "project": { "display_name": "别家" } });
        self.other_project = self.made("CreateProject", theirs).await;
        self.seed_notifications().await;
        for state in STATES {
            let name = self.request_in(state).await;
            self.in_state.insert(state.as_str_name(), name);
        }
        for (method, state) in ACTIONS {
            let name = self.request_in(state).await;
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
            self.target.insert(method, duty);
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

    /// A new request in a state, brought there by its owner.
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

    /// The name of what a call of the agent made or changed.
    async fn made(&self, method: &str, request: Json) -> String {
        let reply = self.call(&self.agent, method, request).await.unwrap();
        let reply = DynamicMessage::decode(named(method).output(), reply.as_slice()).unwrap();
        reply.get_field_by_name("name").unwrap().as_str().unwrap().to_owned()
    }

    /// A good request of a method.
    pub fn sample(&self, method: &MethodDescriptor) -> DynamicMessage {
        message(method, self.json(method.name()))
    }

    pub fn json(&self, method: &str) -> Json {
        let target = self.target.get(method).map_or("", String::as_str);
        let working = self.in_state.get("IN_PROGRESS").map_or("", String::as_str);
        let service = "services/intake";
        let (customer, project) = (&self.customer, &self.project);
        let contact = json!({ "person": "王小明", "phone": "138 0013 8000", "email": "wang@example.com" });
        match method {
            "CreateCustomer" => json!({ "customer": { "display_name": "王小明", "contacts": [contact] } }),
            "GetCustomer" => json!({ "name": customer }),
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
            // Each is a matter of its own: the same one again would be a repeat contact.
            "ClassifyRequest" => {
                let matter = format!("offline {}", self.matters.fetch_add(1, Ordering::Relaxed));
                json!({ "name": target, "business_domain": "printing", "problem_type": matter })
            }
            "RecordProgress" => json!({ "parent": target, "text": "已联系工程师" }),
            "AwaitCustomer" => json!({ "name": target, "awaited": "序列号" }),
            "ResolveRequest" => json!({ "name": target, "resolution": "重新安装驱动", "assistance": "远程陪同操作" }),
            "ConfirmResolution" => json!({ "name": target, "outcome": "SATISFIED", "channel": "HOTLINE" }),
            "RespondRequest" | "CustomerReplied" | "ResumeDuty" | "GetNotification" | "AcknowledgeNotification" => {
                json!({ "name": target })
            }
            "ReopenRequest" | "CancelRequest" | "PauseDuty" | "WaiveDuty" | "DeclineTransfer" | "MarkMajor"
            | "StartRemote" => {
                json!({ "name": target, "reason": "又坏了" })
            }
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
            "GetRequest" | "ExplainRequest" => json!({ "name": working }),
            "ListProgress" => json!({ "parent": working }),
            "ListContactAttempts" => json!({ "parent": self.in_state.get("RESOLVED") }),
            "ListCustomers" | "ListRequests" | "ListMyQueue" | "WatchRequests" => json!({}),
            "ImportRequests" => {
                json!({ "source": "test", "calendar": "zone = 'Asia/Tokyo'\nholidays = 'none'", "rows": [{
                "line": 7, "external_id": "1-7", "channel": "WEB", "kind": "SERVICE", "state": "CLOSED", "customer": customer,
                "department": DESK, "contact_time": "2018-01-02T09:00:00Z", "closed_time": "2018-01-02T16:00:00Z",
            }] })
            }
            "ListDuties" | "SummarizeCompliance" | "Subscribe" | "ListNotifications" | "WatchNotifications" => {
                json!({ "parent": service })
            }
            "VerifyJournal" => json!({ "parent": service, "anchors": [{ "position": 1, "hash": "AAAA" }] }),
            "GetDuty" => json!({ "name": self.target.get("PauseDuty") }),
            _ => panic!("{method} has no good request in any.rs: add one"),
        }
    }

    /// Calls a method by its name.
    pub async fn call(&self, token: &str, method: &str, request: Json) -> Result<Vec<u8>, Status> {
        let method = named(method);
        self.send(Some(token), &method, message(&method, request).encode_to_vec()).await
    }

    /// Calls a method with an encoded request; the first message it replies with.
    pub async fn send(&self, token: Option<&str>, method: &MethodDescriptor, body: Vec<u8>) -> Result<Vec<u8>, Status> {
        self.send_to(&path(method), token, tokio_stream::iter([body])).await
    }

    pub async fn send_to<S>(&self, path: &str, token: Option<&str>, bodies: S) -> Result<Vec<u8>, Status>
    where
        S: tokio_stream::Stream<Item = Vec<u8>> + Send + 'static,
    {
        let mut client = Grpc::new(self.bench.channel());
        client.ready().await.unwrap();
        let mut request = tonic::Request::new(bodies);
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        // On the wire a single message is a stream of one.
        let mut replies = client.streaming(request, path.parse::<PathAndQuery>().unwrap(), Raw).await?.into_inner();
        Ok(replies.message().await?.unwrap_or_default())
    }

    /// A digest of every row of every table of the schema, once the journal is sealed; but for the departments of staff, which
    /// tests of access change to and fro.
    pub async fn digest(&self) -> Vec<String> {
        self.bench.seal().await;
        let tables = "select relname::text from pg_class where relkind = 'r' and relname <> 'directory_membership'
            and relnamespace = 'intake'::regnamespace";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(self.bench.admin()).await.unwrap();
        assert!(
            ["customer", "journal", "duty", "reply"].iter().all(|&table| tables.iter().any(|known| known == table))
        );
        let digests: Vec<String> = tables
            .iter()
            .map(|table| format!("select '{table} ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') from intake.{table} as t"))
            .collect();
        let query = sqlx::AssertSqlSafe(format!("{} order by 1", digests.join(" union all ")));
        sqlx::query_scalar(query).fetch_all(self.bench.admin()).await.unwrap()
    }

    /// Every method that the service serves.
    pub fn methods(&self) -> Vec<MethodDescriptor> {
        let rules = &self.bench.chassis().rules;
        let methods = kefu_proto::pool().services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let methods: Vec<_> = methods.filter(|method| rules.at(&path(method)).is_some()).collect();
        assert_eq!(methods.len(), rules.iter().count());
        methods
    }
}

pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// The method of a name; no two have the same.
pub fn named(name: &str) -> MethodDescriptor {
    let mut methods = kefu_proto::pool().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.find(|method| method.name() == name).unwrap_or_else(|| panic!("there is no method {name}"))
}

pub fn message(method: &MethodDescriptor, request: Json) -> DynamicMessage {
    DynamicMessage::deserialize(method.input(), request).unwrap_or_else(|error| panic!("{}: {error}", method.name()))
}

/// Whether a request has such a field.
pub fn has(request: &DynamicMessage, field: &str) -> bool {
    request.descriptor().get_field_by_name(field).is_some()
}

/// `request` with another value in a field.
pub fn with(request: &DynamicMessage, field: &str, value: Value) -> DynamicMessage {
    let mut request = request.clone();
    request.set_field_by_name(field, value);
    request
}

/// `request` with another text in a field.
pub fn with_text(request: &DynamicMessage, field: &str, text: impl Into<String>) -> DynamicMessage {
    with(request, field, Value::String(text.into()))
}

/// The request that a reply shows.
pub fn shown(reply: &[u8]) -> pb::Request {
    pb::Request::decode(reply).unwrap()
}

/// Messages as they are on the wire.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}
