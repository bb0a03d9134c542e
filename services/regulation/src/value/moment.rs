//! Points in a day, a week or a year, in the calendar's zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};

pub(crate) const TIME_FORMS: &str = "a time of day from \"00:00\" to \"24:00\"";
pub(crate) const MONTH_DAY_FORMS: &str = "a day of the year as \"MM-DD\", such as \"12-31\"";
pub(crate) const WEEKDAY_TIME_FORMS: &str = "an English weekday and a time, such as \"Friday 12:00\"";

/// A time of day in whole minutes, from 00:00 to 24:00, which is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The start of a day.
    pub const START: Self = Self(0);
    /// The end of a day, 24:00.
    pub const END: Self = Self(24 * 60);

    /// Returns the time that is `minutes` after midnight; none above 1440.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= Self::END.0 { Some(Self(minutes)) } else { None }
    }

    /// Returns the minutes since midnight, 0 to 1440.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("{text:?} is not a time of day; expected {TIME_FORMS}");
        let (hours, minutes) = two_digits(text, ':').ok_or_else(error)?;
        if minutes > 59 {
            return Err(error());
        }
        Self::from_minutes(hours * 60 + minutes).ok_or_else(error)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A day of every year; 29 February is refused, as most years lack it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthDay {
    month: i8,
    day: i8,
}

impl MonthDay {
    /// Returns the month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> i8 {
        self.month
    }

    /// Returns the day, 1 to 31.
    #[must_use]
    pub const fn day(self) -> i8 {
        self.day
    }

    /// Returns the date of this day in a year; none outside jiff's years -9999 to 9999.
    #[must_use]
    pub fn in_year(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, self.day).ok()
    }
}

impl FromStr for MonthDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const COMMON_YEAR: i16 = 2023;
        two_digits(text, '-')
            .and_then(|(month, day)| {
                let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
                Date::new(COMMON_YEAR, month, day).ok()?;
                Some(Self { month, day })
            })
            .ok_or_else(|| format!("{text:?} is not a day of every year; expected {MONTH_DAY_FORMS}"))
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// A point in every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeekdayTime {
    /// The weekday.
    pub weekday: Weekday,
    /// The time on that day.
    pub time: TimeOfDay,
}

impl FromStr for WeekdayTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("{text:?} is not a point in the week; expected {WEEKDAY_TIME_FORMS}");
        let (name, time) = text.trim().split_once(' ').ok_or_else(error)?;
        let weekday =
            WEEKDAYS.into_iter().find(|weekday| weekday_name(*weekday).eq_ignore_ascii_case(name)).ok_or_else(error)?;
        let time = time.trim().parse()?;
        Ok(Self { weekday, time })
    }
}

impl fmt::Display for WeekdayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", weekday_name(self.weekday), self.time)
    }
}

pub(crate) const WEEKDAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// Reads `NN<separator>NN`, exactly two digits each.
fn two_digits(text: &str, separator: char) -> Option<(u16, u16)> {
    let (left, right) = text.split_once(separator)?;
    let number =
        |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten();
    Some((number(left)?, number(right)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_back_what_they_display() {
        for text in ["00:00", "09:30", "23:59", "24:00"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for text in ["01-31", "12-31", "02-28"] {
            assert_eq!(text.parse::<MonthDay>().unwrap().to_string(), text);
        }
        for text in ["Friday 12:00", "Sunday 24:00"] {
            assert_eq!(text.parse::<WeekdayTime>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_moments_are_refused() {
        for text in ["", "9:00", "24:01", "12:60", "25:00", "12", "12:000", "ab:cd", "-1:00", "+1:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        for text in ["", "02-29", "13-01", "00-10", "04-31", "1-1", "12/31"] {
            assert!(text.parse::<MonthDay>().is_err(), "{text}");
        }
        for text in ["", "Friday", "Fryday 12:00", "12:00 Friday", "Friday noon"] {
            assert!(text.parse::<WeekdayTime>().is_err(), "{text}");
        }
    }
}
