//! Shared by the tests: a small organisation with its callers, and helpers for calls and events.

use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest, VerifyJournalRequest};
use kefu_proto::rules::v1::Role;
use kefu_testkit::{Bench, Caller};
use prost::Message;
use tonic::Status;

pub const DESK: &str = "departments/desk";
pub const OTHER: &str = "departments/other";
pub const OFFICE: &str = "departments/office";

/// A bench with three departments and five people, none of whom leads anything yet.
pub struct House {
    pub bench: Bench,
    /// Client of staff/office.
    pub office: DirectoryServiceClient<Caller>,
}

impl House {
    pub async fn open() -> Self {
        Self::on(Bench::of(&kefu_appraisal::SERVICE).await).await
    }

    pub async fn on(bench: Bench) -> Self {
        let office = DirectoryServiceClient::new(bench.as_("staff/office", &["OFFICE"]));
        let house = Self { bench, office };
        house.furnish().await;
        house
    }

    /// Records departments and staff. The caller is a service, since staff may call only once they are in the
    /// directory.
    async fn furnish(&self) {
        let mut service = DirectoryServiceClient::new(self.bench.as_service());
        for (id, kind) in [
            ("desk", pb::department::Kind::Executing),
            ("other", pb::department::Kind::Executing),
            ("office", pb::department::Kind::Office),
        ] {
            let department = pb::Department { display_name: id.into(), kind: kind.into(), ..Default::default() };
            let department_id = id.to_owned();
            let call =
                pb::CreateDepartmentRequest { department: Some(department), department_id, ..Default::default() };
            service.create_department(call).await.unwrap();
        }
        for (id, role, department) in [
            ("admin", Role::Admin, ""),
            ("office", Role::Office, OFFICE),
            ("boss", Role::Manager, DESK),
            ("lin", Role::Agent, DESK),
            ("zhao", Role::Agent, OTHER),
        ] {
            service.create_staff(newcomer(id, role, department)).await.unwrap();
        }
    }

    /// The client of another caller.
    pub fn as_(&self, subject: &str, role: &str) -> DirectoryServiceClient<Caller> {
        DirectoryServiceClient::new(self.bench.as_(subject, &[role]))
    }

    pub async fn create(&mut self, id: &str, role: Role, department: &str) -> pb::Staff {
        self.office.create_staff(newcomer(id, role, department)).await.unwrap().into_inner()
    }

    pub async fn staff(&mut self, name: &str) -> pb::Staff {
        self.office.get_staff(pb::GetStaffRequest { name: name.into() }).await.unwrap().into_inner()
    }

    pub async fn department(&mut self, name: &str) -> pb::Department {
        self.office.get_department(pb::GetDepartmentRequest { name: name.into() }).await.unwrap().into_inner()
    }

    /// Changes the fields of staff that `mask` names.
    pub async fn change(&mut self, staff: pb::Staff, mask: &[&str]) -> Result<pb::Staff, Status> {
        let call = pb::UpdateStaffRequest { staff: Some(staff), update_mask: paths(mask), ..Default::default() };
        Ok(self.office.update_staff(call).await?.into_inner())
    }

    /// Changes the fields of a department that `mask` names.
    pub async fn change_department(
        &mut self,
        department: pb::Department,
        mask: &[&str],
    ) -> Result<pb::Department, Status> {
        let department = Some(department);
        let call = pb::UpdateDepartmentRequest { department, update_mask: paths(mask), ..Default::default() };
        Ok(self.office.update_department(call).await?.into_inner())
    }

    pub async fn name_head(&mut self, department: &str, head: &str) -> Result<pb::Department, Status> {
        let given = pb::Department { name: department.into(), head: head.into(), ..Default::default() };
        self.change_department(given, &["head"]).await
    }

    pub async fn leave(&mut self, staff: &str) -> Result<pb::Staff, Status> {
        self.change(pb::Staff { name: staff.into(), inactive: true, ..Default::default() }, &["inactive"]).await
    }

    pub async fn resolve(&mut self, department: &str, matter: &str, time: &str) -> Result<String, Status> {
        let call = pb::ResolveResponsibleRequest {
            department: department.into(),
            business_domain: matter.into(),
            time: if time.is_empty() { None } else { proto(time) },
        };
        Ok(self.office.resolve_responsible(call).await?.into_inner().staff)
    }

    /// Every event of the journal, after sealing.
    pub async fn events(&self) -> Vec<Event> {
        events(&self.bench).await
    }

    /// Number of events in the journal.
    pub async fn count(&self) -> i64 {
        self.bench.number("select count(*) from journal").await
    }
}

/// Every event of a bench's journal, after sealing.
pub async fn events(bench: &Bench) -> Vec<Event> {
    bench.seal().await;
    let mut feed = EventFeedClient::new(bench.as_service());
    let verified = feed.verify_journal(VerifyJournalRequest { parent: bench.name(), anchors: Vec::new() }).await;
    let verified = verified.unwrap().into_inner();
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    let subscription = SubscribeRequest { parent: bench.name(), ..Default::default() };
    let mut stream = feed.subscribe(subscription).await.unwrap().into_inner();
    let mut events = Vec::new();
    while i64::try_from(events.len()).unwrap() < verified.event_count {
        events.extend(stream.message().await.unwrap().unwrap().event);
    }
    events
}

/// The request that records a member of staff, whose number is derived from the id.
pub fn newcomer(id: &str, role: Role, department: &str) -> pb::CreateStaffRequest {
    let staff = pb::Staff {
        number: format!("N-{id}"),
        display_name: id.into(),
        department: department.into(),
        roles: vec![role.into()],
        ..Default::default()
    };
    pb::CreateStaffRequest { staff: Some(staff), staff_id: id.into(), ..Default::default() }
}

/// An update mask; none without paths.
pub fn paths(mask: &[&str]) -> Option<prost_types::FieldMask> {
    let paths: Vec<String> = mask.iter().map(|&path| path.to_owned()).collect();
    (!paths.is_empty()).then_some(prost_types::FieldMask { paths })
}

#[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
pub fn proto(time: &str) -> Option<prost_types::Timestamp> {
    Some(kefu_chassis::time::to_proto(time.parse().unwrap()))
}

/// The name of an event's payload, e.g. `StaffCreated`.
pub fn payload(event: &Event) -> &str {
    event.payload.as_ref().unwrap().type_url.rsplit('.').next().unwrap()
}

/// An event's payload.
pub fn told<T: Message + Default>(event: &Event) -> T {
    T::decode(event.payload.as_ref().unwrap().value.as_slice()).unwrap()
}
