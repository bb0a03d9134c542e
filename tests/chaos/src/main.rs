//! Causes faults under load: the services run as real processes on a real Postgres, and callers repeat every call until
//! it is acknowledged. After each fault the program checks that every acknowledged change is stored exactly once. Its
//! last line of output is `N passed, N failed`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it: a panic is how they fail"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{Parser, ValueEnum as _};
use tokio::time::{Instant, sleep};

mod call;
mod checks;
mod fault;
mod ledger;
mod link;
mod load;
mod report;
mod world;

use call::{CONVERSIONS, Desk};
use checks::Auditor;
use fault::{Disk, Fault, Scale, Skipped};
use load::Load;
use report::{Outcome, Report};
use world::{INTAKES, World};

/// How long the load runs before a fault, and again after the recovery.
const AROUND: Duration = Duration::from_secs(1);
/// How long a recovery may take before it counts as a violation.
const RECOVERY: Duration = Duration::from_secs(30);

/// Causes faults under load, and checks that nothing acknowledged is lost or done twice.
#[derive(Parser)]
#[command(version, about, long_about = None)]
struct Arguments {
    /// Seed of the callers' choices and of the fault order in a long run; random if omitted, always printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs only this fault.
    #[arg(long, value_enum)]
    only: Option<Fault>,
    /// Repeats the faults for this many minutes, with more load and longer faults.
    #[arg(long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "20")]
    long: Option<u64>,
    /// Number of agents that call at once: by default 24, in a long run 48.
    #[arg(long)]
    callers: Option<usize>,
    /// States that the process has its own mount namespace, so that it may mount a small disk to fill.
    #[arg(long)]
    own_mounts: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run(&arguments));
    println!("{report}");
    if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(arguments: &Arguments) -> Report {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let scale = if arguments.long.is_some() { Scale::LONG } else { Scale::SHORT };
    println!("seed {seed}: repeat with --seed {seed}");
    let callers = arguments.callers.unwrap_or(if arguments.long.is_some() { 48 } else { 24 });
    let small = Disk::mount(arguments.own_mounts);
    let world = Arc::new(World::start(callers).await);
    let desk = Arc::new(Desk::new());
    let mut trial =
        Trial { load: Load::start(&world, &desk, seed), auditor: Auditor::of(&world), world, desk, disk: small, scale };
    let report = trial.run(arguments, seed).await;
    if report.failed() > 0 {
        let logs = std::env::temp_dir().join(format!("kefu-chaos-{seed}"));
        trial.world.rig.keep_logs(&logs);
        println!("the logs are in {}", logs.display());
    }
    report
}

/// Runs the faults one after another on a world under load, and checks the world after each.
struct Trial {
    load: Load,
    auditor: Auditor,
    world: Arc<World>,
    desk: Arc<Desk>,
    disk: Option<Disk>,
    scale: Scale,
}

impl Trial {
    async fn run(&mut self, arguments: &Arguments, seed: u64) -> Report {
        let mut report = Report::default();
        let mut rng = fastrand::Rng::with_seed(seed);
        let until = arguments.long.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
        loop {
            let mut faults: Vec<Fault> =
                arguments.only.map_or_else(|| Fault::value_variants().to_vec(), |one| vec![one]);
            if until.is_some() {
                rng.shuffle(&mut faults);
            }
            for fault in faults {
                if until.is_some_and(|until| Instant::now() > until) {
                    return report;
                }
                report.add(self.of(fault).await);
            }
            if until.is_none() {
                return report;
            }
        }
    }

    async fn of(&mut self, fault: Fault) -> Outcome {
        let (world, disk) = (self.world.clone(), self.disk.as_ref());
        if let Err(Skipped(why)) = fault.prepare(&world, disk).await {
            return Outcome::skipped(fault, why);
        }
        self.desk.take_tally();
        self.desk.may_break.store(fault.breaks_connections(), Ordering::Release);
        self.load.resume();
        sleep(AROUND).await;
        let over = fault.happen(&world, disk, self.scale, &self.desk.ledger).await;
        let recovered = self.recovered(over).await;
        sleep(AROUND).await;
        self.load.pause().await;
        fault.clear(&world, disk).await;
        let tally = self.desk.take_tally();
        if fault.is_met() && tally.refused + tally.broken == 0 {
            self.desk.ledger.violated(format!("{}: no caller has met it", fault.name()));
        }
        let caught_up = self.auditor.look(&world, &self.desk.ledger).await;
        Outcome { fault, tally, recovered, caught_up, violations: self.desk.ledger.take_violations(), skipped: None }
    }

    /// Waits until every process is ready, and both replicas of intake and a conversion have acknowledged attempts that
    /// began after the fault. Returns the time since `over`, or None after [`RECOVERY`], which is a violation.
    async fn recovered(&self, over: Instant) -> Option<Duration> {
        while over.elapsed() < RECOVERY {
            let serves = |place| self.desk.acknowledged_since(place, over);
            if (0..INTAKES).all(serves) && serves(CONVERSIONS) && self.are_ready().await {
                return Some(over.elapsed());
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.desk.ledger.violated(format!("not everything is served again after {RECOVERY:?}"));
        None
    }

    async fn are_ready(&self) -> bool {
        for process in self.world.processes() {
            if !process.is_ready().await {
                return false;
            }
        }
        true
    }
}
