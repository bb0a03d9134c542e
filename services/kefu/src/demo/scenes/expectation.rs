//! An expectation that cannot be met: analysed and answered before the request can be closed (A10.7).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::State;
use tonic::Status;

use super::super::stage::Stage;
use super::{confirm_satisfied, confirmation, resolve};

/// Plays the scene with the major matter.
pub async fn play(stage: &mut Stage, request: &pb::Request) -> Result<(), Status> {
    stage.at(15, 30);
    stage.scene("An expectation that cannot be met");
    let lin = stage.staff("lin")?;
    resolve(&lin, &request.name, "重复扣款已全部退回", "逐批核对退款清单").await?;
    stage.say(&format!("{} reports that everybody was refunded; {}", lin.called, request.number), &["C3.2"]);
    let call = pb::RecordUnmetExpectationRequest {
        parent: request.name.clone(),
        expectation: "希望每位顾客另获双倍赔偿".into(),
        ..Default::default()
    };
    let unmet = lin.requests().record_unmet_expectation(call).await?.into_inner();
    stage.say("四季超市 expects twice the sum as compensation, which cannot be given", &["A10.7"]);
    let early = lin.requests().confirm_resolution(confirmation(&request.name, Outcome::Satisfied, "")).await;
    stage.refused(&format!("{} tries to close it nevertheless", lin.called), early, "A10.7");
    stage.at(15, 40);
    let call = pb::AnswerUnmetExpectationRequest {
        name: unmet.name,
        analysis: "合同未约定加倍赔偿，损失已全额退回".into(),
        improvement: "扣款批次增加重复校验".into(),
        answer: "说明原因，并提供书面致歉函".into(),
        told_by: Channel::Hotline.into(),
        ..Default::default()
    };
    lin.requests().answer_unmet_expectation(call).await?;
    stage.say(&format!("{} explains why not, and what will be better from now on", lin.called), &["A10.7"]);
    stage.at(15, 45);
    let closed = confirm_satisfied(&lin, &request.name).await?;
    stage.say("四季超市 accepts that", &["C4.2"]);
    stage.play.expect("state and open expectations", (closed.state(), closed.open_expectations), (State::Closed, 0));
    stage.expect_all_met(&request.name).await
}
