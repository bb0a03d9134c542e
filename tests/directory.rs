//! Tests that what is recorded in the directory, in appraisal, takes effect in intake.

use jiff::Timestamp;
use kefu_chassis::directory::Organisation;
use kefu_chassis::time::to_proto;
use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::intake::v1::{self as intake, request};
use kefu_proto::rules::v1::Role;
use kefu_testkit::{Bench, Caller, eventually};
use tonic::Status;

mod copies;
mod people;
mod responsible;

pub const DESK: &str = "departments/desk";
pub const OTHER: &str = "departments/other";

/// Appraisal, whose directory holds nobody at first, and intake, which follows it.
pub struct House {
    pub appraisal: Bench,
    pub intake: Bench,
}

impl House {
    pub async fn build() -> Self {
        let appraisal = Bench::builder(&kefu_appraisal::SERVICE).without_staff().start().await;
        let intake = Bench::builder(&kefu_intake::SERVICE).following(&appraisal).start().await;
        Self { appraisal, intake }
    }

    /// Starts both with two departments, and staff/lin as an agent of the desk since 06:00.
    pub async fn open() -> Self {
        let house = Self::build().await;
        house.found("desk", &["printing"]).await;
        house.found("other", &["logistics"]).await;
        house.hire("lin", Role::Agent, DESK).await;
        house.until("staff/lin is known", |known| known.is_active("staff/lin")).await;
        house
    }

    /// Returns a client of the directory that may record anything.
    pub fn directory(&self) -> DirectoryServiceClient<Caller> {
        DirectoryServiceClient::new(self.appraisal.as_service())
    }

    pub async fn found(&self, id: &str, domains: &[&str]) {
        let department = pb::Department {
            display_name: id.into(),
            kind: pb::department::Kind::Executing.into(),
            domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
            ..Default::default()
        };
        let department_id = id.to_owned();
        let call = pb::CreateDepartmentRequest { department: Some(department), department_id, ..Default::default() };
        self.directory().create_department(call).await.unwrap();
    }

    pub async fn hire(&self, id: &str, role: Role, department: &str) {
        let staff = pb::Staff {
            number: id.into(),
            display_name: id.into(),
            department: department.into(),
            roles: vec![role.into()],
            ..Default::default()
        };
        let call = pb::CreateStaffRequest {
            staff: Some(staff),
            staff_id: id.into(),
            occurred_time: proto("2026-11-20T06:00:00+08:00"),
            ..Default::default()
        };
        self.directory().create_staff(call).await.unwrap();
    }

    /// Changes the field of staff that `mask` names, as of `occurred`, or as of now if that is empty.
    pub async fn change(&self, staff: pb::Staff, mask: &str, occurred: &str) {
        let call = pb::UpdateStaffRequest {
            staff: Some(staff),
            update_mask: Some(prost_types::FieldMask { paths: vec![mask.into()] }),
            occurred_time: if occurred.is_empty() { None } else { proto(occurred) },
            ..Default::default()
        };
        self.directory().update_staff(call).await.unwrap();
    }

    pub async fn leave(&self, staff: &str) {
        self.change(pb::Staff { name: staff.into(), inactive: true, ..Default::default() }, "inactive", "").await;
    }

    /// Waits until intake's copy satisfies `is_so`.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Organisation) -> bool) {
        until(&self.intake, what, is_so).await;
    }

    /// Returns a client of intake's requests for a caller.
    pub fn requests(&self, subject: &str, roles: &[&str]) -> RequestServiceClient<Caller> {
        RequestServiceClient::new(self.intake.as_(subject, roles))
    }

    /// Creates a customer in intake, as another service does, and returns the customer's name.
    pub async fn customer(&self) -> String {
        let customer =
            intake::Customer { display_name: "王小明".into(), contacts: vec![contact()], ..Default::default() };
        let call = intake::CreateCustomerRequest {
            customer: Some(customer),
            allow_shared_contacts: true,
            ..Default::default()
        };
        let mut customers = CustomerServiceClient::new(self.intake.as_service());
        customers.create_customer(call).await.unwrap().into_inner().name
    }

    /// Registers a request as staff/lin, which came at `occurred`, or now if that is empty.
    pub async fn register(&self, customer: &str, occurred: &str) -> Result<intake::Request, Status> {
        let call = intake::RegisterRequestRequest {
            customer: customer.to_owned(),
            channel: kefu_proto::contacts::v1::Channel::Chat.into(),
            kind: request::Kind::Service.into(),
            contact: Some(contact()),
            description: "打印机无法连接".into(),
            occurred_time: if occurred.is_empty() { None } else { proto(occurred) },
            ..Default::default()
        };
        Ok(self.requests("staff/lin", &["AGENT"]).register_request(call).await?.into_inner())
    }
}

/// Waits until the copy of `bench` satisfies `is_so`.
pub async fn until(bench: &Bench, what: &str, is_so: impl Fn(&Organisation) -> bool) {
    eventually(what, async || is_so(&bench.chassis().directory.now()).then_some(())).await;
}

pub fn contact() -> kefu_proto::contacts::v1::Contact {
    kefu_proto::contacts::v1::Contact { phone: "138 0013 8000".into(), ..Default::default() }
}

pub fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
pub fn proto(time: &str) -> Option<prost_types::Timestamp> {
    Some(to_proto(at(time)))
}
