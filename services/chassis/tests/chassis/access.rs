//! Who sees which duties, page by page.

use kefu_chassis::duties::{Duty, NewDuty};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused};
use tonic::Code;

use crate::stage::{compliance, duty, entry, name_of, store};

fn list(bench: &Bench) -> pb::ListDutiesRequest {
    pb::ListDutiesRequest { parent: bench.name(), ..pb::ListDutiesRequest::default() }
}

/// Duties of two persons in two departments: (owner, department).
const HELD: [(&str, &str); 4] = [
    ("staff/lin", "departments/desk"),
    ("staff/wu", "departments/desk"),
    ("staff/zhao", "departments/field"),
    ("staff/lin", "departments/field"),
];

#[tokio::test]
async fn each_role_sees_the_duties_its_access_allows_and_others_are_not_found() {
    let bench = Bench::of(&BARE).await;
    let duties =
        HELD.iter().zip(1..).map(|((owner, department), hours)| duty(&bench, "things/1", owner, department, hours));
    let names = store(&bench, duties.collect()).await;
    for (subject, role, department, seen) in [
        ("staff/lin", "AGENT", "departments/desk", vec![0, 3]),
        ("staff/lin", "TECHNICIAN", "", vec![0, 3]),
        ("staff/new", "AGENT", "departments/desk", vec![]),
        ("staff/head", "SUPERVISOR", "departments/desk", vec![0, 1]),
        ("staff/head", "MANAGER", "departments/field", vec![2, 3]),
        ("staff/lin", "SUPERVISOR", "departments/desk", vec![0, 1, 3]),
        ("staff/lin", "SUPERVISOR", "", vec![0, 3]),
        ("staff/ceo", "EXECUTIVE", "", vec![0, 1, 2, 3]),
        ("staff/ruler", "OFFICE", "departments/office", vec![0, 1, 2, 3]),
        ("staff/root", "ADMIN", "", vec![0, 1, 2, 3]),
        ("services/report", "SERVICE", "", vec![0, 1, 2, 3]),
    ] {
        if subject.starts_with("staff/") {
            bench.enrol(subject, department).await;
        }
        let mut client = compliance(bench.as_(subject, &[role]));
        let listed = client.list_duties(list(&bench)).await.unwrap().into_inner().duties;
        let listed: Vec<&str> = listed.iter().map(|duty| duty.name.as_str()).collect();
        assert_eq!(
            listed,
            seen.iter().map(|&index| names[index].as_str()).collect::<Vec<&str>>(),
            "{subject} {role} {department}"
        );
        for (index, name) in names.iter().enumerate() {
            let got = client.get_duty(pb::GetDutyRequest { name: name.clone() }).await;
            if seen.contains(&index) {
                assert_eq!(got.unwrap().into_inner().name, *name);
            } else {
                assert_eq!(assert_refused(got, Code::NotFound, ErrorReason::ResourceNotFound).resource(), name);
            }
        }
    }
    let mut customer = compliance(bench.as_("customers/1", &["CUSTOMER"]));
    assert_refused(customer.list_duties(list(&bench)).await, Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn filters_narrow_what_is_listed() {
    let bench = Bench::of(&BARE).await;
    let mut paused = duty(&bench, "things/2", "staff/lin", "departments/desk", 2);
    paused.pause(entry(&bench, "staff/head"), "parts");
    let mut breached = duty(&bench, "things/1", "staff/wu", "departments/desk", 3);
    let late = breached.due_at.unwrap() + jiff::SignedDuration::from_micros(1);
    breached.meet(late, late);
    let other = Duty { clause: "C3.2".into(), ..duty(&bench, "things/1", "staff/lin", "departments/desk", 4) };
    let names =
        store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 1), paused, breached, other])
            .await;
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let all = list(&bench);
    for (request, expected) in [
        (all.clone(), vec![0, 1, 2, 3]),
        (pb::ListDutiesRequest { subject: "things/1".into(), ..all.clone() }, vec![0, 2, 3]),
        (pb::ListDutiesRequest { owner: "staff/wu".into(), ..all.clone() }, vec![2]),
        (pb::ListDutiesRequest { clause: "C3.2".into(), ..all.clone() }, vec![3]),
        (pb::ListDutiesRequest { state: pb::duty::State::Paused.into(), ..all.clone() }, vec![1]),
        (pb::ListDutiesRequest { breached: true, ..all.clone() }, vec![2]),
        (pb::ListDutiesRequest { breached: true, owner: "staff/lin".into(), ..all }, vec![]),
    ] {
        let listed = client.list_duties(request.clone()).await.unwrap().into_inner().duties;
        let listed: Vec<&str> = listed.iter().map(|duty| duty.name.as_str()).collect();
        assert_eq!(listed, expected.iter().map(|&index| names[index].as_str()).collect::<Vec<&str>>(), "{request:?}");
    }
}

#[tokio::test]
async fn pages_give_every_duty_once_in_order_of_due_time_those_without_one_last() {
    let bench = Bench::of(&BARE).await;
    let calendar = bench.chassis().regulation.calendar();
    let mut duties: Vec<Duty> =
        (0..9).map(|number| duty(&bench, "things/1", "staff/lin", "departments/desk", number % 3)).collect();
    duties.extend((0..7).map(|_| {
        let now = bench.now();
        let (subject, owner, department, opened_at) = ("things/1".to_owned(), "staff/lin", "departments/desk", now);
        let new = NewDuty {
            clause: "C2.1",
            kind: "answer",
            subject,
            number: "",
            owner,
            department,
            regulation: "r",
            opened_at,
            now,
        };
        new.unrecorded(calendar).0
    }));
    let mut expected = duties.clone();
    expected.sort_by_key(|duty| (duty.due_at.unwrap_or(jiff::Timestamp::MAX), duty.id.uuid()));
    let expected: Vec<String> = expected.iter().map(|duty| name_of(&bench, duty)).collect();
    store(&bench, duties).await;
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    for page_size in [1, 3, 4, 16, 50] {
        let mut listed = Vec::new();
        let mut request = pb::ListDutiesRequest { page_size, ..list(&bench) };
        loop {
            let page = client.list_duties(request.clone()).await.unwrap().into_inner();
            assert!(page.duties.len() <= usize::try_from(page_size).unwrap());
            listed.extend(page.duties.into_iter().map(|duty| duty.name));
            if page.next_page_token.is_empty() || listed.len() > expected.len() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(listed, expected, "{page_size} at a time");
    }
}

#[tokio::test]
async fn a_page_token_holds_for_its_own_query_and_caller() {
    let bench = Bench::of(&BARE).await;
    store(&bench, (0..3).map(|_| duty(&bench, "things/1", "staff/lin", "departments/desk", 1)).collect()).await;
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let first = pb::ListDutiesRequest { page_size: 1, owner: "staff/lin".into(), ..list(&bench) };
    let page_token = client.list_duties(first.clone()).await.unwrap().into_inner().next_page_token;
    let next = pb::ListDutiesRequest { page_token: page_token.clone(), ..first.clone() };
    assert_eq!(
        client
            .list_duties(pb::ListDutiesRequest { page_size: 2, ..next.clone() })
            .await
            .unwrap()
            .into_inner()
            .duties
            .len(),
        2
    );
    for request in [
        pb::ListDutiesRequest { owner: "staff/wu".into(), ..next.clone() },
        pb::ListDutiesRequest { subject: "things/1".into(), ..next.clone() },
        pb::ListDutiesRequest { clause: "C4.1".into(), ..next.clone() },
        pb::ListDutiesRequest { state: 1, ..next.clone() },
        pb::ListDutiesRequest { breached: true, ..next.clone() },
        pb::ListDutiesRequest { page_token: format!("A{page_token}"), ..first.clone() },
        pb::ListDutiesRequest { page_token: "客".into(), ..first },
    ] {
        let refused = client.list_duties(request).await;
        assert_eq!(
            assert_refused(refused, Code::InvalidArgument, ErrorReason::PageTokenInvalid).fields(),
            ["page_token"]
        );
    }
    let mut other = compliance(bench.as_("staff/boss", &["ADMIN"]));
    assert_refused(other.list_duties(next).await, Code::InvalidArgument, ErrorReason::PageTokenInvalid);
}

#[tokio::test]
async fn malformed_requests_name_their_fields_and_other_services_are_not_found() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 1)]).await.remove(0);
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    for (request, fields) in [
        (pb::ListDutiesRequest { parent: String::new(), ..list(&bench) }, vec!["parent"]),
        (pb::ListDutiesRequest { parent: "services/a/b".into(), ..list(&bench) }, vec!["parent"]),
        (pb::ListDutiesRequest { page_size: -1, ..list(&bench) }, vec!["page_size"]),
        (pb::ListDutiesRequest { page_size: 201, state: 99, ..list(&bench) }, vec!["page_size", "state"]),
        (
            pb::ListDutiesRequest { owner: "lin".into(), subject: "x".repeat(201), ..list(&bench) },
            vec!["subject", "owner"],
        ),
    ] {
        let refused = client.list_duties(request).await;
        assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), fields);
    }
    for name in ["duties/1", "services/bare/duties/", "services/bare/requests/1"] {
        let refused = client.get_duty(pb::GetDutyRequest { name: name.into() }).await;
        assert_eq!(
            assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(),
            ["name"],
            "{name}"
        );
    }
    let refused = client.list_duties(pb::ListDutiesRequest { parent: "services/other".into(), ..list(&bench) }).await;
    assert_eq!(assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound).resource(), "services/other");
    for name in [name.replace("bare", "other"), name.replace("bare", "bar"), "services/bare/duties/1".into()] {
        let refused = client.get_duty(pb::GetDutyRequest { name: name.clone() }).await;
        assert_eq!(assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound).resource(), name);
    }
}
