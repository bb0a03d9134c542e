//! What is loaded: the three services as processes on a durable Postgres, with customers and a desk of agents, and beside
//! their database an empty copy of it for pgbench.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::contacts::v1::Contact;
use kefu_proto::intake::v1 as intake;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::rig::{House, Plan, Process, Rig, Usage};
use kefu_testkit::{Bearer, Caller};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::desk::{Agent, Desk};

/// Agents, each with a token of their own.
pub const AGENTS: usize = 32;
/// Connections that the agents share.
const CONNECTIONS: usize = 4;
const CUSTOMERS: usize = 200;
/// What the Postgres of a production has set: memory for its buffers, and room for the log between checkpoints. All else is
/// as Postgres comes, durability above all.
const SETTINGS: [(&str, &str); 4] =
    [("shared_buffers", "4GB"), ("max_wal_size", "8GB"), ("max_connections", "200"), ("maintenance_work_mem", "1GB")];

/// What is loaded.
pub struct World {
    pub rig: Rig,
    pub intake: Process,
    pub complaints: Process,
    pub appraisal: Process,
    pub desk: Arc<Desk>,
    agents: Vec<String>,
    /// The services' database, for the superuser.
    pub pool: PgPool,
    /// Whether Postgres has what counts statements, which not every package of it brings.
    pub counts_statements: bool,
}

/// Processor time in seconds, and memory in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    pub intake: Usage,
    pub complaints: Usage,
    pub appraisal: Usage,
    pub postgres: Usage,
}

impl World {
    /// Starts it, with a log that was used before if that is worth its time and 4 GB of disk.
    pub async fn open(with_used_log: bool) -> Self {
        let settings = SETTINGS.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let rig = Rig::start(Plan { settings, log: "warn".into(), ..Plan::default() }).await;
        let counts_statements = count_statements(&rig).await;
        if with_used_log {
            used_log(&rig).await;
        }
        // While nobody is connected to it.
        query(&rig.url_of("postgres"), &format!("create database {CEILING} template kefu")).await;
        let pool = rig.pool("intake");
        let processes = rig.launch_all(&[("appraisal", 1), ("complaints", 1), ("intake", 1)]).await;
        let [appraisal, complaints, intake] = processes.try_into().ok().expect("three processes");
        let house = House::of(AGENTS);
        house.settle(&rig, &[&appraisal, &complaints, &intake]).await;
        let customers = customers(CustomerServiceClient::new(rig.caller(&intake, &house.agents[0], &["AGENT"]))).await;
        let (to_intake, to_complaints) = (connect(&intake), connect(&complaints));
        let agents = house.agents.iter().enumerate().map(|(place, name)| {
            let bearer = Bearer::new(&rig.token(name, &["AGENT"]));
            Agent {
                requests: RequestServiceClient::new(bearer.clone().on(to_intake[place % CONNECTIONS].clone())),
                complaints: ComplaintServiceClient::new(bearer.on(to_complaints[place % CONNECTIONS].clone())),
            }
        });
        let desk = Arc::new(Desk::new(agents.collect(), customers));
        Self { rig, intake, complaints, appraisal, desk, agents: house.agents, pool, counts_statements }
    }

    /// A caller of intake with a connection of its own.
    pub fn caller(&self, process: &Process, subject: &str, role: &str) -> Caller {
        Bearer::new(&self.rig.token(subject, &[role])).on(channel(process))
    }

    /// The agents' names, by their places.
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    /// What each process has used up to now.
    pub fn used(&self) -> Used {
        Used {
            intake: Usage::of(self.intake.pid()),
            complaints: Usage::of(self.complaints.pid()),
            appraisal: Usage::of(self.appraisal.pid()),
            postgres: Usage::of_family(self.rig.postgres_pid()),
        }
    }

    /// A number that a statement gives.
    pub async fn number(&self, statement: &str) -> i64 {
        let query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(statement.to_owned()));
        query.fetch_one(&self.pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Runs statements.
    pub async fn run(&self, statements: &str) {
        let run = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.pool).await;
        run.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The texts that a statement gives.
    pub async fn texts(&self, statement: &str) -> Vec<String> {
        let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(statement.to_owned()));
        query.fetch_all(&self.pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// The columns of a table.
    pub async fn columns(&self, schema: &str, table: &str) -> Vec<String> {
        self.texts(&format!(
            "select column_name::text from information_schema.columns
            where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position"
        ))
        .await
    }

    /// Requests with the places of the agents who own them: those that were imported.
    pub async fn owned(&self) -> Vec<(String, usize)> {
        let rows = self.texts("select id || ' ' || substr(owner, 12) from intake.request where source = 'load'").await;
        let read = |row: String| {
            let (id, place) = row.split_once(' ')?;
            Some((format!("requests/{id}"), place.parse().ok()?))
        };
        rows.into_iter().map(|row| read(row).expect("an agent owns it")).collect()
    }

    /// Waits until a statement gives zero; panics after `patience`.
    pub async fn until_none(&self, statement: &str, patience: Duration) {
        let began = Instant::now();
        while self.number(statement).await > 0 {
            assert!(began.elapsed() < patience, "{statement} is not zero after {patience:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until all events are sealed.
    pub async fn sealed(&self) {
        for schema in ["intake", "complaints"] {
            let unsealed = format!("select count(*) from {schema}.journal where position is null");
            self.until_none(&unsealed, Duration::from_mins(2)).await;
        }
    }

    /// Where pgbench runs: the URL of the copy.
    pub fn ceiling(&self) -> String {
        self.rig.url_of(CEILING)
    }

    /// Gives the copy a customer, whose requests pgbench writes.
    pub async fn copy_customer(&self, id: &str) {
        let columns = self.columns("intake", "customer").await.join(", ");
        let rows = format!("select row_to_json(c)::text from intake.customer as c where id = '{id}'");
        let row = self.texts(&rows).await.pop().expect("the customer is there");
        let literal = row.replace('\'', "''");
        let insert = format!(
            "insert into intake.customer ({columns})
            select {columns} from json_populate_record(null::intake.customer, '{literal}') on conflict do nothing"
        );
        query(&self.ceiling(), &insert).await;
    }

    /// Gives the copy what the rows of a table are found by, for pgbench to take from; how many.
    pub async fn copy_said(&self, schema: &str, table: &str, came: &str) -> i64 {
        let rows = format!(
            "select s.tokens::text, s.said from {schema}.{table}_search as s
            join {schema}.{table} as t on t.id = s.{table} where t.{came} = t.created_at limit 20000"
        );
        let rows: Vec<(String, String)> =
            sqlx::query_as(AssertSqlSafe(rows)).fetch_all(&self.pool).await.expect("rows were written");
        let (tokens, said): (Vec<String>, Vec<String>) = rows.into_iter().unzip();
        let mut connection = PgConnection::connect(&self.ceiling()).await.expect("the copy is there");
        let make =
            format!("create table said_{table} (place bigint primary key, tokens text[] collate \"C\", said text)");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut connection).await.expect("a table can be made");
        let fill = format!(
            "insert into said_{table} select place, tokens::text[], said
            from unnest($1::text[], $2::text[]) with ordinality as s (tokens, said, place)"
        );
        let fill = sqlx::query(AssertSqlSafe(fill)).bind(&tokens).bind(&said).execute(&mut connection).await;
        fill.expect("rows can be copied");
        i64::try_from(said.len()).unwrap_or(0)
    }

    /// A number from the copy.
    pub async fn ceiling_number(&self, statement: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.ceiling()).await.expect("the copy is there");
        let number = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut connection).await;
        number.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// On what it was measured, in a paragraph.
    pub async fn setting(&self) -> String {
        let version = self.texts("select current_setting('server_version')").await.concat();
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default().trim();
        let memory = memory.trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / f64::from(1 << 20);
        let settings: Vec<String> = SETTINGS.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let day = kefu_chassis::Clock::system().now().strftime("%Y-%m-%d").to_string();
        format!(
            "Written by `tools/load` on {day}: release build, {cores} cores ({}), {memory:.0} GiB; services,
PostgreSQL {version}, pgbench and the load generator on the same cores;
{}; all else as Postgres
comes, so every commit is flushed. Figures of several rounds are medians, least and most in brackets.",
            processor.trim_start_matches([' ', '\t', ':']).trim(),
            settings.join(", ")
        )
    }

    /// The program.
    pub fn pgbench(&self) -> PathBuf {
        self.rig.postgres_programs().join("pgbench")
    }
}

/// The database that only pgbench uses.
const CEILING: &str = "ceiling";

/// Fills the log as far as Postgres keeps its files, and lets it use them again: in a database that has been running, nobody
/// waits for a file of the log to be made.
async fn used_log(rig: &Rig) {
    let fill = "do $$ begin for file in 1..250 loop
        perform pg_logical_emit_message(false, 'load', ''); perform pg_switch_wal();
    end loop; end $$";
    query(&rig.url_of("kefu"), fill).await;
    query(&rig.url_of("kefu"), "checkpoint").await;
}

/// Lets Postgres count statements, if it can.
async fn count_statements(rig: &Rig) -> bool {
    let url = rig.url_of("kefu");
    let mut connection = PgConnection::connect(&url).await.expect("Postgres is there");
    let known = "select exists (select from pg_available_extensions where name = 'pg_stat_statements')";
    let is_known: bool = sqlx::query_scalar(known).fetch_one(&mut connection).await.expect("Postgres answers");
    if is_known {
        query(&url, "alter system set shared_preload_libraries = 'pg_stat_statements'").await;
        rig.kill_postgres();
        rig.restart_postgres().await.expect("Postgres starts again");
        query(&url, "create extension pg_stat_statements").await;
    }
    is_known
}

async fn query(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.expect("Postgres is there");
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// The connections that the agents share.
pub fn connect(process: &Process) -> Vec<Channel> {
    (0..CONNECTIONS).map(|_| channel(process)).collect()
}

fn channel(process: &Process) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", process.address())).expect("an address is a URL");
    endpoint.tcp_nodelay(true).connect_lazy()
}

async fn customers(mut client: CustomerServiceClient<Caller>) -> Vec<String> {
    let mut names = Vec::with_capacity(CUSTOMERS);
    for number in 0..CUSTOMERS {
        let contact = Contact { phone: format!("138{number:08}"), ..Contact::default() };
        let customer = intake::Customer {
            display_name: format!("客户{number}"),
            contacts: vec![contact],
            ..intake::Customer::default()
        };
        let call = intake::CreateCustomerRequest { customer: Some(customer), ..Default::default() };
        let created = loop {
            match client.create_customer(call.clone()).await {
                // The service does not know its staff yet.
                Err(refused) if refused.code() == Code::FailedPrecondition => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                created => break created.expect("a customer can be recorded").into_inner(),
            }
        };
        names.push(created.name);
    }
    names
}
