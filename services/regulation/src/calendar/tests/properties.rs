//! Properties of working time on random calendars, and agreement with an oracle that steps through every minute.

use std::cmp::max;

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Calendar, Holidays, Interval};
use crate::TimeOfDay;

/// Days on which offsets change: over a quarter, at midnight, by half an hour, back over midnight, by a whole day; and two
/// on which they do not.
const DAYS: [(&str, Date); 13] = [
    ("Asia/Shanghai", date(2026, 6, 1)),
    ("UTC", date(2026, 10, 1)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2026, 11, 1)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Asia/Beirut", date(2026, 10, 25)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Pacific/Apia", date(2011, 12, 30)),
];

/// A calendar and what it was made of.
#[derive(Debug, Clone)]
struct Sample {
    calendar: Calendar,
    /// Two days before the day of interest, in the calendar's zone.
    start: Timestamp,
    week: [Vec<Interval>; 7],
    off: Vec<Date>,
    make_up: Vec<Date>,
}

fn day() -> impl Strategy<Value = Vec<Interval>> {
    // Minutes in order, read in pairs: disjoint intervals, some of them touching, some to 24:00.
    // Most lie around midnight, where offsets change.
    let minutes = prop_oneof![0_u16..=1440, 0_u16..=180, 1380_u16..=1440, Just(0), Just(1440)];
    vec(minutes, 0..7).prop_map(|mut minutes| {
        minutes.sort_unstable();
        let time = |minutes| TimeOfDay::from_minutes(minutes).unwrap();
        let pairs = minutes.chunks_exact(2);
        pairs.filter_map(|pair| Interval::new(time(pair[0]), time(pair[1]))).collect()
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let week: [_; 7] = std::array::from_fn(|_| day());
    let offsets = || btree_set(-4_i64..30, 0..8);
    (select(&DAYS), week, offsets(), offsets())
        .prop_filter("some working time", |(_, week, ..)| week.iter().any(|day| !day.is_empty()))
        .prop_map(|((zone, base), week, off, make_up)| {
            let date = |offset: i64| base.checked_add(offset.days()).unwrap();
            let off: Vec<_> = off.iter().filter(|day| !make_up.contains(day)).copied().map(date).collect();
            let make_up: Vec<_> = make_up.into_iter().map(date).collect();
            let mut holidays = Holidays::none();
            for day in &off {
                holidays.add_day_off(*day);
            }
            for day in &make_up {
                holidays.add_make_up(*day);
            }
            let calendar = Calendar::new(zone, week.clone(), holidays).unwrap();
            let start = date(-2).to_zoned(calendar.zone().clone()).unwrap().timestamp();
            Sample { calendar, start, week, off, make_up }
        })
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// The instants of every minute worked from `from` on. In an hour that clocks show twice, the second pass continues
/// what was going on when the first ended.
fn minutes_worked(sample: &Sample, from: Timestamp, count: i64) -> Vec<bool> {
    let zone = sample.calendar.zone();
    let warm_up = 3 * 24 * 60;
    let mut shown = DateTime::MIN;
    let mut worked = Vec::new();
    for minute in -warm_up..count {
        shown = max(shown, zone.to_datetime(from + minutes(minute)));
        if minute >= 0 {
            worked.push(works_at(sample, shown));
        }
    }
    worked
}

fn works_at(sample: &Sample, civil: DateTime) -> bool {
    let day = civil.date();
    let monday_or_next = sample.week.iter().find(|day| !day.is_empty()).unwrap();
    let nothing = Vec::new();
    let intervals = if sample.off.contains(&day) {
        &nothing
    } else if sample.make_up.contains(&day) {
        monday_or_next
    } else {
        &sample.week[usize::from(day.weekday().since(Weekday::Monday).unsigned_abs())]
    };
    let minute = u16::try_from(i16::from(civil.hour()) * 60 + i16::from(civil.minute())).unwrap();
    intervals.iter().any(|interval| interval.start().minutes() <= minute && minute < interval.end().minutes())
}

fn total(worked: &[bool]) -> SignedDuration {
    minutes(worked.iter().filter(|worked| **worked).count().try_into().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_was_added_lies_between(sample in sample(), from in 0_i64..500_000, length in 1_i64..20_000_000) {
        let calendar = &sample.calendar;
        let from = sample.start + SignedDuration::from_millis(from * 1_000 + 7);
        let length = SignedDuration::from_millis(length);
        let due = calendar.add_working(from, length);
        prop_assert_eq!(calendar.working_between(from, due.at), length);
        // The moment before is worked, so the result lies inside an interval or at its end.
        let before = due.at - SignedDuration::from_nanos(1);
        prop_assert_eq!(calendar.working_between(before, due.at), SignedDuration::from_nanos(1));
        prop_assert!(!due.provisional);
    }

    #[test]
    fn more_time_is_never_due_earlier(sample in sample(), from in 0_i64..5_000, later in 0_i64..5_000, length in 1_i64..5_000, more in 0_i64..5_000) {
        let calendar = &sample.calendar;
        let from = sample.start + minutes(from);
        let due = |from, length| calendar.add_working(from, minutes(length)).at;
        prop_assert!(due(from, length) <= due(from, length + more));
        prop_assert!(due(from, length) <= due(from + minutes(later), length));
        // In two steps as in one.
        prop_assert_eq!(due(due(from, length), more + 1), due(from, length + more + 1));
    }

    #[test]
    fn spans_add_up(sample in sample(), start in 0_i64..5_000, first in 0_i64..5_000, second in 0_i64..80_000) {
        let calendar = &sample.calendar;
        let a = sample.start + SignedDuration::from_secs(start * 61);
        let b = a + SignedDuration::from_secs(first * 61);
        let c = b + SignedDuration::from_secs(second * 61);
        let sum = calendar.working_between(a, b) + calendar.working_between(b, c);
        prop_assert_eq!(sum, calendar.working_between(a, c));
        prop_assert!(sum <= c.duration_since(a));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn the_calendar_agrees_with_stepping_through_every_minute(sample in sample(), skip in 0_i64..5_000, span in 0_usize..8_000) {
        let from = sample.start + minutes(skip);
        let worked = minutes_worked(&sample, from, 8_000);
        let to = from + minutes(span.try_into().unwrap());
        prop_assert_eq!(sample.calendar.working_between(from, to), total(&worked[..span]));

        // The due time is the end of the minute that completes the length.
        let length = total(&worked[..span]);
        if length > SignedDuration::ZERO {
            let last = worked[..span].iter().rposition(|worked| *worked).unwrap();
            let expected = from + minutes(i64::try_from(last).unwrap() + 1);
            prop_assert_eq!(sample.calendar.add_working(from, length).at, expected);
        }
    }
}

/// Every zone over years, against the sum of its days one by one.
#[test]
fn long_spans_agree_with_the_sum_of_their_days() {
    for (zone, _) in DAYS {
        let week: [Vec<Interval>; 7] =
            std::array::from_fn(|_| vec!["00:00-03:10".parse().unwrap(), "22:00-24:00".parse().unwrap()]);
        let calendar = Calendar::new(zone, week, Holidays::china().unwrap()).unwrap();
        let start = |day: Date| day.to_zoned(calendar.zone().clone()).unwrap().timestamp();
        let (from, to) = (date(2010, 1, 1), date(2031, 1, 1));
        let mut sum = SignedDuration::ZERO;
        let mut day = from;
        while day < to {
            let next = day.tomorrow().unwrap();
            sum += calendar.working_between(start(day), start(next));
            day = next;
        }
        assert_eq!(calendar.working_between(start(from), start(to)), sum, "{zone}");
        assert_eq!(calendar.working_between(start(from), calendar.add_working(start(from), sum).at), sum, "{zone}");
    }
}
