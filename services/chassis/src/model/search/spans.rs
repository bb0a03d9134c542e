//! Spans of time as tokens. An index keeps each gram with its era of 512 days, and beside the grams the shorter spans
//! that a row lies in. A search asks the newest days first, then spans of days, then the rest era by era, and stops
//! when it has enough. So a search for a common word reads only its newest rows, and one for a rare word reads all rows
//! that have it, with one look-up for each past era.

use jiff::Timestamp;

/// The days of an era.
const ERA: i64 = 512;
/// The days of the spans that are asked one by one before the rest of an era is asked at once.
const SPANS: [i64; 3] = [1, 8, 64];
/// The fewest spans of one length that are asked before longer ones, if the era has so many. A search that goes on
/// found little in them, so longer spans are cheap.
const EACH_AT_LEAST: usize = 4;
const DAY_S: i64 = 86_400;

/// Returns the tokens of a row that has these grams and happened at `time`.
#[must_use]
pub fn dated(time: Timestamp, grams: &[String]) -> Vec<String> {
    let day = day(time);
    let spans = SPANS.iter().map(|days| span(day, *days));
    spans.chain(grams.iter().map(|gram| of_era(day / ERA, gram))).collect()
}

/// The probes of an index, in the order in which they are made. Each asks for rows that have the token `key` and all
/// tokens of `rest`, and happened before `before`. They are kept by columns, as they are bound to a query.
#[derive(Debug, Default)]
pub struct Probes {
    /// The token that is expected to be the rarest: a span of days or, era by era, the first gram.
    pub keys: Vec<String>,
    /// The other tokens, separated by spaces.
    pub rest: Vec<String>,
    /// The time before which a row must have happened; earlier probes have asked for the later rows.
    pub before: Vec<Timestamp>,
}

impl Probes {
    /// Creates the probes for rows from `oldest` to `newest` that fit any of `queries`, each a list of grams: the newest days
    /// first.
    #[must_use]
    pub fn newest_first(newest: Timestamp, oldest: Timestamp, queries: &[Vec<String>]) -> Self {
        let mut probes = Self::default();
        let mut day = day(newest);
        for (index, days) in SPANS.iter().enumerate() {
            let mut asked = 0;
            let longer = SPANS.get(index + 1).copied().unwrap_or(ERA);
            // Longer spans take over only at a boundary of theirs, and no span reaches into another era.
            while day >= 0
                && (asked == 0 || (day + 1) % ERA != 0)
                && (asked < EACH_AT_LEAST || (index + 1 < SPANS.len() && (day + 1) % longer != 0))
            {
                for grams in queries {
                    probes.push(span(day, *days), day / ERA, grams, None);
                }
                asked += 1;
                day = day / days * days - 1;
            }
        }
        probes.by_era(day, oldest, queries);
        probes
    }

    /// Creates the probes era by era only, for indexes of fewer rows.
    #[must_use]
    pub fn eras(newest: Timestamp, oldest: Timestamp, queries: &[Vec<String>]) -> Self {
        let mut probes = Self::default();
        probes.by_era(day(newest), oldest, queries);
        probes
    }

    fn by_era(&mut self, newest: i64, oldest: Timestamp, queries: &[Vec<String>]) {
        let mut last = newest;
        while last >= day(oldest) {
            for grams in queries {
                let (Some(first), era) = (grams.first(), last / ERA) else { continue };
                let others = if grams.len() > 1 { &grams[1..] } else { grams };
                self.push(of_era(era, first), era, others, Some(last + 1));
            }
            last = last / ERA * ERA - 1;
        }
    }

    fn push(&mut self, key: String, era: i64, grams: &[String], before_day: Option<i64>) {
        let before = before_day
            .and_then(|day| Timestamp::from_second(day * DAY_S).ok())
            .unwrap_or(crate::contract::paging::NEVER);
        self.keys.push(key);
        self.rest.push(grams.iter().map(|gram| of_era(era, gram)).collect::<Vec<_>>().join(" "));
        self.before.push(before);
    }
}

/// Returns the day of a time, counted from 1970; a time before 1970 lies on its first day.
fn day(time: Timestamp) -> i64 {
    time.as_second().div_euclid(DAY_S).max(0)
}

fn span(day: i64, days: i64) -> String {
    format!("{days}@{}", day / days)
}

fn of_era(era: i64, gram: &str) -> String {
    format!("{era}:{gram}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY_S + 7).unwrap()
    }

    /// The probes that find what has the grams and happened on a day.
    fn finding(probes: &Probes, time: Timestamp, grams: &[String]) -> Vec<usize> {
        let tokens = dated(time, grams);
        let has = |index: &usize| {
            tokens.contains(&probes.keys[*index])
                && probes.rest[*index].split(' ').all(|token| tokens.contains(&token.to_owned()))
                && time < probes.before[*index]
        };
        (0..probes.keys.len()).filter(has).collect()
    }

    proptest! {
        #[test]
        fn going_back_meets_every_time_once_and_the_newer_first(newest in 0_i64..60_000, ago in 0_i64..60_000, before in 0_i64..60_000, count in 1_usize..4) {
            let grams: Vec<String> = ["打印", "印机", "jet"][..count].iter().map(|&gram| gram.to_owned()).collect();
            let probes = Probes::newest_first(on(newest), on(0), std::slice::from_ref(&grams));
            let newer = finding(&probes, on((newest - ago).max(0)), &grams);
            let older = finding(&probes, on((newest - ago - before).max(0)), &grams);
            prop_assert_eq!((newer.len(), older.len()), (1, 1));
            prop_assert!(newer[0] <= older[0]);
            prop_assert_eq!(finding(&probes, on(newest + 512), &grams), [0_usize; 0]);
            prop_assert_eq!(finding(&probes, on(newest), &["印打".to_owned()]), [0_usize; 0]);
            let eras = Probes::eras(on(newest), on(0), std::slice::from_ref(&grams));
            prop_assert_eq!(finding(&eras, on((newest - ago).max(0)), &grams).len(), 1);
            prop_assert!(probes.keys.len() <= 26 + eras.keys.len());
        }
    }

    #[test]
    fn what_is_before_1970_lies_on_its_first_day_and_nothing_older_than_the_oldest_is_asked_for() {
        assert_eq!(dated(Timestamp::MIN, &["打印".to_owned()]), ["1@0", "8@0", "64@0", "0:打印"]);
        let queries = [vec!["打印".to_owned()], vec!["jet".into(), "ser".into()]];
        let probes = Probes::newest_first(on(20_991), on(20_400), &queries);
        assert_eq!(probes.keys[..3], ["1@20991", "1@20991", "1@20990"]);
        assert_eq!(probes.rest[..3], ["40:打印", "40:jet 40:ser", "40:打印"]);
        assert_eq!(probes.keys[probes.keys.len() - 4..], ["40:打印", "40:jet", "39:打印", "39:jet"]);
        assert_eq!(probes.rest[probes.keys.len() - 4..], ["40:打印", "40:ser", "39:打印", "39:ser"]);
    }
}
