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
    assert!(!duty.clone().meet(due).late);
    assert!(duty.meet(due + SignedDuration::from_micros(1)).late);
    assert_eq!(duty.elapsed_us, 8 * 3_600_000_000 + 1);
}

#[test]
fn a_pause_keeps_the_time_that_was_left() {
    let mut duty = duty(working(8));
    duty.pause(at("2026-11-20T11:00:00+08:00"), "waiting", "staff/lin");
    let resumed = duty.resume(at("2026-11-24T10:00:00+08:00"));
    assert_eq!(duty.elapsed_us, 90 * 60_000_000);
    assert_eq!(duty.due_at.unwrap(), at("2026-11-24T17:30:00+08:00"));
    assert_eq!(resumed.due_time, duty.due_at.map(to_proto));
    assert_eq!(duty.paused_us, 95 * 3_600_000_000);
    let change = duty.meet(at("2026-11-24T17:30:00+08:00"));
    assert!(!change.late);
    assert_eq!(duty.elapsed_us, duty.budget_us);
}

#[test]
fn a_duty_fulfilled_while_its_clock_stands_is_in_time() {
    let mut duty = duty(working(1));
    duty.pause(at("2026-11-20T10:00:00+08:00"), "waiting", "staff/lin");
    assert!(!duty.meet(at("2026-12-20T10:00:00+08:00")).late);
    assert_eq!(duty.elapsed_us, 30 * 60_000_000);
}

#[test]
fn a_late_record_of_a_timely_deed_corrects_the_breach_and_keeps_it_visible() {
    let mut duty = duty(working(1));
    mark(&mut duty);
    let change = duty.meet(at("2026-11-20T10:15:00+08:00"));
    assert_eq!((change.kind(), change.late), (Kind::Corrected, false));
    assert!(duty.corrected && duty.breached_at.is_some());
}

#[test]
fn a_breached_duty_fulfilled_late_stays_breached() {
    let mut duty = duty(working(1));
    mark(&mut duty);
    let change = duty.meet(at("2026-11-20T16:00:00+08:00"));
    assert_eq!((change.kind(), change.late, duty.corrected), (Kind::Met, true, false));
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
    duty.replace_due(promised, at("2026-11-20T10:00:00+08:00"), "parts");
    assert_eq!((duty.measure, duty.budget_us), (Measure::WallClock, (26 * 60 + 30) * 60_000_000));
    assert!(!duty.meet(promised).late);
}

#[test]
fn a_mark_that_is_taken_back_names_its_event_once_and_a_later_mark_its_own() {
    let mut duty = duty(working(1));
    let first = mark(&mut duty);
    assert_eq!(duty.take_corrected(), None, "the breach stands");
    duty.replace_due(at("2026-11-20T12:00:00+08:00"), at("2026-11-20T10:00:00+08:00"), "parts");
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
    let change = duty.meet(at("2027-01-04T09:30:00+08:00"));
    assert_eq!((change.kind(), change.late), (Kind::Corrected, false));
}

#[test]
fn a_wait_promised_while_the_clock_stands_is_used_up_only_once_it_runs() {
    let mut duty = duty(working(8));
    duty.pause(at("2026-11-20T10:00:00+08:00"), "parts", "staff/head");
    duty.replace_due(at("2026-11-20T12:00:00+08:00"), at("2026-11-20T11:00:00+08:00"), "parts");
    duty.resume(at("2026-11-20T11:30:00+08:00"));
    assert_eq!(duty.due_at.unwrap(), at("2026-11-20T12:30:00+08:00"), "an hour from when the clock runs again");
    assert_eq!(duty.paused_us, 90 * 60_000_000);
}

#[test]
fn what_a_clause_breaks_at_the_very_due_time_is_no_mark_of_the_clock() {
    let mut duty = duty(working(1));
    let due = duty.due_at.unwrap();
    duty.breach(due);
    let change = duty.meet(due);
    assert_eq!((change.kind(), change.late, duty.corrected), (Kind::Met, true, false));
}
