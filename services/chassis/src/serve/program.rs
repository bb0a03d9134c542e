//! A service as a program: `serve` and `migrate` of its own binary, and the same start for all in one and for tests.

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
use crate::work::chassis::{Chassis, ChassisConfig};
use crate::work::follow;
use crate::work::peer::{Peer, PeerConfig, Peers};
use crate::work::subscriber;

/// What a service is, to whatever runs it.
#[derive(Debug)]
pub struct Service {
    /// Its schema, e.g. `intake`.
    pub schema: &'static str,
    /// Its port where all services run on one host.
    pub port: u16,
    /// Its gRPC services.
    pub serves: &'static [&'static str],
    /// The migrations of its own tables.
    pub migrator: &'static Migrator,
    /// Adds its gRPC services to a server, with the settings that are its own (null for the defaults).
    pub mount: fn(Server, Arc<Chassis>, serde_json::Value) -> Result<Server, Error>,
}

/// What a service is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where it listens; port 0 for a free one.
    pub listen: SocketAddr,
    /// How its role connects, from [`database::options`].
    pub database: PgConnectOptions,
    /// Connections at most.
    pub max_connections: u32,
    /// Whose tokens it takes.
    pub issuers: Vec<IssuerConfig>,
    /// The regulation in force.
    pub regulation: Regulation,
    /// Its clock.
    pub clock: Clock,
    /// The other services; what is known of one that is not among them stays as it is.
    pub peers: Peers,
    /// Its bounds.
    pub limits: Limits,
    /// Its certificate; plain text when none.
    pub tls: Option<Tls>,
    /// The settings that are its own.
    pub settings: serde_json::Value,
    /// Where its traces and metrics go.
    pub telemetry: Telemetry,
}

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    /// Its chassis.
    pub chassis: Arc<Chassis>,
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its telemetry.
    #[error("telemetry cannot start")]
    Telemetry(#[from] TelemetryError),
    /// Its regulation file.
    #[error("the regulation cannot be used")]
    Regulation(#[from] kefu_regulation::Error),
    /// Its contract.
    #[error("the contract cannot be enforced")]
    Contract(#[from] ContractError),
    /// Its database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Its server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Its own settings.
    #[error("the service's settings cannot be used")]
    Settings(#[from] Error),
    /// The runtime.
    #[error("the runtime cannot start")]
    Runtime(#[from] std::io::Error),
}

impl Service {
    /// Starts the service; it serves once this returns.
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
        };
        let chassis = Chassis::build(config)?;
        chassis.keep_calendar(chassis.regulation.calendar()).await.map_err(DatabaseError::from)?;
        chassis.directory.reload(chassis.pool(), chassis.clock.now()).await.map_err(DatabaseError::from)?;
        let server = Server::bind(chassis.clone(), setup.listen, setup.limits, setup.tls).await?;
        let server = server.beside(subscriber::run(chassis.clone(), follow::subscription()));
        let server = (self.mount)(server, chassis.clone(), setup.settings)?;
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
    /// Stops it: calls under way may end within the grace period.
    pub async fn stop(self) {
        self.chassis.stop();
        let _ = self.task.await;
    }

    /// Returns when it has stopped.
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

/// The `main` of a service's own binary.
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

/// The exit code of the program `name`: where it cannot go on, why is logged, or printed while nothing is logged yet.
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

/// Does `work` on a runtime of its own with telemetry for the process `name`, and sends what is left of that, however it ends.
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
    };
    let mut running = service.start(setup).await?;
    if told_to_stop(running.stopped()).await? {
        tracing::info!(service = running.chassis.service, "stopping");
        running.stop().await;
    }
    Ok(())
}

/// Waits until the process is told to stop by Ctrl-C or SIGTERM; false if what it serves has `stopped` before by itself.
pub async fn told_to_stop(stopped: impl Future<Output = ()>) -> Result<bool, std::io::Error> {
    let interrupted = interrupted()?;
    Ok(tokio::select! {
        () = interrupted => true,
        () = stopped => false,
    })
}

/// The peers of a configuration.
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
