//! Who calls and what: agents at a desk, and a call of each method that is measured.

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

/// An agent's clients.
#[derive(Clone, Debug)]
pub struct Agent {
    pub requests: RequestServiceClient<Caller>,
    pub complaints: ComplaintServiceClient<Caller>,
}

/// The desk.
#[derive(Debug)]
pub struct Desk {
    agents: Vec<Agent>,
    customers: Vec<String>,
    /// What was acknowledged.
    pub ledger: Ledger,
    work: Mutex<Work>,
}

/// Requests under way with the agent who has each, by what is done to them next.
#[derive(Debug, Default)]
struct Work {
    registered: Vec<(String, usize)>,
    responded: Vec<(String, usize)>,
    classified: Vec<(String, usize)>,
    told: Vec<(String, usize)>,
    resolved: Vec<(String, usize)>,
}

/// A queue of the work.
type Queue = fn(&mut Work) -> &mut Vec<(String, usize)>;

/// What is done to a request, and in which queues it waits before and after.
struct Step {
    method: Method,
    from: Queue,
    to: Option<Queue>,
}

impl Desk {
    pub fn new(agents: Vec<Agent>, customers: Vec<String>) -> Self {
        Self { agents, customers, ledger: Ledger::default(), work: Mutex::default() }
    }

    fn agent(&self, turn: u64) -> usize {
        usize::try_from(turn).unwrap_or(0) % self.agents.len()
    }

    fn put(&self, queue: Queue, item: (String, usize)) {
        queue(&mut self.work.lock().expect("no holder panicked")).push(item);
    }

    /// Forgets the requests under way.
    pub fn clear(&self) {
        *self.work.lock().expect("no holder panicked") = Work::default();
    }

    /// A registration as the agents write it.
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

    /// The client of one of the agents.
    pub fn requests_of(&self, agent: usize) -> RequestServiceClient<Caller> {
        self.agents[agent].requests.clone()
    }

    /// A call of one of the methods, made by an agent.
    pub fn call<F>(self: &Arc<Self>, method: fn(Arc<Self>, u64) -> F) -> Call
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let desk = self.clone();
        Arc::new(move |turn| method(desk.clone(), turn).boxed())
    }

    /// A request is registered.
    pub async fn register(self: Arc<Self>, turn: u64) -> Outcome {
        let (agent, registration) = (self.agent(turn), self.registration(turn));
        let id = registration.request_id.clone();
        let request = self.agents[agent].requests.clone().register_request(registration).await?.into_inner();
        self.ledger.acknowledge(REGISTER, &id, &request.name);
        self.put(|work| &mut work.registered, (request.name, agent));
        Ok(REGISTER.name())
    }

    /// A complaint is registered.
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

    /// The customer is answered.
    pub async fn respond(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: RESPOND, from: |work| &mut work.registered, to: Some(|work| &mut work.responded) };
        self.step(turn, step, |mut client, name, request_id| async move {
            let call = intake::RespondRequestRequest { name, request_id, ..Default::default() };
            client.respond_request(call).await.map(drop)
        })
        .await
    }

    /// The problem is judged.
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

    /// A step of the work is recorded.
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

    /// The problem is solved.
    pub async fn resolve(self: Arc<Self>, turn: u64) -> Outcome {
        let step = Step { method: RESOLVE, from: |work| &mut work.told, to: Some(|work| &mut work.resolved) };
        self.step(turn, step, |mut client, name, request_id| async move {
            let (resolution, assistance) = ("重新安装驱动".into(), "远程陪同操作".into());
            let call = intake::ResolveRequestRequest { name, resolution, assistance, request_id, ..Default::default() };
            client.resolve_request(call).await.map(drop)
        })
        .await
    }

    /// The customer confirms.
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

    /// A request becomes a complaint, which the other service registers.
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

    /// Does to a request that waits for it what comes next, by the agent who has it; registers one where none waits.
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
