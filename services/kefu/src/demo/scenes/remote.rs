//! Remote service: refused until the customer has authorised it (A10.4, A10.5).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::ServiceLevel;
use kefu_proto::intake::v1::request::State;
use tonic::Status;

use super::super::stage::Stage;
use super::{as_customer, confirm_satisfied, inform_customer, resolve};

/// Plays the scene with a request of network operations.
pub async fn play(stage: &mut Stage, customer: &pb::Customer, request: &pb::Request) -> Result<(), Status> {
    stage.at(10, 25);
    stage.scene("Remote service, by authorisation");
    let qian = stage.staff("qian")?;
    let start = || pb::StartRemoteRequest {
        name: request.name.clone(),
        reason: "电话中无法判断证书状态".into(),
        ..Default::default()
    };
    let unauthorised = qian.requests().start_remote(start()).await;
    stage.refused(&format!("{} wants to look at their router from afar", qian.called), unauthorised, "A10.5");
    stage.at(10, 30);
    let call = pb::AuthorizeRemoteRequest {
        parent: request.name.clone(),
        authorized_by: "华光印务信息主管".into(),
        given_by: Channel::Web.into(),
        scope: "登录 VPN 网关，检查并更新证书".into(),
        expire_time: stage.moment(12, 0, 0),
        ..Default::default()
    };
    let authorised = as_customer(stage, customer)?.requests().authorize_remote(call).await?.into_inner();
    stage.say(&format!("{} authorises it: the VPN gateway, until 12:00", customer.display_name), &["A10.5"]);
    stage.play.expect("who recorded the authorisation", authorised.author.as_str(), customer.name.as_str());
    let started = qian.requests().start_remote(start()).await?.into_inner();
    stage.say(&format!("{} goes on from afar", qian.called), &["A10.4"]);
    stage.play.expect("how far service went", started.service_level(), ServiceLevel::Remote);
    stage.at(10, 40);
    inform_customer(&qian, &request.name, "证书已过期，正在更新").await?;
    stage.say(&format!("{} tells them: the certificate has run out", qian.called), &["C4.1"]);
    stage.at(10, 50);
    let solved = resolve(&qian, &request.name, "更新 VPN 网关证书", "远程验证三个用户可连接").await?;
    stage.play.expect("settled at the first contact", solved.first_contact_resolution, false);
    let closed = confirm_satisfied(&qian, &request.name).await?;
    stage.say(&format!("It is renewed, and {} confirms", customer.display_name), &["C3.2", "C4.2"]);
    stage.play.expect("its state", closed.state(), State::Closed);
    stage.expect_all_met(&request.name).await
}
