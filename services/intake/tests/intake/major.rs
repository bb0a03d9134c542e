//! Major matters, which go to the general manager (A2.5).

use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::intake::v1 as pb;
use kefu_proto::notifications::v1::AcknowledgeNotificationRequest;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{Desk, proto};

#[tokio::test]
async fn a_major_matter_reaches_the_general_manager_whose_acknowledgement_fulfils_the_duty() {
    let mut desk = Desk::open().await;
    let mark =
        |name: &str| pb::MarkMajorRequest { name: name.into(), reason: "全网中断".into(), ..Default::default() };
    let (quick, slow) = (desk.working("printing").await, desk.working("printing").await);
    for name in [&quick, &slow] {
        assert!(desk.requests.mark_major(mark(name)).await.unwrap().into_inner().major);
    }
    assert_eq!(desk.duty(&quick, "major_report").await.due_time, proto("2026-11-20T10:15:00+08:00"));
    let told = desk.notifications_of("staff/ceo").await;
    assert!(told.iter().all(|each| each.kind == "major_matter" && each.acknowledgement_required), "{told:?}");
    let ceo = NotificationServiceClient::new(desk.bench.as_("staff/ceo", &["EXECUTIVE"]));
    let acknowledge = async |subject: &str| {
        let name = told.iter().find(|each| each.subject == subject).unwrap().name.clone();
        let call = AcknowledgeNotificationRequest { name, ..Default::default() };
        ceo.clone().acknowledge_notification(call).await.unwrap().into_inner()
    };
    desk.pass(5);
    assert!(acknowledge(&quick).await.acknowledge_time.is_some());
    let met = desk.duty(&quick, "major_report").await;
    assert_eq!((met.state(), met.met_time), (Kept::Met, proto("2026-11-20T10:05:00+08:00")));
    let twice = desk.requests.mark_major(mark(&quick)).await;
    assert_eq!(assert_refused(twice, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.5"]);
    // The other request is closed meanwhile; the duty to report it remains.
    desk.resolve(&slow).await.unwrap();
    desk.confirm(&slow, pb::contact_attempt::Outcome::Satisfied).await.unwrap();
    desk.pass(20);
    desk.bench.mark_overdue().await;
    let late = desk.duty(&slow, "major_report").await;
    assert_eq!((late.state(), late.breached_time), (Kept::Open, proto("2026-11-20T10:15:00+08:00")));
    acknowledge(&slow).await;
    assert_eq!(desk.duty(&slow, "major_report").await.state(), Kept::Met);
}

#[tokio::test]
async fn what_the_general_manager_does_not_acknowledge_is_reported_to_their_successor_and_to_nobody_it_cannot_be() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    let mark = || pb::MarkMajorRequest { name: name.clone(), reason: "全网中断".into(), ..Default::default() };
    desk.bench.change_directory("update directory_staff set inactive = true where name = 'staff/ceo'").await;
    let nobody = desk.requests.mark_major(mark()).await;
    assert_eq!(assert_refused(nobody, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.5"]);
    desk.bench.change_directory("update directory_post set staff = 'staff/ruler'").await;
    desk.requests.mark_major(mark()).await.unwrap();
    let pending = desk.requests.mark_major(mark()).await;
    assert_eq!(assert_refused(pending, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.5"]);
    desk.bench.change_directory("update directory_post set staff = 'staff/office'").await;
    desk.requests.mark_major(mark()).await.unwrap();
    let told = desk.notifications_of("staff/office").await.remove(0);
    let mut successor = NotificationServiceClient::new(desk.bench.as_("staff/office", &["OFFICE"]));
    let call = AcknowledgeNotificationRequest { name: told.name, ..Default::default() };
    successor.acknowledge_notification(call).await.unwrap();
    assert_eq!(desk.duty(&name, "major_report").await.state(), Kept::Met, "one duty, told twice");
}

#[tokio::test]
async fn a_matter_marked_as_major_by_many_at_once_is_told_once() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    let mark = || pb::MarkMajorRequest { name: name.clone(), reason: "全网中断".into(), ..Default::default() };
    let calls = (0..32).map(|_| {
        let (mut client, call) = (desk.requests.clone(), mark());
        async move { client.mark_major(call).await }
    });
    let outcomes = futures::future::join_all(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A2.5"]);
    }
    assert_eq!(desk.notifications_of("staff/ceo").await.len(), 1);
}

#[tokio::test]
async fn an_absent_general_managers_deputy_is_told_too_and_one_acknowledgement_meets_all() {
    let mut desk = Desk::open().await;
    let name = desk.working("printing").await;
    let deputy = "update directory_department set head = 'staff/ceo', deputies = '[{\"staff\": \"staff/office\", \"domains\": []}]'
        where name = (select department from directory_membership where staff = 'staff/ceo' order by since_at desc limit 1)";
    desk.bench.change_directory(deputy).await;
    desk.away("ceo", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z").await;
    let call = pb::MarkMajorRequest { name: name.clone(), reason: "全网中断".into(), ..Default::default() };
    desk.requests.mark_major(call).await.unwrap();
    let told = desk.notifications_of("staff/office").await;
    assert_eq!(told.len(), 1, "the deputy is told");
    assert_eq!(desk.notifications_of("staff/ceo").await.len(), 1, "and so is the general manager");
    let mut deputy = NotificationServiceClient::new(desk.bench.as_("staff/office", &["OFFICE"]));
    let call = AcknowledgeNotificationRequest { name: told[0].name.clone(), ..Default::default() };
    deputy.acknowledge_notification(call).await.unwrap();
    assert_eq!(desk.duty(&name, "major_report").await.state(), Kept::Met);
    let all = desk.notifications_of("staff/ceo").await;
    assert!(all.iter().all(|notice| notice.acknowledge_time.is_some()), "{all:?}");
}
