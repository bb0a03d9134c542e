//! Statutory holidays as dated data: days off and make-up working days (调休), and the years they are published for.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use crate::digest::Canonical;
use crate::error::Error;

/// Days off, make-up working days, and the years for which they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holidays {
    pub(super) published: Published,
    pub(super) off: BTreeSet<Date>,
    pub(super) make_up: BTreeSet<Date>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Published {
    Always,
    Years(BTreeSet<i16>),
}

impl Holidays {
    /// Creates a table without statutory holidays: only the week counts, and every year counts as published.
    #[must_use]
    pub fn none() -> Self {
        Self { published: Published::Always, off: BTreeSet::new(), make_up: BTreeSet::new() }
    }

    /// Returns China's holidays, as the State Council published them for 2018 to 2026.
    ///
    /// # Errors
    /// [`Error::BuiltIn`] if the embedded table is malformed, which a test rules out.
    pub fn china() -> Result<Self, Error> {
        static CHINA: LazyLock<Result<Holidays, String>> = LazyLock::new(|| read(include_str!("../holidays_cn.toml")));
        CHINA.clone().map_err(|reason| Error::BuiltIn { part: "holiday table", reason })
    }

    /// Creates an empty table in which no year is published: dates and years are added one by one.
    #[must_use]
    pub fn listed() -> Self {
        Self { published: Published::Years(BTreeSet::new()), ..Self::none() }
    }

    /// Makes `date` a day off, even if it was a make-up working day.
    pub fn add_day_off(&mut self, date: Date) {
        self.make_up.remove(&date);
        self.off.insert(date);
    }

    /// Makes `date` a working day, whatever it was, with the hours of Monday or, where Monday is free, of the first
    /// working weekday.
    pub fn add_make_up(&mut self, date: Date) {
        self.off.remove(&date);
        self.make_up.insert(date);
    }

    /// Declares the holidays of a year complete.
    pub fn add_published(&mut self, year: i16) {
        if let Published::Years(years) = &mut self.published {
            years.insert(year);
        }
    }

    pub(super) fn is_published(&self, year: i16) -> bool {
        match &self.published {
            Published::Always => true,
            Published::Years(years) => years.contains(&year),
        }
    }

    pub(super) fn encode(&self, canonical: &mut Canonical) {
        match &self.published {
            Published::Always => canonical.text("always"),
            Published::Years(years) => {
                canonical.count(years.len());
                for year in years {
                    canonical.text(&year.to_string());
                }
            }
        }
        for dates in [&self.off, &self.make_up] {
            canonical.count(dates.len());
            for date in dates {
                canonical.text(&date.to_string());
            }
        }
    }
}

#[derive(Deserialize)]
struct Table {
    year: Vec<Year>,
}

#[derive(Deserialize)]
struct Year {
    #[serde(rename = "year")]
    number: i16,
    notices: Vec<String>,
    holiday: Vec<Holiday>,
}

#[derive(Deserialize)]
struct Holiday {
    off: Vec<Date>,
    make_up: Vec<Date>,
}

fn read(text: &str) -> Result<Holidays, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut years = BTreeSet::new();
    let mut holidays = Holidays::none();
    for year in table.year {
        if year.notices.is_empty() || !years.insert(year.number) {
            return Err(format!("{}: no notice, or listed twice", year.number));
        }
        for holiday in year.holiday {
            for date in holiday.off.iter().chain(&holiday.make_up) {
                if date.year() != year.number || holidays.off.contains(date) || holidays.make_up.contains(date) {
                    return Err(format!("{date}: listed twice, or under the wrong year"));
                }
            }
            holidays.off.extend(holiday.off);
            holidays.make_up.extend(holiday.make_up);
        }
    }
    holidays.published = Published::Years(years);
    Ok(holidays)
}
