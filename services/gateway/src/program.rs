//! The gateway as a program.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kefu_chassis::config::ConfigError;
use kefu_chassis::error::describe;
use kefu_chassis::program::interrupted;
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

/// The `main` of its binary.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Serve => serve(&arguments),
        Command::Openapi => print(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if tracing::dispatcher::has_been_set() {
                tracing::error!(cause = describe(&error), "cannot go on");
            } else {
                eprintln!("gateway: {}", describe(&error));
            }
            ExitCode::FAILURE
        }
    }
}

fn print() -> Result<(), ProgramError> {
    let mut out = std::io::stdout().lock();
    let document = openapi::written().map_err(|error| ProgramError::Document(error.to_string()))?;
    out.write_all(&document.plain).and_then(|()| writeln!(out)).map_err(ProgramError::Print)
}

fn serve(arguments: &Arguments) -> Result<(), ProgramError> {
    let config: Config = kefu_chassis::config::load(arguments.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = Telemetry::start(&config.telemetry, &config.log, "kefu-gateway")?;
        let outcome = run(config, telemetry.clone()).await;
        telemetry.shutdown().await;
        outcome
    })
}

async fn run(config: Config, telemetry: Telemetry) -> Result<(), ProgramError> {
    let setup = Setup {
        listen: config.listen,
        services: config.services,
        names: Names::system(),
        issuers: config.identity.issuers,
        cors: config.cors,
        limits: config.limits,
        tls: config.tls,
        telemetry,
    };
    let mut running = Gateway::start(setup).await?;
    tokio::select! {
        () = interrupted()? => {}
        () = running.stopped() => return Ok(()),
    }
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}
