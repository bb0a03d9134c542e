//! The business calendar: which time is working time. It reads no clock, so the same calendar always gives the same answer
//! for the same instants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::budget::{Budget, Measure};
use crate::digest::Canonical;
use crate::error::Error;

mod holidays;
mod settings;
mod walk;
mod week;

#[cfg(test)]
mod tests;

pub use holidays::Holidays;
use holidays::Published;
pub use settings::Settings;
pub use week::Interval;
use week::{Day, Week};

const STANDARD_ZONE: &str = "Asia/Shanghai";
const OFFICE_HOURS: &[&str] = &["09:00-12:00", "13:00-18:00"];
const STANDARD_WEEK: [&[&str]; 7] = [OFFICE_HOURS, OFFICE_HOURS, OFFICE_HOURS, OFFICE_HOURS, OFFICE_HOURS, &[], &[]];

/// Working time in one zone: a regular week, and the dates that differ from it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Calendar {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    zone_name: String,
    zone: TimeZone,
    week: Week,
    holidays: Holidays,
    /// The dates that differ from the week: true for a make-up working day, false for a day off.
    exceptions: BTreeMap<Date, bool>,
    nominal_day: SignedDuration,
    version: String,
}

/// When something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Due {
    /// The instant.
    pub at: Timestamp,
    /// Whether days were counted whose holidays are not published yet; the due time may move once they are.
    pub provisional: bool,
}

/// The error for a date in a year whose holidays are not published, so that its working time is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the holidays of {year} are not published")]
pub struct YearNotPublished {
    /// The year.
    pub year: i16,
}

impl Calendar {
    /// Returns the standard calendar: Asia/Shanghai, Monday to Friday 09:00–12:00 and 13:00–18:00, China's statutory
    /// holidays.
    ///
    /// # Panics
    /// Never: a test holds that the embedded calendar is valid.
    #[must_use]
    pub fn standard() -> Self {
        static STANDARD: LazyLock<Calendar> = LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "embedded data; a test proves it valid")]
            Settings::default().build().expect("the standard calendar is valid")
        });
        STANDARD.clone()
    }

    /// Creates a calendar from its parts; `zone` is an IANA name, `week` starts on Monday.
    ///
    /// # Errors
    /// [`Error::Calendar`] for an unknown zone, intervals that overlap or are out of order, and a week without work.
    pub fn new(zone: &str, week: [Vec<Interval>; 7], holidays: Holidays) -> Result<Self, Error> {
        let unknown = |_| {
            Error::calendar(
                "zone",
                format!("{zone:?} is not a known time zone; expected an IANA name such as \"Asia/Shanghai\""),
            )
        };
        let zone = TimeZone::get(zone).map_err(unknown)?;
        let zone_name = zone.iana_name().unwrap_or("UTC").to_owned();
        let week = Week::new(week)?;
        let exceptions = std::iter::empty()
            .chain(holidays.off.iter().map(|date| (*date, false)))
            .chain(holidays.make_up.iter().map(|date| (*date, true)))
            .collect();
        let nominal_day = week.days().iter().map(|day| day.total).max().unwrap_or_default();
        let mut inner = Inner { zone_name, zone, week, holidays, exceptions, nominal_day, version: String::new() };
        let mut canonical = Canonical::new("kefu calendar 1");
        inner.encode(&mut canonical);
        inner.version = canonical.finish();
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Creates the calendar of a `[calendar]` table.
    ///
    /// # Errors
    /// [`Error::Calendar`] naming the key and what it allows.
    pub fn from_settings(settings: &Settings) -> Result<Self, Error> {
        settings.build()
    }

    /// Creates the calendar of a TOML document whose top-level keys are those of [`Settings`].
    ///
    /// # Errors
    /// [`Error::Syntax`] for what is not TOML or has other keys, [`Error::Calendar`] for impossible values.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let settings: Settings = toml::from_str(text).map_err(|error| Error::syntax(text, &error))?;
        settings.build()
    }

    /// Returns the version: sixteen hexadecimal digits that change when any of the calendar's data changes.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Returns the zone whose civil time the intervals are in.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.inner.zone
    }

    /// Returns the day of `time` in the calendar's zone.
    #[must_use]
    pub fn day(&self, time: Timestamp) -> Date {
        time.to_zoned(self.zone().clone()).date()
    }

    /// Returns the time that lies `span` (of calendar days, weeks, months or years) after `time`, at the same time of
    /// day in the calendar's zone; [`Timestamp::MAX`] beyond the year 9999.
    #[must_use]
    pub fn after(&self, time: Timestamp, span: Span) -> Timestamp {
        let later = time.to_zoned(self.zone().clone()).checked_add(span);
        later.map_or(Timestamp::MAX, |later| later.timestamp())
    }

    /// Returns how long "one working day" lasts: the longest working time of any weekday.
    #[must_use]
    pub fn nominal_day(&self) -> SignedDuration {
        self.inner.nominal_day
    }

    /// Whether a date has any working time.
    ///
    /// # Errors
    /// [`YearNotPublished`] when the holidays of its year are not published, and the date is neither a day off nor a
    /// make-up working day.
    pub fn is_working_day(&self, date: Date) -> Result<bool, YearNotPublished> {
        let (day, known) = self.inner.day(date);
        if known { Ok(!day.intervals.is_empty()) } else { Err(YearNotPublished { year: date.year() }) }
    }

    /// Returns when `budget` is used up, counted from `from`. The due time of a wall-clock budget is never provisional.
    #[must_use]
    pub fn due(&self, from: Timestamp, budget: Budget) -> Due {
        match budget.measure {
            Measure::Working => self.add_working(from, budget.length),
            Measure::Wall => {
                Due { at: from.saturating_add(budget.length).unwrap_or(Timestamp::MAX), provisional: false }
            }
        }
    }

    /// Returns the time from `from` to `to` on the given clock; zero when `to` is not after `from`.
    #[must_use]
    pub fn elapsed(&self, from: Timestamp, to: Timestamp, measure: Measure) -> SignedDuration {
        match measure {
            Measure::Working => self.working_between(from, to),
            Measure::Wall => to.duration_since(from).max(SignedDuration::ZERO),
        }
    }

    /// Returns a calendar with this one's zone and hours and with the holidays of `other`.
    #[must_use]
    pub fn with_holidays_of(&self, other: &Self) -> Self {
        let week = std::array::from_fn(|day| self.inner.week.days()[day].intervals.clone());
        Self::new(&self.inner.zone_name, week, other.inner.holidays.clone()).unwrap_or_else(|_| self.clone())
    }

    /// Whether `date` has working time, as far as is known: in a year whose holidays are not published, the regular
    /// week counts.
    #[must_use]
    pub fn is_worked(&self, date: Date) -> bool {
        !self.inner.day(date).0.intervals.is_empty()
    }

    /// Returns the working intervals of each day of the regular week, Monday first.
    pub fn week(&self) -> impl Iterator<Item = &[Interval]> {
        self.inner.week.days().iter().map(|day| day.intervals.as_slice())
    }

    /// Returns the days off that the regular week would have worked, in order.
    pub fn days_off(&self) -> impl Iterator<Item = Date> {
        self.inner.holidays.off.iter().copied()
    }

    /// Returns the make-up working days, in order.
    pub fn make_up_days(&self) -> impl Iterator<Item = Date> {
        self.inner.holidays.make_up.iter().copied()
    }

    /// Returns the years whose holidays are published; none where every year counts as published.
    pub fn published_years(&self) -> impl Iterator<Item = i16> {
        match &self.inner.holidays.published {
            Published::Always => None,
            Published::Years(years) => Some(years),
        }
        .into_iter()
        .flatten()
        .copied()
    }

    /// Returns the whole calendar in TOML, which [`Self::from_toml`] reads back as the same version, whatever holidays
    /// a later program has built in.
    #[must_use]
    pub fn definition(&self) -> String {
        let Inner { zone_name, week, holidays, .. } = &*self.inner;
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        let dates = |dates: &BTreeSet<Date>| list(dates.iter().map(|date| format!("\"{date}\"")).collect());
        let mut lines = vec![format!("zone = \"{zone_name}\"")];
        for (key, day) in week::KEYS.iter().zip(week.days()) {
            let intervals = day.intervals.iter().map(|interval| format!("\"{interval}\"")).collect();
            lines.push(format!("{key} = {}", list(intervals)));
        }
        match &holidays.published {
            Published::Always => lines.push("holidays = \"none\"".to_owned()),
            Published::Years(years) => {
                lines.push("holidays = \"listed\"".to_owned());
                lines.push(format!("published = {}", list(years.iter().map(ToString::to_string).collect())));
            }
        }
        lines.push(format!("days_off = {}", dates(&holidays.off)));
        lines.push(format!("make_up = {}", dates(&holidays.make_up)));
        lines.join("\n")
    }

    pub(crate) fn encode(&self, canonical: &mut Canonical) {
        self.inner.encode(canonical);
    }
}

impl Inner {
    /// Returns a date's working time, and whether that is known rather than assumed from the week.
    fn day(&self, date: Date) -> (&Day, bool) {
        static OFF: Day = Day { intervals: Vec::new(), total: SignedDuration::ZERO };
        match self.exceptions.get(&date) {
            Some(true) => (self.week.make_up(), true),
            Some(false) => (&OFF, true),
            None => (self.week.day(date.weekday()), self.holidays.is_published(date.year())),
        }
    }

    fn encode(&self, canonical: &mut Canonical) {
        canonical.text(&self.zone_name);
        for day in self.week.days() {
            canonical.count(day.intervals.len());
            for interval in &day.intervals {
                canonical.text(&interval.to_string());
            }
        }
        self.holidays.encode(canonical);
    }
}
