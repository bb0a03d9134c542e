//! A major matter: reported to the general manager, who acknowledges in time (A2.5).

use kefu_proto::compliance::v1::duty;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, State};
use kefu_proto::notifications::v1::AcknowledgeNotificationRequest;
use tonic::Status;

use super::super::stage::Stage;
use super::{customer, inform_customer, register, registration};

/// Plays the scene. Returns the request, assigned to an agent.
pub async fn play(stage: &mut Stage) -> Result<pb::Request, Status> {
    stage.at(11, 20);
    stage.scene("A major matter");
    let (mei, zhou, lin) = (stage.staff("mei")?, stage.staff("zhou")?, stage.staff("lin")?);
    let shop = customer(&mei, "四季超市", "0571 8811 9030").await?;
    let call = pb::RegisterRequestRequest {
        answered_time: stage.moment(11, 20, 0),
        business_domain: "billing".into(),
        problem_type: "charged-twice".into(),
        priority: pb::request::Priority::High.into(),
        ..registration(&shop, Channel::Hotline, Kind::Fault, "三百余名顾客被重复扣款")
    };
    let request = register(&mei, call).await?;
    stage.say(
        &format!(
            "{} takes a call of {}: over 300 people were charged twice; {}",
            mei.called, shop.display_name, request.number
        ),
        &["A2.1"],
    );
    stage.at(11, 22);
    let call = pb::MarkMajorRequest {
        name: request.name.clone(),
        reason: "涉及顾客众多，可能引发舆情".into(),
        ..Default::default()
    };
    let marked = mei.requests().mark_major(call).await?.into_inner();
    stage.say(&format!("{} marks it as major: {} has 15 minutes to take note", mei.called, zhou.called), &["A2.5"]);
    stage.play.expect("marked as major", marked.major, true);
    let report = stage.duty(&request.name, "major_report").await?;
    let due = stage.moment(11, 37, 0);
    stage.play.expect("the report is due", (report.state(), report.due_time), (duty::State::Open, due));
    stage.at(11, 30);
    let told = zhou.received_notifications().await?.into_iter().next().unwrap_or_default();
    stage.play.expect(
        "what the general manager is told",
        (told.kind.as_str(), told.subject.as_str(), told.acknowledgement_required),
        ("major_matter", request.name.as_str(), true),
    );
    let call = AcknowledgeNotificationRequest { name: told.name, ..Default::default() };
    zhou.notifications().acknowledge_notification(call).await?;
    stage.say(&format!("{} reads it and acknowledges: \"{}\"", zhou.called, told.text), &["A2.5"]);
    stage.expect_met(&request.name, "major_report").await?;
    stage.at(11, 32);
    let call = pb::AssignRequestRequest { name: request.name.clone(), owner: lin.name.clone(), ..Default::default() };
    let assigned = mei.requests().assign_request(call).await?.into_inner();
    inform_customer(&lin, &request.name, "已冻结重复扣款批次，今日退款").await?;
    stage.say(
        &format!("{} assigns it to {}, who tells the customer what happens next", mei.called, lin.called),
        &["A2.1", "C4.1"],
    );
    stage.play.expect("owner and state", (assigned.owner.as_str(), assigned.state()), ("staff/lin", State::InProgress));
    Ok(assigned)
}
