//! The missing work order of the emergency: overdue in the evening, escalated in the morning, filed late (A2.6).

use kefu_proto::compliance::v1::duty;
use kefu_proto::intake::v1 as pb;
use tonic::Status;

use super::super::stage::Stage;

/// Plays the scene with the request of the emergency.
pub async fn play(stage: &mut Stage, request: &pb::Request) -> Result<(), Status> {
    stage.at(18, 5);
    stage.scene("The work order that is missing");
    let (ma, li) = (stage.staff("ma")?, stage.staff("li")?);
    let told = stage.wait_for("the clock marks the breach", async || {
        Ok(ma.received_notifications().await?.into_iter().find(|told| told.subject == request.name))
    });
    let told = told.await?;
    stage.say(
        &format!(
            "18:00 has passed: the order for the emergency, {}, is missing, and {} is told",
            request.number, ma.called
        ),
        &["A2.6", "A9.1"],
    );
    stage.play.expect(
        "what the owner is told",
        (told.kind.as_str(), told.subject.as_str()),
        ("duty_overdue", request.name.as_str()),
    );
    let due = stage.moment(18, 0, 0);
    stage.next_day(9, 35);
    stage.scene("Filed late");
    let told = stage.wait_for("the supervisor is told", async || {
        Ok(li.received_notifications().await?.into_iter().find(|told| told.kind == "duty_escalated"))
    });
    let told = told.await?;
    stage.say(&format!("{} is told: \"{}\"", li.called, told.text), &["A9.1"]);
    stage.play.expect("what he is told of", told.subject.as_str(), request.name.as_str());
    stage.at(9, 45);
    let call = pb::FileWorkOrderRequest {
        parent: request.name.clone(),
        for_department: "departments/network".into(),
        content: "机房漏水应急处置：断电、关阀、排水；请检查受影响服务器".into(),
        reason: "紧急情况先行处理".into(),
        ..Default::default()
    };
    let order = ma.requests().file_work_order(call).await?.into_inner();
    stage.say(&format!("{} files it at last, for network operations", ma.called), &["A2.6", "A9.2"]);
    stage.play.expect("it came after the solution", order.retroactive, true);
    let kept = stage.duty(&request.name, "work_order").await?;
    stage.play.expect(
        "the order counts, and so does the breach",
        (kept.state(), kept.breached_time),
        (duty::State::Met, due),
    );
    Ok(())
}
