//! Helpers that these tests share: writers of events and duties without a domain.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::duties::{Duty, Entry, NewDuty};
use kefu_chassis::identity::Identity;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::{Call, Error, UnitOfWork};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::events::v1::DutyChanged;
use kefu_proto::rules::v1::Role;
use kefu_testkit::{Bench, Caller};
use uuid::Uuid;

/// The method whose rule the calls of these writers have.
pub const RULE: &str = "/kefu.compliance.v1.ComplianceService/PauseDuty";

/// Returns a call of `staff/writer` from within the process.
pub fn call(bench: &Bench) -> Call {
    call_as(bench, "staff/writer", None, b"")
}

/// Returns a call of `subject` from within the process, which has one effect per `request_id`.
pub fn call_as(bench: &Bench, subject: &str, request_id: Option<Uuid>, payload: &[u8]) -> Call {
    let caller = Identity { subject: subject.to_owned(), roles: vec![Role::Admin], department: String::new() };
    let rule = bench.chassis().rules.at(RULE).unwrap().clone();
    Call::internal(Arc::new(caller), rule, bench.now(), request_id, payload)
}

/// Locks thing `name`, raises its version by `events` and records an event for each. Returns the new version.
pub async fn touch(work: &mut UnitOfWork<'_>, name: &str, now: Timestamp, events: i64) -> Result<i64, Error> {
    let version: i64 = sqlx::query_scalar(
        "insert into bare.thing values ($1, $2) on conflict (name) do update set version = thing.version + $2 returning version",
    )
    .bind(name)
    .bind(events)
    .fetch_one(work.connection())
    .await?;
    for version in version - events + 1..=version {
        let payload = DutyChanged { subject: format!("{name} {version}") };
        work.record(NewEvent::new(name, version, now, &["A9.1", "A2.1"], &payload));
    }
    Ok(version)
}

/// Writes one event of thing `name` after another.
pub async fn write(bench: &Bench, name: &str, events: usize) {
    let call = call(bench);
    for _ in 0..events {
        let mut work = bench.chassis().begin(&call).await.unwrap();
        touch(&mut work, name, call.now, 1).await.unwrap();
        work.commit(()).await.unwrap();
    }
}

/// Returns an entry that `by`, who does not lead, makes now.
pub fn entry<'a>(bench: &'a Bench, by: &'a str) -> Entry<'a> {
    let (now, regulation) = (bench.now(), &bench.chassis().regulation);
    Entry { at: now, now, by, leads: false, regulation }
}

/// Returns a duty under C4.1 of `owner` about `subject`, open since now and due after `hours` of wall time.
pub fn duty(bench: &Bench, subject: &str, owner: &str, department: &str, hours: i64) -> Duty {
    let now = bench.now();
    let new = NewDuty {
        clause: "C4.1",
        kind: "progress",
        subject: subject.to_owned(),
        number: "",
        owner,
        department,
        regulation: bench.chassis().regulation.version(),
        opened_at: now,
        now,
    };
    new.until(now + SignedDuration::from_hours(hours), bench.chassis().regulation.calendar()).0
}

/// Stores duties as they are, with one event. Returns their names.
pub async fn store(bench: &Bench, duties: Vec<Duty>) -> Vec<String> {
    let call = call(bench);
    let names = duties.iter().map(|duty| name_of(bench, duty)).collect();
    let mut work = bench.chassis().begin(&call).await.unwrap();
    touch(&mut work, "things/duties", call.now, 1).await.unwrap();
    for duty in duties {
        work.put(duty);
    }
    work.commit(()).await.unwrap();
    names
}

/// Returns the name of a duty in the contract.
pub fn name_of(bench: &Bench, duty: &Duty) -> String {
    format!("{}/{}", bench.name(), duty.id)
}

/// Returns a client of the compliance service.
pub fn compliance(caller: Caller) -> ComplianceServiceClient<Caller> {
    ComplianceServiceClient::new(caller)
}

/// Returns the duty as an operator sees it.
pub async fn get(bench: &Bench, name: &str) -> pb::Duty {
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    client.get_duty(pb::GetDutyRequest { name: name.to_owned() }).await.unwrap().into_inner()
}
