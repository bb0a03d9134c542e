//! A9.1: a breach that stays unfulfilled is escalated level by level, each at its time, and nobody is told twice.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::duties::{Duty, Entry};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{DutyChange, SubscribeRequest};
use kefu_testkit::{BARE, Bench};

use crate::stage::{call, compliance, duty, entry, store, touch};

const DESK: &str = "departments/desk";
const MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// Marks and escalates breaches, and returns all notifications so far in order: the kind and the recipient.
async fn told(bench: &Bench) -> Vec<(String, String)> {
    bench.mark_overdue().await;
    let told = sqlx::query_as("select kind, recipient from notification order by created_at, id");
    told.fetch_all(bench.admin()).await.unwrap()
}

fn overdue(staff: &str) -> (String, String) {
    ("duty_overdue".to_owned(), staff.to_owned())
}

fn escalated(staff: &str) -> (String, String) {
    ("duty_escalated".to_owned(), staff.to_owned())
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// Asserts that the last notification of `by_then` is sent after `time` and not at it.
async fn assert_tells(bench: &Bench, time: &str, by_then: &[(String, String)]) {
    bench.time().advance_to(at(time));
    let before = told(bench).await;
    assert_eq!(before, by_then[..by_then.len() - 1], "not yet at {time}");
    bench.time().advance(MOMENT);
    assert_eq!(told(bench).await, by_then, "just after {time}");
}

/// Changes the live duties of `things/1` by a call of its own.
async fn change(bench: &Bench, change_it: impl Fn(&mut Duty, Timestamp)) {
    let call = call(bench);
    let mut work = bench.chassis().begin(&call).await.unwrap();
    touch(&mut work, "things/1", call.now, 1).await.unwrap();
    for mut duty in work.live_duties("things/1").await.unwrap() {
        change_it(&mut duty, call.now);
        work.put(duty);
    }
    work.commit(()).await.unwrap();
}

/// Stores a duty of `owner` at the desk, due at eleven on a Friday. Returns its name.
async fn due_at_eleven(bench: &Bench, owner: &str) -> String {
    store(bench, vec![duty(bench, "things/1", owner, DESK, 1)]).await.remove(0)
}

#[tokio::test]
async fn owner_supervisor_and_head_are_told_one_after_the_other_in_working_time() {
    let bench = Bench::of(&BARE).await;
    let name = due_at_eleven(&bench, "staff/lin").await;
    let all = [overdue("staff/lin"), escalated("staff/boss"), escalated("staff/head")];
    assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
    assert_tells(&bench, "2026-11-20T11:30:00+08:00", &all[..2]).await;
    // Four hours of working time: one before the break at noon, and three after it.
    assert_tells(&bench, "2026-11-20T16:00:00+08:00", &all).await;
    bench.time().advance(SignedDuration::from_hours(24 * 30));
    assert_eq!(told(&bench).await, all);

    bench.seal().await;
    let request = SubscribeRequest { parent: bench.name(), ..SubscribeRequest::default() };
    let mut feed = EventFeedClient::new(bench.as_service()).subscribe(request).await.unwrap().into_inner();
    let mut steps = Vec::new();
    while steps.len() < 3 {
        let event = feed.message().await.unwrap().unwrap().event.unwrap();
        steps.extend(event.duty_changes.into_iter().filter(|change| change.kind() == Kind::Escalated));
    }
    let is_step = |(step, (_, recipient)): (&DutyChange, &(String, String))| {
        step.duty == name && step.notified == *recipient && step.clause == "C4.1"
    };
    assert!(steps.iter().zip(&all).all(is_step), "{steps:?}");
}

#[tokio::test]
async fn the_times_are_parameters_of_the_regulation() {
    let overrides = "[A9.1]\nescalate_to_supervisor = \"10m\"\nescalate_to_manager = \"90m\"";
    let bench = Bench::builder(&BARE).regulation(overrides).start().await;
    due_at_eleven(&bench, "staff/lin").await;
    let all = [overdue("staff/lin"), escalated("staff/boss"), escalated("staff/head")];
    assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
    assert_tells(&bench, "2026-11-20T11:10:00+08:00", &all[..2]).await;
    assert_tells(&bench, "2026-11-20T12:30:00+08:00", &all).await;
}

#[tokio::test]
async fn nobody_is_told_twice_and_where_there_is_nobody_the_next_is_told_in_their_own_time() {
    let (supervisor, manager) = ("2026-11-20T11:30:00+08:00", "2026-11-20T16:00:00+08:00");
    for (owner, steps) in [
        // The supervisor heads the department.
        (
            "staff/boss",
            vec![("2026-11-20T11:00:00+08:00", overdue("staff/boss")), (supervisor, escalated("staff/head"))],
        ),
        // The owner heads the department.
        (
            "staff/head",
            vec![("2026-11-20T11:00:00+08:00", overdue("staff/head")), (supervisor, escalated("staff/ceo"))],
        ),
        // There is no supervisor.
        ("staff/x", vec![("2026-11-20T11:00:00+08:00", overdue("staff/x")), (manager, escalated("staff/head"))]),
        // The owner is no member of staff.
        ("services/bare", vec![(manager, escalated("staff/head"))]),
    ] {
        let bench = Bench::of(&BARE).await;
        due_at_eleven(&bench, owner).await;
        let all: Vec<(String, String)> = steps.iter().map(|(_, told)| told.clone()).collect();
        for (count, (time, _)) in (1..).zip(&steps) {
            assert_tells(&bench, time, &all[..count]).await;
        }
        bench.time().advance(SignedDuration::from_hours(24 * 30));
        assert_eq!(told(&bench).await, all, "{owner}");
    }
}

#[tokio::test]
async fn who_is_absent_or_has_left_is_passed_over_at_once_for_who_stands_in() {
    let bench = Bench::of(&BARE).await;
    bench
        .change_directory(
            "update directory_staff set inactive = true where name = 'staff/boss';
            update directory_department set deputies = '[{\"staff\": \"staff/wu\", \"domains\": []}]' where name = 'departments/desk';
            insert into directory_absence (name, staff, start_at, end_at)
            values ('staff/head/absences/1', 'staff/head', '2026-11-20', '2026-11-22')",
        )
        .await;
    due_at_eleven(&bench, "staff/lin").await;
    let all = [overdue("staff/lin"), escalated("staff/wu")];
    assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
    assert_tells(&bench, "2026-11-20T11:30:00+08:00", &all).await;
}

#[tokio::test]
async fn a_breach_of_an_owner_who_has_left_is_told_at_once_to_whoever_can_act() {
    let bench = Bench::of(&BARE).await;
    bench.change_directory("update directory_staff set inactive = true where name = 'staff/lin'").await;
    due_at_eleven(&bench, "staff/lin").await;
    let all = [escalated("staff/boss"), escalated("staff/head")];
    assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
    assert_tells(&bench, "2026-11-20T16:00:00+08:00", &all).await;
}

#[tokio::test]
async fn what_is_fulfilled_or_waived_is_told_no_further() {
    for is_waived in [false, true] {
        let bench = Bench::of(&BARE).await;
        let name = due_at_eleven(&bench, "staff/lin").await;
        let all = [overdue("staff/lin"), escalated("staff/boss")];
        assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
        assert_tells(&bench, "2026-11-20T11:30:00+08:00", &all).await;
        if is_waived {
            let mut head = compliance(bench.as_("staff/head", &["MANAGER"]));
            let waive = pb::WaiveDutyRequest { name, reason: "the house is gone".into(), ..Default::default() };
            head.waive_duty(waive).await.unwrap();
        } else {
            change(&bench, |duty, now| drop(duty.meet(now, now))).await;
        }
        bench.time().advance(SignedDuration::from_hours(24 * 30));
        assert_eq!(told(&bench).await, all);
    }
}

#[tokio::test]
async fn while_a_duty_is_paused_nobody_is_told_and_afterwards_it_goes_on() {
    let bench = Bench::of(&BARE).await;
    let name = due_at_eleven(&bench, "staff/lin").await;
    let all = [overdue("staff/lin"), escalated("staff/boss"), escalated("staff/head")];
    assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
    let mut head = compliance(bench.as_("staff/head", &["MANAGER"]));
    let pause = pb::PauseDutyRequest { name: name.clone(), reason: "waits for parts".into(), ..Default::default() };
    head.pause_duty(pause).await.unwrap();
    bench.time().advance_to(at("2026-11-20T15:00:00+08:00"));
    assert_eq!(told(&bench).await, all[..1]);
    head.resume_duty(pb::ResumeDutyRequest { name, ..Default::default() }).await.unwrap();
    assert_eq!(told(&bench).await, all[..2]);
    assert_tells(&bench, "2026-11-20T16:00:00+08:00", &all).await;
}

#[tokio::test]
async fn a_mark_that_was_taken_back_is_told_anew_when_it_is_made_again() {
    let bench = Bench::of(&BARE).await;
    due_at_eleven(&bench, "staff/lin").await;
    let all = [overdue("staff/lin"), escalated("staff/boss"), overdue("staff/lin"), escalated("staff/boss")];
    assert_tells(&bench, "2026-11-20T11:00:00+08:00", &all[..1]).await;
    assert_tells(&bench, "2026-11-20T11:30:00+08:00", &all[..2]).await;
    // A late record of a leader pauses the clock from half past ten on, so half an hour is left when the clock runs again.
    let awaited = |duty: &mut Duty, _| {
        let paused = Entry { at: at("2026-11-20T10:30:00+08:00"), leads: true, ..entry(&bench, "staff/head") };
        duty.pause_by_lifecycle(paused, "the customer is awaited");
    };
    change(&bench, awaited).await;
    bench.time().advance_to(at("2026-11-20T14:00:00+08:00"));
    assert_eq!(told(&bench).await, all[..2]);
    change(&bench, |duty, now| drop(duty.resume_by_lifecycle(now))).await;
    assert_tells(&bench, "2026-11-20T14:30:00+08:00", &all[..3]).await;
    assert_tells(&bench, "2026-11-20T15:00:00+08:00", &all).await;
}

#[tokio::test]
async fn replicas_tell_each_step_once() {
    let bench = Bench::of(&BARE).await;
    let replica = bench.replica().await;
    let duties = (0..50).map(|number| duty(&bench, &format!("things/{number}"), "staff/lin", DESK, 1));
    store(&bench, duties.collect()).await;
    for (time, count) in [("2026-11-20T11:00:01+08:00", 50), ("2026-11-20T11:30:01+08:00", 100)] {
        bench.time().advance_to(at(time));
        tokio::join!(bench.mark_overdue(), replica.mark_overdue());
        assert_eq!(bench.number("select count(*) from notification").await, count);
    }
    let twice = "select count(*) from (select from notification group by duty, recipient having count(*) > 1) as twice";
    assert_eq!(bench.number(twice).await, 0);
}

#[tokio::test]
async fn a_notice_of_a_breach_names_the_matter_and_the_clause_in_both_languages() {
    let bench = Bench::of(&BARE).await;
    let numbered = Duty { number: "T-20261120-000007".into(), ..duty(&bench, "things/1", "staff/lin", DESK, 1) };
    let unnumbered = duty(&bench, "things/2", "staff/mei", DESK, 1);
    store(&bench, vec![numbered, unnumbered]).await;
    bench.time().advance(SignedDuration::from_hours(2));
    bench.mark_overdue().await;
    let texts = "select recipient, kind, text_en, text_zh from notification order by recipient, kind";
    let told: Vec<(String, String, String, String)> = sqlx::query_as(texts).fetch_all(bench.admin()).await.unwrap();
    let text = |recipient: &str, kind: &str| {
        let found = told.iter().find(|told| told.0 == recipient && told.1 == kind).unwrap();
        (found.2.as_str(), found.3.as_str())
    };
    assert_eq!(
        text("staff/lin", "duty_overdue"),
        (
            "T-20261120-000007: Progress is told (C4.1) is overdue; it is yours and must still be fulfilled.",
            "T-20261120-000007：定期告知进展（C4.1）已逾期，仍须由您完成。"
        )
    );
    assert_eq!(
        text("staff/mei", "duty_overdue"),
        (
            "Progress is told (C4.1) is overdue; it is yours and must still be fulfilled.",
            "定期告知进展（C4.1）已逾期，仍须由您完成。"
        )
    );
    let (en, zh) = text("staff/boss", "duty_escalated");
    assert!(en.starts_with("T-20261120-000007: Progress is told (C4.1) is overdue"), "{en}");
    assert!(zh.starts_with("T-20261120-000007：定期告知进展（C4.1）已逾期"), "{zh}");
}
