//! A supervisor is said to be responsible, tries to make the complaint smaller, and a leader outside judges (A1.1).

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Category, Severity, State};
use kefu_proto::complaints::v1::naming;
use kefu_proto::contacts::v1::Channel;
use tonic::{Response, Status};

use super::super::stage::{Person, Stage};
use super::customer;

/// Plays the scene.
pub async fn play(stage: &mut Stage) -> Result<(), Status> {
    stage.at(10, 30);
    stage.scene("The accused decides nothing");
    let (lin, mei, zhou) = (stage.staff("lin")?, stage.staff("mei")?, stage.staff("zhou")?);
    let gallery = customer(&lin, "听涛画廊", "0571 8755 9024").await?;
    let call = pb::RegisterComplaintRequest {
        channel: Channel::Hotline.into(),
        customer: gallery.name.clone(),
        contact: gallery.contacts.first().cloned(),
        matter: "主管梅雨在电话中出言不逊".into(),
        category: Category::ServiceAttitude.into(),
        severity: Severity::Critical.into(),
        ..Default::default()
    };
    let complaint = lin.complaints().register_complaint(call).await?.into_inner();
    let call = pb::AcknowledgeComplaintRequest {
        name: complaint.name.clone(),
        channel: Channel::Hotline.into(),
        text: "致歉，三个工作日内答复".into(),
        ..Default::default()
    };
    lin.complaints().acknowledge_complaint(call).await?;
    let named = classify(&lin, &complaint.name, Severity::Critical, "departments/desk", &mei).await?.into_inner();
    stage.say(
        &format!("{} complains about {}; {} names her supervisor", gallery.display_name, mei.called, lin.called),
        &["C5.1", "D8.2"],
    );
    let reported = named.namings.first().map(pb::Naming::state);
    stage.play.expect("what a naming upwards is", reported, Some(naming::State::Reported));
    let smaller = classify(&mei, &complaint.name, Severity::Minor, "departments/field", &stage.staff("ma")?).await;
    stage.refused(&format!("{} calls it minor, and the field service's fault", mei.called), smaller, "A1.1");
    let call = pb::JudgeNamingRequest {
        name: complaint.name.clone(),
        staff: mei.name.clone(),
        judgement: naming::State::Confirmed.into(),
        reason: "已核实通话录音".into(),
        ..Default::default()
    };
    let judged = zhou.complaints().judge_naming(call).await?.into_inner();
    stage.say(&format!("{}, outside the desk, hears the recording and confirms the naming", zhou.called), &["A1.1"]);
    stage.play.expect(
        "state of the naming, severity",
        (judged.namings.first().map(pb::Naming::state), judged.severity()),
        (Some(naming::State::Confirmed), Severity::Critical),
    );
    let taken_back = withdraw(&mei, &complaint.name).await;
    stage.refused(&format!("{} takes it back in the customer's name", mei.called), taken_back, "A1.1");
    stage.at(10, 50);
    let withdrawn = withdraw(&lin, &complaint.name).await?.into_inner();
    stage.say(
        &format!("{} apologises in person; the gallery takes it back, and {} records it", mei.called, lin.called),
        &["C5.2"],
    );
    stage.play.expect("its state", withdrawn.state(), State::Withdrawn);
    Ok(())
}

async fn classify(
    by: &Person,
    name: &str,
    severity: Severity,
    department: &str,
    person: &Person,
) -> Result<Response<pb::Complaint>, Status> {
    let call = pb::ClassifyComplaintRequest {
        name: name.into(),
        category: Category::ServiceAttitude.into(),
        severity: severity.into(),
        responsible_department: department.into(),
        responsible_person: person.name.clone(),
        ..Default::default()
    };
    by.complaints().classify_complaint(call).await
}

async fn withdraw(by: &Person, name: &str) -> Result<Response<pb::Complaint>, Status> {
    let call =
        pb::WithdrawComplaintRequest { name: name.into(), reason: "已当面致歉".into(), ..Default::default() };
    by.complaints().withdraw_complaint(call).await
}
