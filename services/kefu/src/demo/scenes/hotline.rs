//! A hotline call: answered within three rings and solved at once (A2.1–A2.3, C2.1).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::{Kind, State};
use tonic::Status;

use super::super::stage::Stage;
use super::{confirm_satisfied, confirmation, customer, register, registration, resolve};

/// Order number of the call.
pub const ORDER: &str = "SO-20261120-07";

/// Plays the scene. Returns the closed request.
pub async fn play(stage: &mut Stage) -> Result<pb::Request, Status> {
    stage.at(9, 3);
    stage.scene("A call on the hotline");
    let lin = stage.staff("lin")?;
    let wang = customer(&lin, "王芳", "139 5710 2046").await?;
    let call = pb::RegisterRequestRequest {
        occurred_time: stage.moment(9, 2, 0),
        answered_time: stage.moment(9, 2, 8),
        order_number: ORDER.into(),
        business_domain: "billing".into(),
        problem_type: "invoice".into(),
        ..registration(&wang, Channel::Hotline, Kind::Consultation, "发票尚未收到")
    };
    let request = register(&lin, call).await?;
    stage.say(
        &format!(
            "{} picks up after 8 seconds: {} has no invoice for order {ORDER}; {}",
            lin.called, wang.display_name, request.number
        ),
        &["A2.1", "C2.1", "C2.4"],
    );
    stage.play.expect(
        "first responder, owner and scope",
        (request.first_responder.as_str(), request.owner.as_str(), request.in_scope),
        ("staff/lin", "staff/lin", Some(true)),
    );
    let early = lin.requests().confirm_resolution(confirmation(&request.name, Outcome::Satisfied, "")).await;
    stage.refused(&format!("{} tries to close it before anything is solved", lin.called), early, "C4.2");
    stage.at(9, 8);
    let solved = resolve(&lin, &request.name, "电子发票已重新发送至客户邮箱", "电话中确认已能打开").await?;
    stage.say(
        &format!("{} sends the invoice again and stays on the line until it opens", lin.called),
        &["C3.2", "C3.3"],
    );
    stage.play.expect("known to be settled at the first contact", solved.first_contact_resolution, false);
    let closed = confirm_satisfied(&lin, &request.name).await?;
    stage.say(&format!("{} is satisfied", wang.display_name), &["A2.3", "C4.2"]);
    stage.play.expect("settled at the first contact", closed.first_contact_resolution, true);
    stage.play.expect("its state", closed.state(), State::Closed);
    stage.expect_all_met(&request.name).await?;
    Ok(closed)
}
