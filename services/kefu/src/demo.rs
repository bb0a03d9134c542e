//! `demo`: plays a working day through the public gRPC services on a simulated clock. `up --demo` serves the resulting
//! data.

use std::io;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use jiff::Timestamp;
use kefu_chassis::clock::{Clock, SimulatedTime};
use kefu_regulation::Regulation;
use tonic::Status;

use crate::common::Common;
use crate::error::Error;
use crate::home::Home;
use crate::instance::{Instance, Plan};
use crate::terminal::say;

mod ending;
mod house;
mod play;
mod scenes;
mod stage;
mod watchers;

use play::Play;
use stage::Stage;
use watchers::Watchers;

/// Services that the demo calls.
const SERVICES: [&str; 3] = ["appraisal", "complaints", "intake"];
/// Beginning of the day: 08:30 on Monday, 23 November 2026, in Shanghai, in seconds since 1970.
const MORNING: i64 = 1_795_393_800;
const OPENING: &str = "\
A working day of a service organisation, under the rule book as it comes. People and customers are invented; every step is
a call of the public gRPC services, and the clause that it serves stands in brackets.
";

/// Plays the day on services of its own and prints the story. The exit code says whether every expectation held.
pub async fn run(common: &Common) -> Result<ExitCode, Error> {
    check(common)?;
    // Data and ports are the demo's own, so it does not lock the home. The launcher removes the data however the
    // process ends.
    let home = common.home()?;
    let (clock, time) = morning();
    let plan = Plan {
        ephemeral: true,
        port_base: None,
        http_port: None,
        regulation: Regulation::standard(),
        database_url: common.database_url().map(str::to_owned),
        clock: clock.clone(),
        telemetry: common.telemetry(),
    };
    let instance = Instance::start(&home, plan).await?;
    let painted = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let played = narrate(&home, &instance, clock, time, painted).await;
    let stopped = instance.stop().await;
    let verdict = played?;
    stopped.map(|()| verdict)
}

/// Fails if the regulation is overridden: the demo expects the standard rule book.
pub fn check(common: &Common) -> Result<(), Error> {
    if common.has_regulation() { Err(Error::DemoRegulation) } else { Ok(()) }
}

/// A clock that stands at the beginning of the day, and the handle that moves it.
pub fn morning() -> (Clock, SimulatedTime) {
    Clock::simulated(Timestamp::from_second(MORNING).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Plays the day on running services and lets the clock run on from its end, which is returned. Prints the story only
/// if an expectation fails.
pub async fn prepare(home: &Home, instance: &Instance, clock: Clock, time: SimulatedTime) -> Result<Timestamp, Error> {
    let mut stage = Stage::open(home, &instance.addresses(), (clock.clone(), time), Play::new(false)).await?;
    let played = play_day(&mut stage, |_| Ok(())).await;
    if played.is_err() || !stage.play.has_held() {
        say(&stage.play.take())?;
    }
    played?;
    if !stage.play.has_held() {
        return Err(Error::DemoFailed);
    }
    let ended = clock.now();
    stage.let_time_run();
    Ok(ended)
}

async fn narrate(
    home: &Home,
    instance: &Instance,
    clock: Clock,
    time: SimulatedTime,
    painted: bool,
) -> Result<ExitCode, Error> {
    let mut stage = Stage::open(home, &instance.addresses(), (clock, time), Play::new(painted)).await?;
    stage.play.add_verbatim(OPENING);
    let mut show = |play: &mut Play| say(&play.take());
    let played = play_day(&mut stage, &mut show).await;
    show(&mut stage.play)?;
    played?;
    say(&format!("\n{}\n", stage.play.outcome()))?;
    Ok(stage.play.verdict())
}

/// Plays all scenes of the day; calls `between` after each.
async fn play_day(stage: &mut Stage, mut between: impl FnMut(&mut Play) -> Result<(), Error>) -> Result<(), Error> {
    let customer = house::prepare(stage).await.map_err(scene_error)?;
    let mut watchers = Watchers::begin(stage).await.map_err(scene_error)?;
    macro_rules! play {
        ($name:ident $(, $with:expr)*) => {{
            let outcome = Box::pin(scenes::$name::play(stage $(, $with)*)).await.map_err(scene_error);
            watchers.take_arrived().map_err(scene_error)?;
            between(&mut stage.play)?;
            outcome?
        }};
    }
    let emergency = play!(emergency);
    let call = play!(hotline);
    play!(promised_wait);
    let network = play!(transfer, &customer);
    play!(remote, &customer, &network);
    let printer = play!(declined);
    let major = play!(major);
    play!(overdue);
    play!(dissatisfied, &printer);
    play!(expectation, &major);
    play!(repeat, &call);
    play!(merged, &call);
    play!(late_order, &emergency);
    play!(complaint);
    play!(told_later);
    play!(lent);
    play!(accused);
    play!(leaves);
    watchers.end(stage).await.map_err(scene_error)?;
    ending::show(stage).await
}

/// The error for a scene that cannot go on.
#[expect(clippy::needless_pass_by_value, reason = "made to map errors with")]
fn scene_error(status: Status) -> Error {
    Error::Scene { code: status.code(), message: status.message().to_owned() }
}
