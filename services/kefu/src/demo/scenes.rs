//! The scenes of the day, and calls that several of them make.

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::Kind;
use tonic::Status;

use super::stage::{Person, Stage};

pub mod accused;
pub mod complaint;
pub mod declined;
pub mod dissatisfied;
pub mod emergency;
pub mod expectation;
pub mod hotline;
pub mod late_order;
pub mod leaves;
pub mod lent;
pub mod major;
pub mod merged;
pub mod overdue;
pub mod promised_wait;
pub mod remote;
pub mod repeat;
pub mod told_later;
pub mod transfer;

/// Creates a customer with a telephone number.
pub async fn customer(by: &Person, called: &str, phone: &str) -> Result<pb::Customer, Status> {
    let contact =
        kefu_proto::contacts::v1::Contact { person: called.into(), phone: phone.into(), ..Default::default() };
    let customer = pb::Customer { display_name: called.into(), contacts: vec![contact], ..Default::default() };
    let call = pb::CreateCustomerRequest { customer: Some(customer), ..Default::default() };
    Ok(by.customers().create_customer(call).await?.into_inner())
}

/// The request to register a customer's contact.
fn registration(
    customer: &pb::Customer,
    channel: Channel,
    kind: Kind,
    description: &str,
) -> pb::RegisterRequestRequest {
    pb::RegisterRequestRequest {
        customer: customer.name.clone(),
        channel: channel.into(),
        kind: kind.into(),
        contact: customer.contacts.first().cloned(),
        description: description.into(),
        ..Default::default()
    }
}

async fn register(by: &Person, call: pb::RegisterRequestRequest) -> Result<pb::Request, Status> {
    Ok(by.requests().register_request(call).await?.into_inner())
}

async fn respond(by: &Person, name: &str) -> Result<pb::Request, Status> {
    let call =
        pb::RespondRequestRequest { name: name.into(), text: "收到，正在处理".into(), ..Default::default() };
    Ok(by.requests().respond_request(call).await?.into_inner())
}

async fn classify(by: &Person, name: &str, domain: &str, problem: &str) -> Result<pb::Request, Status> {
    let call = pb::ClassifyRequestRequest {
        name: name.into(),
        business_domain: domain.into(),
        problem_type: problem.into(),
        ..Default::default()
    };
    Ok(by.requests().classify_request(call).await?.into_inner())
}

async fn inform_customer(by: &Person, name: &str, text: &str) -> Result<(), Status> {
    let told_by = Channel::Hotline.into();
    let call = pb::RecordProgressRequest { parent: name.into(), text: text.into(), told_by, ..Default::default() };
    by.requests().record_progress(call).await.map(|_| ())
}

fn resolution(name: &str, resolution: &str, assistance: &str) -> pb::ResolveRequestRequest {
    pb::ResolveRequestRequest {
        name: name.into(),
        resolution: resolution.into(),
        assistance: assistance.into(),
        ..Default::default()
    }
}

async fn resolve(by: &Person, name: &str, solution: &str, assistance: &str) -> Result<pb::Request, Status> {
    Ok(by.requests().resolve_request(resolution(name, solution, assistance)).await?.into_inner())
}

fn confirmation(name: &str, outcome: Outcome, comment: &str) -> pb::ConfirmResolutionRequest {
    pb::ConfirmResolutionRequest {
        name: name.into(),
        outcome: outcome.into(),
        channel: Channel::Hotline.into(),
        comment: comment.into(),
        ..Default::default()
    }
}

/// Records that the customer confirmed the resolution.
async fn confirm_satisfied(by: &Person, name: &str) -> Result<pb::Request, Status> {
    Ok(by.requests().confirm_resolution(confirmation(name, Outcome::Satisfied, "")).await?.into_inner())
}

fn transfer(name: &str, department: &str, reason: &str) -> pb::TransferRequestRequest {
    pb::TransferRequestRequest {
        name: name.into(),
        department: format!("departments/{department}"),
        reason: reason.into(),
        ..Default::default()
    }
}

async fn get(by: &Person, name: &str) -> Result<pb::Request, Status> {
    Ok(by.requests().get_request(pb::GetRequestRequest { name: name.into() }).await?.into_inner())
}

/// The customer as a caller with the role CUSTOMER.
fn as_customer(stage: &Stage, customer: &pb::Customer) -> Result<Person, Status> {
    stage.caller(&customer.name, &customer.display_name, &["CUSTOMER"])
}
