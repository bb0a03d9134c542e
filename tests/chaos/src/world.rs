//! What is put to the test: two processes of intake, one of complaints and of appraisal, the links between them, and their
//! Postgres.

use kefu_proto::contacts::v1::Contact;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::{CreateCustomerRequest, Customer};
use kefu_testkit::rig::{House, Plan, Process, Rig, Seat};
use sqlx::PgPool;

use crate::link::{Link, State};

/// Replicas of intake.
pub const INTAKES: usize = 2;
/// Connections of a process: few, so that they can be exhausted.
const CONNECTIONS: u32 = 8;
/// Times so short that duties come due, and are told of upwards, while the test looks on.
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

/// Everything that runs.
pub struct World {
    pub intake: Vec<Process>,
    pub complaints: Process,
    pub appraisal: Process,
    pub links: Vec<Link>,
    pub house: House,
    /// A customer for each agent.
    pub customers: Vec<String>,
    /// The superuser, to look at everything.
    pub pool: PgPool,
    environments: Vec<Vec<(&'static str, String)>>,
    pub rig: Rig,
}

impl World {
    /// Starts all of it, with so many agents.
    pub async fn start(agents: usize) -> Self {
        let settings = [
            ("max_connections", "100"),
            // Faster when everything is looked through after a kill, and as safe.
            ("recovery_init_sync_method", "syncfs"),
            ("max_wal_size", "256MB"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let plan = Plan { settings, regulation: REGULATION.into(), connections: CONNECTIONS, ..Plan::default() };
        let rig = Rig::start(plan).await;
        let appraisal = rig.seat("appraisal");
        let complaints = rig.seat("complaints");
        let intake = [rig.seat("intake"), rig.seat("intake")];
        // Of intake to complaints and back, and of both to the directory.
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

    /// Every process.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.intake.iter().chain([&self.complaints, &self.appraisal])
    }

    /// Every link is so from now on.
    pub fn set_links(&self, state: State) {
        for link in &self.links {
            link.set(state);
        }
    }

    /// The environment of a replica of intake, with something more.
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
        let call = CreateCustomerRequest { customer: Some(customer), ..Default::default() };
        let mut client = CustomerServiceClient::new(rig.caller(intake, agent, &["AGENT"]));
        customers.push(client.create_customer(call).await.unwrap().into_inner().name);
    }
    customers
}
