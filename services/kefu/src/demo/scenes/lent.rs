//! A manager gives a duty away to stop its clock, and may not (A9.1).

use kefu_proto::compliance::v1::{PauseDutyRequest, WaiveDutyRequest};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::Kind;
use kefu_proto::rules::v1::ErrorReason;
use tonic::Status;

use super::super::stage::Stage;
use super::{classify, confirm_satisfied, customer, register, registration, resolve, respond};

/// Plays the scene.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    stage.at(10, 10);
    stage.scene("A duty lent out");
    let (chen, lin) = (stage.staff("chen")?, stage.staff("lin")?);
    let library = customer(&chen, "城西图书馆", "0571 8822 6105").await?;
    let request = register(&chen, registration(&library, Channel::Email, Kind::Service, "请开通对公账户")).await?;
    let give = |owner: &str| pb::AssignRequestRequest {
        name: request.name.clone(),
        owner: owner.into(),
        reason: "分工".into(),
        ..Default::default()
    };
    chen.requests().assign_request(give("staff/lin")).await?;
    let duty = stage.duty(&request.name, "first_response").await?;
    stage.say(
        &format!("{} takes an e-mail and assigns it to {}, so that the clock is not his", chen.called, lin.called),
        &["A2.1"],
    );
    stage.play.expect(
        "whose duty it is, and whose it was",
        (duty.owner.as_str(), duty.past_owners.as_slice()),
        ("staff/lin", ["staff/chen".to_owned()].as_slice()),
    );
    let call = PauseDutyRequest { name: duty.name.clone(), reason: "等待开户行".into(), ..Default::default() };
    let paused = chen.duties().pause_duty(call).await;
    stage.refused_as(&format!("{} pauses it", chen.called), paused, ErrorReason::SelfDealing);
    let call = WaiveDutyRequest { name: duty.name, reason: "等待开户行".into(), ..Default::default() };
    let waived = chen.duties().waive_duty(call.clone()).await;
    stage.refused_as(&format!("{} waives it", chen.called), waived, ErrorReason::SelfDealing);
    stage.say("Only somebody who never owned it decides about it", &["A9.1"]);
    respond(&lin, &request.name).await?;
    classify(&lin, &request.name, "account", "opening").await?;
    resolve(&lin, &request.name, "账户已开通", "电话中逐步说明").await?;
    confirm_satisfied(&lin, &request.name).await?;
    stage.expect_all_met(&request.name).await
}
