//! The load: agents who take requests from registration to closing at both replicas of intake, and a clerk who records
//! new staff.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kefu_proto::complaints::v1::complaint::Category;
use kefu_proto::contacts::v1::{Channel, Contact};
use kefu_proto::directory::v1 as directory;
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::State;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::Role;
use kefu_testkit::{Caller, request_id};
use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::call::{Desk, in_time};
use crate::ledger::Acknowledged;
use crate::world::{INTAKES, World};

/// Upper bound of a caller's random pause between two steps, in milliseconds.
const THINKS_MS: u64 = 60;
const SERVICE: &str = "/kefu.intake.v1.RequestService/";

/// Callers that work until they are told to pause.
pub struct Load {
    // The first field, so that the tasks are dropped before the channel that they wait on.
    _tasks: JoinSet<()>,
    works: watch::Sender<bool>,
    idle: watch::Receiver<usize>,
    callers: usize,
}

impl Load {
    /// Starts a task for each agent of `world`, and one for the clerk. All callers are paused at first.
    pub fn start(world: &Arc<World>, desk: &Arc<Desk>, seed: u64) -> Self {
        let works = watch::Sender::new(false);
        let idle = watch::Sender::new(0);
        let mut tasks = JoinSet::new();
        let turn = |place: usize| Turn { works: works.subscribe(), idle: idle.clone(), rng: rng(seed, place) };
        for (place, name) in world.house.agents.iter().enumerate() {
            let agent = Agent::of(world, desk, name, &world.customers[place]);
            tasks.spawn(agent.work(turn(place)));
        }
        tasks.spawn(clerk(world.clone(), desk.clone(), turn(world.house.agents.len())));
        Self { works, idle: idle.subscribe(), callers: world.house.agents.len() + 1, _tasks: tasks }
    }

    /// Resumes all callers after a pause.
    pub fn resume(&self) {
        self.works.send_replace(true);
    }

    /// Pauses all callers, and returns when none has a call under way.
    pub async fn pause(&mut self) {
        self.works.send_replace(false);
        let callers = self.callers;
        self.idle.wait_for(|&idle| idle == callers).await.unwrap();
    }
}

fn rng(seed: u64, place: usize) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed ^ (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Decides when a caller works, and makes its random choices.
struct Turn {
    works: watch::Receiver<bool>,
    idle: watch::Sender<usize>,
    rng: fastrand::Rng,
}

impl Turn {
    /// Sleeps for a random time below [`THINKS_MS`]. If the load is paused, counts the caller as idle until it resumes.
    async fn comes(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.rng.u64(0..THINKS_MS))).await;
        if !*self.works.borrow() {
            self.idle.send_modify(|idle| *idle += 1);
            self.works.wait_for(|works| *works).await.unwrap();
            self.idle.send_modify(|idle| *idle -= 1);
        }
    }

    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }
}

/// An agent, who calls intake about requests of one customer.
struct Agent {
    desk: Arc<Desk>,
    name: String,
    customer: String,
    clients: Vec<RequestServiceClient<Caller>>,
}

/// Repeats a call until it is acknowledged, first at a random replica of intake.
macro_rules! insist {
    ($agent:ident, $turn:ident, $what:literal, $method:ident, $message:expr) => {{
        let (message, first) = ($message, $turn.rng.usize(0..INTAKES));
        let call = |replica: usize| -> BoxFuture<'static, _> {
            let (mut client, message) = ($agent.clients[replica].clone(), message.clone());
            Box::pin(async move { client.$method(in_time(message)).await })
        };
        $agent.desk.insist($what, (first, INTAKES), &mut $turn.rng, call).await
    }};
}

impl Agent {
    fn of(world: &World, desk: &Arc<Desk>, name: &str, customer: &str) -> Self {
        let clients =
            world.intake.iter().map(|process| RequestServiceClient::new(world.rig.caller(process, name, &["AGENT"])));
        Self { desk: desk.clone(), name: name.into(), customer: customer.into(), clients: clients.collect() }
    }

    async fn work(self, mut turn: Turn) {
        loop {
            turn.comes().await;
            self.one(&mut turn).await;
        }
    }

    /// Registers a request and takes it a random part of the way. Returns None if a call is never acknowledged.
    async fn one(&self, turn: &mut Turn) -> Option<()> {
        let name = self.register(turn).await?;
        if turn.chance(20) {
            turn.comes().await;
            return self.convert(turn, &name).await;
        }
        // Some requests are never responded to, so that their duties are breached.
        if turn.chance(25) {
            return Some(());
        }
        turn.comes().await;
        self.respond(turn, &name).await?;
        for _ in 0..turn.rng.u8(0..3) {
            turn.comes().await;
            self.tell(turn, &name).await?;
        }
        turn.comes().await;
        self.look(turn, &name).await?;
        turn.comes().await;
        self.resolve(turn, &name).await?;
        turn.comes().await;
        self.confirm(turn, &name).await?;
        if turn.chance(25) {
            turn.comes().await;
            self.convert(turn, &name).await?;
        }
        turn.comes().await;
        self.look(turn, &name).await
    }

    /// Records an acknowledged call in the ledger, and applies its `change` to the request.
    fn acknowledged(
        &self,
        name: &str,
        method: &str,
        request_id: String,
        change: impl FnOnce(&mut Acknowledged, String),
    ) {
        let mut entries = self.desk.ledger.entries();
        entries.answered.insert((self.name.clone(), format!("{SERVICE}{method}"), request_id.clone()));
        if let Some(known) = entries.requests.get_mut(name) {
            known.events += 1;
            change(known, request_id);
        }
    }

    async fn register(&self, turn: &mut Turn) -> Option<String> {
        let id = request_id();
        let message = pb::RegisterRequestRequest {
            customer: self.customer.clone(),
            channel: Channel::Chat.into(),
            kind: pb::request::Kind::Service.into(),
            contact: Some(Contact { phone: "138 0013 8000".into(), ..Default::default() }),
            description: id.clone(),
            business_domain: "consultation".into(),
            // Each request has its own problem type, so that none counts as a repetition of another by A2.8.
            problem_type: id.clone(),
            request_id: id.clone(),
            ..Default::default()
        };
        let request = insist!(self, turn, "RegisterRequest", register_request, message.clone())?;
        let known = Acknowledged {
            registered_by: id.clone(),
            state: State::Registered,
            events: 0,
            progress: Vec::new(),
            contacts: Vec::new(),
            complaint: None,
        };
        self.desk.ledger.entries().requests.insert(request.name.clone(), known);
        self.acknowledged(&request.name, "RegisterRequest", id, |_, _| {});
        if turn.chance(15) {
            let again = insist!(self, turn, "RegisterRequest", register_request, message)?;
            if again.encode_to_vec() != request.encode_to_vec() {
                self.desk.ledger.violated(format!("{}: a repetition had another answer: {again:?}", request.name));
            }
        }
        Some(request.name)
    }

    async fn respond(&self, turn: &mut Turn, name: &str) -> Option<()> {
        let id = request_id();
        let message = pb::RespondRequestRequest {
            name: name.into(),
            request_id: id.clone(),
            text: id.clone(),
            ..Default::default()
        };
        insist!(self, turn, "RespondRequest", respond_request, message)?;
        self.acknowledged(name, "RespondRequest", id, |known, id| {
            known.state = State::InProgress;
            known.progress.push(id);
        });
        Some(())
    }

    async fn tell(&self, turn: &mut Turn, name: &str) -> Option<()> {
        let id = request_id();
        let message = pb::RecordProgressRequest {
            parent: name.into(),
            text: id.clone(),
            told_by: Channel::Chat.into(),
            request_id: id.clone(),
            ..Default::default()
        };
        insist!(self, turn, "RecordProgress", record_progress, message)?;
        self.acknowledged(name, "RecordProgress", id, |known, id| known.progress.push(id));
        Some(())
    }

    async fn resolve(&self, turn: &mut Turn, name: &str) -> Option<()> {
        let id = request_id();
        let message = pb::ResolveRequestRequest {
            name: name.into(),
            resolution: "restarted".into(),
            assistance: "by chat".into(),
            request_id: id.clone(),
            ..Default::default()
        };
        insist!(self, turn, "ResolveRequest", resolve_request, message)?;
        self.acknowledged(name, "ResolveRequest", id, |known, _| known.state = State::Resolved);
        Some(())
    }

    async fn confirm(&self, turn: &mut Turn, name: &str) -> Option<()> {
        let id = request_id();
        let message = pb::ConfirmResolutionRequest {
            name: name.into(),
            outcome: Outcome::Satisfied.into(),
            channel: Channel::Chat.into(),
            comment: id.clone(),
            request_id: id.clone(),
            ..Default::default()
        };
        insist!(self, turn, "ConfirmResolution", confirm_resolution, message)?;
        self.acknowledged(name, "ConfirmResolution", id, |known, id| {
            known.state = State::Closed;
            known.contacts.push(id);
        });
        Some(())
    }

    async fn convert(&self, turn: &mut Turn, name: &str) -> Option<()> {
        let id = request_id();
        let message = pb::ConvertToComplaintRequest {
            name: name.into(),
            category: Category::Quality.into(),
            request_id: id.clone(),
            ..Default::default()
        };
        let request = insist!(self, turn, "ConvertToComplaint", convert_to_complaint, message)?;
        // A conversion has two events: one when it begins, and one when it is done.
        self.acknowledged(name, "ConvertToComplaint", id, |known, _| {
            known.events += 1;
            known.complaint = Some(request.complaint);
        });
        Some(())
    }

    /// Reads a request by its name, then by its number. Any replica must show what was acknowledged at any other.
    async fn look(&self, turn: &mut Turn, name: &str) -> Option<()> {
        let message = pb::GetRequestRequest { name: name.into() };
        let request = insist!(self, turn, "GetRequest", get_request, message)?;
        let state = self.desk.ledger.entries().requests.get(name)?.state;
        if request.state() != state {
            self.desk
                .ledger
                .violated(format!("{name} is read as {:?} and was acknowledged as {state:?}", request.state()));
        }
        let message = pb::ListRequestsRequest { number: request.number.clone(), ..Default::default() };
        let listed = insist!(self, turn, "ListRequests", list_requests, message)?;
        if listed.requests.iter().map(|listed| &listed.name).ne([&request.name]) {
            self.desk.ledger.violated(format!("{} is not listed as {name} alone: {listed:?}", request.number));
        }
        Some(())
    }
}

/// Records new members of staff, with pauses of 100 to 460 ms. Each must then appear in every copy of the directory.
async fn clerk(world: Arc<World>, desk: Arc<Desk>, mut turn: Turn) {
    let client = DirectoryServiceClient::new(world.rig.caller(&world.appraisal, "staff/office", &["OFFICE"]));
    for number in 0_u32.. {
        turn.comes().await;
        let staff = directory::Staff {
            number: format!("n{number}"),
            display_name: format!("新人{number}"),
            department: "departments/desk".into(),
            roles: vec![Role::Agent.into()],
            supervisor: "staff/boss".into(),
            ..Default::default()
        };
        let message = directory::CreateStaffRequest {
            staff: Some(staff),
            staff_id: format!("new{number}"),
            request_id: request_id(),
            ..Default::default()
        };
        let call = |_| -> BoxFuture<'static, _> {
            let (mut client, message) = (client.clone(), message.clone());
            Box::pin(async move { client.create_staff(in_time(message)).await })
        };
        if let Some(staff) = desk.insist("CreateStaff", (0, 1), &mut turn.rng, call).await {
            desk.ledger.entries().staff.insert(staff.name);
        }
        tokio::time::sleep(Duration::from_millis(turn.rng.u64(100..400))).await;
    }
}
