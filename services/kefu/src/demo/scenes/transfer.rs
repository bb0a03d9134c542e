//! A request outside the desk's scope is transferred to the department in charge; the deputy accepts for the absent
//! head (A2.4).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, State};
use kefu_proto::intake::v1::transfer::Capacity;
use tonic::{Request, Status};

use super::super::stage::{Person, Stage};
use super::{classify, get, register, registration, resolution, transfer};

/// Plays the scene. Returns the request, owned by the deputy.
pub async fn play(stage: &mut Stage, customer: &pb::Customer) -> Result<pb::Request, Status> {
    stage.at(10, 0);
    stage.scene("Out of scope: to the deputy, as the head is absent");
    let (han, qian) = (stage.staff("han")?, stage.staff("qian")?);
    let call = pb::RegisterRequestRequest {
        answered_time: stage.moment(10, 0, 0),
        ..registration(customer, Channel::Hotline, Kind::Fault, "VPN 无法连接")
    };
    let request = register(&han, call).await?;
    stage.at(10, 4);
    let classified = classify(&han, &request.name, "network", "vpn").await?;
    stage.say(
        &format!(
            "{} takes a call of {}: no VPN since this morning; {}",
            han.called, customer.display_name, request.number
        ),
        &["A2.1", "C2.4"],
    );
    stage.play.expect("the network is in the desk's scope", classified.in_scope, Some(false));
    let solved = han.requests().resolve_request(resolution(&request.name, "重启路由器", "电话指导")).await;
    stage.refused(&format!("{} tries to settle it herself", han.called), solved, "A2.4");
    explain(stage, &han, &request.name).await?;
    let handed = han.requests().transfer_request(transfer(&request.name, "network", "")).await?.into_inner();
    stage.say(
        &format!("{} hands it to network operations: it goes to {}, who stands in today", han.called, qian.called),
        &["A2.4"],
    );
    stage.play.expect(
        "to whom it is handed, as what",
        (handed.recipient.as_str(), handed.capacity()),
        ("staff/qian", Capacity::Deputy),
    );
    stage.expect_met(&request.name, "pass_on").await?;
    let told = qian.received_notifications().await?;
    let told = told.first().map(|told| (told.kind.as_str(), told.subject.as_str()));
    stage.play.expect("what the deputy is told", told, Some(("transfer_received", request.name.as_str())));
    stage.at(10, 20);
    let call = pb::AcceptTransferRequest { name: handed.name, ..Default::default() };
    qian.requests().accept_transfer(call).await?;
    stage.say(&format!("{} accepts within his 30 minutes: it is his", qian.called), &["A2.4"]);
    stage.expect_met(&request.name, "transfer_answer").await?;
    let taken = get(&qian, &request.name).await?;
    stage.play.expect(
        "owner, department, first responder and state",
        (taken.owner.as_str(), taken.department.as_str(), taken.first_responder.as_str(), taken.state()),
        ("staff/qian", "departments/network", "staff/han", State::InProgress),
    );
    Ok(taken)
}

/// Adds the answer of `ExplainRequest` in Chinese: possible actions and closed gates.
async fn explain(stage: &mut Stage, by: &Person, name: &str) -> Result<(), Status> {
    let mut call = Request::new(pb::ExplainRequestRequest { name: name.into() });
    call.metadata_mut().insert("accept-language", tonic::metadata::MetadataValue::from_static("zh-CN"));
    let explained = by.requests().explain_request(call).await?.into_inner().explanations;
    stage.say(&format!("{} asks what she can do, in Chinese:", by.called), &["A10.7"]);
    let allowed = |depends: bool| {
        let these = explained.iter().filter(move |each| each.allowed && each.possible_refusals.is_empty() != depends);
        these.map(|each| each.summary.as_str()).collect::<Vec<_>>()
    };
    stage.play.add(&format!("可以：{}", allowed(false).join("；")));
    stage.play.add(&format!("可以，但视内容可能被拒：{}", allowed(true).join("；")));
    let barred = explained.iter().filter(|each| each.from_states.iter().any(|state| state == "IN_PROGRESS"));
    let barred = barred.filter_map(|each| Some((&each.summary, each.refusals.first()?)));
    let barred: Vec<String> = barred
        .filter(|(_, refusal)| !refusal.clause.is_empty())
        .map(|(summary, refusal)| format!("尚不可以：{summary}。{}", refusal.message))
        .collect();
    for line in &barred {
        stage.play.add(line);
    }
    stage.play.expect("handing it over is allowed", allowed(true).contains(&"转交其他部门"), true);
    let names_the_clause = barred.iter().any(|line| line.contains("A10.5（授权远程服务）"));
    stage.play.expect("remote service is barred under A10.5, in Chinese", names_the_clause, true);
    Ok(())
}
