//! The regular working week: intervals of civil time per weekday.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::Weekday;

use crate::error::Error;
use crate::value::TimeOfDay;

/// A stretch of working time on one day, from `start` up to but not including `end`; `end` may be 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    start: TimeOfDay,
    end: TimeOfDay,
}

impl Interval {
    /// Creates the interval between two times of a day; none if it would be empty.
    #[must_use]
    pub fn new(start: TimeOfDay, end: TimeOfDay) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Returns the start.
    #[must_use]
    pub const fn start(self) -> TimeOfDay {
        self.start
    }

    /// Returns the end.
    #[must_use]
    pub const fn end(self) -> TimeOfDay {
        self.end
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('-')
            .and_then(|(start, end)| Self::new(start.trim().parse().ok()?, end.trim().parse().ok()?))
            .ok_or_else(|| {
                format!("{text:?} is not an interval; expected start and a later end, such as \"09:00-12:00\" or \"18:30-24:00\"")
            })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// Keys of the weekdays in the `[calendar]` table, Monday first.
pub(super) const KEYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// One day's intervals with their total length in civil time.
#[derive(Debug, Clone, Default)]
pub(super) struct Day {
    pub(super) intervals: Vec<Interval>,
    pub(super) total: SignedDuration,
}

#[derive(Debug, Clone)]
pub(super) struct Week([Day; 7]);

impl Week {
    /// Checks that each day's intervals are in order and disjoint, and that there is some working time at all.
    pub(super) fn new(days: [Vec<Interval>; 7]) -> Result<Self, Error> {
        for (key, intervals) in KEYS.into_iter().zip(&days) {
            for pair in intervals.windows(2) {
                if let [earlier, later] = pair
                    && earlier.end > later.start
                {
                    return Err(Error::calendar(
                        key,
                        format!(
                            "{earlier} and {later} overlap or are out of order; list a day's intervals from morning to night"
                        ),
                    ));
                }
            }
        }
        if days.iter().all(Vec::is_empty) {
            return Err(Error::calendar(
                "mon",
                "no weekday has any working time; at least one needs an interval such as \"09:00-18:00\"",
            ));
        }
        Ok(Self(days.map(|intervals| {
            let minutes = intervals
                .iter()
                .map(|interval| i64::from(interval.end.minutes()) - i64::from(interval.start.minutes()))
                .sum();
            Day { intervals, total: SignedDuration::from_mins(minutes) }
        })))
    }

    pub(super) fn day(&self, weekday: Weekday) -> &Day {
        &self.0[usize::from(weekday.to_monday_zero_offset().unsigned_abs())]
    }

    /// Returns the day whose hours a make-up working day has: Monday, or the first weekday after it with working time.
    pub(super) fn make_up(&self) -> &Day {
        let worked = self.0.iter().find(|day| !day.intervals.is_empty());
        worked.unwrap_or(&self.0[0])
    }

    pub(super) fn days(&self) -> &[Day; 7] {
        &self.0
    }
}
