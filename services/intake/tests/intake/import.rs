//! Imported requests: a duty is judged where the row has its time and unrecorded where it has not, and a row is
//! imported once.

use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::{ComplianceRow, SummarizeComplianceRequest};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Kind, Origin, State};
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused};
use tonic::{Code, Status};

use super::desk::{Desk, proto};

const WEEK: &str = "zone = 'America/Los_Angeles'\nholidays = 'none'\n";

fn row(line: i64) -> pb::ImportedRequest {
    pb::ImportedRequest {
        line,
        external_id: format!("1-{line}"),
        channel: Channel::Web.into(),
        kind: Kind::Service.into(),
        state: State::Closed.into(),
        department: "departments/bos".into(),
        contact_time: proto("2018-01-02T09:00:00-08:00"),
        closed_time: proto("2018-01-02T16:00:00-08:00"),
        ..Default::default()
    }
}

fn message(rows: Vec<pb::ImportedRequest>) -> pb::ImportRequestsRequest {
    pb::ImportRequestsRequest { source: "test".into(), rows, calendar: WEEK.into() }
}

fn importer(desk: &Desk) -> RequestServiceClient<Caller> {
    RequestServiceClient::new(desk.bench.as_service())
}

async fn import(desk: &Desk, messages: Vec<pb::ImportRequestsRequest>) -> Result<pb::ImportRequestsResponse, Status> {
    Ok(importer(desk).import_requests(tokio_stream::iter(messages)).await?.into_inner())
}

async fn compliance(desk: &Desk) -> Vec<ComplianceRow> {
    let mut client = ComplianceServiceClient::new(desk.bench.as_service());
    let call = SummarizeComplianceRequest { parent: desk.bench.name(), ..Default::default() };
    client.summarize_compliance(call).await.unwrap().into_inner().rows
}

#[tokio::test]
async fn imported_requests_keep_their_times_and_are_judged_where_these_are_known() {
    let desk = Desk::open().await;
    let rows = vec![
        pb::ImportedRequest { promised_time: proto("2018-01-03T00:00:00-08:00"), ..row(2) },
        pb::ImportedRequest {
            promised_time: proto("2018-01-02T12:00:00-08:00"),
            first_response_time: proto("2018-01-02T09:30:00-08:00"),
            ..row(3)
        },
        pb::ImportedRequest { closed_time: proto("2018-02-02T16:00:00-08:00"), ..row(4) },
        pb::ImportedRequest {
            state: State::Cancelled.into(),
            promised_time: proto("2018-01-03T00:00:00-08:00"),
            ..row(5)
        },
    ];
    let result = import(&desk, vec![message(rows)]).await.unwrap();
    assert_eq!((result.imported_count, result.known_count, result.rejected_count), (4, 0, 0));
    let counts: Vec<_> = compliance(&desk)
        .await
        .into_iter()
        .map(|row| (row.clause, row.opened, row.met_in_time, row.late, row.voided, row.not_recorded))
        .collect();
    let expected = [("C2.1", 4, 1, 0, 0, 3), ("C2.2", 3, 1, 1, 1, 0), ("C2.4", 4, 0, 0, 0, 4), ("C4.1", 1, 0, 0, 0, 1)];
    assert_eq!(
        counts,
        expected.map(|(clause, opened, met, late, voided, unknown)| (
            clause.to_owned(),
            opened,
            met,
            late,
            voided,
            unknown
        ))
    );

    let call = pb::ListRequestsRequest { external_id: "1-3".into(), ..Default::default() };
    let listed = importer(&desk).list_requests(call).await.unwrap().into_inner().requests;
    assert_eq!(
        (listed[0].origin(), listed[0].closed_time, listed[0].number.as_str()),
        (Origin::Import, proto("2018-01-02T16:00:00-08:00"), "R-20180103-000002")
    );
    assert_eq!(desk.events().await.iter().filter(|event| event.aggregate.starts_with("requests/")).count(), 4);
}

#[tokio::test]
async fn importing_again_adds_nothing_and_a_broken_row_stops_nothing() {
    let desk = Desk::open().await;
    let broken = vec![
        pb::ImportedRequest { closed_time: proto("2018-01-01T16:00:00-08:00"), ..row(3) },
        pb::ImportedRequest { channel: 99, ..row(4) },
        pb::ImportedRequest { external_id: String::new(), ..row(5) },
        pb::ImportedRequest { state: State::AwaitingCustomer.into(), ..row(6) },
        pb::ImportedRequest { closed_time: None, ..row(7) },
        pb::ImportedRequest { customer: "customers/01999999-0000-7000-8000-000000000000".into(), ..row(8) },
        pb::ImportedRequest {
            contact_time: proto("2036-01-01T00:00:00Z"),
            closed_time: proto("2036-01-01T00:00:00Z"),
            ..row(9)
        },
    ];
    let rows: Vec<_> = std::iter::once(row(2)).chain(broken).chain([row(10)]).collect();
    let first = import(&desk, vec![message(rows.clone())]).await.unwrap();
    assert_eq!((first.imported_count, first.known_count, first.rejected_count), (2, 0, 7));
    let mut named: Vec<_> = first.rejected_rows.iter().map(|row| (row.line, row.field.as_str())).collect();
    named.sort_unstable();
    let expected = [
        (3, "closed_time"),
        (4, "channel"),
        (5, "external_id"),
        (6, "state"),
        (7, "closed_time"),
        (8, "customer"),
        (9, "closed_time"),
    ];
    assert_eq!(named, expected);

    let before = desk.events().await;
    let again = import(&desk, vec![message(rows), message(vec![row(2), row(11), row(11)])]).await.unwrap();
    assert_eq!((again.imported_count, again.known_count, again.rejected_count), (1, 4, 7));
    assert_eq!(desk.events().await.len(), before.len() + 1);
}

#[tokio::test]
async fn an_import_that_cannot_begin_names_what_it_lacks() {
    let desk = Desk::open().await;
    for (field, call) in [
        ("source", pb::ImportRequestsRequest { source: String::new(), ..message(vec![row(2)]) }),
        ("calendar", pb::ImportRequestsRequest { calendar: "zone = 'Mars/Olympus'".into(), ..message(vec![row(2)]) }),
        ("rows", message((0..1_001).map(row).collect())),
    ] {
        let refused = assert_refused(import(&desk, vec![call]).await, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refused.fields(), [field]);
    }
    assert!(compliance(&desk).await.is_empty());
}
