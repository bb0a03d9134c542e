//! `up`: serves until interrupted.

use std::fmt::Write as _;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kefu_chassis::clock::Clock;
use kefu_chassis::program::interrupted;

use crate::common::Common;
use crate::demo;
use crate::error::Error;
use crate::home::{Data, Home};
use crate::instance::{Instance, Plan};
use crate::services::{HTTP_PORT, PORT_BASE};
use crate::terminal::say;

/// How to serve.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct UpArguments {
    /// Start with an empty database that is removed at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Start with the demo's working day already played (implies --ephemeral). The clock is the demo's: it goes on from where
    /// that day ended, on 24 November 2026, as fast as real time does.
    #[arg(long)]
    demo: bool,
    /// Services listen on the next ports: intake, complaints, surveys, appraisal, faults.
    #[arg(long, value_name = "PORT", default_value_t = PORT_BASE, value_parser = clap::value_parser!(u16).range(1024..=65_000))]
    port_base: u16,
    /// The gateway, for HTTP and gRPC alike, listens on this port (0 for a free one).
    #[arg(long, value_name = "PORT", default_value_t = HTTP_PORT)]
    http_port: u16,
}

impl Default for UpArguments {
    fn default() -> Self {
        Self { ephemeral: false, demo: false, port_base: PORT_BASE, http_port: HTTP_PORT }
    }
}

/// Starts everything, prints the addresses, and stops on SIGINT or SIGTERM.
pub async fn run(common: &Common, arguments: &UpArguments) -> Result<(), Error> {
    let time = if arguments.demo {
        demo::check(common)?;
        Some(demo::morning())
    } else {
        None
    };
    let plan = Plan {
        ephemeral: arguments.ephemeral || arguments.demo,
        port_base: Some(arguments.port_base),
        http_port: Some(arguments.http_port),
        regulation: common.regulation()?,
        database_url: common.database_url().map(str::to_owned),
        clock: time.as_ref().map_or_else(Clock::system, |(clock, _)| clock.clone()),
        telemetry: common.telemetry(),
    };
    let regulation = plan.regulation.version().to_owned();
    let home = common.home()?;
    let Some(_lock) = home.try_lock_home()? else {
        return Err(Error::InUse { home: home.path().to_owned(), pid: home.lock_owner() });
    };
    let mut instance = Instance::start(&home, plan).await?;
    let day_end = match time {
        Some((clock, time)) => match demo::prepare(&home, &instance, clock, time).await {
            Ok(day_end) => Some(day_end),
            Err(error) => {
                instance.stop().await?;
                return Err(error);
            }
        },
        None => None,
    };
    // A signal before this line ends the process at once; the launcher's watchdog then stops Postgres.
    let stop = interrupted().map_err(Error::Runtime)?;
    home.publish(&instance.state())?;
    say(&summary(&home, &instance, &regulation, day_end))?;
    let ended = tokio::select! {
        () = stop => None,
        ended = instance.ended() => Some(ended),
    };
    say("\nStopping …\n")?;
    home.withdraw()?;
    instance.stop().await?;
    match ended {
        Some(service) => Err(Error::Ended(service)),
        None => say("Stopped.\n"),
    }
}

fn summary(home: &Home, instance: &Instance, regulation: &str, day_end: Option<Timestamp>) -> String {
    let program = program(home);
    let state = instance.state();
    let mut text = format!("kefu {} is running.\n\n", state.version);
    for (service, address) in &state.services {
        let _ = writeln!(text, "  {service:<12}{address}");
    }
    if let Some(address) = state.gateway {
        let _ = writeln!(text, "  {:<12}http://{address}, described at http://{address}/docs", "gateway");
    }
    let gone = if state.data == Data::Ephemeral { ", removed at the end" } else { "" };
    let _ = writeln!(text, "  {:<12}{}{gone}", "data", instance.describe_store());
    if let Some(log) = instance.postgres_log() {
        let _ = writeln!(text, "  {:<12}{}", "its log", log.display());
    }
    let _ = writeln!(text, "  {:<12}version {regulation}, working time in {}", "regulation", state.zone);
    if let Some(day_end) = day_end {
        let zone = TimeZone::get(&state.zone).unwrap_or(TimeZone::UTC);
        let day_end = day_end.to_zoned(zone).strftime("%A, %-d %B %Y, %H:%M");
        let _ = writeln!(text, "  {:<12}the demo's day was played; its clock went on from {day_end}", "time");
    }
    let _ = write!(
        text,
        "\nStaff, to begin with:\n  {program} import staff deploy/directory/example.csv --create-departments\n\
         A token to call the services with, for 12 hours:\n  {program} token --subject staff/lin --role agent\n\
         How well the rules are kept:\n  {program} compliance\n\nCtrl-C stops it.\n"
    );
    text
}

/// The command that calls this program again from the same directory.
fn program(home: &Home) -> String {
    let name = std::env::args().next().unwrap_or_else(|| "kefu".into());
    let default = std::path::Path::new(".kefu").canonicalize().is_ok_and(|default| default == home.path());
    if default { name } else { format!("{name} --home {}", home.path().display()) }
}
