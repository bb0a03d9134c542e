//! A transfer to the wrong department is declined with a reason; the right one accepts, and a technician claims the
//! request.

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, State};
use kefu_proto::intake::v1::transfer::Capacity;
use tonic::Status;

use super::super::stage::Stage;
use super::{classify, customer, get, inform_customer, register, registration, respond, transfer};

/// Plays the scene. Returns the request, owned by a technician of the field service.
pub async fn play(stage: &mut Stage) -> Result<pb::Request, Status> {
    stage.at(10, 55);
    stage.scene("A declined transfer");
    let (lin, qian) = (stage.staff("lin")?, stage.staff("qian")?);
    let studio = customer(&lin, "东方设计", "0571 8533 7719").await?;
    let request = register(&lin, registration(&studio, Channel::Email, Kind::Fault, "网络打印机打印有条纹")).await?;
    respond(&lin, &request.name).await?;
    let classified = classify(&lin, &request.name, "printing", "stripes").await?;
    stage.say(
        &format!(
            "{} answers an e-mail of {}: a network printer prints stripes; {}",
            lin.called, studio.display_name, request.number
        ),
        &["C2.1", "C2.4"],
    );
    stage.play.expect("printing is in the desk's scope", classified.in_scope, Some(false));
    let handed = lin.requests().transfer_request(transfer(&request.name, "network", "")).await?.into_inner();
    stage.say(&format!("{} hands it to network operations, by mistake", lin.called), &["A2.4"]);
    stage.at(11, 5);
    let call = pb::DeclineTransferRequest {
        name: handed.name,
        reason: "打印质量问题，归现场服务部".into(),
        ..Default::default()
    };
    qian.requests().decline_transfer(call).await?;
    stage.say(
        &format!("{} declines: stripes are no network matter. It is {}'s again", qian.called, lin.called),
        &["A2.4"],
    );
    let back = get(&lin, &request.name).await?;
    stage.play.expect("owner and state", (back.owner.as_str(), back.state()), ("staff/lin", State::InProgress));
    stage.at(11, 8);
    let handed = lin.requests().transfer_request(transfer(&request.name, "field", "")).await?.into_inner();
    stage.play.expect(
        "to whom it is handed, as what",
        (handed.recipient.as_str(), handed.capacity()),
        ("staff/li", Capacity::Head),
    );
    claimed(stage, &request.name, &handed.name).await
}

/// The head accepts it for the department, and a technician claims it.
async fn claimed(stage: &mut Stage, name: &str, transfer: &str) -> Result<pb::Request, Status> {
    let (lin, li, ma) = (stage.staff("lin")?, stage.staff("li")?, stage.staff("ma")?);
    stage.at(11, 12);
    let call = pb::AcceptTransferRequest { name: transfer.into(), ..Default::default() };
    li.requests().accept_transfer(call).await?;
    stage.say(
        &format!("{} hands it to the field service, whose head {} accepts", lin.called, li.called),
        &["A2.4", "A2.8"],
    );
    stage.at(11, 15);
    let call = pb::ClaimRequestRequest { name: name.into(), ..Default::default() };
    let taken = ma.requests().claim_request(call).await?.into_inner();
    inform_customer(&ma, name, "今天下午更换定影组件").await?;
    stage.say(
        &format!("{} claims it and tells the customer that he comes in the afternoon", ma.called),
        &["A2.1", "C4.1"],
    );
    stage.play.expect(
        "owner, department and transfers",
        (taken.owner.as_str(), taken.department.as_str(), taken.transfer_count),
        ("staff/ma", "departments/field", 2),
    );
    stage.expect_met(name, "pass_on").await?;
    stage.expect_met(name, "transfer_answer").await?;
    Ok(taken)
}
