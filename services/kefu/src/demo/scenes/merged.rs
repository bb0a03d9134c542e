//! One customer under two telephone numbers: opened twice, and merged (B1.2).

use kefu_proto::intake::v1 as pb;
use tonic::Status;

use super::super::stage::Stage;
use super::customer;

/// Plays the scene with the customer of the morning's call.
pub async fn play(stage: &mut Stage, earlier: &pb::Request) -> Result<(), Status> {
    stage.scene("One customer under two numbers");
    let han = stage.staff("han")?;
    let get = |name: &str| pb::GetCustomerRequest { name: name.into() };
    let known = han.customers().get_customer(get(&earlier.customer)).await?.into_inner();
    let contacts = known.contacts.len();
    let twice = customer(&han, &known.display_name, "0571 8700 2046 转 8").await?;
    stage.say(
        &format!("{} rings from the office; {} opens a file for her again", known.display_name, han.called),
        &["B1.2"],
    );
    let extension = twice.contacts.first().map_or("", |contact| contact.phone_extension.as_str());
    stage.play.expect("the extension of the office number", extension, "8");
    let call = pb::MergeCustomersRequest {
        name: known.name.clone(),
        merged: twice.name.clone(),
        reason: "同一位客户，办公室电话".into(),
        ..Default::default()
    };
    let merged = han.customers().merge_customers(call).await?.into_inner();
    stage.say("The two are merged: both numbers find her, and the second name leads to the first", &["A2.8", "B1.2"]);
    stage.play.expect("ways to reach her", merged.contacts.len(), contacts + 1);
    let led = han.customers().get_customer(get(&twice.name)).await?.into_inner();
    stage.play.expect("where the second name leads", led.name.as_str(), known.name.as_str());
    let call = pb::FindCustomersRequest { phone_ending: "2046".into(), ..Default::default() };
    let found = han.customers().find_customers(call).await?.into_inner().customers;
    stage.play.expect("customers whose numbers end in 2046", found.len(), 1);
    Ok(())
}
