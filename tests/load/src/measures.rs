//! The measurements, one module each, and what they share.

use std::time::Duration;

use kefu_testkit::rig::Usage;
use sqlx::Row as _;

use crate::drive::{Call, Run, closed};
use crate::figures::{Bound, Cost, Figure, Pair, Report, Statement, median, number, range};
use crate::pgbench::{self, Script};
use crate::world::{AGENTS, World};

pub mod duties;
pub mod feed;
pub mod gateway;
pub mod growth;
pub mod import;
pub mod memory;
pub mod mix;
pub mod reads;
pub mod register;

/// Number of rounds of a comparison; in each round, the loads that are compared take turns.
const ROUNDS: usize = 3;
/// How many SQL statements of a load the report lists: those with the longest total execution time.
const STATEMENTS: i64 = 6;

/// Runs a load, and adds its cost and its most expensive SQL statements to the report.
async fn costed(world: &World, report: &mut Report, load: &str, run: impl AsyncFnOnce() -> Run) -> Run {
    if world.counts_statements {
        world.run("select public.pg_stat_statements_reset()").await;
    }
    let (before, log_before) = (world.used(), log(world).await);
    let own = Usage::of(std::process::id());
    let run = run().await;
    let (after, log_after) = (world.used(), log(world).await);
    let calls = run.answered as f64;
    let each = |usage: Usage| usage.cpu.as_secs_f64() * 1e6 / calls;
    let services = each(after.intake.since(before.intake)) + each(after.complaints.since(before.complaints));
    let cost = Cost {
        load: load.into(),
        calls: run.answered,
        service_us: services,
        postgres_us: each(after.postgres.since(before.postgres)),
        generator_us: each(Usage::of(std::process::id()).since(own)),
        log_bytes: (log_after - log_before) / calls,
    };
    eprintln!(
        "  {load}: {:.0}/s; processor time a call: services {:.0} µs, Postgres {:.0} µs, generator {:.0} µs; log {:.0} bytes",
        run.rate(),
        cost.service_us,
        cost.postgres_us,
        cost.generator_us,
        cost.log_bytes
    );
    // The report keeps only the last of several rounds, when pages and plans are warm.
    report.costs.retain(|earlier| earlier.load != cost.load);
    report.statements.retain(|earlier| earlier.load != cost.load);
    if world.counts_statements {
        statements(world, report, load, calls).await;
    }
    report.costs.push(cost);
    run
}

/// Runs a pgbench script and adds its cost to the report. Returns its rate in transactions a second.
async fn ceiling(world: &World, report: &mut Report, script: &Script, clients: usize, length: Duration) -> f64 {
    let (before, log_before) = (world.used(), log(world).await);
    let rate = pgbench::rate(&world.pgbench(), &world.ceiling(), script, clients, length).await;
    // pgbench's connections end a moment after pgbench itself, and only then is their processor time counted.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (after, log_after) = (world.used(), log(world).await);
    let calls = rate * length.as_secs_f64();
    let load = format!("pgbench {}, {clients} clients", script.name);
    let cost = Cost {
        load,
        calls: calls.round() as u64,
        service_us: 0.0,
        postgres_us: after.postgres.since(before.postgres).cpu.as_secs_f64() * 1e6 / calls,
        generator_us: 0.0,
        log_bytes: (log_after - log_before) / calls,
    };
    eprintln!("  {}: {rate:.0}/s; Postgres {:.0} µs; log {:.0} bytes", cost.load, cost.postgres_us, cost.log_bytes);
    report.costs.retain(|earlier| earlier.load != cost.load);
    report.costs.push(cost);
    rate
}

/// A method whose rate is compared with that of a pgbench script.
struct Measured<'a> {
    method: &'a str,
    call: &'a Call,
    /// Label of the pgbench script, and the least ratio of the method's rate to pgbench's that is required.
    beside: &'a str,
    least: f64,
}

/// Compares the highest rate of a method with that of a pgbench script, taking turns. Returns the method's median rate
/// in calls a second.
async fn compare(
    world: &World,
    report: &mut Report,
    measured: &Measured<'_>,
    mut script: Script,
    length: Duration,
) -> f64 {
    let Measured { method, call, beside, least } = *measured;
    let (mut ours, mut ceilings, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let load = format!("{method}, {AGENTS} callers");
        let run = costed(world, report, &load, async || closed(AGENTS, length, call).await.checked(method)).await;
        world.desk.clear();
        world.sealed().await;
        // Each round starts at another key, so that rows written by pgbench do not collide.
        script.values.retain(|(name, _)| *name != "i");
        script.values.push(("i", (round * 10_000_000).to_string()));
        let most = ceiling(world, report, &script, AGENTS, length).await;
        if round == 0 {
            report.latency("closed loop", method, &run);
        }
        ratios.push(run.rate() / most);
        ours.push(run.rate());
        ceilings.push(most);
    }
    report.figure(Figure {
        what: format!("{method}, {AGENTS} callers, against {beside}"),
        value: median(ratios.clone()),
        unit: "",
        bound: Some(Bound::AtLeast(least)),
        from: format!(
            "{} ({}) against {} ({}) a second; ratios {}",
            number(median(ours.clone())),
            range(&ours),
            number(median(ceilings.clone())),
            range(&ceilings),
            range(&ratios)
        ),
    });
    report.pairs.push(Pair { what: method.into(), ours: median(ours.clone()), pgbench: median(ceilings) });
    median(ours)
}

async fn statements(world: &World, report: &mut Report, load: &str, calls: f64) {
    let query = "select regexp_replace(query, '\\s+', ' ', 'g') as text, calls::float8, total_exec_time::float8, wal_bytes::float8
        from public.pg_stat_statements where calls > 1 and query not like '%pg_stat%' order by total_exec_time desc limit $1";
    let rows = sqlx::query(query).bind(STATEMENTS).fetch_all(&world.pool).await.expect("statements are counted");
    for row in rows {
        let (text, ran): (String, f64) = (row.get(0), row.get(1));
        report.statements.push(Statement {
            load: load.into(),
            text: text.trim().chars().take(90).collect(),
            times: ran / calls,
            us: row.get::<f64, _>(2) * 1_000.0 / ran,
            log_bytes: row.get::<f64, _>(3) / ran,
        });
    }
}

/// Returns the current position in the write-ahead log, in bytes; the difference of two is what was written between.
async fn log(world: &World) -> f64 {
    let written = "select pg_current_wal_lsn() - '0/0'::pg_lsn";
    world.number(&format!("select ({written})::bigint")).await as f64
}
