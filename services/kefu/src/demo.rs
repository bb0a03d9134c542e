//! `demo`: a working day, played through the public gRPC services on a simulated clock; `up --demo` serves what it leaves.

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

/// The services that are on the stage.
const SERVICES: [&str; 3] = ["appraisal", "complaints", "intake"];
/// When the day begins: 08:30 on Monday, 23 November 2026, in Shanghai.
const MORNING: i64 = 1_795_393_800;
const OPENING: &str = "\
A working day of a service organisation, under the rule book as it comes. People and customers are invented; every step is
a call of the public gRPC services, and the clause that it serves stands in brackets.
";

/// Plays the day on services of its own and tells it; fails unless every expectation held.
pub async fn run(common: &Common) -> Result<ExitCode, Error> {
    check(common)?;
    // Data and ports are its own, so it minds no other kefu of this home; its end, however it comes, is the launcher's care.
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
    let played = tell(&home, &instance, clock, time, painted).await;
    let stopped = instance.stop().await;
    let verdict = played?;
    stopped.map(|()| verdict)
}

/// The demo is played under the rule book as it comes.
pub fn check(common: &Common) -> Result<(), Error> {
    if common.has_regulation() { Err(Error::DemoRegulation) } else { Ok(()) }
}

/// The clock of the day, as it begins, and the handle that moves it.
pub fn morning() -> (Clock, SimulatedTime) {
    Clock::simulated(Timestamp::from_second(MORNING).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Plays the day on services that run, tells nothing unless an expectation fails, and lets the clock go on by itself; when
/// the day has ended.
pub async fn prepare(home: &Home, instance: &Instance, clock: Clock, time: SimulatedTime) -> Result<Timestamp, Error> {
    let mut stage = Stage::open(home, &instance.addresses(), (clock.clone(), time), Play::new(false)).await?;
    let played = day(&mut stage, |_| Ok(())).await;
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

async fn tell(
    home: &Home,
    instance: &Instance,
    clock: Clock,
    time: SimulatedTime,
    painted: bool,
) -> Result<ExitCode, Error> {
    let mut stage = Stage::open(home, &instance.addresses(), (clock, time), Play::new(painted)).await?;
    stage.play.set_down(OPENING);
    let mut show = |play: &mut Play| say(&play.take());
    let played = day(&mut stage, &mut show).await;
    show(&mut stage.play)?;
    played?;
    say(&format!("\n{}\n", stage.play.outcome()))?;
    Ok(stage.play.verdict())
}

/// The whole day; `between` is called after each scene.
async fn day(stage: &mut Stage, mut between: impl FnMut(&mut Play) -> Result<(), Error>) -> Result<(), Error> {
    let customer = house::prepare(stage).await.map_err(scene)?;
    let mut watchers = Watchers::begin(stage).await.map_err(scene)?;
    macro_rules! play {
        ($name:ident $(, $with:expr)*) => {{
            let outcome = Box::pin(scenes::$name::play(stage $(, $with)*)).await.map_err(scene);
            watchers.look().map_err(scene)?;
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
    play!(late_order, &emergency);
    play!(complaint);
    watchers.end(stage).await.map_err(scene)?;
    ending::show(stage).await
}

/// A scene that cannot go on.
#[expect(clippy::needless_pass_by_value, reason = "made to map errors with")]
fn scene(status: Status) -> Error {
    Error::Scene { code: status.code(), message: status.message().to_owned() }
}
