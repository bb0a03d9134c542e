//! Measures `GetRequest` at the highest rate, beside pgbench with the same select.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use kefu_proto::intake::v1::GetRequestRequest;
use kefu_testkit::Dice;

use crate::drive::Call;
use crate::figures::Report;
use crate::pgbench::Script;
use crate::world::World;

use super::{Measured, compare};

/// Measures the rate of `GetRequest` beside pgbench's select of rows that pgbench has written.
pub async fn run(world: &World, report: &mut Report, length: Duration) {
    let call = get(world).await;
    // Number of rows that each of the 32 clients of pgbench wrote in its first round: the average less 10 %, so that
    // all clients have reached it.
    let written = world.ceiling_number("select count(*) * 9 / 10 / 32 from intake.request where id < lpad(to_hex(64 * 10000000::bigint), 32, '0')::uuid").await;
    let script = Script { name: "get_request", values: vec![("rows", written.to_string())] };
    let measured = Measured { method: "GetRequest", call: &call, beside: "pgbench's select", least: 0.2 };
    compare(world, report, &measured, script, length).await;
}

/// Returns the call in which an agent reads an imported request of its own, picked at random.
pub async fn get(world: &World) -> Call {
    let (desk, names) = (world.desk.clone(), Arc::new(world.owned().await));
    Arc::new(move |turn| {
        let (name, agent) = names[Dice::new(turn).below(names.len() as u64) as usize].clone();
        let mut client = desk.requests_of(agent);
        async move { client.get_request(GetRequestRequest { name }).await.map(|_| "GetRequest") }.boxed()
    })
}
