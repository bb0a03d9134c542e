//! Tests of the calendar on known dates. Beside them, `properties` tests random calendars and `holidays` every date of
//! the table.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};

use super::{Calendar, Due, YearNotPublished};
use crate::{Budget, Error};

mod holidays;
mod properties;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn certain(text: &str) -> Due {
    Due { at: at(text), provisional: false }
}

/// Adds working time on the standard calendar, instants written in its zone.
fn add(from: &str, length: SignedDuration) -> Due {
    Calendar::standard().add_working(at(from), length)
}

#[test]
fn working_time_skips_lunch_night_and_weekend() {
    // 2026-11-20 is a Friday.
    assert_eq!(add("2026-11-20T11:30:00+08", hours(1)), certain("2026-11-20T13:30:00+08"));
    assert_eq!(add("2026-11-20T17:30:00+08", hours(1)), certain("2026-11-23T09:30:00+08"));
    assert_eq!(add("2026-11-21T10:00:00+08", hours(1)), certain("2026-11-23T10:00:00+08"));
    assert_eq!(add("2026-11-20T03:00:00+08", hours(8)), certain("2026-11-20T18:00:00+08"));
}

#[test]
fn the_next_working_day_ends_when_its_last_interval_does_and_days_off_are_passed_over() {
    // 2026-11-20 is a Friday.
    for (from, end) in [
        ("2026-11-19T23:59:59+08", "2026-11-20T18:00:00+08"),
        ("2026-11-20T00:00:00+08", "2026-11-23T18:00:00+08"),
        ("2026-11-22T10:00:00+08", "2026-11-23T18:00:00+08"),
    ] {
        assert_eq!(Calendar::standard().end_of_next_working_day(at(from)), at(end), "{from}");
    }
    let evening = Calendar::from_toml("mon = ['18:30-24:00']").unwrap();
    let monday = at("2026-11-24T00:00:00+08");
    assert_eq!(evening.end_of_next_working_day(at("2026-11-20T10:00:00+08")), monday);
}

#[test]
fn a_result_at_an_intervals_end_stays_there() {
    assert_eq!(add("2026-11-20T17:00:00+08", hours(1)), certain("2026-11-20T18:00:00+08"));
    assert_eq!(add("2026-11-20T09:00:00+08", hours(3)), certain("2026-11-20T12:00:00+08"));
    let nanosecond = SignedDuration::from_nanos(1);
    assert_eq!(add("2026-11-20T18:00:00+08", nanosecond), certain("2026-11-23T09:00:00.000000001+08"));
}

#[test]
fn holidays_are_skipped_and_make_up_days_are_worked() {
    // 2026-09-30 is the eve of a week of National Day; Saturday 10 October makes up for it, after Thursday and Friday.
    assert_eq!(add("2026-09-30T17:00:00+08", hours(2)), certain("2026-10-08T10:00:00+08"));
    assert_eq!(add("2026-10-09T18:00:00+08", hours(4)), certain("2026-10-10T14:00:00+08"));
}

#[test]
fn a_span_between_instants_counts_working_time_only() {
    let calendar = Calendar::standard();
    let between = |from, to| calendar.working_between(at(from), at(to));
    assert_eq!(between("2026-11-20T11:00:00+08", "2026-11-23T10:00:00+08"), hours(7));
    assert_eq!(between("2026-11-20T12:00:00+08", "2026-11-20T13:00:00+08"), SignedDuration::ZERO);
    assert_eq!(between("2026-11-23T10:00:00+08", "2026-11-20T11:00:00+08"), SignedDuration::ZERO);
    // 248 working days of eight hours in 2026, as the State Council's notice leaves them.
    assert_eq!(between("2026-01-01T00:00:00+08", "2027-01-01T00:00:00+08"), hours(248 * 8));
}

#[test]
fn what_reaches_into_an_unpublished_year_is_provisional() {
    let last = add("2026-12-31T17:00:00+08", hours(1));
    assert_eq!(last, certain("2026-12-31T18:00:00+08"));
    let beyond = add("2026-12-31T17:00:00+08", hours(2));
    assert_eq!(beyond, Due { at: at("2027-01-01T10:00:00+08"), provisional: true });
    // The year before is not published either, and does not matter.
    assert_eq!(add("2018-01-01T00:30:00+08", hours(1)), certain("2018-01-02T10:00:00+08"));
    assert!(add("2017-12-29T17:30:00+08", hours(1)).provisional);
    let calendar = Calendar::standard();
    assert_eq!(calendar.is_working_day(date(2027, 1, 1)), Err(YearNotPublished { year: 2027 }));
    assert_eq!(calendar.is_working_day(date(2026, 1, 1)), Ok(false));
    let wall = calendar.due(at("2026-12-31T17:00:00+08"), Budget::wall(hours(24)));
    assert_eq!(wall, certain("2027-01-01T17:00:00+08"));
}

#[test]
fn an_operator_publishes_a_year_and_sets_single_days() {
    let calendar = Calendar::from_toml(
        r#"
        published = [2027]
        days_off = ["2027-01-01", "2026-12-25", "2026-02-14"]
        make_up = ["2027-01-02", "2026-10-01"]
        "#,
    )
    .unwrap();
    let worked = |y, m, d| calendar.is_working_day(date(y, m, d));
    assert_eq!(worked(2027, 1, 1), Ok(false));
    assert_eq!(worked(2027, 1, 2), Ok(true));
    assert_eq!(worked(2027, 1, 4), Ok(true));
    assert_eq!(worked(2026, 12, 25), Ok(false));
    assert_eq!(worked(2026, 2, 14), Ok(false));
    assert_eq!(worked(2026, 10, 1), Ok(true));
    assert_eq!(calendar.add_working(at("2026-12-31T18:00:00+08"), hours(1)), certain("2027-01-02T10:00:00+08"));
}

#[test]
fn a_shift_to_midnight_and_one_from_midnight_join() {
    let calendar = Calendar::from_toml(
        r#"
        holidays = "none"
        mon = ["18:30-24:00"]
        tue = ["00:00-02:00"]
        wed = []
        thu = []
        fri = []
        "#,
    )
    .unwrap();
    let due = |length| calendar.add_working(at("2026-11-23T20:00:00+08"), length);
    assert_eq!(due(hours(4)), certain("2026-11-24T00:00:00+08"));
    assert_eq!(due(hours(5)), certain("2026-11-24T01:00:00+08"));
    assert_eq!(due(hours(7)), certain("2026-11-30T19:30:00+08"));
    assert_eq!(calendar.nominal_day(), SignedDuration::from_mins(330));
}

#[test]
fn clocks_set_forward_and_back_change_the_hours_worked() {
    let calendar = Calendar::from_toml(
        "zone = 'America/New_York'\nholidays = 'none'\nsun = ['00:30-03:30']\nmon = []\ntue = []\nwed = []\nthu = []\nfri = []",
    )
    .unwrap();
    let worked = |from, to| calendar.working_between(at(from), at(to));
    // 2026-03-08 has no 02:00–03:00, 2026-11-01 has 01:00–02:00 twice.
    assert_eq!(worked("2026-03-08T00:00:00-05", "2026-03-09T00:00:00-04"), hours(2));
    assert_eq!(worked("2026-11-01T00:00:00-04", "2026-11-02T00:00:00-05"), hours(4));
    assert_eq!(calendar.add_working(at("2026-03-08T00:30:00-05"), hours(2)), certain("2026-03-08T03:30:00-04"));
    assert_eq!(calendar.add_working(at("2026-11-01T00:30:00-04"), hours(4)), certain("2026-11-01T03:30:00-05"));
}

#[test]
fn a_clock_set_back_over_midnight_shows_the_day_before_again() {
    // In St John's, 2010-11-07 00:01 was followed by 2010-11-06 23:01.
    let calendar =
        Calendar::from_toml("zone = 'America/St_Johns'\nholidays = 'none'\nsat = []\nsun = ['00:00-01:00']").unwrap();
    let begun = at("2010-11-07T00:00:00-02:30");
    let again = at("2010-11-06T23:31:00-03:30");
    assert_eq!(calendar.working_between(at("2010-11-06T00:00:00-02:30"), again), SignedDuration::from_mins(31));
    assert_eq!(calendar.add_working(again, hours(1)), certain("2010-11-07T00:31:00-03:30"));
    assert_eq!(calendar.add_working(begun, hours(2)), certain("2010-11-07T01:00:00-03:30"));
}

#[test]
fn the_ends_of_time_are_reached_without_failure() {
    let calendar = Calendar::standard();
    let end = Due { at: Timestamp::MAX, provisional: true };
    assert_eq!(calendar.add_working(Timestamp::MAX, hours(1)), end);
    assert_eq!(calendar.add_working(at("9999-12-01T00:00:00Z"), hours(100_000)), end);
    assert_eq!(calendar.due(Timestamp::MAX, Budget::wall(hours(1))).at, Timestamp::MAX);
    assert!(calendar.add_working(Timestamp::MIN, hours(1)).provisional);
    assert!(calendar.working_between(at("9999-12-01T00:00:00Z"), Timestamp::MAX) > SignedDuration::ZERO);
    let from = at("2026-11-20T20:00:00+08");
    assert_eq!(calendar.add_working(from, SignedDuration::ZERO), Due { at: from, provisional: false });
}

#[test]
fn impossible_calendars_are_refused_by_key() {
    let key = |text: &str| match Calendar::from_toml(text) {
        Err(Error::Calendar { key, .. }) => key,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(key("zone = 'Mars/Olympus'"), "zone");
    assert_eq!(key("zone = ''"), "zone");
    assert_eq!(key("holidays = 'US'"), "holidays");
    assert_eq!(key("mon = ['9-12']"), "mon");
    assert_eq!(key("tue = ['12:00-12:00']"), "tue");
    assert_eq!(key("wed = ['18:00-02:00']"), "wed");
    assert_eq!(key("thu = ['13:00-18:00', '09:00-12:00']"), "thu");
    assert_eq!(key("fri = ['09:00-13:00', '12:00-18:00']"), "fri");
    assert_eq!(key("sat = ['20:00-24:30']"), "sat");
    assert_eq!(key("mon = []\ntue = []\nwed = []\nthu = []\nfri = []"), "mon");
    assert_eq!(key("days_off = ['2026-02-30']"), "days_off");
    assert_eq!(key("days_off = ['20261225']"), "days_off");
    assert_eq!(key("make_up = ['25.12.2026']"), "make_up");
    assert_eq!(key("days_off = ['2026-12-25']\nmake_up = ['2026-12-25']"), "make_up");
    assert_eq!(key("published = [26]"), "published");
    for text in ["zone = 8", "holiday = 'CN'", "mon = '09:00-12:00'", "mon"] {
        assert!(matches!(Calendar::from_toml(text), Err(Error::Syntax { .. })), "{text}");
    }
}

#[test]
fn the_version_follows_the_data() {
    let version = |text: &str| Calendar::from_toml(text).unwrap().version().to_owned();
    let standard = version("");
    assert_eq!(standard, Calendar::standard().version());
    assert_eq!(standard, version("zone = 'Asia/Shanghai'\nholidays = 'CN'\nsat = []"));
    let others = [
        "zone = 'Asia/Tokyo'",
        "holidays = 'none'",
        "sat = ['09:00-12:00']",
        "days_off = ['2026-12-25']",
        "published = [2027]",
    ];
    for text in others {
        assert_ne!(standard, version(text), "{text}");
    }
}

#[test]
fn a_definition_reads_back_as_the_same_calendar() {
    for text in [
        "",
        "holidays = 'none'\nzone = 'America/Los_Angeles'\nsat = ['18:30-24:00']",
        "published = [2027]\nmake_up = ['2027-01-03']",
    ] {
        let calendar = Calendar::from_toml(text).unwrap();
        let again = Calendar::from_toml(&calendar.definition()).unwrap();
        assert_eq!(again.version(), calendar.version(), "{text}");
        assert_eq!(again.definition(), calendar.definition());
    }
}
