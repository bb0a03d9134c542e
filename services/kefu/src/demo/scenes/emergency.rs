//! An emergency: solved before the work order is filed (A9.2, A2.6).

use kefu_proto::compliance::v1::duty;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, State};
use tonic::Status;

use super::super::stage::Stage;
use super::{confirm_satisfied, customer, register, registration, resolution};

/// Plays the scene. Returns the request that still needs its work order.
pub async fn play(stage: &mut Stage) -> Result<pb::Request, Status> {
    stage.at(8, 52);
    stage.scene("An emergency before the doors open");
    let ma = stage.staff("ma")?;
    let hospital = customer(&ma, "海天医院", "0571 8600 1188").await?;
    let call = pb::RegisterRequestRequest {
        occurred_time: stage.moment(8, 50, 0),
        answered_time: stage.moment(8, 50, 9),
        business_domain: "server".into(),
        problem_type: "water".into(),
        priority: pb::request::Priority::Urgent.into(),
        ..registration(&hospital, Channel::Hotline, Kind::Fault, "机房漏水，机柜下方已有积水")
    };
    let request = register(&ma, call).await?;
    stage.say(
        &format!(
            "{} of the field service takes a call of {}: water under the racks; {}",
            ma.called, hospital.display_name, request.number
        ),
        &["A2.1"],
    );
    stage.play.expect("servers are in his department's scope", request.in_scope, Some(false));
    stage.at(8, 58);
    let call = pb::ResolveRequestRequest {
        emergency_reason: "漏水危及设备，先行断电排水".into(),
        ..resolution(&request.name, "切断受影响机柜电源，关闭阀门并排水", "电话陪同值班人员操作")
    };
    let solved = ma.requests().resolve_request(call).await?.into_inner();
    stage.say(
        &format!(
            "{} solves it first, as it is an emergency: power off, water out. The work order has to follow by 18:00",
            ma.called
        ),
        &["A9.2", "A2.6"],
    );
    stage.play.expect(
        "state, and whether solved first",
        (solved.state(), solved.solved_first),
        (State::Resolved, true),
    );
    let order = stage.duty(&request.name, "work_order").await?;
    let due = stage.moment(18, 0, 0);
    stage.play.expect(
        "the work order is due a working day later",
        (order.state(), order.due_time),
        (duty::State::Open, due),
    );
    let closed = confirm_satisfied(&ma, &request.name).await?;
    stage.say(&format!("{} confirms that it is dry", hospital.display_name), &["C4.2"]);
    stage.play.expect("its state", closed.state(), State::Closed);
    let order = stage.duty(&request.name, "work_order").await?;
    stage.play.expect("the work order is still owed though the request is closed", order.state(), duty::State::Open);
    Ok(closed)
}
