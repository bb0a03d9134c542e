//! The faults: each is caused in a world under load, and repaired as far as an operator would repair it.

use std::time::Duration;

use clap::ValueEnum;
use tokio::time::{Instant, sleep};

use crate::ledger::Ledger;
use crate::link::State;
use crate::world::World;

mod clock;
mod disk;
mod pool;

pub use disk::Disk;

/// A fault that the program can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// A replica of intake is killed and restarted.
    KillIntake,
    /// Complaints is killed and restarted.
    KillComplaints,
    /// Appraisal, which holds the directory, is killed and restarted.
    KillAppraisal,
    /// Postgres is killed and restarted.
    KillPostgres,
    /// A replica of intake is stopped by SIGSTOP, keeping its connections and locks, and is continued later.
    PauseIntake,
    /// Every link between services is cut.
    CutLinks,
    /// Every link is slow, and then passes nothing on while it looks open.
    SlowLinks,
    /// Statements wait for a lock until every database connection of intake is taken.
    ExhaustPool,
    /// The disk with the tables is full.
    FillDisk,
    /// The disk with the write-ahead log is full: Postgres ends, and is restarted when there is room.
    FillLog,
    /// The clock of one replica of intake is an hour behind.
    TurnClockBack,
}

/// Durations of the faults in a run.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How long a fault lasts; some faults last twice as long, and kills do not use it.
    pub lasts: Duration,
    /// How long [`Fault::PauseIntake`] stops the replica.
    pub pauses: Duration,
}

impl Scale {
    /// Durations of a normal run.
    pub const SHORT: Self = Self { lasts: Duration::from_secs(2), pauses: Duration::from_secs(5) };
    /// Durations of a run with `--long`.
    pub const LONG: Self = Self { lasts: Duration::from_secs(10), pauses: Duration::from_secs(30) };
}

/// The reason why a fault cannot be caused on this machine.
#[derive(Debug)]
pub struct Skipped(pub String);

impl Fault {
    /// Returns the name of the fault on the command line and in the report.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether the fault may break connections of the callers: it kills, stops or ends a process that they call.
    pub fn breaks_connections(self) -> bool {
        matches!(self, Self::KillIntake | Self::KillAppraisal | Self::PauseIntake | Self::TurnClockBack)
    }

    /// Prepares the fault while the load is paused.
    pub async fn prepare(self, world: &World, disk: Option<&Disk>) -> Result<(), Skipped> {
        match self {
            Self::FillDisk => disk::needed(disk)?.move_tables(world, "small").await,
            Self::FillLog => disk::needed(disk)?.move_log(world).await,
            Self::TurnClockBack => clock::library().map(drop)?,
            _ => {}
        }
        Ok(())
    }

    /// Causes the fault under load. Returns the moment when the fault was over, from which the recovery time counts.
    pub async fn happen(self, world: &World, disk: Option<&Disk>, scale: Scale, ledger: &Ledger) -> Instant {
        match self {
            Self::KillIntake => kill(&world.intake[0]).await,
            Self::KillComplaints => kill(&world.complaints).await,
            Self::KillAppraisal => kill(&world.appraisal).await,
            Self::KillPostgres => {
                world.rig.kill_postgres();
                world.rig.restart_postgres().await.unwrap();
            }
            Self::PauseIntake => {
                world.intake[1].pause();
                sleep(scale.pauses).await;
                if still_held(world).await > 0 {
                    ledger.violated("a replica that stands still holds locks");
                }
                world.intake[1].resume();
            }
            Self::CutLinks => {
                world.set_links(State::Cut);
                sleep(scale.lasts).await;
                world.set_links(State::Open);
            }
            Self::SlowLinks => {
                world.set_links(State::Slow(Duration::from_millis(300)));
                sleep(scale.lasts).await;
                world.set_links(State::Stalled);
                sleep(scale.lasts).await;
                world.set_links(State::Open);
            }
            Self::ExhaustPool => pool::exhaust(world, scale.lasts).await,
            Self::FillDisk => disk.expect("a disk").fill_for(scale.lasts).await,
            Self::FillLog => disk.expect("a disk").fill_log(world, scale.lasts).await,
            Self::TurnClockBack => clock::turn_back(world, scale.lasts).await,
        }
        Instant::now()
    }

    /// Whether the fault is certain to make calls fail. If no call fails then, the fault has not really happened.
    pub fn is_met(self) -> bool {
        !matches!(self, Self::KillAppraisal | Self::SlowLinks)
    }

    /// Puts back what the fault changed, while the load is paused.
    pub async fn clear(self, world: &World, disk: Option<&Disk>) {
        match (self, disk) {
            (Self::FillDisk, Some(disk)) => disk.move_tables(world, "pg_default").await,
            (Self::FillLog, Some(disk)) => disk.move_log_back(world).await,
            (Self::TurnClockBack, _) => clock::put_right(world).await,
            _ => {}
        }
    }
}

async fn kill(process: &kefu_testkit::rig::Process) {
    process.kill();
    // Callers find the process gone for half a second.
    sleep(Duration::from_millis(500)).await;
    process.restart().await;
}

/// Counts the services' open transactions that are idle for over 12 s, although Postgres should end them after 10 s.
async fn still_held(world: &World) -> i64 {
    let held = "select count(*) from pg_stat_activity where application_name like 'kefu-%'
        and state like 'idle in transaction%' and clock_timestamp() - state_change > interval '12 s'";
    sqlx::query_scalar(held).fetch_one(&world.pool).await.unwrap()
}
