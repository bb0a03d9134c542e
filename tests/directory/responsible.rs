//! Tests A2.4: a matter is handed to the head of the department in charge, or to the deputy while the head is away.

use kefu_proto::directory::v1 as pb;
use kefu_proto::intake::v1 as intake;
use kefu_proto::intake::v1::transfer::Capacity;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::assert_refused;
use tonic::{Code, Status};

use super::{House, OTHER, proto};

/// Time at which requests come, before any transfer.
const CAME: &str = "2026-11-20T06:30:00+08:00";

/// Starts a house whose other department has a head, and deputies for printing, for logistics and for the rest.
async fn staffed() -> House {
    let house = House::open().await;
    for id in ["chief", "printer", "carrier", "anybody"] {
        house.hire(id, Role::Manager, OTHER).await;
    }
    let deputy = |staff: &str, domains: &[&str]| pb::department::Deputy {
        staff: format!("staff/{staff}"),
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
    };
    let department = pb::Department {
        name: OTHER.into(),
        head: "staff/chief".into(),
        deputies: vec![deputy("printer", &["printing"]), deputy("carrier", &["logistics"]), deputy("anybody", &[])],
        ..Default::default()
    };
    let mask = prost_types::FieldMask { paths: vec!["head".into(), "deputies".into()] };
    let call =
        pb::UpdateDepartmentRequest { department: Some(department), update_mask: Some(mask), ..Default::default() };
    house.directory().update_department(call).await.unwrap();
    house
}

async fn away(house: &House, staff: &str, start: &str, end: &str) -> pb::Absence {
    let absence = pb::Absence {
        start_time: proto(start),
        end_time: proto(end),
        kind: pb::absence::Kind::Leave.into(),
        ..Default::default()
    };
    let call = pb::RecordAbsenceRequest { parent: staff.into(), absence: Some(absence), ..Default::default() };
    house.directory().record_absence(call).await.unwrap().into_inner()
}

/// Registers a request of `domain`, and transfers it to the other department at `time`.
async fn hand(house: &House, customer: &str, domain: &str, time: &str) -> Result<intake::Transfer, Status> {
    let mut lin = house.requests("staff/lin", &["AGENT"]);
    let request = house.register(customer, CAME).await.unwrap();
    let classify = intake::ClassifyRequestRequest {
        name: request.name.clone(),
        business_domain: domain.into(),
        problem_type: request.name.clone(),
        occurred_time: proto(CAME),
        ..Default::default()
    };
    lin.classify_request(classify).await.unwrap();
    let transfer = intake::TransferRequestRequest {
        name: request.name,
        department: OTHER.into(),
        reason: "不属于前台".into(),
        occurred_time: proto(time),
        ..Default::default()
    };
    Ok(lin.transfer_request(transfer).await?.into_inner())
}

#[tokio::test]
async fn while_the_head_is_away_a_matter_goes_to_the_deputy_for_it_from_the_first_moment_to_the_last() {
    let house = staffed().await;
    let customer = house.customer().await;
    let [start, end] = ["2026-11-20T08:00:00+08:00", "2026-11-20T09:00:00+08:00"];
    away(&house, "staff/chief", start, end).await;
    // The copy follows the order of the journal: once it has this absence, it has the deputies and the head's absence.
    away(&house, "staff/lin", "2026-11-19T08:00:00+08:00", "2026-11-19T09:00:00+08:00").await;
    let yesterday = super::at("2026-11-19T08:30:00+08:00");
    house.until("everything is known", |known| !known.is_present("staff/lin", yesterday)).await;
    for (domain, time, recipient, capacity) in [
        ("printing", "2026-11-20T07:59:59.999999+08:00", "staff/chief", Capacity::Head),
        ("printing", start, "staff/printer", Capacity::Deputy),
        ("logistics", start, "staff/carrier", Capacity::Deputy),
        ("cabling", start, "staff/anybody", Capacity::Deputy),
        ("printing", "2026-11-20T08:59:59.999999+08:00", "staff/printer", Capacity::Deputy),
        ("printing", end, "staff/chief", Capacity::Head),
        ("printing", "2026-11-20T10:00:00+08:00", "staff/chief", Capacity::Head),
    ] {
        let transfer = hand(&house, &customer, domain, time).await.unwrap();
        assert_eq!((transfer.recipient.as_str(), transfer.capacity()), (recipient, capacity), "{domain} at {time}");
    }
}

#[tokio::test]
async fn a_deputy_who_is_away_is_passed_over_and_where_nobody_is_there_nothing_is_handed_over() {
    let house = staffed().await;
    let customer = house.customer().await;
    let [start, end] = ["2026-11-20T08:00:00+08:00", "2026-11-20T12:00:00+08:00"];
    let now = house.intake.now();
    for staff in ["staff/chief", "staff/printer"] {
        away(&house, staff, start, end).await;
    }
    house.until("two are away", |known| !known.is_present("staff/printer", now)).await;
    let transfer = hand(&house, &customer, "printing", "2026-11-20T09:00:00+08:00").await.unwrap();
    assert_eq!(transfer.recipient, "staff/anybody");

    let last = away(&house, "staff/anybody", start, end).await;
    house.until("three are away", |known| !known.is_present("staff/anybody", now)).await;
    let refused = hand(&house, &customer, "printing", "2026-11-20T09:00:00+08:00").await;
    let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
    assert_eq!(refusal.clauses(), ["A2.4"]);

    // The deputy is back earlier than planned.
    let call =
        pb::EndAbsenceRequest { name: last.name, end_time: proto("2026-11-20T09:30:00+08:00"), ..Default::default() };
    house.directory().end_absence(call).await.unwrap();
    house.until("one is back", |known| known.is_present("staff/anybody", now)).await;
    let transfer = hand(&house, &customer, "printing", "2026-11-20T09:30:00+08:00").await.unwrap();
    assert_eq!(transfer.recipient, "staff/anybody");
}
