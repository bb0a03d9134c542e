//! `GetRequest` at the highest rate, beside pgbench with the same select.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use kefu_proto::intake::v1::GetRequestRequest;

use crate::drive::{Call, closed};
use crate::figures::{Bound, Figure, Pair, Report, median, number, range};
use crate::pgbench::Script;
use crate::words::Dice;
use crate::world::{AGENTS, World};

use super::{ceiling, costed};

const ROUNDS: usize = 3;

/// Measures it.
pub async fn run(world: &World, report: &mut Report, length: Duration) {
    let call = get(world).await;
    // Keys that all clients of pgbench reached in its first round.
    let written = world.ceiling_number("select count(*) * 9 / 10 / 32 from intake.request where id < lpad(to_hex(64 * 10000000::bigint), 32, '0')::uuid").await;
    let script = Script { name: "get_request", values: vec![("rows", written.to_string())] };
    let (mut ours, mut ceilings, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let load = format!("GetRequest, {AGENTS} callers");
        let run =
            costed(world, report, &load, async || closed(AGENTS, length, &call).await.checked("GetRequest")).await;
        let most = ceiling(world, report, &script, AGENTS, length).await;
        if round == 0 {
            report.latency("closed loop", "GetRequest", &run);
        }
        ratios.push(run.rate() / most);
        ours.push(run.rate());
        ceilings.push(most);
    }
    report.figure(Figure {
        what: format!("GetRequest, {AGENTS} callers, against pgbench's select"),
        value: median(ratios.clone()),
        unit: "",
        bound: Some(Bound::AtLeast(0.2)),
        from: format!(
            "{} ({}) against {} ({}) a second; ratios {}",
            number(median(ours.clone())),
            range(&ours),
            number(median(ceilings.clone())),
            range(&ceilings),
            range(&ratios)
        ),
    });
    report.pairs.push(Pair { what: "GetRequest".into(), ours: median(ours), pgbench: median(ceilings) });
}

/// An agent reads a request of their own, any of those there are.
pub async fn get(world: &World) -> Call {
    let (desk, names) = (world.desk.clone(), Arc::new(world.owned().await));
    Arc::new(move |turn| {
        let (name, agent) = names[Dice::new(turn).below(names.len())].clone();
        let mut client = desk.requests_of(agent);
        async move { client.get_request(GetRequestRequest { name }).await.map(|_| "GetRequest") }.boxed()
    })
}
