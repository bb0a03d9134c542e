//! Addition and measurement of working time. Days are walked one by one; only days near the ends or near a change of the
//! zone's offset are resolved to instants, so that years of working time cost microseconds.

use std::iter::Peekable;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneFollowingTransitions};
use jiff::{SignedDuration, Timestamp};

use super::week::Interval;
use super::{Calendar, Due};
use crate::value::TimeOfDay;

impl Calendar {
    /// Returns the first instant by which `length` of working time has passed since `from`: where that is the end of an
    /// interval, it is not moved to the start of the next. A length of zero or less gives `from` itself; beyond the
    /// year 9999 the answer is [`Timestamp::MAX`], provisionally.
    #[must_use]
    pub fn add_working(&self, from: Timestamp, length: SignedDuration) -> Due {
        if length <= SignedDuration::ZERO {
            return Due { at: from, provisional: false };
        }
        let first = self.inner.zone.to_datetime(from).date();
        let mut remaining = length;
        let mut provisional = false;
        let mut offsets = OffsetChanges::new(&self.inner.zone, from);
        for date in days_from(first) {
            let (day, known) = self.inner.day(date);
            provisional |= !known;
            let plain = date != first && !offsets.is_near(date);
            if plain && remaining > day.total {
                remaining -= day.total;
                continue;
            }
            for (start, end) in self.spans(date, &day.intervals) {
                let start = start.max(from);
                let available = end.duration_since(start);
                if available <= SignedDuration::ZERO {
                    continue;
                }
                if remaining <= available {
                    let at = start.saturating_add(remaining).unwrap_or(end);
                    return Due { at, provisional };
                }
                remaining -= available;
            }
        }
        Due { at: Timestamp::MAX, provisional: true }
    }

    /// Returns the end of work on the first day with working time after the day of `time`; [`Timestamp::MAX`] beyond the
    /// year 9999.
    #[must_use]
    pub fn end_of_next_working_day(&self, time: Timestamp) -> Timestamp {
        let following = days_from(self.day(time)).skip(1).find(|&date| self.is_worked(date));
        let end = following.and_then(|date| self.spans(date, &self.inner.day(date).0.intervals).last());
        end.map_or(Timestamp::MAX, |(_, end)| end)
    }

    /// Returns the working time between two instants; zero when `to` is not after `from`.
    #[must_use]
    pub fn working_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let mut total = SignedDuration::ZERO;
        if to <= from {
            return total;
        }
        let first = self.inner.zone.to_datetime(from).date();
        let last = self.inner.zone.to_datetime(to).date();
        let mut offsets = OffsetChanges::new(&self.inner.zone, from);
        for date in days_from(first) {
            let near_change = offsets.is_near(date);
            // Where clocks are set back over midnight, `to` may lie on a date although the next date has begun once
            // already.
            if date > last && !near_change {
                break;
            }
            let (day, _) = self.inner.day(date);
            if date != first && date != last && !near_change {
                total += day.total;
                continue;
            }
            for (start, end) in self.spans(date, &day.intervals) {
                let worked = end.min(to).duration_since(start.max(from));
                total += worked.max(SignedDuration::ZERO);
            }
        }
        total
    }

    /// Returns the starts and ends of a date's intervals as instants, in order. An interval that the zone skips is
    /// empty; one beyond the year 9999 is cut off or left out.
    fn spans<'a>(&'a self, date: Date, intervals: &'a [Interval]) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
        let zone = &self.inner.zone;
        intervals.iter().filter_map(move |interval| {
            let start = instant(zone, date, interval.start())?;
            Some((start, instant(zone, date, interval.end()).unwrap_or(Timestamp::MAX)))
        })
    }
}

fn days_from(first: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(first), |date| date.tomorrow().ok())
}

/// Returns when a civil time occurs: its first occurrence if clocks are set back over it, the instant of the change if
/// they are set forward over it. None beyond the year 9999.
fn instant(zone: &TimeZone, date: Date, time: TimeOfDay) -> Option<Timestamp> {
    let civil = if time == TimeOfDay::END {
        DateTime::from_parts(date.tomorrow().ok()?, Time::midnight())
    } else {
        let hour = i8::try_from(time.minutes() / 60).ok()?;
        let minute = i8::try_from(time.minutes() % 60).ok()?;
        date.at(hour, minute, 0, 0)
    };
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            zone.following(before).next().map(|change| change.timestamp())
        }
    }
}

/// The changes of a zone's offset, consumed in step with a walk over days.
struct OffsetChanges<'a>(Peekable<TimeZoneFollowingTransitions<'a>>);

impl<'a> OffsetChanges<'a> {
    /// The distance within which a civil day lies from the same day in UTC, since offsets are shorter than 26 hours.
    const MARGIN: SignedDuration = SignedDuration::from_hours(50);

    fn new(zone: &'a TimeZone, from: Timestamp) -> Self {
        let start = from.saturating_sub(Self::MARGIN + Self::MARGIN).unwrap_or(from);
        Self(zone.following(start).peekable())
    }

    /// Whether the offset changes on `date` or within a day of it. Dates must be asked for in order.
    fn is_near(&mut self, date: Date) -> bool {
        let Ok(midnight) = TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())) else {
            return true;
        };
        while let Some(change) = self.0.peek() {
            let distance = change.timestamp().duration_since(midnight);
            if distance >= -Self::MARGIN {
                return distance <= Self::MARGIN + SignedDuration::from_hours(24);
            }
            self.0.next();
        }
        false
    }
}
