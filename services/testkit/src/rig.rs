//! The rig: the services as separate processes on a durable Postgres, as in production, for programs that load, kill, stop
//! and measure them. Everything started here ends with the process that started it, even if that crashes.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kefu_chassis::database::{self, MIGRATOR};
use kefu_chassis::error::describe;
use kefu_chassis::identity::signer::{AUDIENCE, ISSUER};
use kefu_postgres::{Durability, Lifetime, Options, Postgres};
use rustix::process::Signal;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};

use crate::caller::{Bearer, Caller, jwks, signer};
use crate::wait::within;

mod house;
mod process;
mod usage;
mod watchdog;

pub use house::House;
pub use process::Process;
pub use usage::Usage;
use watchdog::Watchdog;

/// Default directory of Postgres' data.
const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.kefu");
/// Schemas of the services.
pub const SERVICES: [&str; 3] = ["appraisal", "complaints", "intake"];
/// The gateway to the first process of each service; launched like a service.
pub const GATEWAY: &str = "gateway";
/// The first ADMIN of the directory.
pub const ADMIN: &str = "staff/root";
/// Longest wait for Postgres to end in order.
const MAX_WAIT: Duration = Duration::from_mins(1);
const DATABASE: &str = "kefu";
/// Ports of services: below the kernel's range for outgoing connections, so that none of these takes the port of a stopped
/// service.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Settings of a rig.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Settings of Postgres, as name and value, beside its own defaults.
    pub settings: Vec<(String, String)>,
    /// Directory of Postgres' data while it runs.
    pub home: PathBuf,
    /// Overrides of the regulation, as in an operator's file.
    pub regulation: String,
    /// Most connections of each service process.
    pub connections: u32,
    /// Log filter of the services, e.g. `info`.
    pub log: String,
}

impl Default for Plan {
    fn default() -> Self {
        let settings = vec![("max_connections".to_owned(), "200".to_owned())];
        Self { settings, home: HOME.into(), regulation: String::new(), connections: 16, log: "info".to_owned() }
    }
}

/// A Postgres with the schemas of all services, and the configuration of their processes.
pub struct Rig {
    // Dropped in this order: Postgres ends after its users.
    directory: tempfile::TempDir,
    watchdog: Arc<Watchdog>,
    postgres: Arc<Mutex<Postgres>>,
    postgres_port: u16,
    connections: u32,
    log: String,
    is_regulated: bool,
    seats: Mutex<Vec<Seat>>,
    next_port: AtomicU16,
}

/// The service and the address of a process.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Schema of the service.
    pub service: &'static str,
    /// Address to listen on.
    pub address: SocketAddr,
}

impl Rig {
    /// Starts Postgres and makes the schemas, each by the `migrate` command of its service.
    pub async fn start(plan: Plan) -> Self {
        let directory = tempfile::Builder::new().prefix("kefu-rig-").tempdir().unwrap();
        let watchdog = Arc::new(Watchdog::start(directory.path()));
        let options = Options {
            durability: Durability::Full,
            lifetime: Lifetime::Ephemeral,
            settings: plan.settings,
            on_progress: |sentence| eprintln!("{sentence}"),
            ..Options::new(plan.home)
        };
        let postgres = tokio::task::spawn_blocking(|| Postgres::start(options)).await.unwrap();
        let postgres = postgres.unwrap_or_else(|error| panic!("{}", describe(&error)));
        let rig = Self {
            directory,
            watchdog,
            postgres_port: postgres.port(),
            postgres: Arc::new(Mutex::new(postgres)),
            connections: plan.connections,
            log: plan.log,
            is_regulated: !plan.regulation.is_empty(),
            seats: Mutex::default(),
            next_port: AtomicU16::new(first_port()),
        };
        rig.write("jwks.json", &jwks());
        rig.write("regulation.toml", &plan.regulation);
        rig.run("postgres", &format!("create database {DATABASE}")).await;
        for service in SERVICES {
            rig.write(&format!("{service}.token"), &rig.token(&format!("services/{service}"), &["SERVICE"]));
            let mut connection = PgConnection::connect_with(&rig.superuser(service)).await.unwrap();
            let made = database::bootstrap(&mut connection, service, "").await;
            made.unwrap_or_else(|error| panic!("{}", describe(&error)));
            connection.close().await.unwrap();
            rig.migrate(service).await;
        }
        rig
    }

    /// Reserves an address for one more process of a service. Processes launched later know the first one of each service
    /// as their peer.
    #[must_use]
    pub fn seat(&self, service: &'static str) -> Seat {
        let address = loop {
            let port = PORTS.start + self.next_port.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start);
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            if TcpListener::bind(address).is_ok() {
                break address;
            }
        };
        let seat = Seat { service, address };
        self.seats.lock().unwrap().push(seat);
        seat
    }

    /// Starts a process and waits until it is ready. The environment overrides its configuration, e.g.
    /// `KEFU_PEERS__COMPLAINTS__URL`.
    pub async fn launch(&self, seat: Seat, environment: &[(&str, &str)]) -> Process {
        let url = self.url(&database::role(seat.service));
        let config = self.configure(&format!("{}-{}", seat.service, seat.address.port()), &seat, &url);
        let process = Process::start(seat, &config, environment, self.watchdog.clone());
        process.ready().await;
        process
    }

    /// Starts processes of several services at once, and returns them in the order of `counts`.
    pub async fn launch_all(&self, counts: &[(&'static str, usize)]) -> Vec<Process> {
        let seats: Vec<Seat> = counts
            .iter()
            .flat_map(|&(service, count)| std::iter::repeat_n(service, count))
            .map(|service| self.seat(service))
            .collect();
        futures::future::join_all(seats.into_iter().map(|seat| self.launch(seat, &[]))).await
    }

    /// Signs a token that is valid for a day. It has no `iat` or `nbf`, like those of many issuers, so that a process whose
    /// clock is behind accepts it too.
    #[must_use]
    pub fn token(&self, subject: &str, roles: &[&str]) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let keys: serde_json::Value = serde_json::from_str(&signer().jwks()).unwrap();
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": keys["keys"][0]["kid"]});
        let expires = kefu_chassis::Clock::system().now().as_second() + 86_400;
        let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": roles, "exp": expires});
        let encoded = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(signer().sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// A caller of a process, to make any generated client from.
    #[must_use]
    pub fn caller(&self, process: &Process, subject: &str, roles: &[&str]) -> Caller {
        Bearer::new(&self.token(subject, roles)).on(process.channel())
    }

    /// Connection options of the superuser for a schema of the services' database.
    #[must_use]
    pub fn superuser(&self, schema: &str) -> PgConnectOptions {
        let options: PgConnectOptions = self.url("postgres").parse().unwrap();
        options.options([("search_path", schema)])
    }

    /// The URL of a database for the superuser.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.postgres().url(database)
    }

    /// Directory of Postgres' programs.
    #[must_use]
    pub fn postgres_programs(&self) -> PathBuf {
        self.postgres().bin_dir().to_path_buf()
    }

    /// A pool of the superuser in a schema, for checks and locks.
    #[must_use]
    pub fn pool(&self, schema: &str) -> PgPool {
        PgPoolOptions::new().max_connections(4).connect_lazy_with(self.superuser(schema))
    }

    /// Process id of Postgres' first process, the parent of its others.
    #[must_use]
    pub fn postgres_pid(&self) -> u32 {
        self.postgres().pid()
    }

    /// The log of Postgres.
    #[must_use]
    pub fn postgres_log(&self) -> PathBuf {
        self.postgres().log_file().to_path_buf()
    }

    /// The data directory of Postgres.
    #[must_use]
    pub fn postgres_data(&self) -> PathBuf {
        self.postgres().data_dir().to_path_buf()
    }

    /// Kills all processes of Postgres by SIGKILL, so that none writes its buffers.
    pub fn kill_postgres(&self) {
        let first = self.postgres_pid();
        // A stopped first process starts no others while its children are listed.
        process::signal(first, Signal::STOP);
        for pid in usage::children(first).into_iter().chain([first]) {
            process::signal(pid, Signal::KILL);
        }
    }

    /// Stops Postgres in order and waits until it has ended. The data stay for [`Rig::restart_postgres`].
    pub async fn stop_postgres(&self) {
        let pid = self.postgres_pid();
        process::signal(pid, Signal::INT);
        within(MAX_WAIT, "Postgres ends", async || (!usage::runs(pid)).then_some(())).await;
    }

    /// Starts Postgres again on the same port and data, after it was killed or has ended.
    pub async fn restart_postgres(&self) -> Result<(), kefu_postgres::Error> {
        let postgres = self.postgres.clone();
        let restart = move || postgres.lock().unwrap_or_else(PoisonError::into_inner).restart();
        tokio::task::spawn_blocking(restart).await.unwrap()
    }

    /// Copies every log into a directory, which is created.
    pub fn keep_logs(&self, directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        fs::copy(self.postgres_log(), directory.join("postgres.log")).unwrap();
        for entry in fs::read_dir(self.directory.path()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                fs::copy(entry.path(), directory.join(entry.file_name())).unwrap();
            }
        }
    }

    fn postgres(&self) -> MutexGuard<'_, Postgres> {
        self.postgres.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{DATABASE}", self.postgres_port)
    }

    async fn migrate(&self, service: &'static str) {
        let seat = Seat { service, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let config = self.configure(&format!("{service}-migrate"), &seat, &self.url(MIGRATOR));
        let mut command = Command::new(process::program(service));
        command.arg("migrate").arg("--config").arg(config);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let output_text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{service} cannot migrate: {}", String::from_utf8_lossy(&output_text));
    }

    /// Writes the configuration of a process.
    fn configure(&self, name: &str, seat: &Seat, database: &str) -> PathBuf {
        let path = |file: &str| self.directory.path().join(file).display().to_string();
        let mut text = format!("listen = '{}'\nlog.filter = '{}'\n", seat.address, self.log);
        let jwks = path("jwks.json");
        let issuer =
            format!("[[identity.issuers]]\nissuer = '{ISSUER}'\naudience = '{AUDIENCE}'\njwks_file = '{jwks}'\n");
        let seats = self.seats.lock().unwrap();
        if seat.service == GATEWAY {
            // Quotas of callers are not under test, so they are too large to matter.
            text.push_str("limits = { rate_per_second = 1000000, rate_burst = 1000000, calls_per_caller = 1000000 }\n");
            text.push_str(&issuer);
            for behind in seats.iter().filter(|behind| behind.service != GATEWAY) {
                let _ = writeln!(text, "[services.{}]\nurl = 'http://{}'", behind.service, behind.address);
            }
            return self.write(&format!("{name}.toml"), &text);
        }
        let _ = writeln!(text, "database = {{ url = '{database}', max_connections = {} }}", self.connections);
        if self.is_regulated {
            let _ = writeln!(text, "regulation_file = '{}'", path("regulation.toml"));
        }
        if seat.service == "appraisal" {
            let _ = writeln!(text, "service.admin = '{ADMIN}'");
        }
        text.push_str(&issuer);
        let token = path(&format!("{}.token", seat.service));
        for peer in SERVICES.into_iter().filter(|&peer| peer != seat.service) {
            if let Some(known) = seats.iter().find(|seat| seat.service == peer) {
                let url = format!("http://{}", known.address);
                let _ = writeln!(text, "[peers.{peer}]\nurl = '{url}'\ntoken_file = '{token}'");
            }
        }
        self.write(&format!("{name}.toml"), &text)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    async fn run(&self, database: &str, statement: &str) {
        let options = self.superuser("public").database(database);
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// The first port to try. Depends on the process id, so that rigs of several processes rarely collide.
fn first_port() -> u16 {
    let places = u32::from(PORTS.end - PORTS.start);
    u16::try_from(std::process::id().wrapping_mul(97) % places).unwrap_or(0)
}
