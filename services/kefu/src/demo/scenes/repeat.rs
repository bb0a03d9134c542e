//! A repeat contact about the same matter: found, linked, and raised in priority (A2.8).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, Priority, State};
use tonic::Status;

use super::super::stage::Stage;
use super::hotline::ORDER;
use super::{confirm_satisfied, get, register, registration, resolve};

/// Plays the scene with the request of the morning's call.
pub async fn play(stage: &mut Stage, earlier: &pb::Request) -> Result<(), Status> {
    stage.at(16, 0);
    stage.scene("A repeat contact");
    let (han, lin) = (stage.staff("han")?, stage.called(&earlier.owner).to_owned());
    let call = pb::FindCustomersRequest { phone: "13957102046".into(), ..Default::default() };
    let mut found = han.customers().find_customers(call).await?.into_inner().customers;
    stage.play.expect("customers with this number", found.len(), 1);
    let wang = found.pop().ok_or_else(|| Status::not_found("the customer of the morning"))?;
    stage.play.expect("whose number it is", wang.name.as_str(), earlier.customer.as_str());
    let call = pb::RegisterRequestRequest {
        answered_time: stage.moment(16, 0, 0),
        order_number: ORDER.into(),
        business_domain: "billing".into(),
        problem_type: "invoice-title".into(),
        ..registration(&wang, Channel::Hotline, Kind::Consultation, "发票抬头有误，上午已来电")
    };
    let request = register(&han, call).await?;
    stage.say(
        &format!(
            "{} finds {} by her number: the same order, the wrong title; {}",
            han.called, wang.display_name, request.number
        ),
        &["A2.8", "B1.2"],
    );
    stage.play.expect(
        "what it repeats, and its priority",
        (request.repeat_of.as_str(), request.priority()),
        (earlier.name.as_str(), Priority::High),
    );
    let earlier = get(&han, &earlier.name).await?;
    stage.say(
        &format!("It is linked to {} by itself, both are more urgent, and it counts against {lin}", earlier.number),
        &["A2.8"],
    );
    stage.play.expect(
        "repeat contacts, priority and links of the earlier one",
        (earlier.repeat_contacts, earlier.priority(), earlier.linked_requests),
        (1, Priority::High, vec![request.name.clone()]),
    );
    stage.at(16, 10);
    resolve(&han, &request.name, "已开具正确抬头的发票", "电话中核对税号").await?;
    let closed = confirm_satisfied(&han, &request.name).await?;
    stage.say(&format!("{} issues a new one and goes through it with her", han.called), &["C3.2", "C3.3", "C4.2"]);
    stage.play.expect("its state", closed.state(), State::Closed);
    stage.expect_all_met(&request.name).await
}
