//! The faults: each is done to a world under load, and undone as far as an operator would undo it.

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

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// A replica of intake is killed and comes back.
    KillIntake,
    /// Complaints is killed and comes back.
    KillComplaints,
    /// The service with the directory is killed and comes back.
    KillAppraisal,
    /// Postgres is killed and comes back.
    KillPostgres,
    /// A replica of intake is stopped by SIGSTOP, with its connections and locks, and goes on.
    PauseIntake,
    /// Every link between services is cut.
    CutLinks,
    /// Every link is slow, and then swallows everything.
    SlowLinks,
    /// Statements wait for a lock until every connection of the pools is taken.
    ExhaustPool,
    /// The disk of the tables is full.
    FillDisk,
    /// The disk of the write-ahead log is full: Postgres ends, and is started when there is room.
    FillLog,
    /// One replica of intake lives an hour in the past.
    TurnClockBack,
}

/// How the faults are this time.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How long a fault lasts that has a length.
    pub lasts: Duration,
    /// How long a replica is stopped.
    pub pauses: Duration,
}

impl Scale {
    /// For every change.
    pub const SHORT: Self = Self { lasts: Duration::from_secs(2), pauses: Duration::from_secs(5) };
    /// For hours of it.
    pub const LONG: Self = Self { lasts: Duration::from_secs(10), pauses: Duration::from_secs(30) };
}

/// A fault that cannot be had on this machine.
#[derive(Debug)]
pub struct Skipped(pub String);

impl Fault {
    /// What a table calls it.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether a connection of the callers may end by it: a process that they call is killed, stopped or ended.
    pub fn breaks_connections(self) -> bool {
        matches!(self, Self::KillIntake | Self::KillAppraisal | Self::PauseIntake | Self::TurnClockBack)
    }

    /// What has to be done while nobody calls, before it.
    pub async fn prepare(self, world: &World, disk: Option<&Disk>) -> Result<(), Skipped> {
        match self {
            Self::FillDisk => disk::needed(disk)?.move_tables(world, "small").await,
            Self::FillLog => disk::needed(disk)?.move_log(world).await,
            Self::TurnClockBack => clock::library().map(drop)?,
            _ => {}
        }
        Ok(())
    }

    /// Does it under load, and returns when it is over: since when the world can be well again.
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

    /// Whether callers meet it for certain: one that none meets has not happened.
    pub fn is_met(self) -> bool {
        !matches!(self, Self::KillAppraisal | Self::SlowLinks)
    }

    /// What is put back while nobody calls, after it.
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
    // Callers meet nobody there for a while.
    sleep(Duration::from_millis(500)).await;
    process.restart().await;
}

/// Transactions of the services that have been open and idle for longer than Postgres lets them.
async fn still_held(world: &World) -> i64 {
    let held = "select count(*) from pg_stat_activity where application_name like 'kefu-%'
        and state like 'idle in transaction%' and clock_timestamp() - state_change > interval '12 s'";
    sqlx::query_scalar(held).fetch_one(&world.pool).await.unwrap()
}
