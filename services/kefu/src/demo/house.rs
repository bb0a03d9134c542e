//! The organisation before the day: imported staff, the general manager's appointment, an absent head, a new agent.

use kefu_proto::directory::v1 as pb;
use kefu_proto::intake::v1::Customer;
use kefu_proto::rules::v1::Role;
use tokio_stream::iter;
use tonic::{Code, Response, Status};

use super::scenes;
use super::stage::Stage;

/// The example file of the repository.
const EXAMPLE: &[u8] = include_bytes!("../../../../deploy/directory/example.csv");

/// Prepares the organisation and waits until intake has it. Returns the new agent's first customer.
pub async fn prepare(stage: &mut Stage) -> Result<Customer, Status> {
    stage.scene("The house: who is here, and who is in charge");
    import(stage).await?;
    let (sun, he) = (stage.staff("sun")?, stage.staff("he")?);
    // Each service, also the directory's own, admits only staff in its copy of the directory.
    let appointed = stage.wait_for("the directory lets its staff in", async || {
        let call = pb::AppointGeneralManagerRequest { staff: "staff/zhou".into(), ..Default::default() };
        answer_if_known(sun.directory().appoint_general_manager(call).await.map(Response::into_inner))
    });
    let appointed = appointed.await?;
    stage.say(&format!("{} of the office names {} general manager", sun.called, appointed.display_name), &["A2.5"]);
    let absence = pb::Absence {
        start_time: stage.moment(8, 30, 0),
        end_time: stage.moment(18, 0, 0),
        kind: pb::absence::Kind::Travel.into(),
        ..Default::default()
    };
    let call = pb::RecordAbsenceRequest { parent: "staff/zhao".into(), absence: Some(absence), ..Default::default() };
    he.directory().record_absence(call).await?;
    let zhao = stage.called("staff/zhao").to_owned();
    stage.say(&format!("{} records that {zhao}, head of network operations, travels all day", he.called), &["A2.4"]);
    let call = pb::ResolveResponsibleRequest {
        department: "departments/network".into(),
        business_domain: "network".into(),
        time: None,
    };
    let responsible = he.directory().resolve_responsible(call).await?.into_inner();
    let deputy = pb::resolve_responsible_response::Capacity::Deputy;
    stage.play.expect(
        "who is in charge of network operations today",
        (responsible.staff.as_str(), responsible.capacity()),
        ("staff/qian", deputy),
    );
    let call = pb::ListDepartmentsRequest::default();
    let departments = he.directory().list_departments(call).await?.into_inner().departments;
    stage.play.expect("the departments imported", departments.len(), 6);
    let call = pb::GetGeneralManagerRequest {};
    let general_manager = he.directory().get_general_manager(call).await?.into_inner();
    stage.play.expect("the general manager", general_manager.name.as_str(), "staff/zhou");
    new_agent(stage).await
}

async fn import(stage: &mut Stage) -> Result<(), Status> {
    let operator = stage.operator()?;
    let piece = pb::ImportStaffRequest { chunk: EXAMPLE.to_vec(), create_departments: true };
    let imported = operator.directory().import_staff(iter([piece])).await?.into_inner();
    stage.play.expect("staff imported and rejected", (imported.created_count, imported.rejected_count), (15, 0));
    let call = pb::ListStaffRequest { page_size: 200, ..Default::default() };
    for staff in operator.directory().list_staff(call).await?.into_inner().staff {
        let roles: Vec<&str> = staff.roles().map(|role| role.as_str_name()).collect();
        let person = stage.caller(&staff.name, &staff.display_name, &roles)?;
        stage.enter(person);
    }
    let staff = imported.created_count;
    stage.say(
        &format!("The directory is imported from deploy/directory/example.csv: {staff} people, 6 departments"),
        &[],
    );
    Ok(())
}

/// Records a new agent and her first customer. Intake follows the directory in order, so once it admits her it has the
/// whole organisation.
async fn new_agent(stage: &mut Stage) -> Result<Customer, Status> {
    let he = stage.staff("he")?;
    let staff = pb::Staff {
        number: "2005".into(),
        display_name: "韩雪".into(),
        department: "departments/desk".into(),
        post: "客服专员".into(),
        level: pb::staff::Level::Trainee.into(),
        roles: vec![Role::Agent.into()],
        supervisor: "staff/mei".into(),
        ..Default::default()
    };
    let call = pb::CreateStaffRequest { staff: Some(staff), staff_id: "han".into(), ..Default::default() };
    let created = he.directory().create_staff(call).await?.into_inner();
    let han = stage.caller(&created.name, &created.display_name, &["AGENT"])?;
    stage.enter(han.clone());
    let mei = stage.called("staff/mei").to_owned();
    stage.say(&format!("{} starts at the desk today; {mei} supervises her", han.called), &[]);
    let customer = stage.wait_for("intake knows the directory", async || {
        answer_if_known(scenes::customer(&han, "华光印务", "0571 8700 4520").await)
    });
    let customer = customer.await?;
    stage.say(&format!("{} opens her first customer file, that of {}", han.called, customer.display_name), &["B1.2"]);
    stage.play.expect("whose file it is", customer.owner.as_str(), "staff/han");
    Ok(customer)
}

/// The answer of a service; none while its copy of the directory is empty or lacks the caller.
fn answer_if_known<T>(outcome: Result<T, Status>) -> Result<Option<T>, Status> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(refused) if matches!(refused.code(), Code::PermissionDenied | Code::FailedPrecondition) => Ok(None),
        Err(refused) => Err(refused),
    }
}
