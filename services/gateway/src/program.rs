//! The gateway as a program.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kefu_chassis::Clock;
use kefu_chassis::config::ConfigError;
use kefu_chassis::program::{exit_code, told_to_stop, with_telemetry};
use kefu_chassis::telemetry::{Telemetry, TelemetryError};

use crate::backends::Names;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::openapi;
use crate::start::{Setup, StartError};

/// The gateway of kefu.
#[derive(Parser)]
#[command(version, about = "The gateway of kefu: HTTP and JSON before all services", long_about = None)]
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
    /// Print the OpenAPI document.
    Openapi,
}

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("telemetry cannot start")]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the OpenAPI document cannot be made: {0}")]
    Document(String),
    #[error("the document cannot be printed")]
    Print(#[source] std::io::Error),
    #[error("the runtime cannot start")]
    Runtime(#[from] std::io::Error),
}

/// Runs the gateway's binary: its `main`.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Serve => serve(&arguments),
        Command::Openapi => print(),
    };
    exit_code("gateway", outcome)
}

fn print() -> Result<(), ProgramError> {
    let mut out = std::io::stdout().lock();
    let document = openapi::written().map_err(|error| ProgramError::Document(error.to_string()))?;
    out.write_all(&document.plain).and_then(|()| writeln!(out)).map_err(ProgramError::Print)
}

fn serve(arguments: &Arguments) -> Result<(), ProgramError> {
    let config: Config = kefu_chassis::config::load(arguments.config.as_deref())?;
    let (telemetry, log) = (config.telemetry.clone(), config.log.clone());
    with_telemetry(&telemetry, &log, "kefu-gateway", async |telemetry| run(config, telemetry).await)
}

async fn run(config: Config, telemetry: Telemetry) -> Result<(), ProgramError> {
    let setup = Setup {
        listen: config.listen,
        services: config.services,
        names: Names::system(),
        issuers: config.identity.issuers,
        cors: config.cors,
        limits: config.limits,
        clock: Clock::system(),
        tls: config.tls,
        telemetry,
    };
    let mut running = Gateway::start(setup).await?;
    if told_to_stop(running.stopped()).await? {
        tracing::info!("stopping");
        running.stop().await;
    }
    Ok(())
}
