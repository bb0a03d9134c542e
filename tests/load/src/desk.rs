//! The desk: its agents, and the calls of the writing methods that the benchmark measures.

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use kefu_proto::complaints::v1 as complaints;
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::contacts::v1::{Channel, Contact};
use kefu_proto::intake::v1 as intake;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::{Caller, request_id};
use tonic::Status;

use crate::drive::{Call, Outcome};
use crate::ledger::{Ledger, Method};
use crate::words;

const fn intake(path: &'static str) -> Method {
    Method { schema: "intake", path }
}

const REGISTER: Method = intake("/kefu.intake.v1.RequestService/RegisterRequest");
const RESPOND: Method = intake("/kefu.intake.v1.RequestService/RespondRequest");
const CLASSIFY: Method = intake("/kefu.intake.v1.RequestService/ClassifyRequest");
const PROGRESS: Method = intake("/kefu.intake.v1.RequestService/RecordProgress");
const RESOLVE: Method = intake("/kefu.intake.v1.RequestService/ResolveRequest");
const CONFIRM: Method = intake("/kefu.intake.v1.RequestService/ConfirmResolution");
const CONVERT: Method = intake("/kefu.intake.v1.RequestService/ConvertToComplaint");
const COMPLAIN: Method =
    Method { schema: "complaints", path: "/kefu.complaints.v1.ComplaintService/RegisterComplaint" };

/// The clients of one agent, one for each service.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Client of intake.
    pub requests: RequestServiceClient<Caller>,
    /// Client of complaints.
    pub complaints: ComplaintServiceClient<Caller>,
}

/// The desk: agents, customers, and the requests that are under way.
#[derive(Debug)]
pub struct Desk {
    agents: Vec<Agent>,
    customers: Vec<String>,
    /// Ledger of the writes that the services acknowledged.
    pub ledger: Ledger,
    work: Mutex<Work>,
}

/// Requests under way, in one queue for each step reached; each request has its name and the number of its agent.
#[derive(Debug, Default)]
struct Work {
    registered: Vec<(String, usize)>,
    responded: Vec<(String, usize)>,
    classified: Vec<(String, usize)>,
    told: Vec<(String, usize)>,
    resolved: Vec<(String, usize)>,
}

/// Function that picks one queue of the work.
type Queue = fn(&mut Work) -> &mut Vec<(String, usize)>;

/// A step in the work on a request: the method called, the queue before it, and the queue after it if any.
struct Step {
    method: Method,
    from: Queue,
    to: Option<Queue>,
}

impl Desk {
    /// Creates a desk without work under way.
    pub fn new(agents: Vec<Agent>, customers: Vec<String>) -> Self {
        Self { agents, customers, ledger: Ledger::default(), work: Mutex::default() }
    }

    fn agent(&self, turn: u64) -> usize {
        usize::try_from(turn).unwrap_or(0) % self.agents.len()
    }

    fn put(&self, queue: Queue, item: (String, usize)) {
        queue(&mut self.work.lock().expect("no holder panicked")).push(item);
    }

    /// Empties all queues of requests under way.
    pub fn clear(&self) {
        *self.work.lock().expect("no holder panicked") = Work::default();
    }

    /// Makes the call that registers request number `turn`.
    pub fn registration(&self, turn: u64) -> intake::RegisterRequestRequest {
        let customer = usize::try_from(turn / 7).unwrap_or(0) % self.customers.len();
        intake::RegisterRequestRequest {
            customer: self.customers[customer].clone(),
            channel: Channel::Web.into(),
            kind: intake::request::Kind::Service.into(),
            contact: Some(contact(turn)),
            description: words::description(turn),
            product_model: format!("KX-{}", turn % 90),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// Returns the intake client of the agent with this number.
    pub fn requests_of(&self, agent: usize) -> RequestServiceClient<Caller> {
        self.agents[agent].requests.clone()
    }

    /// Turns a method of the desk into a call for the load generator.
    pub fn call<F>(self: &Arc<Self>, method: fn(Arc<Self>, u64) -> F) -> Call
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let desk = self.clone();
        Arc::new(move |turn| method(desk.clone(), turn).boxed())
    }

    /// Registers a request.
    pub async fn register(self: Arc<Self>, turn: u64) -> Outcome {
        let (agent, registration) = (self.agent(turn), self.registration(turn));
        let id = registration.request_id.clone();
        let request = self.agents[agent].requests.clone().register_request(registration).await?.into_inner();
        self.ledger.acknowledge(REGISTER, &id, &request.name);
        self.put(|work| &mut work.registered, (request.name, agent));
        Ok(REGISTER.name())
    }

    /// Registers a complaint.
    pub async fn complain(self: Arc<Self>, turn: u64) -> Outcome {
        let registration = complaints::RegisterComplaintRequest {
            channel: Channel::Hotline.into(),
            contact: Some(contact(turn)),
            matter: words::description(turn),
            desired_remedy: "重新安装并道歉".into(),
            request_id: request_id(),
            ..Default::default()
        };
        let id = registration.request_id.clone();
        let mut client = self.agents[self.agent(turn)].complaints.clone();
        let complaint = client.register_complaint(registration).await?.into_inner();
        self.ledger.acknowledge(COMPLAIN, &id, &complaint.name);
        Ok(COMPLAIN.name())
    }

    /// Records the first response to the customer of a registered request.
    pub async fn respond(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: RESPOND, from: |work| &mut work.registered, to: Some(|work| &mut work.responded) };
        self.step(turn, step, |mut client, name, request_id| async move {
            let call =
                intake::RespondRequestRequest {
                    name, request_id, text: "已联系工程师".into(), ..Default::default()
                };
            client.respond_request(call).await.map(drop)
        })
        .await
    }

    /// Classifies the problem of a request that has been responded to.
    pub async fn classify(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: CLASSIFY, from: |work| &mut work.responded, to: Some(|work| &mut work.classified) };
        self.step(turn, step, |mut client, name, request_id| async move {
            let (business_domain, problem_type) = ("network".into(), "offline".into());
            let call = intake::ClassifyRequestRequest {
                name,
                business_domain,
                problem_type,
                request_id,
                ..Default::default()
            };
            client.classify_request(call).await.map(drop)
        })
        .await
    }

    /// Records progress on a classified request.
    pub async fn tell(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: PROGRESS, from: |work| &mut work.classified, to: Some(|work| &mut work.told) };
        self.step(turn, step, |mut client, name, request_id| async move {
            let call = intake::RecordProgressRequest {
                parent: name,
                text: "已联系工程师".into(),
                told_by: Channel::Hotline.into(),
                request_id,
                ..Default::default()
            };
            client.record_progress(call).await.map(drop)
        })
        .await
    }

    /// Resolves a request on which progress has been recorded.
    pub async fn resolve(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: RESOLVE, from: |work| &mut work.told, to: Some(|work| &mut work.resolved) };
        self.step(turn, step, |mut client, name, request_id| async move {
            let (resolution, assistance) = ("重新安装驱动".into(), "远程陪同操作".into());
            let call = intake::ResolveRequestRequest { name, resolution, assistance, request_id, ..Default::default() };
            client.resolve_request(call).await.map(drop)
        })
        .await
    }

    /// Confirms with a satisfied customer that a request is resolved.
    pub async fn confirm(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: CONFIRM, from: |work| &mut work.resolved, to: None };
        self.step(turn, step, |mut client, name, request_id| async move {
            let call = intake::ConfirmResolutionRequest {
                name,
                outcome: intake::contact_attempt::Outcome::Satisfied.into(),
                channel: Channel::Hotline.into(),
                request_id,
                ..Default::default()
            };
            client.confirm_resolution(call).await.map(drop)
        })
        .await
    }

    /// Converts a request that has been responded to into a complaint, which the complaints service registers.
    pub async fn convert(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: CONVERT, from: |work| &mut work.responded, to: None };
        self.step(turn, step, |mut client, name, request_id| async move {
            let (matter, desired_remedy) = ("答复后仍未解决".into(), "退款".into());
            let call =
                intake::ConvertToComplaintRequest { name, matter, desired_remedy, request_id, ..Default::default() };
            client.convert_to_complaint(call).await.map(drop)
        })
        .await
    }

    /// Takes a request from the step's queue and makes the step's call as the request's agent. Registers a new request
    /// if the queue is empty.
    async fn step<C, F>(self: Arc<Self>, turn: u64, step: Step, call: C) -> Outcome
    where
        C: FnOnce(RequestServiceClient<Caller>, String, String) -> F,
        F: Future<Output = Result<(), Status>>,
    {
        let taken = (step.from)(&mut self.work.lock().expect("no holder panicked")).pop();
        let Some((name, agent)) = taken else { return self.register(turn).await };
        let id = request_id();
        call(self.agents[agent].requests.clone(), name.clone(), id.clone()).await?;
        self.ledger.acknowledge(step.method, &id, &name);
        if let Some(to) = step.to {
            self.put(to, (name, agent));
        }
        Ok(step.method.name())
    }
}

fn contact(turn: u64) -> Contact {
    Contact { person: "王小明".into(), phone: format!("139{:08}", turn % 100_000_000), ..Contact::default() }
}
