//! `WatchNotifications`: callers get their own notifications as they happen, each once, however often the stream
//! breaks.

use kefu_chassis::config::Limits;
use kefu_proto::notifications::v1::{WatchNotificationsRequest, WatchNotificationsResponse};
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bearer, Bench, assert_refused, eventually, sign};
use tonic::{Code, Status, Streaming};

use crate::notifications::{client, tell};
use crate::stage::write;

type Watch = Streaming<WatchNotificationsResponse>;

async fn watch(bench: &Bench, subject: &str, resume_token: &str) -> Result<Watch, Status> {
    let call = WatchNotificationsRequest { parent: bench.name(), resume_token: resume_token.into() };
    Ok(client(bench, subject, "AGENT").watch_notifications(call).await?.into_inner())
}

/// Returns the subject and name of the next message's notification, empty for a heartbeat, and its resume token.
async fn next(watch: &mut Watch) -> (String, String) {
    let message = watch.message().await.unwrap().unwrap();
    let about = message.notification.map(|notification| format!("{} {}", notification.subject, notification.name));
    (about.unwrap_or_default(), message.resume_token)
}

#[tokio::test]
async fn a_watch_begins_with_where_it_begins_and_shows_what_is_ones_own_as_it_happens() {
    let bench = Bench::of(&BARE).await;
    tell(&bench, &["staff/lin"], "before", None).await;
    bench.seal().await;
    let mut lin = watch(&bench, "staff/lin", "").await.unwrap();
    let mut mei = watch(&bench, "staff/mei", "").await.unwrap();
    assert!(next(&mut lin).await.0.is_empty() && next(&mut mei).await.0.is_empty());
    tell(&bench, &["staff/mei"], "hers", None).await;
    tell(&bench, &["staff/lin", "staff/mei"], "theirs", None).await;
    tell(&bench, &["staff/boss"], "another's", None).await;
    tell(&bench, &["staff/lin"], "last", None).await;
    for (watch, seen) in [(&mut lin, ["theirs", "last"]), (&mut mei, ["hers", "theirs"])] {
        for about in seen {
            assert!(next(watch).await.0.starts_with(&format!("things/{about} ")));
        }
    }
    let bearer = Bearer::new(&sign("staff/lin", &["AGENT"])).reading("zh");
    let mut chinese = kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient::new(
        bearer.on(bench.channel()),
    );
    let call = WatchNotificationsRequest { parent: bench.name(), ..Default::default() };
    let mut chinese = chinese.watch_notifications(call).await.unwrap().into_inner();
    next(&mut chinese).await;
    tell(&bench, &["staff/lin"], "R-1", None).await;
    let told = chinese.message().await.unwrap().unwrap().notification.unwrap();
    assert_eq!((told.text.as_str(), told.recipient.as_str()), ("R-1有新消息。", "staff/lin"));
}

#[tokio::test]
async fn a_watch_that_breaks_anywhere_goes_on_with_nothing_lost_and_nothing_twice() {
    let bench = Bench::of(&BARE).await;
    let mut first = watch(&bench, "staff/lin", "").await.unwrap();
    let mut tokens = vec![next(&mut first).await.1];
    tell(&bench, &["staff/lin"], "1", None).await;
    // One event may have several notifications for the same person.
    tell(&bench, &["staff/lin", "staff/mei", "staff/lin", "staff/lin"], "2", None).await;
    write(&bench, "things/1", 3).await;
    tell(&bench, &["staff/mei"], "3", None).await;
    tell(&bench, &["staff/lin"], "4", None).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        let (about, token) = next(&mut first).await;
        all.push(about);
        tokens.push(token);
    }
    let subjects: Vec<&str> = all.iter().map(|about| about.split(' ').next().unwrap()).collect();
    assert_eq!(subjects, ["things/1", "things/2", "things/2", "things/2", "things/4"]);
    for (seen, token) in tokens.iter().enumerate() {
        let mut again = watch(&bench, "staff/lin", token).await.unwrap();
        assert_eq!(next(&mut again).await, (String::new(), token.clone()), "it goes on where it was");
        for about in &all[seen..] {
            assert_eq!(next(&mut again).await.0, *about, "after {seen}");
        }
    }
}

#[tokio::test]
async fn a_resume_token_holds_for_its_own_watch_only() {
    let bench = Bench::of(&BARE).await;
    tell(&bench, &["staff/lin"], "1", None).await;
    bench.seal().await;
    let own = next(&mut watch(&bench, "staff/lin", "").await.unwrap()).await.1;
    watch(&bench, "staff/lin", &own).await.unwrap();
    let elsewhere = Bench::of(&BARE).await;
    for (bench, subject, token) in [
        (&bench, "staff/mei", own.as_str()),
        (&bench, "staff/lin", "x"),
        (&bench, "staff/lin", "字"),
        (&bench, "staff/lin", &own[1..]),
        (&bench, "staff/lin", &format!("{own}AAAA")),
        // The journal of the other service is shorter.
        (&elsewhere, "staff/lin", own.as_str()),
    ] {
        let refused = watch(bench, subject, token).await;
        let refusal = assert_refused(refused.map(|_| ()), Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["resume_token"], "{subject} {token}");
    }
}

#[tokio::test]
async fn there_are_only_so_many_streams_and_one_that_ends_makes_room() {
    let limits = Limits { streams: 2, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    let mut first = watch(&bench, "staff/lin", "").await.unwrap();
    let mut second = watch(&bench, "staff/lin", "").await.unwrap();
    next(&mut first).await;
    next(&mut second).await;
    let refusal = assert_refused(
        watch(&bench, "staff/mei", "").await.map(|_| ()),
        Code::ResourceExhausted,
        ErrorReason::Overloaded,
    );
    assert!(refusal.details.retry_info().is_some());
    // A refused watch takes no slot.
    let refused = watch(&bench, "staff/lin", "x").await.map(|_| ());
    assert!(refused.is_err());
    drop(first);
    let mut third = eventually("there is room", async || watch(&bench, "staff/mei", "").await.ok()).await;
    next(&mut third).await;
    drop(third);
    for _ in 0..5 {
        assert!(watch(&bench, "staff/lin", "x").await.is_err());
    }
    eventually("there is room again", async || watch(&bench, "staff/mei", "").await.ok()).await;
}

#[tokio::test]
async fn who_reads_slowly_keeps_nobody_waiting_and_misses_nothing() {
    const EVENTS: usize = 1_500;
    let bench = Bench::of(&BARE).await;
    let mut slow = watch(&bench, "staff/lin", "").await.unwrap();
    let mut quick = watch(&bench, "staff/lin", "").await.unwrap();
    next(&mut quick).await;
    // These notifications exceed the window of the connection.
    let about = "x".repeat(200);
    for _ in 0..EVENTS / 10 {
        tell(&bench, &["staff/lin"; 10], &about, None).await;
    }
    let mut seen = Vec::new();
    while seen.len() < EVENTS {
        seen.push(next(&mut quick).await.0);
    }
    next(&mut slow).await;
    for about in seen {
        assert_eq!(next(&mut slow).await.0, about);
    }
}

#[tokio::test]
async fn who_leaves_sees_no_more_from_the_next_event_on() {
    let bench = Bench::of(&BARE).await;
    let mut lin = watch(&bench, "staff/lin", "").await.unwrap();
    let mut mei = watch(&bench, "staff/mei", "").await.unwrap();
    next(&mut lin).await;
    next(&mut mei).await;
    bench.change_directory("update directory_staff set inactive = true where name = 'staff/lin'").await;
    tell(&bench, &["staff/lin", "staff/mei"], "1", None).await;
    assert_refused(lin.message().await, Code::PermissionDenied, ErrorReason::RoleMissing);
    assert!(next(&mut mei).await.0.starts_with("things/1 "));
    assert_refused(watch(&bench, "staff/lin", "").await.map(|_| ()), Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn a_quiet_watch_gives_a_sign_of_life_that_says_how_far_it_is() {
    let bench = Bench::of(&BARE).await;
    let mut lin = watch(&bench, "staff/lin", "").await.unwrap();
    let (_, begun) = next(&mut lin).await;
    tell(&bench, &["staff/mei"], "1", None).await;
    bench.seal().await;
    let (about, token) = next(&mut lin).await;
    assert!(about.is_empty() && token != begun, "past what is another's");
    tell(&bench, &["staff/lin"], "2", None).await;
    assert!(next(&mut lin).await.0.starts_with("things/2 "));
}
