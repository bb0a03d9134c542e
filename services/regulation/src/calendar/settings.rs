//! The `[calendar]` table as operators write it in a regulation file or an import map.

use jiff::civil::Date;
use serde::Deserialize;

use super::holidays::Holidays;
use super::week::{Interval, KEYS};
use super::{Calendar, STANDARD_WEEK, STANDARD_ZONE};
use crate::error::Error;

/// The `[calendar]` table. Keys that are left out are as in [`Calendar::standard`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// IANA name of the time zone, such as `Asia/Shanghai`.
    pub zone: Option<String>,
    /// Statutory holidays: `CN` for China's, `none`, or `listed` for only the years in `published` with the dates
    /// below.
    pub holidays: Option<String>,
    /// Years whose holidays are complete with `days_off` and `make_up`, in addition to the years built in.
    #[serde(default)]
    pub published: Vec<i16>,
    /// Intervals such as `09:00-12:00`, in order; empty for a day without work.
    pub mon: Option<Vec<String>>,
    /// As `mon`.
    pub tue: Option<Vec<String>>,
    /// As `mon`.
    pub wed: Option<Vec<String>>,
    /// As `mon`.
    pub thu: Option<Vec<String>>,
    /// As `mon`.
    pub fri: Option<Vec<String>>,
    /// As `mon`.
    pub sat: Option<Vec<String>>,
    /// As `mon`.
    pub sun: Option<Vec<String>>,
    /// Further days off, as `YYYY-MM-DD`.
    #[serde(default)]
    pub days_off: Vec<String>,
    /// Further make-up working days, as `YYYY-MM-DD`.
    #[serde(default)]
    pub make_up: Vec<String>,
}

impl Settings {
    pub(super) fn build(&self) -> Result<Calendar, Error> {
        let zone = self.zone.as_deref().unwrap_or(STANDARD_ZONE);
        Calendar::new(zone, self.week()?, self.holidays()?)
    }

    fn week(&self) -> Result<[Vec<Interval>; 7], Error> {
        let given = [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun];
        let mut week: [Vec<Interval>; 7] = Default::default();
        for (index, day) in week.iter_mut().enumerate() {
            let key = KEYS[index];
            let parse = |text: &str| text.parse().map_err(|reason: String| Error::calendar(key, reason));
            *day = match given[index] {
                Some(intervals) => intervals.iter().map(|text| parse(text)).collect::<Result<_, _>>()?,
                None => STANDARD_WEEK[index].iter().map(|text| parse(text)).collect::<Result<_, _>>()?,
            };
        }
        Ok(week)
    }

    fn holidays(&self) -> Result<Holidays, Error> {
        let mut holidays = match self.holidays.as_deref() {
            None | Some("CN") => Holidays::china()?,
            Some("none") => Holidays::none(),
            Some("listed") => Holidays::listed(),
            Some(other) => {
                return Err(Error::calendar(
                    "holidays",
                    format!("{other:?} is not known; expected \"CN\", \"none\" or \"listed\""),
                ));
            }
        };
        let days_off = dates("days_off", &self.days_off)?;
        let make_up = dates("make_up", &self.make_up)?;
        if let Some(date) = make_up.iter().find(|date| days_off.contains(date)) {
            return Err(Error::calendar("make_up", format!("{date} is in days_off as well; list it in one of them")));
        }
        for date in days_off {
            holidays.add_day_off(date);
        }
        for date in make_up {
            holidays.add_make_up(date);
        }
        for year in &self.published {
            if !(1900..=2999).contains(year) {
                return Err(Error::calendar(
                    "published",
                    format!("{year} is out of range; expected years from 1900 to 2999"),
                ));
            }
            holidays.add_published(*year);
        }
        Ok(holidays)
    }
}

fn dates(key: &'static str, texts: &[String]) -> Result<Vec<Date>, Error> {
    let strict = |text: &String| {
        // jiff reads other forms too (20261225, with a time); one form keeps files readable.
        let date: Date = text.parse().ok()?;
        (date.to_string() == *text).then_some(date)
    };
    texts
        .iter()
        .map(|text| {
            strict(text).ok_or_else(|| {
                Error::calendar(key, format!("{text:?} is not a date; expected one such as \"2026-12-25\""))
            })
        })
        .collect()
}
