//! Calendar periods, shares and sums of money.

use std::fmt;
use std::str::FromStr;

pub(crate) const PERIOD_FORMS: &str =
    "an ISO 8601 period of years, months, weeks or days up to ten years, such as \"P1M\", \"P1Y\" or \"P30D\"";
pub(crate) const PERCENT_FORMS: &str =
    "a share from \"0 %\" to \"100 %\" with at most two decimals, such as \"2 %\" or \"0.25 %\"";
pub(crate) const MONEY_FORMS: &str =
    "an amount and an ISO 4217 currency, such as \"20 CNY\" or \"12.50 CNY\", from 0 to 1000000000";

/// A calendar period: months and days are counted on the calendar, not in seconds. A period that was read is never zero
/// and has at most 120 months and 3660 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Months; a year is twelve.
    pub months: u32,
    /// Days; a week is seven.
    pub days: u32,
}

impl Period {
    /// Returns the period as a span that can be added to a date.
    #[must_use]
    pub fn to_span(self) -> jiff::Span {
        jiff::Span::new().months(self.months).days(self.days)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_period(text).ok_or_else(|| format!("{text:?} is not a period; expected {PERIOD_FORMS}"))
    }
}

fn parse_period(text: &str) -> Option<Period> {
    let mut rest = text.strip_prefix('P')?;
    let mut units = "YMWD".chars();
    let mut period = Period { months: 0, days: 0 };
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest[..unit_at].parse().ok()?;
        let unit = rest[unit_at..].chars().next()?;
        units.find(|candidate| *candidate == unit)?;
        let (field, size) = match unit {
            'Y' => (&mut period.months, 12),
            'M' => (&mut period.months, 1),
            'W' => (&mut period.days, 7),
            _ => (&mut period.days, 1),
        };
        *field = count.checked_mul(size)?.checked_add(*field)?;
        rest = &rest[unit_at + unit.len_utf8()..];
    }
    let none = period.months == 0 && period.days == 0;
    let too_long = period.months > 120 || period.days > 3660;
    (!none && !too_long).then_some(period)
}

/// A share of a hundred, kept in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// Returns the hundredths of a percent, 0 to 10000.
    #[must_use]
    pub const fn basis_points(self) -> u16 {
        self.0
    }

    /// Returns the share as a fraction, 0.0 to 1.0.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.trim()
            .strip_suffix('%')
            .and_then(|number| decimal(number.trim_end(), 2))
            .and_then(|hundredths| u16::try_from(hundredths).ok())
            .filter(|hundredths| *hundredths <= 10_000)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a share; expected {PERCENT_FORMS}"))
    }
}

/// A sum of money.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in the currency's minor unit (fen for CNY, yen for JPY); never negative.
    pub minor_units: i64,
    /// The ISO 4217 code, three capital letters.
    pub currency: String,
}

impl FromStr for Money {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MOST: i64 = 1_000_000_000;
        text.trim()
            .split_once(' ')
            .and_then(|(amount, currency)| {
                let currency = currency.trim_start();
                let letters = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
                let minor_units = decimal(amount, minor_digits(currency))?;
                let within = minor_units <= MOST * 10_i64.pow(minor_digits(currency));
                (letters && within).then(|| Self { minor_units, currency: currency.to_owned() })
            })
            .ok_or_else(|| format!("{text:?} is not a sum of money; expected {MONEY_FORMS}"))
    }
}

/// Returns the decimal places of a currency's minor unit as in ISO 4217.
fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Reads an unsigned decimal number as an integer scaled by 10^places; none if it has more places or overflows.
fn decimal(text: &str, places: u32) -> Option<i64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, digits(fraction).then_some(fraction)?),
        None => (text, ""),
    };
    let missing = places.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    if !digits(whole) {
        return None;
    }
    format!("{whole}{fraction}").parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(missing)?)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = minor_digits(&self.currency);
        let scale = 10_i64.pow(digits);
        write!(f, "{}", self.minor_units / scale)?;
        let fraction = self.minor_units % scale;
        if fraction != 0 {
            let width = usize::try_from(digits).unwrap_or_default();
            write!(f, ".{fraction:0width$}")?;
        }
        write!(f, " {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        let period = |months, days| Ok(Period { months, days });
        assert_eq!("P1M".parse(), period(1, 0));
        assert_eq!("P1Y6M".parse(), period(18, 0));
        assert_eq!("P1W".parse(), period(0, 7));
        assert_eq!("P30D".parse(), period(0, 30));
        assert_eq!("2 %".parse(), Ok(Percent(200)));
        assert_eq!("0.25%".parse(), Ok(Percent(25)));
        assert_eq!("100 %".parse(), Ok(Percent(10_000)));
        let money = |text: &str| text.parse::<Money>().map(|m| (m.minor_units, m.to_string()));
        assert_eq!(money("20 CNY"), Ok((2_000, "20 CNY".into())));
        assert_eq!(money("12.5 CNY"), Ok((1_250, "12.50 CNY".into())));
        assert_eq!(money("300 JPY"), Ok((300, "300 JPY".into())));
        assert_eq!(money("1.005 KWD"), Ok((1_005, "1.005 KWD".into())));
    }

    #[test]
    fn malformed_amounts_are_refused() {
        for text in ["", "P", "1M", "P0D", "PM", "P1D1M", "P1M1M", "PT5M", "P11Y", "P-1M", "P1.5M", "P99999999999Y"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        for text in ["", "2", "%", "101 %", "-1 %", "0.001 %", "1. %", ".5 %", "2 % of all"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        for text in [
            "",
            "20",
            "20CNY",
            "CNY 20",
            "-1 CNY",
            "1.234 CNY",
            "1.5 JPY",
            "20 cny",
            "20 YUAN",
            "1e3 CNY",
            "9999999999999999999 CNY",
            "1000000001 CNY",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }
}
