//! A chat with a promised wait: the customer is told why and how long, and the promise is kept (C2.2).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::{Kind, State};
use tonic::Status;

use super::super::stage::Stage;
use super::{as_customer, classify, confirmation, customer, register, registration, resolve, respond, transfer};

/// Plays the scene.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    stage.at(9, 20);
    stage.scene("A chat with a promised wait");
    let wu = stage.staff("wu")?;
    let li = customer(&wu, "李明", "137 5810 6612").await?;
    let request = register(&wu, registration(&li, Channel::Chat, Kind::Service, "请合并两个账户")).await?;
    stage.say(
        &format!("{} asks in the chat to have two accounts merged; {}", li.display_name, request.number),
        &["A2.1"],
    );
    let due = stage.moment(9, 23, 0);
    stage.play.expect(
        "a chat is answered within 3 minutes",
        stage.duty(&request.name, "first_response").await?.due_time,
        due,
    );
    stage.at(9, 22);
    let promised_time = stage.moment(9, 50, 0);
    let call = pb::PromiseWaitRequest {
        name: request.name.clone(),
        reason: "需核对两个账户的归属".into(),
        promised_time,
        ..Default::default()
    };
    wu.requests().promise_wait(call).await?;
    stage.say(&format!("{} tells him why he must wait, and promises an answer by 09:50", wu.called), &["C2.2"]);
    let first = stage.duty(&request.name, "first_response").await?;
    stage.play.expect("the promise replaces the due time", first.due_time, promised_time);
    stage.at(9, 45);
    respond(&wu, &request.name).await?;
    let classified = classify(&wu, &request.name, "account", "merge").await?;
    stage.say(
        &format!("{} answers five minutes before the promised time, and judges the matter", wu.called),
        &["C2.1", "C2.4"],
    );
    stage.play.expect("accounts are in the desk's scope", classified.in_scope, Some(true));
    let passed_on = wu.requests().transfer_request(transfer(&request.name, "office", "")).await;
    stage.refused(&format!("{} tries to hand it to the office without a reason", wu.called), passed_on, "A2.3");
    stage.at(9, 55);
    resolve(&wu, &request.name, "两个账户已合并，积分已转入", "在聊天中逐步说明").await?;
    let his = confirmation(&request.name, Outcome::Satisfied, "很快，谢谢");
    let call = pb::ConfirmResolutionRequest { channel: Channel::Chat.into(), ..his };
    let closed = as_customer(stage, &li)?.requests().confirm_resolution(call).await?.into_inner();
    stage.say(&format!("It is done, and {} says himself that he is satisfied", li.display_name), &["C3.2", "C4.2"]);
    stage.play.expect("its state", closed.state(), State::Closed);
    stage.expect_met(&request.name, "promised_wait").await?;
    stage.expect_all_met(&request.name).await
}
