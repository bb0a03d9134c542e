//! Measures the latencies of lists and searches by one caller at 10,000 requests or somewhat more, and at many more, to
//! show whether they grow with the tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::intake::v1::{ListRequestsRequest, SearchRequestsRequest};
use kefu_testkit::Dice;

use crate::drive::{Call, Run, closed};
use crate::figures::{Bound, Figure, Report, number};
use crate::words::word;
use crate::world::{AGENTS, World};

/// The latencies of lists and searches at one size of the tables.
#[derive(Debug)]
pub struct AtSize {
    requests: String,
    list: Run,
    search: Run,
}

/// Measures the latencies of lists and searches at the present size of the tables, after a short load to warm up.
pub async fn at(world: &World, report: &mut Report, length: Duration) -> AtSize {
    let size = number(world.number("select count(*) from intake.request").await as f64);
    let (list, search) = (list(world), search(world));
    closed(1, length / 4, &list).await.checked("ListRequests");
    closed(1, length / 4, &search).await.checked("SearchRequests");
    let list = closed(1, length, &list).await.checked("ListRequests");
    let search = closed(1, length, &search).await.checked("SearchRequests");
    let load = format!("one caller, {size} requests");
    report.latency(&load, "ListRequests", &list);
    report.latency(&load, "SearchRequests", &search);
    AtSize { requests: size, list, search }
}

/// Reports the ratios of the 99th percentiles at the large size to those at the small size.
pub fn compare(report: &mut Report, at_small: &AtSize, at_large: &AtSize) {
    for (what, small, large) in [
        ("ListRequests of 20", &at_small.list, &at_large.list),
        ("SearchRequests of 20", &at_small.search, &at_large.search),
    ] {
        let (before, after) = (small.quantile(0.99), large.quantile(0.99));
        report.figure(Figure {
            what: format!("{what}: p99 at {} rows ÷ p99 at {}", at_large.requests, at_small.requests),
            value: after / before,
            unit: "",
            bound: Some(Bound::Under(2.0)),
            from: format!(
                "{after:.2} ms ÷ {before:.2} ms; medians {:.2} ms and {:.2} ms",
                large.quantile(0.5),
                small.quantile(0.5)
            ),
        });
    }
}

/// Returns the call in which a supervisor lists 20 requests: by turns of a department, of an agent, in the state
/// closed, or of all.
pub fn list(world: &World) -> Call {
    let client = RequestServiceClient::new(world.caller(&world.intake, "staff/boss", "SUPERVISOR"));
    Arc::new(move |turn| {
        let mut client = client.clone();
        let mut call = ListRequestsRequest { page_size: 20, ..Default::default() };
        match turn % 4 {
            0 => call.department = "departments/desk".into(),
            1 => call.owner = format!("staff/agent{}", turn as usize % AGENTS),
            2 => call.state = kefu_proto::intake::v1::request::State::Closed.into(),
            _ => {}
        }
        async move { client.list_requests(call).await.map(|_| "ListRequests") }.boxed()
    })
}

/// Returns the call in which an agent searches for one word, two words joined or apart, or a running number, by turns.
pub fn search(world: &World) -> Call {
    let client = RequestServiceClient::new(world.caller(&world.intake, "staff/agent0", "AGENT"));
    Arc::new(move |turn| {
        let (mut client, mut dice) = (client.clone(), Dice::new(turn));
        let query = match turn % 4 {
            0 => word(&mut dice).to_owned(),
            1 => format!("{}{}", word(&mut dice), word(&mut dice)),
            2 => format!("{} {}", word(&mut dice), word(&mut dice)),
            _ => format!("编号{:06}", dice.below(10_000)),
        };
        let call = SearchRequestsRequest { query, page_size: 20, ..Default::default() };
        async move { client.search_requests(call).await.map(|_| "SearchRequests") }.boxed()
    })
}

/// Copies the imported requests until there are about `rows` of them, each copy dated up to 388 days earlier, and
/// waits until the service has indexed them. Drops the indexes that are not unique before, and makes them again at the
/// end, as a bulk load does.
pub async fn seed(world: &World, rows: i64) {
    let began = Instant::now();
    let missing = rows - world.number("select count(*) from intake.request").await;
    let columns = world.columns("intake", "request").await;
    let values: Vec<String> = columns.iter().map(|column| copied(column)).collect();
    world
        .run(&format!(
            "create table kefu_index as select indexname, indexdef from pg_indexes where schemaname = 'intake'
                and tablename in ('request', 'request_search') and indexdef not like 'CREATE UNIQUE%';
            do $$ declare it record; begin for it in select indexname from kefu_index loop
                execute format('drop index intake.%I', it.indexname);
            end loop; end $$;
            insert into intake.request ({})
            select {} from (select * from intake.request where source = 'load' order by id limit 10000) as r
            cross join lateral (
                select copy, lpad(to_hex(copy), 8, '0') || substr(replace(r.id::text, '-', ''), 9) as key,
                    r.contact_at - make_interval(secs => (hashint8(copy * 31 + hashtext(r.number)) & 33554431)) as came
                from generate_series(1, {} / 10000) as copy) as c;
            insert into intake.request_to_index select id from intake.request where source like 'copy%'",
            columns.join(", "),
            values.join(", "),
            missing
        ))
        .await;
    eprintln!("  {} requests copied in {:.0} s", number(missing as f64), began.elapsed().as_secs_f64());
    let indexing = Instant::now();
    world
        .until_none("select count(*) from (select from intake.request_to_index limit 1) as one", Duration::from_mins(8))
        .await;
    eprintln!(
        "  the service made tokens of them in {:.0} s, {} a second",
        indexing.elapsed().as_secs_f64(),
        number(missing as f64 / indexing.elapsed().as_secs_f64())
    );
    let indexes = world.texts("select indexdef from kefu_index").await;
    for index in indexes {
        world.run(&index).await;
    }
    world.run("drop table kefu_index").await;
    world.run("vacuum analyze intake.request").await;
    world.run("vacuum analyze intake.request_search").await;
    world.run("checkpoint").await;
    eprintln!("  {} requests after {:.0} s", number(rows as f64), began.elapsed().as_secs_f64());
}

/// Returns the SQL expression for a column of a copied request.
fn copied(column: &str) -> String {
    match column {
        "id" => "key::uuid".into(),
        "number" => {
            "'R-' || to_char(came, 'YYYYMMDD') || '-' || lpad(copy::text, 3, '0') || split_part(r.number, '-', 3)"
                .into()
        }
        "source" => "'copy' || copy".into(),
        "contact_at" | "created_at" => "came".into(),
        other => format!("r.{other}"),
    }
}
