//! Measures registrations at the highest rate, beside pgbench with the same rows, and their latencies at a lower rate.

use std::time::Duration;

use sqlx::Row as _;

use crate::desk::Desk;
use crate::drive::{Call, closed, open};
use crate::figures::{Bound, Figure, Report, number};
use crate::pgbench::Script;
use crate::world::{AGENTS, World};

use super::{Measured, compare};

/// Share of the highest rate (0 to 1) at which latencies are measured.
const STEADY: f64 = 0.7;

/// Measures the registrations of requests and of complaints.
pub async fn run(world: &World, report: &mut Report, length: Duration) {
    let request = world.desk.call(Desk::register);
    let complaint = world.desk.call(Desk::complain);
    // These loads warm up prepared statements, connections and caches before anything is counted.
    closed(AGENTS, length / 2, &request).await.checked("RegisterRequest");
    closed(AGENTS, length / 2, &complaint).await.checked("RegisterComplaint");
    world.sealed().await;
    let request_rows = sample(world, "intake", "request").await;
    let complaint_rows = sample(world, "complaints", "complaint").await;
    let rate = compare(world, report, &measured("RegisterRequest", &request), request_rows, length).await;
    compare(world, report, &measured("RegisterComplaint", &complaint), complaint_rows, length).await;
    steady(world, report, &request, rate * STEADY, length * 2).await;
}

fn measured<'a>(method: &'a str, call: &'a Call) -> Measured<'a> {
    Measured { method, call, beside: "pgbench", least: 0.6 }
}

async fn steady(world: &World, report: &mut Report, call: &Call, rate: f64, length: Duration) {
    // The checkpoint frees files of the write-ahead log. The first load after it, which is not counted, makes Postgres
    // log changed pages whole once, so that the counted load runs as it does most of the time between two checkpoints.
    world.run("checkpoint").await;
    open(rate, length / 2, call).await.checked("RegisterRequest");
    let run = open(rate, length, call).await.checked("RegisterRequest");
    world.desk.clear();
    report.latency(&format!("open loop, {} a second", number(rate)), "RegisterRequest", &run);
    report.figure(Figure {
        what: format!("p99 ÷ median of RegisterRequest at {:.0} % of its highest rate", STEADY * 100.0),
        value: run.quantile(0.99) / run.quantile(0.5),
        unit: "",
        bound: Some(Bound::Under(5.0)),
        from: format!("{:.2} ms ÷ {:.2} ms at {} a second", run.quantile(0.99), run.quantile(0.5), number(rate)),
    });
}

/// Returns the pgbench script with the values of a row of median text length that the service wrote, so that pgbench
/// writes as many bytes.
async fn sample(world: &World, schema: &str, table: &'static str) -> Script {
    let is_request = table == "request";
    let (texts, came, said, customer) = if is_request {
        ("t.product_model, t.description", "contact_at", "description", ", t.customer::text")
    } else {
        ("t.matter, t.desired_remedy", "received_at", "matter", "")
    };
    let statement = format!(
        "select {texts}, t.contact::text, t.department, j.actor, array_to_string(j.clauses, ','),
            j.regulation, j.payload_type, j.payload::text, j.salt::text, j.payload_digest::text, j.duty_changes::text,
            r.method, r.response::text, (select calendar from {schema}.duty limit 1){customer}
        from (select request_or_complaint.*, row_number() over (order by length({said}), id), count(*) over ()
            from {schema}.{table} as request_or_complaint where {came} = created_at) as t
        join {schema}.journal as j on j.aggregate = '{table}s/' || t.id and j.aggregate_version = 1
        join {schema}.reply as r on r.subject = j.actor and r.recorded_at = j.recorded_at and r.method like '%/Register%'
        where t.row_number = t.count / 2"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_one(&world.pool).await.expect("a row was written");
    let texts = if is_request { ["product_model", "description"] } else { ["matter", "desired_remedy"] };
    let names = texts.into_iter().chain([
        "contact",
        "department",
        "actor",
        "clauses",
        "regulation",
        "payload_type",
        "payload",
        "salt",
        "payload_digest",
        "duty_changes",
        "method",
        "response",
        "calendar",
    ]);
    let names = names.chain(is_request.then_some("customer"));
    let mut values: Vec<(&str, String)> = names.enumerate().map(|(place, name)| (name, row.get(place))).collect();
    if let Some((_, customer)) = values.iter().find(|(name, _)| *name == "customer") {
        world.copy_customer(customer).await;
    }
    values.push(("places", world.copy_texts(schema, table, came).await.to_string()));
    Script { name: if is_request { "register_request" } else { "register_complaint" }, values }
}
