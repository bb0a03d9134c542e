//! Working time as a plain list of intervals, made day by day.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// A calendar as plain data: working hours by weekday, and the dates that differ.
#[derive(Clone, Debug)]
pub struct Week {
    /// Time zone, e.g. `Asia/Shanghai`.
    pub zone: &'static str,
    /// Working hours from Monday to Sunday, in order, as minutes since midnight.
    pub days: [Vec<(u16, u16)>; 7],
    /// Dates on which nobody works.
    pub off: BTreeSet<Date>,
    /// Dates on which people work as on a Monday to Friday, although the weekday is off.
    pub make_up: BTreeSet<Date>,
    /// Years whose holidays are published; none for every year.
    pub published: Option<BTreeSet<i16>>,
}

impl Week {
    /// The calendar in TOML, as in an operator's `[calendar]` table.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut text = format!("zone = \"{}\"\n", self.zone);
        for (key, day) in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().zip(&self.days) {
            let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let stretches: Vec<String> = day.iter().map(|&(from, to)| format!("{}-{}", time(from), time(to))).collect();
            writeln!(text, "{key} = {stretches:?}").unwrap();
        }
        let dates = |dates: &BTreeSet<Date>| dates.iter().map(ToString::to_string).collect::<Vec<_>>();
        writeln!(text, "days_off = {:?}\nmake_up = {:?}", dates(&self.off), dates(&self.make_up)).unwrap();
        match &self.published {
            None => text + "holidays = \"none\"\n",
            Some(years) => {
                text + &format!("holidays = \"listed\"\npublished = {:?}\n", years.iter().collect::<Vec<_>>())
            }
        }
    }

    /// Working hours of a date. A make-up day has those of the first weekday that is worked.
    fn day(&self, date: Date) -> &[(u16, u16)] {
        if self.off.contains(&date) {
            &[]
        } else if self.make_up.contains(&date) {
            self.days.iter().find(|day| !day.is_empty()).unwrap()
        } else {
            &self.days[usize::try_from(date.weekday().to_monday_zero_offset()).unwrap()]
        }
    }

    fn is_known(&self, date: Date) -> bool {
        let is_published = self.published.as_ref().is_none_or(|years| years.contains(&date.year()));
        is_published || self.off.contains(&date) || self.make_up.contains(&date)
    }
}

/// An interval of working time on a date.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: i64,
    to: i64,
    date: Date,
}

/// The intervals of a calendar, made as far as they were needed.
#[derive(Debug)]
pub struct Working {
    week: Week,
    zone: TimeZone,
    laid: RefCell<(Vec<Stretch>, Date)>,
}

impl Working {
    /// Intervals from some days before `from`; earlier times must not be asked for.
    #[must_use]
    pub fn new(week: Week, from: i64) -> Self {
        let zone = TimeZone::get(week.zone).unwrap();
        let first = zone.to_datetime(Timestamp::from_microsecond(from).unwrap()).date() - 3.days();
        Self { week, zone, laid: RefCell::new((Vec::new(), first)) }
    }

    /// Working time between two times; 0 when `to` is not after `from`.
    #[must_use]
    pub fn worked(&self, from: i64, to: i64) -> i64 {
        let zone = &self.zone;
        let last = zone.to_datetime(Timestamp::from_microsecond(to).unwrap()).date() + 3.days();
        while self.laid.borrow().1 <= last {
            self.add_day();
        }
        let laid = self.laid.borrow();
        laid.0.iter().map(|stretch| (stretch.to.min(to) - stretch.from.max(from)).max(0)).sum()
    }

    /// Time at which `left` of working time after `from` is over, and whether holidays of the days up to it are
    /// unpublished.
    #[must_use]
    pub fn due(&self, from: i64, left: i64) -> (i64, bool) {
        let begun = self.zone.to_datetime(Timestamp::from_microsecond(from).unwrap()).date();
        let (mut left, mut place) = (left, 0);
        loop {
            while self.laid.borrow().0.len() <= place {
                self.add_day();
            }
            let stretch = self.laid.borrow().0[place];
            let (since, room) = (stretch.from.max(from), stretch.to - stretch.from.max(from));
            if room > 0 && left <= room {
                let mut dates = begun.series(1.day()).take_while(|&date| date <= stretch.date);
                return (since + left, dates.any(|date| !self.week.is_known(date)));
            }
            left -= room.max(0);
            place += 1;
        }
    }

    /// Adds the intervals of one more day.
    fn add_day(&self) {
        let mut laid = self.laid.borrow_mut();
        let date = laid.1;
        for &(from, to) in self.week.day(date) {
            let (from, to) = (self.first_shown(date, from), self.first_shown(date, to));
            laid.0.push(Stretch { from, to, date });
        }
        laid.1 = date.tomorrow().unwrap();
    }

    /// The first moment at which the zone's clocks show a time or a later one.
    fn first_shown(&self, date: Date, minutes: u16) -> i64 {
        let civil: DateTime = date.to_datetime(Time::midnight()) + i64::from(minutes).minutes();
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        let shown = match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                let mut shown = ambiguous.later().unwrap();
                while self.zone.to_datetime(shown) >= civil {
                    shown -= 1.minute();
                }
                shown + 1.minute()
            }
            _ => ambiguous.earlier().unwrap(),
        };
        shown.as_microsecond()
    }
}
