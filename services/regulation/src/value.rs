//! The closed set of parameter types, and how their values are read from the rule book or an override file.

use std::fmt;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::budget::{self, Budget, Measure};
use crate::digest::Canonical;

mod amount;
mod moment;

pub use amount::{Money, Percent, Period};
pub use moment::{MonthDay, TimeOfDay, WeekdayTime};

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A length of time on the wall clock or in working time: [`Budget`].
    Duration,
    /// An ISO 8601 calendar period: [`Period`].
    Period,
    /// A whole number.
    Count,
    /// A share of a hundred: [`Percent`].
    Percent,
    /// A time of day in the calendar's zone: [`TimeOfDay`].
    TimeOfDay,
    /// A day of the year: [`MonthDay`].
    MonthDay,
    /// A weekday with a time of day: [`WeekdayTime`].
    WeekdayTime,
    /// A sum of money: [`Money`].
    Money,
    /// Yes or no.
    Bool,
    /// One of the words that the parameter lists.
    Choice,
}

/// A parameter's value, resolved against the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Duration`].
    Duration(Budget),
    /// Of [`Kind::Period`].
    Period(Period),
    /// Of [`Kind::Count`].
    Count(u32),
    /// Of [`Kind::Percent`].
    Percent(Percent),
    /// Of [`Kind::TimeOfDay`].
    TimeOfDay(TimeOfDay),
    /// Of [`Kind::MonthDay`].
    MonthDay(MonthDay),
    /// Of [`Kind::WeekdayTime`].
    WeekdayTime(WeekdayTime),
    /// Of [`Kind::Money`].
    Money(Money),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Choice`].
    Choice(String),
}

impl Value {
    /// Reads a value of the given type; working days last `nominal_day`.
    ///
    /// # Errors
    /// A sentence on what is wrong with the text and what is allowed.
    pub(crate) fn parse(kind: Kind, raw: &Raw, nominal_day: SignedDuration) -> Result<Self, String> {
        match (kind, raw) {
            (Kind::Duration, Raw::Text(text)) => budget::parse(text, nominal_day).map(Self::Duration),
            (Kind::Period, Raw::Text(text)) => text.parse().map(Self::Period),
            (Kind::Count, Raw::Integer(number)) => u32::try_from(*number)
                .map(Self::Count)
                .map_err(|_| format!("{number} is out of range; expected {}", kind.forms())),
            (Kind::Percent, Raw::Text(text)) => text.parse().map(Self::Percent),
            (Kind::TimeOfDay, Raw::Text(text)) => text.parse().map(Self::TimeOfDay),
            (Kind::MonthDay, Raw::Text(text)) => text.parse().map(Self::MonthDay),
            (Kind::WeekdayTime, Raw::Text(text)) => text.parse().map(Self::WeekdayTime),
            (Kind::Money, Raw::Text(text)) => text.parse().map(Self::Money),
            (Kind::Bool, Raw::Bool(value)) => Ok(Self::Bool(*value)),
            (Kind::Choice, Raw::Text(text)) => Ok(Self::Choice(text.clone())),
            _ => Err(format!("{raw} is of the wrong type; expected {}", kind.forms())),
        }
    }

    /// Returns the type of this value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Duration(_) => Kind::Duration,
            Self::Period(_) => Kind::Period,
            Self::Count(_) => Kind::Count,
            Self::Percent(_) => Kind::Percent,
            Self::TimeOfDay(_) => Kind::TimeOfDay,
            Self::MonthDay(_) => Kind::MonthDay,
            Self::WeekdayTime(_) => Kind::WeekdayTime,
            Self::Money(_) => Kind::Money,
            Self::Bool(_) => Kind::Bool,
            Self::Choice(_) => Kind::Choice,
        }
    }
}

impl Value {
    /// Adds the resolved value to a digest, so that two ways of writing it give one digest.
    pub(crate) fn encode(&self, canonical: &mut Canonical) {
        match self {
            Self::Duration(Budget { measure, length }) => {
                let clock = match measure {
                    Measure::Wall => "wall",
                    Measure::Working => "working",
                };
                canonical.text(&format!("duration {} {clock}", length.as_micros()));
            }
            Self::Period(Period { months, days }) => canonical.text(&format!("period {months} {days}")),
            Self::Count(count) => canonical.text(&format!("count {count}")),
            Self::Percent(share) => canonical.text(&format!("percent {}", share.basis_points())),
            Self::TimeOfDay(time) => canonical.text(&format!("time_of_day {time}")),
            Self::MonthDay(day) => canonical.text(&format!("month_day {day}")),
            Self::WeekdayTime(moment) => canonical.text(&format!("weekday_time {moment}")),
            Self::Money(money) => canonical.text(&format!("money {} {}", money.minor_units, money.currency)),
            Self::Bool(value) => canonical.text(&format!("bool {value}")),
            Self::Choice(word) => canonical.text(&format!("choice {word}")),
        }
    }
}

impl Kind {
    /// Returns the forms of a value of this type, for the operator who has to correct one.
    pub(crate) fn forms(self) -> &'static str {
        match self {
            Self::Duration => budget::FORMS,
            Self::Period => amount::PERIOD_FORMS,
            Self::Count => "a whole number from 0 to 4294967295, without quotes",
            Self::Percent => amount::PERCENT_FORMS,
            Self::TimeOfDay => moment::TIME_FORMS,
            Self::MonthDay => moment::MONTH_DAY_FORMS,
            Self::WeekdayTime => moment::WEEKDAY_TIME_FORMS,
            Self::Money => amount::MONEY_FORMS,
            Self::Bool => "true or false, without quotes",
            Self::Choice => "one of the listed words, in quotes",
        }
    }
}

/// A value of TOML before it is read as a parameter's type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Raw {
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl fmt::Display for Raw {
    /// Writes the value as in TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl Raw {
    /// Returns the value without TOML's quotes, for display.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(value) => value.split_whitespace().collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        }
    }
}
