//! The clocks of requests compared with an oracle: random walks on random calendars, with waits, promises, pauses, late
//! records and reopenings. After every step, each stored duty agrees with the oracle to the microsecond.

use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::ToSpan as _;
use jiff::civil::date;
use kefu_testkit::oracle::{Seen, Week, Working};
use kefu_testkit::{Bench, Dice};

use super::desk::Desk;

mod walk;

use walk::walk;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// A random calendar: working hours of each weekday, days off, make-up days, and years without published holidays.
fn week(dice: &mut Dice) -> Week {
    let day = |dice: &mut Dice| match dice.below(4) {
        0 => Vec::new(),
        1 => vec![(9 * 60, 12 * 60), (13 * 60, 18 * 60)],
        2 => vec![(0, 150), (18 * 60 + 30, 1440)],
        _ => vec![(8 * 60 + u16::try_from(dice.below(60)).unwrap(), 15 * 60)],
    };
    let mut days: [_; 7] = std::array::from_fn(|_| day(dice));
    days[0] = vec![(9 * 60, 12 * 60), (13 * 60, 18 * 60)];
    let mut some = || (0..30).filter(|_| dice.below(6) == 0).map(|day| date(2026, 12, 18) + day.days()).collect();
    let (off, make_up): (BTreeSet<_>, BTreeSet<_>) = (some(), some());
    let off = off.difference(&make_up).copied().collect();
    let published = (dice.below(2) == 0).then(|| [2026].into());
    Week { zone: dice.pick(&["Asia/Shanghai", "Europe/Berlin"]), days, off, make_up, published }
}

type Row = (String, i16, i16, i64, bool, i64, i64, Option<i64>, Option<i64>, bool, bool, i16);

/// The stored duties of a request, by kind in the order they were opened.
async fn stored(bench: &Bench, subject: &str) -> Vec<(String, Seen)> {
    let us = |column: &str| format!("(extract(epoch from {column}) * 1000000)::bigint as {column}");
    let query = format!(
        "select kind, state, measure, {}, provisional, elapsed_us, paused_us, {}, {}, late, recorded_late, taken_back
        from duty where subject = $1 order by kind, opened_at, id",
        us("due_at"),
        us("met_at"),
        us("breached_at")
    );
    let rows: Vec<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(subject).fetch_all(bench.admin()).await.unwrap();
    let seen = |row: Row| {
        let (kind, state, measure, due_us, provisional, elapsed_us, paused_us, met_us, marked_us, ..) = row;
        let (.., late, recorded_late, taken_back) = row;
        let seen = Seen {
            state,
            measure,
            due_us,
            provisional,
            elapsed_us,
            paused_us,
            met_us,
            marked_us,
            late,
            recorded_late,
            taken_back,
        };
        (kind, seen)
    };
    rows.into_iter().map(seen).collect()
}

#[tokio::test]
async fn the_duties_of_a_request_agree_with_their_oracle_wherever_it_goes() {
    let mut dice = Dice::new(Dice::seed());
    for _ in 0..5 {
        let week = week(&mut dice);
        let working_day =
            week.days.iter().map(|day| day.iter().map(|(from, to)| i64::from(to - from)).sum::<i64>()).max();
        let working_day = working_day.unwrap() * MINUTE;
        let overrides = format!("[calendar]\n{}", week.toml());
        let builder = Bench::builder(&kefu_intake::SERVICE).regulation(&overrides);
        let mut desk = Desk::on(builder.starting_at("2026-12-19T12:00:00+08:00").start().await).await;
        let begins = desk.bench.now().as_microsecond() - 48 * HOUR;
        let days = Rc::new(Working::new(week, begins));
        for _ in 0..10 {
            walk(&mut desk, &mut dice, &days, working_day).await;
        }
    }
}
