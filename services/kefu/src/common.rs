//! Options of every command.

use std::path::PathBuf;

use clap::Args;
use kefu_chassis::telemetry::Telemetry;
use kefu_regulation::Regulation;

use crate::error::Error;
use crate::home::Home;

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Common {
    /// Where data and keys are kept.
    #[arg(long, global = true, value_name = "DIR", env = "KEFU_HOME", default_value = ".kefu")]
    pub(crate) home: PathBuf,
    /// A TOML file that overrides parameters of the rule book and the business calendar.
    #[arg(long, global = true, value_name = "FILE")]
    regulation: Option<PathBuf>,
    /// Use this database instead of a private Postgres; the role must be a superuser.
    #[arg(long, global = true, value_name = "URL", env = "KEFU_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The language of everything printed: zh, or else English; by default that of the system's locale.
    #[arg(long, global = true, value_name = "LANGUAGE")]
    // Read before the rest of the command line, whose help is in that language.
    lang: Option<String>,
    /// What is logged to standard error, e.g. `info,kefu_chassis=debug`.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Log more: -v what happens, -vv every call.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "log")]
    verbose: u8,
    #[arg(skip)]
    pub(crate) telemetry: Telemetry,
}

impl Common {
    /// Whether an option is given that has no effect on services already running.
    pub fn changes_what_runs(&self) -> bool {
        self.regulation.is_some() || self.database_url.is_some()
    }

    /// Whether parameters or the calendar of the rule book are overridden.
    pub fn has_regulation(&self) -> bool {
        self.regulation.is_some()
    }

    /// Opens the home directory, which is made when absent.
    pub fn home(&self) -> Result<Home, Error> {
        Home::open(&self.home)
    }

    /// The regulation with the overrides of `--regulation`.
    pub fn regulation(&self) -> Result<Regulation, Error> {
        Ok(self.regulation.as_deref().map_or_else(|| Ok(Regulation::standard()), Regulation::from_file)?)
    }

    /// The operator's database; none for a private Postgres.
    pub fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }

    /// Traces and metrics, shared by everything in this process.
    pub fn telemetry(&self) -> Telemetry {
        self.telemetry.clone()
    }

    /// The log filter, from `--log` or the number of `-v`.
    pub fn filter(&self) -> String {
        let by_count = match self.verbose {
            0 => "warn",
            1 => "info",
            _ => "debug,h2=info,hyper=info,tower=info,sqlx=info",
        };
        self.log.clone().unwrap_or_else(|| by_count.into())
    }
}
