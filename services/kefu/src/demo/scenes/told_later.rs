//! An answer that is given at once and recorded an hour later is in time, and shows as recorded late (C2.1, A9.1).

use kefu_proto::compliance::v1::duty;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::Kind;
use tonic::Status;

use super::super::stage::Stage;
use super::{confirm_satisfied, customer, register, registration, resolve};

/// Plays the scene, on the third morning.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    stage.next_day(9, 0);
    stage.scene("Answered at once, recorded an hour later");
    let wu = stage.staff("wu")?;
    let he = customer(&wu, "何雨", "135 8800 4471").await?;
    let request = register(&wu, registration(&he, Channel::Chat, Kind::Consultation, "如何更改发票地址")).await?;
    stage.say(
        &format!("{} asks in the chat; {} answers within two minutes, and records nothing", he.display_name, wu.called),
        &["C2.1"],
    );
    let answered = stage.moment(9, 2, 0);
    stage.at(9, 5);
    let marked = stage.wait_for("the clock marks the breach", async || {
        Ok(Some(stage.duty(&request.name, "first_response").await?).filter(|duty| duty.breached_time.is_some()))
    });
    let marked = marked.await?.state();
    stage.play.expect("what the clock makes of it", marked, duty::State::Open);
    stage.at(10, 0);
    let call = pb::RespondRequestRequest {
        name: request.name.clone(),
        occurred_time: answered,
        text: "在“我的账户”中即可更改".into(),
        ..Default::default()
    };
    wu.requests().respond_request(call).await?;
    stage.say(
        &format!("{} records it: the answer is judged when it was given, and the mark is taken back", wu.called),
        &["C2.1", "A9.1"],
    );
    let first = stage.duty(&request.name, "first_response").await?;
    stage.play.expect(
        "state, breached, recorded late",
        (first.state(), first.late, first.recorded_late),
        (duty::State::Met, false, true),
    );
    let call = pb::ClassifyRequestRequest {
        name: request.name.clone(),
        business_domain: "billing".into(),
        problem_type: "invoice-address".into(),
        occurred_time: answered,
        ..Default::default()
    };
    wu.requests().classify_request(call).await?;
    resolve(&wu, &request.name, "发票地址已更改", "在聊天中请客户核对").await?;
    confirm_satisfied(&wu, &request.name).await?;
    Ok(())
}
