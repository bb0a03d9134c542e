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
use crate::language::{pick, told};
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
    say(pick("\nStopping …\n", "\n正在停止……\n"))?;
    home.withdraw()?;
    instance.stop().await?;
    match ended {
        Some(error) => Err(error),
        None => say(pick("Stopped.\n", "已停止。\n")),
    }
}

fn summary(home: &Home, instance: &Instance, regulation: &str, day_end: Option<Timestamp>) -> String {
    let program = program(home);
    let state = instance.state();
    let mut text = told!("kefu {} is running.\n\n", "kefu {} 已启动。\n\n", state.version);
    for (service, address) in &state.services {
        let _ = writeln!(text, "  {service:<12}{address}");
    }
    if let Some(address) = state.gateway {
        text.push_str(&told!(
            "  gateway     http://{address}, described at http://{address}/docs\n",
            "  网关        http://{address}，说明见 http://{address}/docs\n"
        ));
    }
    let gone = if state.data == Data::Ephemeral { pick(", removed at the end", "，结束时删除") } else { "" };
    let store = instance.describe_store();
    text.push_str(&told!("  data        {store}{gone}\n", "  数据        {store}{gone}\n"));
    if let Some(log) = instance.postgres_log() {
        let log = log.display();
        text.push_str(&told!("  its log     {log}\n", "  数据库记录  {log}\n"));
    }
    text.push_str(&told!(
        "  regulation  version {regulation}, working time in {}\n",
        "  规章制度    版本 {regulation}，工作时间按 {} 时区计算\n",
        state.zone
    ));
    if let Some(day_end) = day_end {
        let zone = TimeZone::get(&state.zone).unwrap_or(TimeZone::UTC);
        let day_end = day_end.to_zoned(zone).strftime(pick("%A, %-d %B %Y, %H:%M", "%Y-%m-%d %H:%M"));
        text.push_str(&told!(
            "  time        the demo's day was played; its clock went on from {day_end}\n",
            "  时间        演示的一天已进行完毕，时钟自 {day_end} 起继续\n"
        ));
    }
    text.push_str(&told!(
        "\nStaff, to begin with:\n  {program} import staff deploy/directory/example.csv --create-departments\n\
         A token to call the services with, for 12 hours:\n  {program} token --subject staff/lin --role agent\n\
         How well the rules are kept:\n  {program} compliance\n\nCtrl-C stops it.\n",
        "\n先导入员工：\n  {program} import staff deploy/directory/example.csv --create-departments\n\
         调用服务用的令牌，有效12小时：\n  {program} token --subject staff/lin --role agent\n\
         各条款的履行情况：\n  {program} compliance\n\n按 Ctrl-C 停止。\n"
    ));
    text
}

/// The command that calls this program again from the same directory.
fn program(home: &Home) -> String {
    let name = std::env::args().next().unwrap_or_else(|| "kefu".into());
    let default = std::path::Path::new(".kefu").canonicalize().is_ok_and(|default| default == home.path());
    if default { name } else { format!("{name} --home {}", home.path().display()) }
}
