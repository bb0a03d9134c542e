//! The system under test: two processes of intake, one of complaints, one of appraisal, the links between them, and
//! their Postgres.

use kefu_proto::contacts::v1::Contact;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::{CreateCustomerRequest, Customer};
use kefu_testkit::rig::{House, Plan, Process, Rig, Seat};
use sqlx::PgPool;

use crate::link::{Link, State};

/// Number of replicas of intake.
pub const INTAKES: usize = 2;
/// Most database connections of each process: few, so that the test can exhaust them.
const CONNECTIONS: u32 = 8;
/// Overrides of the regulation with times so short that duties come due and are escalated during the test.
const REGULATION: &str = "
[C2.1]
chat = '1s'
[C4.1]
progress_every = '4s'
[C5.2]
acknowledge_within = '2s'
[A9.1]
escalate_to_supervisor = '2s'
escalate_to_manager = '3s'
";

/// The running system under test.
pub struct World {
    /// Replicas of intake.
    pub intake: Vec<Process>,
    /// The complaints service.
    pub complaints: Process,
    /// The appraisal service.
    pub appraisal: Process,
    /// Links from services to their peers, which faults cut or slow down.
    pub links: Vec<Link>,
    /// Departments and staff of the directory.
    pub house: House,
    /// Names of the customers, one for each agent and in the order of the agents.
    pub customers: Vec<String>,
    /// Connections of the superuser, who can read the tables of every service.
    pub pool: PgPool,
    environments: Vec<Vec<(&'static str, String)>>,
    /// Home directory, Postgres and tokens of the run.
    pub rig: Rig,
}

impl World {
    /// Starts Postgres, the services and the links, and records `agents` agents with a customer each.
    pub async fn start(agents: usize) -> Self {
        let settings = [
            ("max_connections", "100"),
            // Makes recovery after a kill sync whole file systems instead of single files, which is faster and as safe.
            ("recovery_init_sync_method", "syncfs"),
            ("max_wal_size", "256MB"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let plan = Plan { settings, regulation: REGULATION.into(), connections: CONNECTIONS, ..Plan::default() };
        let rig = Rig::start(plan).await;
        let appraisal = rig.seat("appraisal");
        let complaints = rig.seat("complaints");
        let intake = [rig.seat("intake"), rig.seat("intake")];
        // The links lead, in this order: from intake to complaints, from complaints to intake, and from each of these
        // two to the directory in appraisal.
        let links = vec![
            Link::to(complaints.address).await,
            Link::to(intake[0].address).await,
            Link::to(appraisal.address).await,
            Link::to(appraisal.address).await,
        ];
        let of_intake =
            vec![("KEFU_PEERS__COMPLAINTS__URL", links[0].url()), ("KEFU_PEERS__APPRAISAL__URL", links[2].url())];
        let of_complaints =
            vec![("KEFU_PEERS__INTAKE__URL", links[1].url()), ("KEFU_PEERS__APPRAISAL__URL", links[3].url())];
        let launch =
            async |seat: Seat, environment: &[(&'static str, String)]| rig.launch(seat, &borrowed(environment)).await;
        let (appraisal, complaints, first, second) = futures::join!(
            launch(appraisal, &[]),
            launch(complaints, &of_complaints),
            launch(intake[0], &of_intake),
            launch(intake[1], &of_intake)
        );
        let intake = vec![first, second];
        let house = House::of(agents);
        house.settle(&rig, &[&appraisal, &complaints, &intake[0], &intake[1]]).await;
        let customers = customers(&rig, &intake[0], &house).await;
        let pool = rig.pool("public");
        let environments = vec![of_intake.clone(), of_intake];
        Self { intake, complaints, appraisal, links, house, customers, pool, environments, rig }
    }

    /// Returns every process of the services.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.intake.iter().chain([&self.complaints, &self.appraisal])
    }

    /// Sets every link to `state`.
    pub fn set_links(&self, state: State) {
        for link in &self.links {
            link.set(state);
        }
    }

    /// Returns the environment of a replica of intake, followed by the variables in `more`.
    pub fn environment<'a>(&'a self, replica: usize, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = self.environments[replica].iter().map(|(name, value)| (*name, value.as_str()));
        own.chain(more.iter().copied()).collect()
    }
}

fn borrowed<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn customers(rig: &Rig, intake: &Process, house: &House) -> Vec<String> {
    let mut customers = Vec::new();
    for agent in &house.agents {
        let contact = Contact { phone: "138 0013 8000".into(), ..Default::default() };
        let customer = Customer { display_name: agent.clone(), contacts: vec![contact], ..Default::default() };
        let call =
            CreateCustomerRequest { customer: Some(customer), allow_shared_contacts: true, ..Default::default() };
        let mut client = CustomerServiceClient::new(rig.caller(intake, agent, &["AGENT"]));
        customers.push(client.create_customer(call).await.unwrap().into_inner().name);
    }
    customers
}
