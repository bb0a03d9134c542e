//! Measures, with a million open duties or as many as asked for, how soon a duty that comes due is marked, and how much
//! processor time the search for due duties takes.

use std::time::{Duration, Instant};

use crate::figures::{Bound, Figure, Report, median, number, range};
use crate::world::World;

const ROUNDS: usize = 5;
/// How long the processor time of the idle services is measured.
const IDLE: Duration = Duration::from_secs(15);

/// Opens `count` duties that come due in more than 300 days: copies of a duty that the service opened.
pub async fn seed(world: &World, count: i64) {
    let began = Instant::now();
    copy(world, count, "interval '300 days' + make_interval(secs => copy)").await;
    world.run("vacuum analyze intake.duty").await;
    eprintln!("  {} duties opened in {:.0} s", number(count as f64), began.elapsed().as_secs_f64());
}

/// Measures the delay until a due duty is marked, and the processor time while nothing comes due.
pub async fn run(world: &World, report: &mut Report) {
    let open = world.number("select count(*) from intake.duty where state = 1").await;
    let mut delays = Vec::new();
    for _ in 0..ROUNDS {
        delays.push(marked_after(world).await);
    }
    let most = delays.iter().copied().fold(0.0, f64::max);
    report.figure(Figure {
        what: format!("with {} open duties, one that comes due is marked within", number(open as f64)),
        value: most,
        unit: "s",
        bound: Some(Bound::Under(2.0)),
        from: format!("the longest of {ROUNDS}; median {:.2}, {}", median(delays.clone()), range(&delays)),
    });
    let (before, began) = (world.used(), Instant::now());
    tokio::time::sleep(IDLE).await;
    let (after, seconds) = (world.used(), began.elapsed().as_secs_f64());
    let service = after.intake.since(before.intake).cpu.as_secs_f64();
    let postgres = after.postgres.since(before.postgres).cpu.as_secs_f64();
    report.figure(Figure {
        what: "the same, nothing coming due: processor time".into(),
        value: (service + postgres) / seconds * 100.0,
        unit: "% of a core",
        bound: Some(Bound::Under(5.0)),
        from: format!(
            "intake {:.2} %, Postgres for all three services {:.2} %, in {seconds:.0} s",
            service / seconds * 100.0,
            postgres / seconds * 100.0
        ),
    });
}

/// Opens a duty that is due in a second. Returns how many seconds after that time it was marked.
async fn marked_after(world: &World) -> f64 {
    copy(world, 1, "interval '1 second'").await;
    let unmarked = "select count(*) from intake.duty where state = 1 and breached_at is null
        and due_at < clock_timestamp() + interval '2 seconds'";
    world.until_none(unmarked, Duration::from_secs(20)).await;
    let late = "select (extract(epoch from max(recorded_at - occurred_at)) * 1e6)::bigint from intake.journal
        where payload_type = 'kefu.events.v1.DutyChanged' and occurred_at > clock_timestamp() - interval '20 seconds'";
    world.number(late).await as f64 / 1e6
}

async fn copy(world: &World, count: i64, due_in: &str) {
    let columns = world.columns("intake", "duty").await;
    let values: Vec<String> = columns.iter().map(|column| copied(column, due_in)).collect();
    let statement = format!(
        "insert into intake.duty ({}) select {} from (
            select * from intake.duty where state = 1 and breached_at is null and kind = 'pass_on' limit 1) as d
        cross join generate_series(1, {count}) as copy",
        columns.join(", "),
        values.join(", ")
    );
    world.run(&statement).await;
}

fn copied(column: &str, due_in: &str) -> String {
    match column {
        "id" => "gen_random_uuid()".into(),
        "subject" => "'requests/' || gen_random_uuid()".into(),
        "due_at" => format!("clock_timestamp() + {due_in}"),
        other => format!("d.{other}"),
    }
}
