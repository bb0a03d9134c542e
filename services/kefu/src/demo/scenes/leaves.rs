//! An agent leaves at noon: whoever is in charge hears at once what is left open, and gives it to another (A2.4).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::directory::v1::{Staff, UpdateStaffRequest};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::Kind;
use tonic::Status;

use super::super::stage::Stage;
use super::{classify, confirm_satisfied, customer, get, register, registration, resolve, respond};

/// Plays the scene.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    stage.at(11, 50);
    stage.scene("An agent leaves at noon");
    let (han, he, chen) = (stage.staff("han")?, stage.staff("he")?, stage.staff("chen")?);
    let (wu, lin) = (stage.staff("wu")?, stage.staff("lin")?);
    let bakery = customer(&han, "麦香烘焙", "0571 8699 3072").await?;
    let request = register(&han, registration(&bakery, Channel::Email, Kind::Service, "请合并两张账单")).await?;
    stage.say(&format!("{} registers an e-mail of {}; {}", han.called, bakery.display_name, request.number), &["A2.1"]);
    stage.at(12, 0);
    let staff = Staff { name: han.name.clone(), inactive: true, ..Default::default() };
    let mask = prost_types::FieldMask { paths: vec!["inactive".into()] };
    let call = UpdateStaffRequest { staff: Some(staff), update_mask: Some(mask), ..Default::default() };
    he.directory().update_staff(call).await?;
    let told = stage.wait_for("who is in charge is told", async || {
        Ok(chen.received_notifications().await?.into_iter().find(|told| told.kind == "matters_left"))
    });
    let told = told.await?;
    stage.say(
        &format!("{} records that she has left; {} is told at once: \"{}\"", he.called, chen.called, told.text),
        &["A2.4"],
    );
    stage.play.expect("of whom he is told", told.subject.as_str(), han.name.as_str());
    let call = pb::ReassignRequestsRequest {
        from_owner: han.name.clone(),
        to_owner: wu.name.clone(),
        reason: "离职交接".into(),
        ..Default::default()
    };
    let given = chen.requests().reassign_requests(call).await?.into_inner();
    stage.play.expect("what is given to another", given.requests.as_slice(), [request.name.clone()].as_slice());
    respond(&wu, &request.name).await?;
    classify(&wu, &request.name, "billing", "statement").await?;
    resolve(&wu, &request.name, "两张账单已合并", "电话中逐项核对").await?;
    confirm_satisfied(&wu, &request.name).await?;
    stage.say(&format!("{} gives it to {}, who settles it within the hour", chen.called, wu.called), &["A2.1", "C3.2"]);
    let owner = get(&lin, &request.name).await?.owner;
    stage.play.expect("whose it is", owner.as_str(), wu.name.as_str());
    stage.expect_all_met(&request.name).await
}
