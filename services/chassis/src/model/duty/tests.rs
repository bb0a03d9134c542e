use std::sync::LazyLock;

use jiff::SignedDuration;
use kefu_regulation::{Budget, Measure as Clocked};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn new() -> NewDuty<'static> {
    let opened_at = at("2026-11-20T09:30:00+08:00");
    NewDuty {
        clause: "C4.1",
        kind: "progress",
        subject: "requests/1".into(),
        number: "",
        owner: "staff/lin",
        department: "departments/desk",
        regulation: "r",
        opened_at,
        now: opened_at,
    }
}

/// An entry of staff/lin, who owns the duty and does not lead.
fn entry(happened: &str, recorded: &str) -> Entry<'static> {
    entry_of("staff/lin", false, happened, recorded)
}

fn entry_of(by: &'static str, leads: bool, happened: &str, recorded: &str) -> Entry<'static> {
    static REGULATION: LazyLock<Regulation> = LazyLock::new(Regulation::standard);
    Entry { at: at(happened), now: at(recorded), by, leads, regulation: &REGULATION }
}

/// Fulfils it, which is recorded at once. Returns the last change.
fn meet(duty: &mut Duty, at: Timestamp) -> DutyChange {
    duty.meet(at, at).pop().unwrap()
}

fn duty(budget: Budget) -> Duty {
    new().within(budget, &Calendar::standard()).0
}

/// The clock marks it at its due time.
fn mark(duty: &mut Duty) -> Uuid {
    duty.breach(duty.due_at.unwrap());
    duty.breach_event.insert(Id::<DutyResource>::new(duty.opened_at).uuid()).to_owned()
}

fn working(hours: i64) -> Budget {
    Budget { measure: Clocked::Working, length: SignedDuration::from_hours(hours) }
}

#[test]
fn met_at_the_due_time_is_in_time_and_a_microsecond_later_is_late() {
    let mut duty = duty(working(8));
    let due = duty.due_at.unwrap();
    assert_eq!(due, at("2026-11-23T09:30:00+08:00"), "a working day later, over the weekend");
    assert!(!meet(&mut duty.clone(), due).late);
    assert!(meet(&mut duty, due + SignedDuration::from_micros(1)).late);
    assert_eq!(duty.elapsed_us, 8 * 3_600_000_000 + 1);
}

#[test]
fn a_pause_keeps_the_time_that_was_left() {
    let mut duty = duty(working(8));
    duty.pause(entry("2026-11-20T11:00:00+08:00", "2026-11-20T11:00:00+08:00"), "waiting");
    let resumed = duty.resume(at("2026-11-24T10:00:00+08:00"));
    assert_eq!(duty.elapsed_us, 90 * 60_000_000);
    assert_eq!(duty.due_at.unwrap(), at("2026-11-24T17:30:00+08:00"));
    assert_eq!(resumed.due_time, duty.due_at.map(to_proto));
    assert_eq!(duty.paused_us, 95 * 3_600_000_000);
    let change = meet(&mut duty, at("2026-11-24T17:30:00+08:00"));
    assert!(!change.late);
    assert_eq!(duty.elapsed_us, duty.budget_us);
}

#[test]
fn a_duty_fulfilled_while_its_clock_stands_is_in_time() {
    let mut duty = duty(working(1));
    duty.pause(entry("2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00+08:00"), "waiting");
    assert!(!meet(&mut duty, at("2026-12-20T10:00:00+08:00")).late);
    assert_eq!(duty.elapsed_us, 30 * 60_000_000);
}

/// What ends a duty: by when, and recorded when.
type End = fn(&mut Duty, Timestamp, Timestamp) -> Vec<DutyChange>;

#[test]
fn a_late_record_of_a_timely_deed_takes_the_mark_back_and_shows_that_it_came_late() {
    let (deed, recorded) = (at("2026-11-20T10:15:00+08:00"), at("2026-11-20T16:00:00+08:00"));
    let ends: [(&str, End); 2] =
        [("met", Duty::meet), ("withdrawn", |duty, at, now| duty.void(at, now, "A9.1", "staff/lin"))];
    for (what, end) in ends {
        let mut never_marked = duty(working(1));
        let mut duty = duty(working(1));
        let mark = mark(&mut duty);
        assert!(duty.is_late(recorded), "{what}");
        let kinds: Vec<Kind> = end(&mut duty, deed, recorded).iter().map(DutyChange::kind).collect();
        assert_eq!((kinds.len(), kinds[0]), (2, Kind::Corrected), "{what}");
        assert_eq!((duty.take_corrected(), duty.breached_at, duty.taken_back), (Some(mark), None, 1), "{what}");
        assert_eq!((duty.late, duty.recorded_late, duty.is_late(recorded)), (false, true, false), "{what}");
        assert_eq!(end(&mut never_marked, deed, recorded).len(), 1, "{what}");
        assert_eq!((never_marked.late, never_marked.recorded_late), (false, true), "{what}: the clock decides nothing");
    }
}

#[test]
fn a_breached_duty_fulfilled_late_stays_breached() {
    let mut duty = duty(working(1));
    mark(&mut duty);
    let change = meet(&mut duty, at("2026-11-20T16:00:00+08:00"));
    assert_eq!((change.kind(), change.late, duty.taken_back), (Kind::Met, true, 0));
}

#[test]
fn a_due_time_in_an_unpublished_year_is_provisional_until_its_holidays_are_known() {
    let opened_at = at("2026-12-31T17:30:00+08:00");
    let new = NewDuty { opened_at, now: opened_at, ..new() };
    let mut duty = new.within(working(1), &Calendar::standard()).0;
    assert_eq!((duty.due_at, duty.provisional), (Some(at("2027-01-01T09:30:00+08:00")), true));
    let published = Calendar::from_toml("published = [2027]\ndays_off = ['2027-01-01']").unwrap();
    let changes = duty.apply_published_holidays(published.clone(), at("2026-12-31T17:40:00+08:00"));
    assert_eq!((duty.due_at, duty.provisional), (Some(at("2027-01-04T09:30:00+08:00")), false));
    assert_eq!((changes[0].kind(), duty.calendar.version()), (Kind::Replaced, published.version()));
}

#[test]
fn a_promise_replaces_the_due_time_and_counts_wall_time() {
    let mut duty = duty(working(1));
    let promised = at("2026-11-21T12:00:00+08:00");
    duty.replace_due(promised, entry("2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00+08:00"), "parts");
    assert_eq!((duty.measure, duty.budget_us), (Measure::WallClock, (26 * 60 + 30) * 60_000_000));
    assert!(!meet(&mut duty, promised).late);
}

#[test]
fn a_mark_that_is_taken_back_names_its_event_once_and_a_later_mark_its_own() {
    let mut duty = duty(working(1));
    let first = mark(&mut duty);
    assert_eq!(duty.take_corrected(), None, "the breach stands");
    duty.replace_due(
        at("2026-11-20T12:00:00+08:00"),
        entry("2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00+08:00"),
        "parts",
    );
    assert_eq!((duty.take_corrected(), duty.take_corrected()), (Some(first), None));
    let second = mark(&mut duty);
    assert_eq!((duty.take_corrected(), duty.breach_event), (None, Some(second)));
}

#[test]
fn a_mark_moves_with_the_due_time_when_holidays_are_published() {
    let opened_at = at("2026-12-31T17:30:00+08:00");
    let new = NewDuty { opened_at, now: opened_at, ..new() };
    let mut duty = new.within(working(1), &Calendar::standard()).0;
    mark(&mut duty);
    let published = Calendar::from_toml("published = [2027]\ndays_off = ['2027-01-01']").unwrap();
    let changes = duty.apply_published_holidays(published, at("2027-01-05T09:00:00+08:00"));
    assert_eq!((changes[1].kind(), duty.breached_at), (Kind::Corrected, None), "it was never due on a holiday");
    duty.take_corrected();
    mark(&mut duty);
    let change = meet(&mut duty, at("2027-01-04T09:30:00+08:00"));
    assert_eq!((change.kind(), change.late, duty.taken_back), (Kind::Met, false, 2));
}

#[test]
fn a_wait_promised_while_the_clock_stands_is_used_up_only_once_it_runs() {
    let mut duty = duty(working(8));
    duty.pause(entry("2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00+08:00"), "parts");
    duty.replace_due(
        at("2026-11-20T12:00:00+08:00"),
        entry("2026-11-20T11:00:00+08:00", "2026-11-20T11:00:00+08:00"),
        "parts",
    );
    duty.resume(at("2026-11-20T11:30:00+08:00"));
    assert_eq!(duty.due_at.unwrap(), at("2026-11-20T12:30:00+08:00"), "an hour from when the clock runs again");
    assert_eq!(duty.paused_us, 90 * 60_000_000);
}

#[test]
fn what_was_said_in_time_moves_the_due_time_only_if_it_is_recorded_soon_or_by_a_leader_who_never_owned_the_duty() {
    let (said, in_time) = ("2026-11-20T10:00:00+08:00", "2026-11-20T10:45:00+08:00");
    let too_late = "2026-11-20T10:45:00.000001+08:00";
    for (entry, moves, moved_late) in [
        (entry(said, said), true, false),
        (entry(said, in_time), true, false),
        (entry(said, too_late), false, false),
        (entry("2026-11-20T10:30:00.000001+08:00", in_time), false, false),
        (entry_of("staff/head", true, said, too_late), true, true),
        (entry_of("staff/head", false, said, too_late), false, false),
        (entry_of("staff/lin", true, said, too_late), false, false),
    ] {
        let mut promised = duty(working(1));
        mark(&mut promised);
        promised.replace_due(at("2026-11-20T15:00:00+08:00"), entry, "parts");
        let mut paused = duty(working(1));
        mark(&mut paused);
        paused.pause_by_lifecycle(entry, "C2.3");
        for (duty, what) in [(&promised, "promised"), (&paused, "paused")] {
            let now = at("2026-11-20T14:00:00+08:00");
            assert_eq!(duty.is_late(now), !moves, "{what} {entry:?}");
            assert_eq!((duty.taken_back, duty.moved_late), (i16::from(moves), moved_late), "{what} {entry:?}");
        }
    }
}

#[test]
fn who_owned_a_duty_is_remembered_unless_they_passed_a_hand_over_on_at_once() {
    let mut duty = duty(working(8));
    let hand = |duty: &mut Duty, to: &str, when| duty.reassign(to, "departments/desk", entry(when, when));
    hand(&mut duty, "staff/head", "2026-11-20T10:00:00+08:00");
    hand(&mut duty, "staff/wu", "2026-11-20T10:30:00+08:00");
    hand(&mut duty, "staff/zhao", "2026-11-20T11:00:00.000001+08:00");
    let owned = ["staff/lin", "staff/head", "staff/wu", "staff/zhao"].map(|staff| duty.was_owned_by(staff));
    assert_eq!(owned, [true, false, true, true], "the head passed it on within the time of A2.4, and Wu did not");
}

#[test]
fn a_pause_ends_when_the_duty_comes_to_whoever_decided_it() {
    let paused = || {
        let mut duty = duty(working(8));
        let when = "2026-11-20T10:00:00+08:00";
        duty.pause(entry_of("staff/head", true, when, when), "parts");
        duty
    };
    let when = "2026-11-20T11:00:00+08:00";
    for (to, state) in [("staff/wu", State::Paused), ("staff/head", State::Open)] {
        let mut duty = paused();
        duty.reassign(to, "departments/desk", entry(when, when));
        assert_eq!(duty.state, state, "{to}");
    }
}

#[test]
fn an_earlier_deed_recorded_later_fulfils_the_duty_from_then_on() {
    let mut duty = duty(working(1));
    let late = at("2026-11-20T11:00:00+08:00");
    assert!(meet(&mut duty, late).late);
    let change = duty.meet(at("2026-11-20T10:00:00+08:00"), late).pop().unwrap();
    assert!(!change.late && !duty.late && duty.recorded_late);
    assert_eq!(duty.elapsed_us, 30 * 60_000_000);
}

#[test]
fn a_deviation_is_over_at_once_and_late_for_nothing() {
    let (duty, change) = new().deviated(&Calendar::standard());
    assert_eq!((duty.state, duty.is_live(), change.kind()), (State::Deviated, false, Kind::Deviated));
    assert!(!duty.is_late(at("2027-11-20T10:00:00+08:00")));
}
