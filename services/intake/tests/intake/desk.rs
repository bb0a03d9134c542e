//! Shared by the stories: a bench with a customer, an agent's clients, and helpers for calls and duties.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::compliance::v1::{Duty, duty};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_testkit::{Bench, Caller};
use tonic::Status;

pub const DESK: &str = "departments/desk";

/// A bench with one customer, and the clients of an agent.
pub struct Desk {
    pub bench: Bench,
    pub customer: String,
    pub requests: RequestServiceClient<Caller>,
    pub customers: CustomerServiceClient<Caller>,
}

impl Desk {
    pub async fn open() -> Self {
        Self::on(Bench::of(&kefu_intake::SERVICE).await).await
    }

    pub async fn on(bench: Bench) -> Self {
        let agent = bench.as_("staff/lin", &["AGENT"]);
        let mut customers = CustomerServiceClient::new(agent.clone());
        let customer =
            pb::Customer { display_name: "王小明".into(), contacts: vec![contact()], ..pb::Customer::default() };
        let created = customers
            .create_customer(pb::CreateCustomerRequest {
                customer: Some(customer),
                allow_shared_contacts: true,
                ..Default::default()
            })
            .await
            .unwrap();
        Self { customer: created.into_inner().name, requests: RequestServiceClient::new(agent), customers, bench }
    }

    /// The client of another caller.
    pub fn as_(&self, subject: &str, role: &str) -> RequestServiceClient<Caller> {
        RequestServiceClient::new(self.bench.as_(subject, &[role]))
    }

    pub fn registration(&self, channel: kefu_proto::contacts::v1::Channel) -> pb::RegisterRequestRequest {
        pb::RegisterRequestRequest {
            customer: self.customer.clone(),
            channel: channel.into(),
            kind: pb::request::Kind::Service.into(),
            contact: Some(contact()),
            description: "打印机无法连接".into(),
            ..Default::default()
        }
    }

    pub async fn register(&mut self, channel: kefu_proto::contacts::v1::Channel) -> pb::Request {
        let registration = self.registration(channel);
        self.requests.register_request(registration).await.unwrap().into_inner()
    }

    pub async fn respond(&mut self, name: &str) -> Result<pb::Request, Status> {
        let call =
            pb::RespondRequestRequest { name: name.into(), text: "已联系工程师".into(), ..Default::default() };
        Ok(self.requests.respond_request(call).await?.into_inner())
    }

    pub async fn classify(&mut self, name: &str) -> Result<pb::Request, Status> {
        let call = pb::ClassifyRequestRequest {
            name: name.into(),
            business_domain: "printing".into(),
            problem_type: "offline".into(),
            ..Default::default()
        };
        Ok(self.requests.classify_request(call).await?.into_inner())
    }

    pub async fn tell(&mut self, name: &str) -> Result<pb::Progress, Status> {
        let told_by = kefu_proto::contacts::v1::Channel::Hotline.into();
        let call = pb::RecordProgressRequest {
            parent: name.into(),
            text: "已联系工程师".into(),
            told_by,
            ..Default::default()
        };
        Ok(self.requests.record_progress(call).await?.into_inner())
    }

    pub async fn resolve(&mut self, name: &str) -> Result<pb::Request, Status> {
        let call = pb::ResolveRequestRequest {
            name: name.into(),
            resolution: "重新安装驱动".into(),
            assistance: "远程陪同操作".into(),
            ..Default::default()
        };
        Ok(self.requests.resolve_request(call).await?.into_inner())
    }

    pub async fn confirm(&mut self, name: &str, outcome: pb::contact_attempt::Outcome) -> Result<pb::Request, Status> {
        let call = pb::ConfirmResolutionRequest {
            name: name.into(),
            outcome: outcome.into(),
            channel: kefu_proto::contacts::v1::Channel::Hotline.into(),
            comment: "打印仍然很慢".into(),
            ..Default::default()
        };
        Ok(self.requests.confirm_resolution(call).await?.into_inner())
    }

    /// A new request that has been answered, classified and resolved.
    pub async fn resolved(&mut self) -> pb::Request {
        let request = self.register(kefu_proto::contacts::v1::Channel::Chat).await;
        self.respond(&request.name).await.unwrap();
        self.classify(&request.name).await.unwrap();
        self.resolve(&request.name).await.unwrap()
    }

    pub fn pass(&self, minutes: i64) {
        self.bench.time().advance(SignedDuration::from_mins(minutes));
    }

    pub fn pass_to(&self, time: &str) {
        self.bench.time().advance_to(at(time));
    }

    /// The duties of a request, by kind in the order they were opened.
    pub async fn duties(&self, subject: &str) -> Vec<Duty> {
        self.bench.duties_of(subject).await
    }

    /// The one duty of a kind.
    pub async fn duty(&self, subject: &str, kind: &str) -> Duty {
        self.bench.duty_of(subject, kind).await
    }

    /// Every duty of a request: its kind, its state, and whether it is late or breached.
    pub async fn kept(&self, subject: &str) -> Vec<(String, duty::State, bool)> {
        self.bench.kept_of(subject).await
    }

    /// Every event of the journal, after sealing.
    pub async fn events(&self) -> Vec<Event> {
        self.bench.events().await
    }
}

pub fn contact() -> kefu_proto::contacts::v1::Contact {
    kefu_proto::contacts::v1::Contact {
        person: "王小明".into(),
        phone: "138 0013 8000".into(),
        ..kefu_proto::contacts::v1::Contact::default()
    }
}

pub fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
pub fn proto(time: &str) -> Option<prost_types::Timestamp> {
    Some(kefu_chassis::time::to_proto(at(time)))
}

/// The name of an event's payload, e.g. `RequestRegistered`.
pub fn payload(event: &Event) -> &str {
    event.payload.as_ref().unwrap().type_url.rsplit('.').next().unwrap()
}
