//! Tests that the calendar gives, for each day of 2018 to 2026, what the holiday table or else the weekday says.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday, date};
use toml::{Table, Value};

use super::super::Calendar;

/// The table read without the crate's own reader: each listed date, and whether it is worked.
fn table() -> BTreeMap<Date, bool> {
    let table: Table = toml::from_str(include_str!("../../holidays_cn.toml")).unwrap();
    let mut dates = BTreeMap::new();
    for year in table["year"].as_array().unwrap() {
        for holiday in year["holiday"].as_array().unwrap() {
            for (key, worked) in [("off", false), ("make_up", true)] {
                let listed = holiday[key].as_array().unwrap().iter().filter_map(Value::as_str);
                dates.extend(listed.map(|text| (text.parse().unwrap(), worked)));
            }
        }
    }
    dates
}

#[test]
fn every_day_is_worked_as_the_weekday_and_the_table_say() {
    let calendar = Calendar::standard();
    let table = table();
    let mut day = date(2018, 1, 1);
    while day.year() <= 2026 {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let worked = table.get(&day).copied().unwrap_or(!weekend);
        assert_eq!(calendar.is_working_day(day), Ok(worked), "{day}");
        day = day.tomorrow().unwrap();
    }
    assert!(calendar.is_working_day(date(2017, 12, 31)).is_err());
    assert!(calendar.is_working_day(date(2027, 1, 1)).is_err());
}

#[test]
fn make_up_days_fall_on_weekends_and_days_are_counted_as_announced() {
    let table = table();
    for (day, worked) in &table {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        assert!(!worked || weekend, "{day} is worked anyway");
    }
    // Days off announced per calendar year, counted in the notices.
    let announced =
        [(2018, 25), (2019, 28), (2020, 30), (2021, 31), (2022, 32), (2023, 28), (2024, 28), (2025, 28), (2026, 33)];
    for (year, days) in announced {
        let listed = table.iter().filter(|(day, worked)| day.year() == year && !**worked).count();
        assert_eq!(listed, days, "{year}");
    }
}
