//! The measurements, one file each.

use kefu_testkit::rig::Usage;
use sqlx::Row as _;

use crate::drive::Run;
use crate::figures::{Cost, Report};
use crate::world::World;

pub mod duties;
pub mod feed;
pub mod growth;
pub mod import;
pub mod memory;
pub mod mix;
pub mod reads;
pub mod register;

/// A load with what it cost.
async fn costed(world: &World, report: &mut Report, load: &str, run: impl AsyncFnOnce() -> Run) -> Run {
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
        log_bytes: (log_after.0 - log_before.0) / calls,
        flushes: (log_after.1 - log_before.1) / calls,
    };
    eprintln!(
        "  {load}: {:.0}/s; processor time a call: services {:.0} µs, Postgres {:.0} µs, generator {:.0} µs; log {:.0} bytes, {:.2} flushes",
        run.rate(),
        cost.service_us,
        cost.postgres_us,
        cost.generator_us,
        cost.log_bytes,
        cost.flushes
    );
    report.costs.push(cost);
    run
}

/// Bytes of write-ahead log, and flushes of it, since Postgres was started.
async fn log(world: &World) -> (f64, f64) {
    let statement = "select wal_bytes::float8, wal_sync::float8 from pg_stat_wal";
    let row = sqlx::query(statement).fetch_one(&world.pool).await.expect("Postgres counts its log");
    (row.get(0), row.get(1))
}
