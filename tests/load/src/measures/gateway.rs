//! Measures `GetRequest` through the gateway, as JSON over HTTP/1.1 and as gRPC that is passed through, beside the same
//! calls to the service itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kefu_proto::intake::v1::GetRequestRequest;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::rig::{GATEWAY, Process, Usage};
use kefu_testkit::{Bearer, Dice};
use tonic::Status;

use crate::drive::{Call, closed};
use crate::figures::{Bound, Figure, Report, median, number, range};
use crate::world::{AGENTS, World, connect};

use super::{ROUNDS, costed, reads};

/// Measures the rates of `GetRequest` directly, as JSON and as gRPC through the gateway; the three take turns.
pub async fn run(world: &World, report: &mut Report, length: Duration) {
    let gateway = world.rig.launch(world.rig.seat(GATEWAY), &[]).await;
    let ways = [
        ("GetRequest", reads::get(world).await),
        (JSON, json(world, &gateway).await),
        (GRPC, grpc(world, &gateway).await),
    ];
    let (mut rates, mut gateway_us) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    for round in 0..ROUNDS {
        for (((way, call), rates), gateway_us) in ways.iter().zip(&mut rates).zip(&mut gateway_us) {
            let load = format!("{way}, {AGENTS} callers");
            let before = Usage::of(gateway.pid());
            let run = costed(world, report, &load, async || closed(AGENTS, length, call).await.checked(way)).await;
            rates.push(run.rate());
            gateway_us.push(Usage::of(gateway.pid()).since(before).cpu.as_secs_f64() * 1e6 / run.answered as f64);
            if round == 0 && *way != "GetRequest" {
                report.latency("closed loop", way, &run);
            }
        }
    }
    let ([direct, json, grpc], [_, json_us, grpc_us]) = (rates, gateway_us);
    for (way, rates, gateway_us) in [(JSON, json, json_us), (GRPC, grpc, grpc_us)] {
        let ratios: Vec<f64> = rates.iter().zip(&direct).map(|(through, direct)| through / direct).collect();
        report.figure(Figure {
            what: format!("{way}, {AGENTS} callers, against the service itself"),
            value: median(ratios.clone()),
            unit: "",
            bound: Some(Bound::AtLeast(0.5)),
            from: format!(
                "{} ({}) against {} ({}) a second; ratios {}; the gateway takes {} µs of processor time a call",
                number(median(rates.clone())),
                range(&rates),
                number(median(direct.clone())),
                range(&direct),
                range(&ratios),
                number(median(gateway_us).round())
            ),
        });
    }
}

const JSON: &str = "GetRequest by the gateway as JSON";
const GRPC: &str = "GetRequest by the gateway as gRPC";

async fn json(world: &World, gateway: &Process) -> Call {
    let names = Arc::new(world.owned().await);
    let tokens: Vec<String> =
        world.agents().iter().map(|name| format!("Bearer {}", world.rig.token(name, &["AGENT"]))).collect();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let (tokens, address) = (Arc::new(tokens), gateway.address());
    Arc::new(move |turn| {
        let (name, agent) = &names[Dice::new(turn).below(names.len() as u64) as usize];
        let request = Request::get(format!("http://{address}/v1/{name}"));
        let request = request.header(AUTHORIZATION, &tokens[*agent]).body(Empty::new()).expect("a request can be made");
        let answer = client.request(request);
        async move {
            let lost = |error: &dyn std::error::Error| Status::unavailable(error.to_string());
            let answer = answer.await.map_err(|error| lost(&error))?;
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
            if status == StatusCode::OK {
                Ok(JSON)
            } else {
                Err(Status::unknown(format!("{status}: {}", String::from_utf8_lossy(&body))))
            }
        }
        .boxed()
    })
}

async fn grpc(world: &World, gateway: &Process) -> Call {
    let names = Arc::new(world.owned().await);
    let channels = connect(gateway);
    let clients: Vec<_> = world
        .agents()
        .iter()
        .zip(channels.iter().cycle())
        .map(|(name, channel)| {
            RequestServiceClient::new(Bearer::new(&world.rig.token(name, &["AGENT"])).on(channel.clone()))
        })
        .collect();
    Arc::new(move |turn| {
        let (name, agent) = names[Dice::new(turn).below(names.len() as u64) as usize].clone();
        let mut client = clients[agent].clone();
        async move { client.get_request(GetRequestRequest { name }).await.map(|_| GRPC) }.boxed()
    })
}
