//! Absences, and who is in charge during them (A2.4): from the start of an absence until its end.

use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::assert_refused;
use tonic::{Code, Status};

use super::house::{DESK, House, payload, proto, told};

fn away(staff: &str, from: &str, until: &str) -> pb::RecordAbsenceRequest {
    let absence = pb::Absence {
        start_time: proto(from),
        end_time: proto(until),
        kind: pb::absence::Kind::Sick.into(),
        ..Default::default()
    };
    pb::RecordAbsenceRequest { parent: staff.into(), absence: Some(absence), ..Default::default() }
}

async fn record(house: &mut House, staff: &str, from: &str, until: &str) -> pb::Absence {
    house.office.record_absence(away(staff, from, until)).await.unwrap().into_inner()
}

fn end(name: &str, at: &str) -> pb::EndAbsenceRequest {
    let end_time = if at.is_empty() { None } else { proto(at) };
    pb::EndAbsenceRequest { name: name.into(), end_time, ..Default::default() }
}

fn nobody(outcome: Result<String, Status>) {
    let refusal = assert_refused(outcome, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!((refusal.clauses(), refusal.resource()), (vec!["A2.4"], DESK));
}

/// The desk with a head, a deputy for networks and one for everything.
async fn led() -> House {
    let mut house = House::open().await;
    house.name_head(DESK, "staff/boss").await.unwrap();
    let deputy = |staff: &str, domains: &[&str]| pb::department::Deputy {
        staff: staff.into(),
        domains: domains.iter().map(|&domain| domain.into()).collect(),
    };
    let given = pb::Department {
        name: DESK.into(),
        deputies: vec![deputy("staff/lin", &["network"]), deputy("staff/zhao", &[])],
        ..Default::default()
    };
    house.change_department(given, &[]).await.unwrap();
    house
}

#[tokio::test]
async fn a_deputy_is_in_charge_from_the_start_of_the_heads_absence_until_its_end() {
    let mut house = led().await;
    record(&mut house, "staff/boss", "2026-11-23T09:00:00+08:00", "2026-11-24T18:00:00+08:00").await;
    for (at, staff) in [
        ("", "staff/boss"),
        ("2026-11-23T08:59:59.999999+08:00", "staff/boss"),
        ("2026-11-23T09:00:00+08:00", "staff/lin"),
        ("2026-11-24T17:59:59.999999+08:00", "staff/lin"),
        ("2026-11-24T18:00:00+08:00", "staff/boss"),
    ] {
        assert_eq!(house.resolve(DESK, "network", at).await.unwrap(), staff, "{at}");
    }
    let during = "2026-11-23T12:00:00+08:00";
    assert_eq!(house.resolve(DESK, "printing", during).await.unwrap(), "staff/zhao");
    assert_eq!(house.resolve(DESK, "", during).await.unwrap(), "staff/zhao", "not classified, so not of networks");
    let call = pb::ResolveResponsibleRequest { department: DESK.into(), time: proto(during), ..Default::default() };
    let answer = house.office.resolve_responsible(call).await.unwrap().into_inner();
    assert_eq!(answer.capacity(), pb::resolve_responsible_response::Capacity::Deputy);
}

#[tokio::test]
async fn nobody_is_in_charge_when_all_are_away_and_absences_may_overlap() {
    let mut house = led().await;
    record(&mut house, "staff/boss", "2026-11-20T09:00:00+08:00", "2026-11-20T12:00:00+08:00").await;
    record(&mut house, "staff/boss", "2026-11-20T11:00:00+08:00", "2026-11-20T14:00:00+08:00").await;
    assert_eq!(house.resolve(DESK, "printing", "2026-11-20T13:00:00+08:00").await.unwrap(), "staff/zhao");
    record(&mut house, "staff/zhao", "2026-11-20T09:00:00+08:00", "2026-11-20T14:00:00+08:00").await;
    nobody(house.resolve(DESK, "printing", "2026-11-20T13:00:00+08:00").await);
    assert_eq!(house.resolve(DESK, "network", "2026-11-20T13:00:00+08:00").await.unwrap(), "staff/lin");
    house.leave("staff/lin").await.unwrap();
    nobody(house.resolve(DESK, "network", "2026-11-20T13:00:00+08:00").await);
    assert_eq!(house.resolve(DESK, "network", "2026-11-20T14:00:00+08:00").await.unwrap(), "staff/boss");
}

#[tokio::test]
async fn an_absence_ends_earlier_or_never_was() {
    let mut house = led().await;
    let (from, until) = ("2026-11-20T09:00:00+08:00", "2026-11-27T09:00:00+08:00");
    let absence = record(&mut house, "staff/boss", from, until).await;
    assert_eq!(house.resolve(DESK, "network", "").await.unwrap(), "staff/lin");
    let ended = house.office.end_absence(end(&absence.name, "")).await.unwrap().into_inner();
    assert_eq!(ended.end_time, proto("2026-11-20T10:00:00+08:00"), "now");
    assert_eq!(house.resolve(DESK, "network", "").await.unwrap(), "staff/boss");
    let never = house.office.end_absence(end(&absence.name, from)).await.unwrap().into_inner();
    assert_eq!((never.start_time, never.end_time), (proto(from), proto(from)));
    assert_eq!(house.resolve(DESK, "network", from).await.unwrap(), "staff/boss");
    let again = house.office.end_absence(end(&absence.name, from)).await.unwrap().into_inner();
    assert_eq!(again, never);
    let all = pb::ListAbsencesRequest { parent: "staff/-".into(), ..Default::default() };
    assert_eq!(house.office.list_absences(all).await.unwrap().into_inner().absences, []);
    let events: Vec<_> = house.events().await.into_iter().filter(|event| event.aggregate == absence.name).collect();
    assert_eq!(events.iter().map(payload).collect::<Vec<_>>(), ["AbsenceRecorded", "AbsenceEnded", "AbsenceEnded"]);
    assert!(events.iter().all(|event| event.clauses == ["A2.4"]));
    assert_eq!(told::<pb::AbsenceRecorded>(&events[0]).absence, Some(absence));
    assert_eq!(told::<pb::AbsenceEnded>(&events[2]).absence, Some(never));
}

#[tokio::test]
async fn absences_are_listed_by_when_they_end() {
    let mut house = House::open().await;
    let first = record(&mut house, "staff/lin", "2026-11-20T09:00:00+08:00", "2026-11-22T09:00:00+08:00").await;
    let last = record(&mut house, "staff/zhao", "2026-11-01T09:00:00+08:00", "2026-11-23T09:00:00+08:00").await;
    let past = record(&mut house, "staff/lin", "2026-11-18T09:00:00+08:00", "2026-11-19T09:00:00+08:00").await;
    let mut listed = async |parent: &str, after: &str| {
        let end_after_time = if after.is_empty() { None } else { proto(after) };
        let call = pb::ListAbsencesRequest { parent: parent.into(), end_after_time, ..Default::default() };
        house.office.list_absences(call).await.unwrap().into_inner().absences
    };
    assert_eq!(listed("staff/-", "").await, [past.clone(), first.clone(), last.clone()]);
    assert_eq!(listed("staff/lin", "").await, [past, first.clone()]);
    assert_eq!(listed("staff/-", "2026-11-19T09:00:00+08:00").await, [first, last], "later than that");
    assert_eq!(listed("staff/boss", "").await, []);
}

#[tokio::test]
async fn everybody_records_their_own_absence_and_leaders_that_of_their_department() {
    let mut house = House::open().await;
    let own = away("staff/lin", "2026-11-20T09:00:00+08:00", "2026-11-22T09:00:00+08:00");
    let mut names = Vec::new();
    for (subject, role) in [("staff/lin", "AGENT"), ("staff/boss", "MANAGER"), ("staff/office", "OFFICE")] {
        let recorded = house.as_(subject, role).record_absence(own.clone()).await.unwrap();
        names.push(recorded.into_inner().name);
    }
    for (subject, role) in [("staff/zhao", "AGENT"), ("staff/chief", "SUPERVISOR"), ("staff/mei", "AGENT")] {
        let mut client = house.as_(subject, role);
        let refusal =
            assert_refused(client.record_absence(own.clone()).await, Code::NotFound, ErrorReason::ResourceNotFound);
        assert_eq!(refusal.resource(), "staff/lin", "{subject}");
        let refusal =
            assert_refused(client.end_absence(end(&names[0], "")).await, Code::NotFound, ErrorReason::ResourceNotFound);
        assert_eq!(refusal.resource(), names[0], "{subject}");
    }
    house.as_("staff/boss", "MANAGER").end_absence(end(&names[0], "")).await.unwrap();
    // An absence is not found under the name of another member of staff.
    let foreign = names[1].replace("staff/lin", "staff/zhao");
    let refused = house.office.end_absence(end(&foreign, "")).await;
    assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
}

#[tokio::test]
async fn nobody_sends_their_superiors_away() {
    let mut house = led().await;
    house.create("mei", Role::Supervisor, DESK).await;
    house.bench.followed().await;
    let call = away("staff/boss", "2026-11-20T10:00:00+08:00", "2027-06-20T10:00:00+08:00");
    let refused = house.as_("staff/mei", "SUPERVISOR").record_absence(call.clone()).await;
    let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["parent"]);
    house.office.record_absence(call).await.unwrap();
}
