//! Measures a working desk: a seeded mix of all that agents and supervisors do, in both services, at the highest rate.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use kefu_proto::complaints::v1::AnalyzeComplaintsRequest;
use kefu_proto::complaints::v1::improvement_service_client::ImprovementServiceClient;
use kefu_proto::intake::v1::WatchRequestsRequest;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::Dice;

use crate::desk::Desk;
use crate::drive::{Call, Run, closed, open};
use crate::figures::{Report, number};
use crate::world::{AGENTS, World};

use super::{costed, growth, memory, reads};

/// Measures the cost and the latencies of the mix, and the memory of the services under it.
pub async fn run(world: &World, report: &mut Report, length: Duration) {
    let methods: Vec<(u64, Call)> = vec![
        (14, world.desk.call(Desk::register)),
        (12, world.desk.call(Desk::respond)),
        (10, world.desk.call(Desk::classify)),
        (10, world.desk.call(Desk::tell)),
        (10, world.desk.call(Desk::resolve)),
        (10, world.desk.call(Desk::confirm)),
        (1, world.desk.call(Desk::convert)),
        (3, world.desk.call(Desk::complain)),
        (20, reads::get(world).await),
        (5, growth::list(world)),
        (4, growth::search(world)),
        (1, watch(world)),
    ];
    let mix = mixed(methods);
    let load = costed(world, report, "mix", async || closed(AGENTS, length, &mix).await.checked("the mix"));
    let ((run, analysis), most) = memory::peak(world, async { tokio::join!(load, analyse(world, length)) }).await;
    memory::under_load(&most, report);
    let load = format!("mix, {AGENTS} callers, {} calls a second", number(run.rate()));
    for method in run.latencies.keys() {
        report.latency(&load, method, &run);
    }
    report.latency(&load, "AnalyzeComplaints", &analysis);
    world.desk.clear();
}

/// Returns the call that picks one of the methods by their weights; the same call number picks the same method.
fn mixed(methods: Vec<(u64, Call)>) -> Call {
    let whole: u64 = methods.iter().map(|(weight, _)| weight).sum();
    Arc::new(move |turn| {
        let mut place = Dice::new(turn).below(whole);
        for (weight, call) in &methods {
            if place < *weight {
                return call(turn);
            }
            place -= weight;
        }
        unreachable!("a place below the whole is in one of the parts")
    })
}

/// Returns the call in which a supervisor opens a watch of a department's requests and closes it at once.
fn watch(world: &World) -> Call {
    let client = RequestServiceClient::new(world.caller(&world.intake, "staff/boss", "SUPERVISOR"));
    Arc::new(move |_| {
        let mut client = client.clone();
        let call = WatchRequestsRequest { department: "departments/desk".into(), ..Default::default() };
        async move { client.watch_requests(call).await.map(|_| "WatchRequests") }.boxed()
    })
}

/// Runs the load in which a manager analyses the complaints of the last 30 days, once a second for `length`.
async fn analyse(world: &World, length: Duration) -> Run {
    let client = ImprovementServiceClient::new(world.caller(&world.complaints, "staff/head", "MANAGER"));
    let call: Call = Arc::new(move |_| {
        let mut client = client.clone();
        let now = kefu_chassis::Clock::system().now().as_second();
        let at = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let (start_time, end_time) = (at(now - 30 * 86_400), at(now + 86_400));
        let call = AnalyzeComplaintsRequest { start_time, end_time, ..Default::default() };
        async move { client.analyze_complaints(call).await.map(|_| "AnalyzeComplaints") }.boxed()
    });
    open(1.0, length, &call).await.checked("AnalyzeComplaints")
}
