//! The benchmark loads the real services on a durable Postgres over their public gRPC. In the same run, pgbench on the
//! same Postgres shows the highest rate possible. Prints JSON and a table, and with `--page` rewrites the tables and
//! plots of `docs/performance.md`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot go on says why and ends; its counts are far below 2^52"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

mod desk;
mod drive;
mod figures;
mod ledger;
mod measures;
mod pgbench;
mod plot;
mod report;
mod words;
mod world;

use figures::{Bound, Figure, Report};
use measures::{duties, feed, gateway, growth, import, memory, mix, reads, register};
use world::World;

/// Loads the services and measures them.
#[derive(Parser)]
struct Arguments {
    /// Length of one load in seconds, 2 to 60; comparisons repeat it in three rounds.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(2..=60))]
    seconds: u64,
    /// Run only the measurements before the tables grow.
    #[arg(long)]
    small: bool,
    /// Number of requests, and of open duties, to grow the tables to (approximate, at least 100,000).
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(100_000..))]
    rows: i64,
    /// Run only these parts, after the measurements at rest and of the import.
    #[arg(long, value_delimiter = ',', conflicts_with = "page")]
    only: Vec<Part>,
    /// Rewrite the report in this Markdown page and the plots in the folder beside it.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Registrations beside pgbench, and their latencies.
    Register,
    /// Reads beside pgbench.
    Reads,
    /// Reads through the gateway, beside reads from the service itself.
    Gateway,
    /// A mix of all that a working desk does.
    Mix,
    /// The feed of events and the verification of the journal.
    Feed,
    /// Lists and searches at two sizes.
    Growth,
    /// A million open duties, or as many as `--rows` says.
    Duties,
}

impl Arguments {
    async fn publish(&self, world: &World, report: &Report) {
        if let Some(page) = &self.page {
            report::publish(report, &world.setting().await, page);
        }
    }

    fn has(&self, part: Part) -> bool {
        // Reads and duties need rows that the registrations write, so they also run the registrations.
        let is_needed =
            part == Part::Register && self.only.iter().any(|only| [Part::Reads, Part::Duties].contains(only));
        (self.only.is_empty() || self.only.contains(&part) || is_needed) && !(self.small && part == Part::Duties)
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let mut report = Report::default();
    let world = World::open(!arguments.small).await;
    measure(&world, &mut report, &arguments).await;
    arguments.publish(&world, &report).await;
    println!("{}", serde_json::to_string_pretty(&report).expect("a report is JSON"));
    eprintln!("{}\nall of it in {:.0} s", report::table(&report), began.elapsed().as_secs_f64());
}

async fn measure(world: &World, report: &mut Report, arguments: &Arguments) {
    let length = Duration::from_secs(arguments.seconds);
    memory::at_rest(world, report);
    import::run(world, report).await;
    let small = if arguments.has(Part::Growth) { Some(growth::at(world, report, length).await) } else { None };
    if arguments.has(Part::Register) {
        register::run(world, report, length).await;
    }
    if arguments.has(Part::Reads) {
        reads::run(world, report, length).await;
    }
    if arguments.has(Part::Gateway) {
        gateway::run(world, report, length).await;
    }
    if arguments.has(Part::Mix) {
        mix::run(world, report, length * 3).await;
    }
    if arguments.has(Part::Feed) {
        feed::run(world, report, length).await;
    }
    proven(world, report).await;
    if let Some(small) = small.filter(|_| !arguments.small) {
        growth::seed(world, arguments.rows).await;
        let large = growth::at(world, report, length).await;
        growth::compare(report, &small, &large);
    }
    // The page is written now too, so that these results are kept if the measurement of duties fails.
    arguments.publish(world, report).await;
    if arguments.has(Part::Duties) {
        duties::seed(world, arguments.rows).await;
        duties::run(world, report).await;
    }
}

/// Checks that every acknowledged write is in the database once, and adds the number of missing ones to the report.
async fn proven(world: &World, report: &mut Report) {
    world.sealed().await;
    let mut connection = world.pool.acquire().await.expect("a connection");
    let missing = world.desk.ledger.missing(&mut connection).await;
    assert_eq!(missing, 0, "acknowledged writes are not in the database");
    report.figure(Figure {
        what: "acknowledged writes that are not in the database just once".into(),
        value: missing as f64,
        unit: "",
        bound: Some(Bound::Under(1.0)),
        from: format!("of {}", figures::number(world.desk.ledger.len() as f64)),
    });
}
