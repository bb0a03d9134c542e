//! Notifications: callers see their own only, in their language, and acknowledge each once.

use jiff::SignedDuration;
use kefu_chassis::duties::Duty;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::notifications::{Notice, NoticeKind};
use kefu_proto::compliance::v1::duty::State;
use kefu_proto::events::v1::DutyChanged;
use kefu_proto::notifications::v1 as pb;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bearer, Bench, Caller, assert_refused, request_id, sign};
use tonic::Code;

use crate::stage::{call, duty, get, name_of};

static NEWS: NoticeKind = NoticeKind { code: "news", english: "There is news of {}.", chinese: "{}有新消息。" };

pub fn client(bench: &Bench, subject: &str, role: &str) -> NotificationServiceClient<Caller> {
    NotificationServiceClient::new(bench.as_(subject, &[role]))
}

/// Records one event that notifies each of `recipients` about `about`.
pub async fn tell(bench: &Bench, recipients: &[&str], about: &str, duty: Option<Duty>) {
    let call = call(bench);
    let notices = recipients.iter().map(|&recipient| Notice {
        kind: &NEWS,
        recipient: recipient.to_owned(),
        clause: "A2.5".into(),
        subject: format!("things/{about}"),
        number: about.to_owned(),
        about: about.into(),
        duty: duty.as_ref().map(|duty| duty.id),
        acknowledgement_required: duty.is_some(),
    });
    let payload = DutyChanged { subject: format!("things/{about}") };
    let event = NewEvent::new("things/news", 1, call.now, &["A2.5"], &payload).telling(notices);
    let mut work = bench.chassis().begin(&call).await.unwrap();
    work.record(event);
    if let Some(duty) = duty {
        work.put(duty);
    }
    work.commit(()).await.unwrap();
}

async fn list(bench: &Bench, subject: &str, role: &str) -> Vec<pb::Notification> {
    let call = pb::ListNotificationsRequest { parent: bench.name(), ..Default::default() };
    client(bench, subject, role).list_notifications(call).await.unwrap().into_inner().notifications
}

fn acknowledge(name: &str) -> pb::AcknowledgeNotificationRequest {
    pb::AcknowledgeNotificationRequest { name: name.into(), ..Default::default() }
}

#[tokio::test]
async fn each_has_their_own_notifications_and_an_operator_has_nobody_elses() {
    let bench = Bench::of(&BARE).await;
    // Only staff are notified: two of these four.
    tell(&bench, &["staff/lin", "staff/mei", "customers/1", "services/web"], "one", None).await;
    assert_eq!(bench.number("select count(*) from notification").await, 2);
    let own = list(&bench, "staff/lin", "AGENT").await;
    assert_eq!((own.len(), own[0].recipient.as_str(), own[0].subject.as_str()), (1, "staff/lin", "things/one"));
    let name = own[0].name.clone();
    for (subject, role) in
        [("staff/mei", "AGENT"), ("staff/boss", "SUPERVISOR"), ("staff/ceo", "EXECUTIVE"), ("staff/admin", "ADMIN")]
    {
        let others = list(&bench, subject, role).await;
        assert!(others.iter().all(|other| other.recipient == subject), "{others:?}");
        let mut other = client(&bench, subject, role);
        let got = other.get_notification(pb::GetNotificationRequest { name: name.clone() }).await;
        assert_eq!(assert_refused(got, Code::NotFound, ErrorReason::ResourceNotFound).resource(), name);
        let noted = other.acknowledge_notification(acknowledge(&name)).await;
        assert_eq!(assert_refused(noted, Code::NotFound, ErrorReason::ResourceNotFound).resource(), name);
    }
    for (subject, role) in [("customers/1", "CUSTOMER"), ("services/web", "SERVICE")] {
        let mut other = client(&bench, subject, role);
        let refused = other.get_notification(pb::GetNotificationRequest { name: name.clone() }).await;
        assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
    assert_eq!(list(&bench, "staff/lin", "AGENT").await, own, "nobody noted it");
}

#[tokio::test]
async fn a_notification_reads_in_the_language_of_whoever_reads_it() {
    let bench = Bench::of(&BARE).await;
    tell(&bench, &["staff/lin"], "R-1", None).await;
    let name = list(&bench, "staff/lin", "AGENT").await.remove(0).name;
    for (languages, text) in [("zh-CN,en;q=0.5", "R-1有新消息。"), ("en", "There is news of R-1.")] {
        let bearer = Bearer::new(&sign("staff/lin", &["AGENT"])).reading(languages);
        let mut lin = NotificationServiceClient::new(bearer.on(bench.channel()));
        let call = pb::GetNotificationRequest { name: name.clone() };
        assert_eq!(lin.get_notification(call).await.unwrap().into_inner().text, text);
        let call = pb::ListNotificationsRequest { parent: bench.name(), ..Default::default() };
        assert_eq!(lin.list_notifications(call).await.unwrap().into_inner().notifications[0].text, text);
    }
}

#[tokio::test]
async fn the_newest_comes_first_and_what_is_noted_can_be_left_out() {
    let bench = Bench::of(&BARE).await;
    for about in ["1", "2", "3"] {
        tell(&bench, &["staff/lin"], about, None).await;
        bench.time().advance(SignedDuration::from_secs(1));
    }
    let all = list(&bench, "staff/lin", "AGENT").await;
    assert_eq!(all.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>(), ["things/3", "things/2", "things/1"]);
    let mut lin = client(&bench, "staff/lin", "AGENT");
    lin.acknowledge_notification(acknowledge(&all[1].name)).await.unwrap();
    let call = pb::ListNotificationsRequest { parent: bench.name(), unacknowledged: true, ..Default::default() };
    let open = lin.list_notifications(call).await.unwrap().into_inner().notifications;
    assert_eq!(open, [all[0].clone(), all[2].clone()]);
}

#[tokio::test]
async fn noting_it_meets_the_duty_that_asked_for_it_once() {
    let bench = Bench::of(&BARE).await;
    let asked = duty(&bench, "things/1", "staff/ceo", "departments/management", 1);
    let duty_name = name_of(&bench, &asked);
    tell(&bench, &["staff/ceo"], "1", Some(asked)).await;
    let notice = list(&bench, "staff/ceo", "EXECUTIVE").await.remove(0);
    assert_eq!((notice.duty.as_str(), notice.acknowledgement_required), (duty_name.as_str(), true));
    assert_eq!(get(&bench, &duty_name).await.state(), State::Open);
    let mut ceo = client(&bench, "staff/ceo", "EXECUTIVE");
    let stale = pb::AcknowledgeNotificationRequest { etag: "\"9\"".into(), ..acknowledge(&notice.name) };
    assert_refused(ceo.acknowledge_notification(stale).await, Code::Aborted, ErrorReason::EtagStale);

    bench.time().advance(SignedDuration::from_mins(10));
    let mut two = ceo.clone();
    let call = pb::AcknowledgeNotificationRequest {
        etag: notice.etag.clone(),
        request_id: request_id(),
        ..acknowledge(&notice.name)
    };
    let (one, other) = tokio::join!(ceo.acknowledge_notification(call.clone()), two.acknowledge_notification(call));
    let noted = one.unwrap().into_inner();
    assert_eq!(noted, other.unwrap().into_inner());
    assert_eq!(noted.acknowledge_time, Some(kefu_chassis::time::to_proto(bench.now())));
    let met = get(&bench, &duty_name).await;
    assert_eq!((met.state(), met.met_time), (State::Met, noted.acknowledge_time));

    // A second acknowledgement changes nothing.
    bench.time().advance(SignedDuration::from_mins(10));
    assert_eq!(ceo.acknowledge_notification(acknowledge(&notice.name)).await.unwrap().into_inner(), noted);
    assert_eq!(get(&bench, &duty_name).await, met);
    assert_eq!(bench.number("select count(*) from journal").await, 2, "told and noted");
}

#[tokio::test]
async fn noting_it_leaves_a_duty_alone_that_is_over_or_that_it_is_only_about() {
    let bench = Bench::of(&BARE).await;
    let mut waived = duty(&bench, "things/1", "staff/ceo", "departments/management", 1);
    let _ = waived.waive(bench.now(), "x", "staff/y");
    let over = name_of(&bench, &waived);
    tell(&bench, &["staff/ceo"], "1", Some(waived)).await;
    let notice = list(&bench, "staff/ceo", "EXECUTIVE").await.remove(0);
    client(&bench, "staff/ceo", "EXECUTIVE").acknowledge_notification(acknowledge(&notice.name)).await.unwrap();
    assert_eq!(get(&bench, &over).await.state(), State::Waived);

    let late = duty(&bench, "things/2", "staff/lin", "departments/desk", 1);
    let late = crate::stage::store(&bench, vec![late]).await.remove(0);
    bench.time().advance(SignedDuration::from_hours(2));
    bench.mark_overdue().await;
    let notice = list(&bench, "staff/lin", "AGENT").await.remove(0);
    assert_eq!((notice.kind.as_str(), notice.duty.as_str()), ("duty_overdue", late.as_str()));
    client(&bench, "staff/lin", "AGENT").acknowledge_notification(acknowledge(&notice.name)).await.unwrap();
    assert_eq!(get(&bench, &late).await.state(), State::Open);
}
