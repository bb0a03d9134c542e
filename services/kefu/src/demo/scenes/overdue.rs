//! An unanswered chat: the owner is notified, then the supervisor. The breach stays on record after the late answer
//! (C2.1, A9.1).

use kefu_proto::compliance::v1::duty;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, State};
use tonic::Status;

use super::super::stage::Stage;
use super::{confirm_satisfied, customer, register, registration, resolve, respond};

/// Plays the scene, over lunch.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    stage.at(11, 36);
    stage.scene("A chat that nobody answers");
    let (wu, mei, chen) = (stage.staff("wu")?, stage.staff("mei")?, stage.staff("chen")?);
    let zhang = customer(&wu, "张蕾", "136 0681 3357").await?;
    let chat = stage.caller("services/webchat", "the web chat", &["SERVICE"])?;
    let call = pb::RegisterRequestRequest {
        first_responder: wu.name.clone(),
        business_domain: "account".into(),
        problem_type: "address".into(),
        ..registration(&zhang, Channel::Chat, Kind::Service, "请更改收货地址")
    };
    let request = register(&chat, call).await?;
    stage.say(
        &format!(
            "The web chat registers {} for {}, who has just left for lunch; {}",
            zhang.display_name, wu.called, request.number
        ),
        &["A2.1"],
    );
    stage.play.expect("owner and state", (request.owner.as_str(), request.state()), ("staff/wu", State::Registered));
    stage.at(11, 40);
    let told = stage
        .wait_for("the clock marks the breach", async || Ok(wu.received_notifications().await?.into_iter().next()));
    let told = told.await?;
    let breached = stage.duty(&request.name, "first_response").await?.breached_time;
    let due = stage.moment(11, 39, 0);
    stage.say(&format!("Three minutes are over: the clock marks it, and {} is told", wu.called), &["C2.1", "A9.1"]);
    stage.play.expect("since when it is overdue", breached, due);
    stage.play.expect(
        "what the owner is told",
        (told.kind.as_str(), told.subject.as_str()),
        ("duty_overdue", request.name.as_str()),
    );
    stage.at(13, 10);
    let told = stage.wait_for("the supervisor is told", async || {
        Ok(mei.received_notifications().await?.into_iter().find(|told| told.kind == "duty_escalated"))
    });
    let told = told.await?;
    stage.say(
        &format!("Half a working hour later, lunch left out, {} is told: \"{}\"", mei.called, told.text),
        &["A9.1"],
    );
    stage.play.expect("what she is told of", told.subject.as_str(), request.name.as_str());
    stage.at(13, 12);
    respond(&wu, &request.name).await?;
    resolve(&wu, &request.name, "收货地址已更改", "在聊天中请客户核对").await?;
    confirm_satisfied(&wu, &request.name).await?;
    stage.say(&format!("{} answers at last, with apologies, and settles it", wu.called), &["C2.1", "C3.2", "C4.2"]);
    let first = stage.duty(&request.name, "first_response").await?;
    stage.play.expect(
        "the answer counts, and so does the breach",
        (first.state(), first.breached_time),
        (duty::State::Met, due),
    );
    stage.play.expect("what the head of the desk had to be told", chen.received_notifications().await?.len(), 0);
    Ok(())
}
