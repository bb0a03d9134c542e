//! What every command of the command line takes.

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
    /// Whether something is given that only a start takes.
    pub fn changes_what_runs(&self) -> bool {
        self.regulation.is_some() || self.database_url.is_some()
    }

    /// Whether other parameters or another calendar than those of the rule book are given.
    pub fn has_regulation(&self) -> bool {
        self.regulation.is_some()
    }

    /// The home directory, made when absent.
    pub fn home(&self) -> Result<Home, Error> {
        Home::open(&self.home)
    }

    /// The regulation in force.
    pub fn regulation(&self) -> Result<Regulation, Error> {
        Ok(self.regulation.as_deref().map_or_else(|| Ok(Regulation::standard()), Regulation::from_file)?)
    }

    /// The database that is used instead of a private Postgres.
    pub fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }

    /// Where traces and metrics go: whatever runs in this process shares it.
    pub fn telemetry(&self) -> Telemetry {
        self.telemetry.clone()
    }

    /// The filter of what is logged.
    pub fn filter(&self) -> String {
        let by_count = match self.verbose {
            0 => "warn",
            1 => "info",
            _ => "debug,h2=info,hyper=info,tower=info,sqlx=info",
        };
        self.log.clone().unwrap_or_else(|| by_count.into())
    }
}
