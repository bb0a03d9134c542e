//! Budgets: lengths of time that a clause allows, on the wall clock or in working time, and how the rule book writes them.

use jiff::SignedDuration;

/// The clock on which a length of time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Elapsed time, day and night.
    Wall,
    /// Only the working time of the business calendar.
    Working,
}

/// A positive length of time in whole microseconds, at most [`Budget::MAX`], with the clock it is counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// The clock on which the length is counted.
    pub measure: Measure,
    /// The length.
    pub length: SignedDuration,
}

impl Budget {
    /// The longest budget a regulation may set: ten years of 366 days.
    pub const MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

    /// Creates a budget on the wall clock.
    #[must_use]
    pub const fn wall(length: SignedDuration) -> Self {
        Self { measure: Measure::Wall, length }
    }

    /// Creates a budget in working time.
    #[must_use]
    pub const fn working(length: SignedDuration) -> Self {
        Self { measure: Measure::Working, length }
    }
}

/// The forms of a duration, for the operator who has to correct one.
pub(crate) const FORMS: &str = "a positive duration such as \"30m\", \"1h30m\", \"4h working\", \"1 working day\" or \"30d\" (units d, h, m, s, ms)";

/// Reads a budget. A working day lasts `nominal_day`; everything else is exact.
///
/// # Errors
/// A sentence on what is wrong with the text, or on what is allowed.
pub(crate) fn parse(text: &str, nominal_day: SignedDuration) -> Result<Budget, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let budget = match words[..] {
        [count, "working", "day" | "days"] => {
            let days: i32 = digits(count).and_then(|count| count.parse().ok()).ok_or_else(|| expected(text))?;
            let length = nominal_day.checked_mul(days).ok_or_else(|| too_long(text))?;
            Budget::working(length)
        }
        [length, "working"] if length.contains('d') => {
            return Err(format!(
                "{text:?} is ambiguous: write hours of working time (\"8h working\") or working days (\"1 working day\")"
            ));
        }
        [length, "working"] => Budget::working(exact(length, text)?),
        [length] => Budget::wall(exact(length, text)?),
        _ => return Err(expected(text)),
    };
    if budget.length <= SignedDuration::ZERO {
        return Err(format!("{text:?} is not longer than zero; expected {FORMS}"));
    }
    if budget.length > Budget::MAX {
        return Err(too_long(text));
    }
    Ok(budget)
}

/// Reads an exact length such as `1h30m`: counts with units that get smaller from left to right. Refusals name `text`.
fn exact(length: &str, text: &str) -> Result<SignedDuration, String> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = length;
    let mut next_unit = 0;
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit());
        let (count, tail) = rest.split_at(unit_at.unwrap_or(rest.len()));
        let unit_end = tail.find(|c: char| c.is_ascii_digit());
        let (unit, tail) = tail.split_at(unit_end.unwrap_or(tail.len()));
        let index =
            UNITS[next_unit..].iter().position(|(name, _)| *name == unit).ok_or_else(|| expected(text))? + next_unit;
        let count: u64 = digits(count).ok_or_else(|| expected(text))?.parse().map_err(|_| too_long(text))?;
        millis = count
            .checked_mul(UNITS[index].1)
            .and_then(|part| millis.checked_add(part))
            .ok_or_else(|| too_long(text))?;
        next_unit = index + 1;
        rest = tail;
    }
    let millis = i64::try_from(millis).map_err(|_| too_long(text))?;
    Ok(SignedDuration::from_millis(millis))
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

fn expected(text: &str) -> String {
    format!("{text:?} is not a duration; expected {FORMS}")
}

fn too_long(text: &str) -> String {
    format!("{text:?} is longer than ten years, the most a duration may be")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Budget, String> {
        parse(text, SignedDuration::from_hours(8))
    }

    #[test]
    fn durations_are_read_exactly() {
        let wall = |secs| Ok(Budget::wall(SignedDuration::from_secs(secs)));
        let working = |secs| Ok(Budget::working(SignedDuration::from_secs(secs)));
        assert_eq!(read("15s"), wall(15));
        assert_eq!(read("30m"), wall(1_800));
        assert_eq!(read("1h30m"), wall(5_400));
        assert_eq!(read("1d"), wall(86_400));
        assert_eq!(read("30d"), wall(30 * 86_400));
        assert_eq!(read("1500ms"), Ok(Budget::wall(SignedDuration::from_millis(1_500))));
        assert_eq!(read("4h working"), working(4 * 3_600));
        assert_eq!(read(" 30m   working "), working(1_800));
        assert_eq!(read("1 working day"), working(8 * 3_600));
        assert_eq!(read("3 working days"), working(24 * 3_600));
    }

    #[test]
    fn what_is_no_positive_duration_is_refused() {
        for text in [
            "",
            " ",
            "0m",
            "0 working days",
            "-5m",
            "-1 working day",
            "5",
            "m",
            "5 m",
            "5min",
            "30m1h",
            "5m5m",
            "1.5h",
            "1d working",
            "3 days",
            "working",
            "1 working week",
            "٣m",
            "4h  workday",
            "11y",
            "3661d",
            "9999999999999999999999d",
            "99999999999 working days",
            "2000000000 working days",
            "+5m",
        ] {
            let error = read(text).unwrap_err();
            assert!(!error.is_empty(), "{text}");
        }
        assert!(read("1d working").unwrap_err().contains("1 working day"));
        assert!(read("3660d").is_ok());
    }
}
