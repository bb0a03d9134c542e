//! Measures `ImportRequests`: the rate at which rows of another system's history are imported, and at which they
//! are indexed.

use std::time::{Duration, Instant};

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1::request::{Kind, State};
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::intake::v1::{ImportRequestsRequest, ImportedRequest};
use prost_types::Timestamp;

use crate::figures::{Bound, Figure, Report, number};
use crate::words;
use crate::world::World;

/// Number of rows to import: the smaller of the two sizes at which lists and searches are measured.
pub const ROWS: u64 = 10_000;
const A_MESSAGE: u64 = 500;
/// Times between which the imported requests came, in Unix seconds: 2024-11-01 in China, and 730 days later.
const SPAN: (i64, i64) = (1_730_390_400, 1_793_462_400);

/// Measures the import of the rows, and the time until they are all indexed.
pub async fn run(world: &World, report: &mut Report) {
    let rows: Vec<ImportedRequest> = (0..ROWS).map(row).collect();
    let messages = rows.chunks(usize::try_from(A_MESSAGE).unwrap_or(1)).map(|rows| ImportRequestsRequest {
        source: "load".into(),
        rows: rows.to_vec(),
        ..Default::default()
    });
    let messages: Vec<ImportRequestsRequest> = messages.collect();
    let mut client = RequestServiceClient::new(world.caller(&world.intake, kefu_testkit::rig::ADMIN, "ADMIN"));
    let began = Instant::now();
    let answer = client.import_requests(tokio_stream::iter(messages)).await.expect("rows are taken").into_inner();
    let took = began.elapsed();
    assert_eq!(u64::try_from(answer.imported_count), Ok(ROWS), "{:?}", answer.rejected_rows.first());
    report.figure(Figure {
        what: "ImportRequests".into(),
        value: ROWS as f64 / took.as_secs_f64(),
        unit: "rows/s",
        bound: Some(Bound::AtLeast(2_000.0)),
        from: format!("{} rows in {:.2} s", number(ROWS as f64), took.as_secs_f64()),
    });
    world.until_none("select count(*) from intake.request_to_index", Duration::from_mins(3)).await;
    let indexed = began.elapsed();
    // These statements tell the planner how large the tables are, which autovacuum would do within a minute.
    world.run("analyze intake.request").await;
    world.run("analyze intake.request_search").await;
    report.figure(Figure {
        what: "imported rows are indexed".into(),
        value: ROWS as f64 / indexed.as_secs_f64(),
        unit: "rows/s",
        bound: None,
        from: "from the first message until the last row is found by a search".into(),
    });
}

fn row(number: u64) -> ImportedRequest {
    let came = SPAN.0 + i64::try_from(number * 6_361).unwrap_or(0) % (SPAN.1 - SPAN.0);
    let after = |seconds: i64| Some(Timestamp { seconds: came + seconds, nanos: 0 });
    ImportedRequest {
        external_id: format!("L{number:07}"),
        channel: Channel::Hotline.into(),
        kind: Kind::Service.into(),
        state: State::Closed.into(),
        description: words::description(number),
        business_domain: "network".into(),
        problem_type: "offline".into(),
        department: "departments/desk".into(),
        owner: format!("staff/agent{}", number % crate::world::AGENTS as u64),
        contact_time: after(0),
        first_response_time: after(9),
        classified_time: after(120),
        closed_time: after(5_000),
        update_time: after(5_000),
        ..Default::default()
    }
}
