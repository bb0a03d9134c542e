//! Services as programs: `serve` and `migrate` of a service's own binary, and the same start for all services in one process
//! and for tests.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use kefu_regulation::Regulation;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;

use crate::base::clock::Clock;
use crate::base::error::{Error, describe};
use crate::base::settings::ConfigError;
use crate::base::tasks::spawn;
use crate::contract::identity::{IssuerConfig, Verifier};
use crate::contract::problem::ContractError;
use crate::serve::config::Config;
use crate::serve::server::settings::{Limits, Tls};
use crate::serve::server::{Server, ServerError};
use crate::store::database::{self, DatabaseError};
use crate::telemetry::settings::{Log, Telemetry as TelemetrySettings};
use crate::telemetry::{Telemetry, TelemetryError};
use crate::work::chassis::{Chassis, ChassisConfig, Separation};
use crate::work::follow;
use crate::work::peer::{Peer, PeerConfig, Peers};
use crate::work::subscriber;

/// A service, as its program, the suite in one process and tests start it.
#[derive(Debug)]
pub struct Service {
    /// The schema, e.g. `intake`.
    pub schema: &'static str,
    /// The port of the service when all services run on one host.
    pub port: u16,
    /// The gRPC services.
    pub serves: &'static [&'static str],
    /// The migrations of the service's own tables.
    pub migrator: &'static Migrator,
    /// Adds the service's gRPC services to a server, given the service's own settings (null for the defaults).
    pub mount: fn(Server, Arc<Chassis>, serde_json::Value) -> Result<Server, Error>,
    /// Refuses who decides nothing about the duties of a subject, because the matter is about them; none if nobody is
    /// separated.
    pub separation: Option<Separation>,
}

/// The setup of a service.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The address to listen on; port 0 for a free one.
    pub listen: SocketAddr,
    /// The options to connect as the service's role, from [`database::options`].
    pub database: PgConnectOptions,
    /// The most connections to Postgres.
    pub max_connections: u32,
    /// The issuers whose tokens are accepted.
    pub issuers: Vec<IssuerConfig>,
    /// The regulation in force.
    pub regulation: Regulation,
    /// The clock.
    pub clock: Clock,
    /// The other services. The copy of a service's data stays as it is while that service is not among them.
    pub peers: Peers,
    /// The bounds of the service.
    pub limits: Limits,
    /// The certificate; plain text when none.
    pub tls: Option<Tls>,
    /// The service's own settings.
    pub settings: serde_json::Value,
    /// Where traces and metrics go.
    pub telemetry: Telemetry,
    /// Whether the sealer, the clock of duties and the followers run. A test that counts a call's statements goes without.
    pub background: bool,
}

/// A running service.
#[derive(Debug)]
pub struct Running {
    /// The chassis.
    pub chassis: Arc<Chassis>,
    /// The address it listens on.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

/// Why a service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The telemetry cannot start.
    #[error("telemetry cannot start")]
    Telemetry(#[from] TelemetryError),
    /// The regulation file cannot be used.
    #[error("the regulation cannot be used")]
    Regulation(#[from] kefu_regulation::Error),
    /// A contract cannot be enforced.
    #[error("the contract cannot be enforced")]
    Contract(#[from] ContractError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The server cannot run.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The service's own settings cannot be used.
    #[error("the service's settings cannot be used")]
    Settings(#[from] Error),
    /// The runtime cannot start.
    #[error("the runtime cannot start")]
    Runtime(#[from] std::io::Error),
}

impl Service {
    /// Starts the service, which serves once this returns.
    pub async fn start(&'static self, setup: Setup) -> Result<Running, StartError> {
        let pool = database::pool(setup.database, setup.max_connections);
        database::check_time(&pool, self.schema, &setup.clock).await?;
        let config = ChassisConfig {
            schema: self.schema,
            serves: self.serves,
            pool,
            clock: setup.clock,
            regulation: setup.regulation,
            verifier: Verifier::new(setup.issuers),
            streams: setup.limits.streams,
            telemetry: setup.telemetry,
            peers: setup.peers,
            separation: self.separation,
        };
        let chassis = Chassis::build(config)?;
        chassis.keep_calendar(chassis.regulation.calendar()).await.map_err(DatabaseError::from)?;
        chassis.directory.reload(chassis.pool(), chassis.clock.now()).await.map_err(DatabaseError::from)?;
        chassis.reload_aliases().await.map_err(DatabaseError::from)?;
        let server = Server::bind(chassis.clone(), setup.listen, setup.limits, setup.tls).await?;
        let server = server.beside(subscriber::run(chassis.clone(), follow::subscription()));
        let mut server = (self.mount)(server, chassis.clone(), setup.settings)?;
        if !setup.background {
            server = server.without_background();
        }
        let address = server.address();
        let service = chassis.service.clone();
        tracing::info!(service, %address, regulation = chassis.regulation.version(), "serving");
        let task = spawn(async move {
            if let Err(error) = server.run().await {
                tracing::error!(service, cause = describe(&error), "the server failed");
            }
        });
        Ok(Running { chassis, address, task })
    }
}

impl Running {
    /// Stops the service; calls under way may end within the grace period.
    pub async fn stop(self) {
        self.chassis.stop();
        let _ = self.task.await;
    }

    /// Returns when the service has stopped.
    pub async fn stopped(&mut self) {
        let _ = (&mut self.task).await;
    }
}

/// A service of kefu.
#[derive(Parser)]
#[command(version, about = "One service of kefu", long_about = None)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// A TOML file with the configuration; the environment (`KEFU_…`, `__` between levels) overrides it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C.
    Serve,
    /// Bring the schema up to date, as the role `kefu_migrator`.
    Migrate,
}

/// Runs a service's own binary: its `main`.
#[must_use]
pub fn main(service: &'static Service) -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(service.schema, run(service, &arguments))
}

fn run(service: &'static Service, arguments: &Arguments) -> Result<(), StartError> {
    let config: Config = Config::load(arguments.config.as_deref())?;
    let name = format!("kefu-{}", service.schema);
    let (telemetry, log) = (config.telemetry.clone(), config.log.clone());
    with_telemetry(&telemetry, &log, &name, async |telemetry| work(service, arguments, config, telemetry).await)
}

/// Returns the exit code of the program `name`. An error is logged, or printed while logging has not started.
#[must_use]
pub fn exit_code(name: &str, outcome: Result<(), impl std::error::Error + 'static>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    if tracing::dispatcher::has_been_set() {
        tracing::error!(cause = describe(&error), "cannot go on");
    } else {
        eprintln!("{name}: {}", describe(&error));
    }
    ExitCode::FAILURE
}

/// Does `work` on a runtime of its own, with telemetry for the process `name`, and sends the remaining telemetry however
/// `work` ends.
pub fn with_telemetry<E>(
    settings: &TelemetrySettings,
    log: &Log,
    name: &str,
    work: impl AsyncFnOnce(Telemetry) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<TelemetryError> + From<std::io::Error>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = Telemetry::start(settings, log, name)?;
        let outcome = work(telemetry.clone()).await;
        telemetry.shutdown().await;
        outcome
    })
}

async fn work(
    service: &'static Service,
    arguments: &Arguments,
    config: Config,
    telemetry: Telemetry,
) -> Result<(), StartError> {
    let database = database::options(&config.database, service.schema)?;
    match arguments.command {
        Command::Migrate => Ok(database::migrate(database, service.schema, service.migrator).await?),
        Command::Serve => serve(service, config, database, telemetry).await,
    }
}

async fn serve(
    service: &'static Service,
    config: Config,
    database: PgConnectOptions,
    telemetry: Telemetry,
) -> Result<(), StartError> {
    let regulation =
        config.regulation_file.as_deref().map_or_else(|| Ok(Regulation::standard()), Regulation::from_file)?;
    let setup = Setup {
        listen: config.listen,
        database,
        max_connections: config.database.max_connections,
        issuers: config.identity.issuers,
        regulation,
        clock: Clock::system(),
        peers: known(config.peers),
        limits: config.limits,
        tls: config.tls,
        settings: config.service,
        telemetry,
        background: true,
    };
    let mut running = service.start(setup).await?;
    if told_to_stop(running.stopped()).await? {
        tracing::info!(service = running.chassis.service, "stopping");
        running.stop().await;
    }
    Ok(())
}

/// Waits until the process is told to stop by Ctrl-C or SIGTERM, and returns true; false if it `stopped` by itself before.
pub async fn told_to_stop(stopped: impl Future<Output = ()>) -> Result<bool, std::io::Error> {
    let interrupted = interrupted()?;
    Ok(tokio::select! {
        () = interrupted => true,
        () = stopped => false,
    })
}

/// Returns the peers of a configuration.
fn known(configured: HashMap<String, PeerConfig>) -> Peers {
    let peers = Peers::default();
    for (schema, config) in configured {
        peers.add(&schema, Peer::from(config));
    }
    peers
}

/// Returns once the process is told to stop by Ctrl-C or SIGTERM.
pub fn interrupted() -> Result<impl Future<Output = ()>, std::io::Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
