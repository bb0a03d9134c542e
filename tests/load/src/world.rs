//! The system under load: the three services as processes on a durable Postgres, with customers and a desk of agents.
//! Beside the services' database, an empty copy of it serves pgbench.

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

/// Number of agents; each has a token of its own.
pub const AGENTS: usize = 32;
/// Number of connections to each service that the agents share.
const CONNECTIONS: usize = 4;
const CUSTOMERS: usize = 200;
/// Settings that a production Postgres would have: memory for buffers and maintenance, room for the write-ahead log
/// between checkpoints, and connections. All other settings, durability included, keep Postgres' defaults.
const SETTINGS: [(&str, &str); 4] =
    [("shared_buffers", "4GB"), ("max_wal_size", "8GB"), ("max_connections", "200"), ("maintenance_work_mem", "1GB")];

/// The running system under load: services, Postgres and agents.
pub struct World {
    /// Home directory, Postgres and tokens of the run.
    pub rig: Rig,
    /// The intake service.
    pub intake: Process,
    /// The complaints service.
    pub complaints: Process,
    /// The appraisal service.
    pub appraisal: Process,
    /// Agents, customers and work under way.
    pub desk: Arc<Desk>,
    agents: Vec<String>,
    /// Connections of the superuser to the services' database.
    pub pool: PgPool,
    /// Whether Postgres has the extension `pg_stat_statements`, which not every package of Postgres includes.
    pub counts_statements: bool,
}

/// Processor time since the start, and memory in bytes, of each service and of all Postgres processes.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Of the intake service.
    pub intake: Usage,
    /// Of the complaints service.
    pub complaints: Usage,
    /// Of the appraisal service.
    pub appraisal: Usage,
    /// Of all Postgres processes.
    pub postgres: Usage,
}

impl World {
    /// Starts Postgres, the services and the desk. With `with_used_log`, first fills the write-ahead log with files to
    /// reuse, which takes time and 4 GB of disk.
    pub async fn open(with_used_log: bool) -> Self {
        let settings = SETTINGS.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let rig = Rig::start(Plan { settings, log: "warn".into(), ..Plan::default() }).await;
        let counts_statements = count_statements(&rig).await;
        if with_used_log {
            used_log(&rig).await;
        }
        // A database can be copied only while nobody is connected to it.
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

    /// Returns a caller of `process` with a connection of its own, authenticated as `subject` in `role`.
    pub fn caller(&self, process: &Process, subject: &str, role: &str) -> Caller {
        Bearer::new(&self.rig.token(subject, &[role])).on(channel(process))
    }

    /// Returns the agents' names; the place in the slice is the agent's number.
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    /// Reads the processor time and memory that each service and Postgres have used up to now.
    pub fn used(&self) -> Used {
        Used {
            intake: Usage::of(self.intake.pid()),
            complaints: Usage::of(self.complaints.pid()),
            appraisal: Usage::of(self.appraisal.pid()),
            postgres: Usage::of_family(self.rig.postgres_pid()),
        }
    }

    /// Returns the single number that an SQL statement selects from the services' database.
    pub async fn number(&self, statement: &str) -> i64 {
        let query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(statement.to_owned()));
        query.fetch_one(&self.pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Runs SQL statements on the services' database.
    pub async fn run(&self, statements: &str) {
        let run = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.pool).await;
        run.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Returns the texts that an SQL statement selects from the services' database, one a row.
    pub async fn texts(&self, statement: &str) -> Vec<String> {
        let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(statement.to_owned()));
        query.fetch_all(&self.pool).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Returns the names of a table's columns, in their order in the table.
    pub async fn columns(&self, schema: &str, table: &str) -> Vec<String> {
        self.texts(&format!(
            "select column_name::text from information_schema.columns
            where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position"
        ))
        .await
    }

    /// Returns the names of all imported requests, each with the number of the agent who owns it.
    pub async fn owned(&self) -> Vec<(String, usize)> {
        let rows = self.texts("select id || ' ' || substr(owner, 12) from intake.request where source = 'load'").await;
        let read = |row: String| {
            let (id, place) = row.split_once(' ')?;
            Some((format!("requests/{id}"), place.parse().ok()?))
        };
        rows.into_iter().map(|row| read(row).expect("an agent owns it")).collect()
    }

    /// Waits until an SQL statement selects zero, asking every 20 ms; panics after `patience`.
    pub async fn until_none(&self, statement: &str, patience: Duration) {
        let began = Instant::now();
        while self.number(statement).await > 0 {
            assert!(began.elapsed() < patience, "{statement} is not zero after {patience:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until all events of intake and complaints are sealed, i.e. have a position; panics after two minutes each.
    pub async fn sealed(&self) {
        for schema in ["intake", "complaints"] {
            let unsealed = format!("select count(*) from {schema}.journal where position is null");
            self.until_none(&unsealed, Duration::from_mins(2)).await;
        }
    }

    /// Returns the URL of the copied database, in which pgbench runs.
    pub fn ceiling(&self) -> String {
        self.rig.url_of(CEILING)
    }

    /// Copies a customer to pgbench's database, because the requests that pgbench writes refer to it.
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

    /// Copies the search tokens and texts of up to 20,000 rows of a table to pgbench's database, so that pgbench can
    /// write varied ones. Returns how many rows were copied.
    pub async fn copy_texts(&self, schema: &str, table: &str, came: &str) -> i64 {
        let rows = format!(
            "select s.tokens::text, s.texts from {schema}.{table}_search as s
            join {schema}.{table} as t on t.id = s.{table} where t.{came} = t.created_at limit 20000"
        );
        let rows: Vec<(String, String)> =
            sqlx::query_as(AssertSqlSafe(rows)).fetch_all(&self.pool).await.expect("rows were written");
        let (tokens, texts): (Vec<String>, Vec<String>) = rows.into_iter().unzip();
        let mut connection = PgConnection::connect(&self.ceiling()).await.expect("the copy is there");
        let make =
            format!("create table texts_{table} (place bigint primary key, tokens text[] collate \"C\", texts text)");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut connection).await.expect("a table can be made");
        let fill = format!(
            "insert into texts_{table} select place, tokens::text[], texts
            from unnest($1::text[], $2::text[]) with ordinality as s (tokens, texts, place)"
        );
        let fill = sqlx::query(AssertSqlSafe(fill)).bind(&tokens).bind(&texts).execute(&mut connection).await;
        fill.expect("rows can be copied");
        i64::try_from(texts.len()).unwrap_or(0)
    }

    /// Returns the single number that an SQL statement selects from pgbench's database.
    pub async fn ceiling_number(&self, statement: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.ceiling()).await.expect("the copy is there");
        let number = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut connection).await;
        number.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Describes in a paragraph the machine, the Postgres version and the settings of the measurement.
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

    /// Returns the path of the program pgbench.
    pub fn pgbench(&self) -> PathBuf {
        self.rig.postgres_programs().join("pgbench")
    }
}

/// Name of the database that only pgbench uses.
const CEILING: &str = "ceiling";

/// Fills 250 files of the write-ahead log (4 GB), then makes a checkpoint so that Postgres can reuse them. Otherwise
/// writers would wait for new files, which they do not in a database that has been running for long.
async fn used_log(rig: &Rig) {
    let fill = "do $$ begin for file in 1..250 loop
        perform pg_logical_emit_message(false, 'load', ''); perform pg_switch_wal();
    end loop; end $$";
    query(&rig.url_of("kefu"), fill).await;
    query(&rig.url_of("kefu"), "checkpoint").await;
}

/// Sets up the extension `pg_stat_statements` if it is available, and returns whether it is.
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

/// Makes the connections to a service that the agents share.
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
        let call = intake::CreateCustomerRequest {
            customer: Some(customer),
            allow_shared_contacts: true,
            ..Default::default()
        };
        let created = loop {
            match client.create_customer(call.clone()).await {
                // This refusal means that the service does not know its staff yet; the call is repeated.
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
