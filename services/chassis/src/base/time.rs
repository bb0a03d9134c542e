//! Conversions of times and durations between contracts, code and Postgres, all in whole microseconds.

use jiff::{SignedDuration, Timestamp};

/// Reads a contract's timestamp, truncated to microseconds; none if it is out of range.
#[must_use]
pub fn from_proto(time: &prost_types::Timestamp) -> Option<Timestamp> {
    let exact = Timestamp::new(time.seconds, time.nanos).ok()?;
    let truncated = i64::try_from(exact.as_nanosecond().div_euclid(1_000)).ok()?;
    Timestamp::from_microsecond(truncated).ok()
}

/// Converts a time, also one before 1970, to a contract's timestamp.
#[must_use]
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let us = time.as_microsecond();
    let nanos = i32::try_from(us.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: us.div_euclid(1_000_000), nanos }
}

/// Converts microseconds to a contract's duration.
#[must_use]
pub fn duration_to_proto(us: i64) -> prost_types::Duration {
    let nanos = i32::try_from(us % 1_000_000 * 1_000).unwrap_or(0);
    prost_types::Duration { seconds: us / 1_000_000, nanos }
}

/// Returns a duration in microseconds, clamped to the range of an i64.
#[must_use]
pub fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(if duration.is_negative() { i64::MIN } else { i64::MAX })
}

/// Times as Postgres binds and returns them.
pub mod sql {
    use jiff::Timestamp;
    use jiff_sqlx::ToSqlx as _;

    /// Converts a time for binding.
    #[must_use]
    pub fn at(time: Timestamp) -> jiff_sqlx::Timestamp {
        time.to_sqlx()
    }

    /// Converts a time for binding to a column that may be null.
    #[must_use]
    pub fn maybe(time: Option<Timestamp>) -> Option<jiff_sqlx::Timestamp> {
        time.map(jiff_sqlx::ToSqlx::to_sqlx)
    }

    /// Converts times for binding as an array.
    #[must_use]
    pub fn all(times: &[Timestamp]) -> Vec<jiff_sqlx::Timestamp> {
        times.iter().map(|&time| at(time)).collect()
    }

    /// Reads a time from a column that may be null.
    #[must_use]
    pub fn read(time: Option<jiff_sqlx::Timestamp>) -> Option<Timestamp> {
        time.map(jiff_sqlx::Timestamp::to_jiff)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_survive_the_contract(us in -62_135_596_800_000_000_i64..253_402_207_200_000_000) {
            let time = Timestamp::from_microsecond(us).unwrap();
            let proto = to_proto(time);
            prop_assert!((0..1_000_000_000).contains(&proto.nanos));
            prop_assert_eq!(from_proto(&proto), Some(time));
        }
    }
}
