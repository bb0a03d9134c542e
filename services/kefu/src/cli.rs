//! The command line: its commands, and the module that runs each.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use kefu_chassis::config;
use kefu_chassis::language::Language;
use kefu_chassis::telemetry::Telemetry;

use crate::common::Common;
use crate::compliance::{self, ComplianceArguments};
use crate::demo;
use crate::error::Error;
use crate::import::{self, ImportArguments};
use crate::journal::{self, CheckpointArguments, VerifyArguments};
use crate::staff::{self, StaffArguments};
use crate::token::{self, TokenArguments};
use crate::up::{self, UpArguments};

mod chinese;

const EXAMPLES: &str = "\
Examples:
  kefu                                             start everything; Ctrl-C stops it
  kefu import staff deploy/directory/example.csv --create-departments
  kefu demo                                        a working day, told and checked
  kefu token --subject staff/lin --role agent
  kefu import requests requests.csv --map deploy/import/my-la-311.toml
  kefu compliance --by clause,department --from 2018-01-01 --to 2018-01-31
  kefu journal verify

import, compliance and journal use the kefu that runs in this home, or start one for as long as they take.
With KEFU_TELEMETRY__ENDPOINT=http://127.0.0.1:4317 traces and metrics go to the OpenTelemetry collector there.";

/// Customer service whose written rules are kept by software: every service in one process, with a Postgres of its own.
#[derive(Parser)]
#[command(name = "kefu", version, long_about = None, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything and serve until Ctrl-C or SIGTERM; this is what `kefu` alone does.
    Up(UpArguments),
    /// Play a working day on a database and a clock of its own and tell it: who did what, under which clause, how well the rules
    /// were kept. Exits with 1 unless everything went as it has to.
    Demo,
    /// Print a token to call the services with, signed by this home's development key.
    Token(TokenArguments),
    /// Bring in the history of another system.
    #[command(subcommand)]
    Import(Import),
    /// Show how well each clause is kept.
    Compliance(ComplianceArguments),
    /// Prove that nobody altered the journal.
    #[command(subcommand)]
    Journal(Journal),
}

#[derive(Subcommand)]
enum Import {
    /// Import requests from a CSV file, read by a map file.
    Requests(ImportArguments),
    /// Import staff and departments from a CSV file into the directory.
    Staff(StaffArguments),
}

#[derive(Subcommand)]
enum Journal {
    /// Recompute the hash chain of every journal and compare it with the signed checkpoints; exits with 1 if something is wrong.
    Verify(VerifyArguments),
    /// Append the signed head of every journal to a file, to be kept where the database's owner cannot write.
    Checkpoint(CheckpointArguments),
}

/// Reads the command line; its help and its errors are in `language`. Returns the exit code of a call that ends here, because
/// it only asked for help or cannot be read.
pub fn read(language: Language, arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    let mut command = Cli::command();
    if language == Language::Chinese {
        command = chinese::command(command);
    }
    let read = command
        .try_get_matches_from_mut(arguments)
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command)));
    read.map_err(|error| refuse(language, &error))
}

/// Prints help that was asked for, or what is wrong with the arguments; returns the exit code.
pub fn refuse(language: Language, error: &clap::Error) -> ExitCode {
    match chinese::usage(error).filter(|_| language == Language::Chinese) {
        Some(text) => eprint!("{text}"),
        // Nothing is left to do about an output that is closed.
        None => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Runs a command.
pub fn run(cli: Cli) -> Result<ExitCode, Error> {
    let Cli { command, mut common } = cli;
    let log = config::Log { filter: common.filter(), json: false };
    let command = command.unwrap_or_else(|| Command::Up(UpArguments::default()));
    if let Command::Token(arguments) = command {
        Telemetry::default().install(&log);
        token::run(&common, &arguments)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        common.telemetry = Telemetry::start(&config::Telemetry::from_environment()?, &log, "kefu")?;
        let outcome = run_command(command, &common).await;
        common.telemetry.shutdown().await;
        outcome
    })
}

async fn run_command(command: Command, common: &Common) -> Result<ExitCode, Error> {
    match command {
        Command::Token(arguments) => token::run(common, &arguments)?,
        Command::Up(arguments) => up::run(common, &arguments).await?,
        Command::Demo => return demo::run(common).await,
        Command::Import(Import::Requests(arguments)) => import::run(common, &arguments).await?,
        Command::Import(Import::Staff(arguments)) => staff::run(common, &arguments).await?,
        Command::Compliance(arguments) => compliance::run(common, &arguments).await?,
        Command::Journal(Journal::Checkpoint(arguments)) => journal::checkpoint(common, &arguments).await?,
        Command::Journal(Journal::Verify(arguments)) => return journal::verify(common, &arguments).await,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::error::ErrorKind> {
        Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn alone_it_starts_everything_with_the_defaults_of_up() {
        assert!(parse("kefu").is_ok_and(|cli| cli.command.is_none()));
        let Ok(Cli { command: Some(Command::Up(written)), .. }) = parse("kefu up") else { panic!("up is a command") };
        assert_eq!(written, UpArguments::default());
    }

    #[test]
    fn what_cannot_be_meant_is_a_usage_error() {
        for line in [
            "kefu start",
            "kefu up --port-base 80",
            "kefu up --port-base 65534",
            "kefu token",
            "kefu token --subject staff/lin",
            "kefu token --subject lin --role agent",
            "kefu token --subject staff/lin --role boss",
            "kefu token --subject staff/lin --role agent --department departments/desk",
            "kefu token --subject staff/lin --role agent --ttl soon",
            "kefu import requests file.csv",
            "kefu compliance --from yesterday",
            "kefu compliance --by day,week",
            "kefu compliance --by clause,clause",
            "kefu journal",
            "kefu -v --log info",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn options_that_hold_everywhere_may_follow_the_command() {
        let cli = parse("kefu compliance --home /somewhere -vv").unwrap();
        assert_eq!(cli.common.home, PathBuf::from("/somewhere"));
        assert!(cli.common.filter().starts_with("debug"));
    }
}
