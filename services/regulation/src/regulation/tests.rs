//! Tests of the rule book, of the operator's overrides and of the version.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::path::Path;

use jiff::SignedDuration;

use super::Regulation;
use crate::params;
use crate::{Budget, Error, Kind, Period, Service, Source, Value};

mod rule_book;

fn refusal(overrides: &str) -> String {
    Regulation::load(overrides).unwrap_err().to_string()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[test]
fn an_operators_value_replaces_the_standard_one() {
    let regulation =
        Regulation::load("[C2.1]\nchat = \"5m\"\nhotline_rings = 4\n\n[\"A2.8\"]\nrepeat_within = \"2d\"\n").unwrap();
    assert_eq!(regulation.get(params::CHAT), Budget::wall(SignedDuration::from_mins(5)));
    assert_eq!(regulation.get(params::REPEAT_WITHIN), Budget::wall(hours(48)));
    assert_eq!(regulation.hotline_answer(), Budget::wall(SignedDuration::from_secs(20)));
    let chat = regulation.clause("C2.1").unwrap().parameter("chat").unwrap();
    assert!(chat.overridden);
    assert_eq!((chat.text.as_str(), chat.source), ("5m", Source::Default));
    let email = regulation.clause("C2.1").unwrap().parameter("email").unwrap();
    assert!(!email.overridden);
}

#[test]
fn every_type_can_be_overridden() {
    let regulation = Regulation::load(
        r#"
        [A1.3]
        due_day = "LAST_DAY"
        due_time = "17:30"
        [A3.1]
        sent_by = "12-24"
        [A4.1]
        due = "thursday 16:00"
        [B3.4]
        approval = true
        swaps_per_month = 0
        [B3.5]
        deduction = "25.50 CNY"
        [C5.9]
        retention = "P7Y"
        [C7.5]
        sample_share = "2.5 %"
        "#,
    )
    .unwrap();
    let overridden =
        regulation.clauses().flat_map(|clause| &clause.parameters).filter(|parameter| parameter.overridden);
    assert_eq!(overridden.count(), 9);
    assert_eq!(regulation.clause("B3.4").unwrap().parameter("approval").unwrap().value, Value::Bool(true));
}

#[test]
fn a_working_day_follows_the_calendar() {
    let regulation = Regulation::load("[calendar]\nmon = [\"08:00-18:00\"]\n").unwrap();
    assert_eq!(regulation.get(params::PROGRESS_EVERY), Budget::working(hours(10)));
    assert_eq!(Regulation::standard().get(params::PROGRESS_EVERY), Budget::working(hours(8)));
}

#[test]
fn refusals_name_the_line_the_clause_the_parameter_and_what_is_allowed() {
    let cases = [
        ("[C2.9]\nchat = \"5m\"", "line 1: C2.9: no such clause"),
        ("[C2.9]", "line 1: C2.9: no such clause"),
        ("[E]", "line 1: E: no such clause"),
        (
            "[C2.1]\nfax = \"5m\"",
            "line 2: C2.1.fax: no such parameter; C2.1 has chat, email, hotline_ring, hotline_rings, other, web",
        ),
        ("[A1.1]\nfax = \"5m\"", "line 2: A1.1.fax: no such parameter; A1.1 has insider_for"),
        ("\n[C2.1]\nchat = 5", "line 3: C2.1.chat: 5 is of the wrong type; expected a positive duration such as"),
        ("[C2.1]\nchat = \"fast\"", "line 2: C2.1.chat: \"fast\" is not a duration; expected"),
        ("[C2.1]\nchat = \"0m\"", "line 2: C2.1.chat: \"0m\" is not longer than zero"),
        ("[C2.1]\nchat = \"-3m\"", "line 2: C2.1.chat: \"-3m\" is not a duration"),
        ("[C2.1]\nchat = [\"3m\"]", "line 2: C2.1.chat: a list is no parameter's value"),
        (
            "[C2.1]\nhotline_rings = 0",
            "line 2: C2.1.hotline_rings: 0 is out of range; expected a whole number from 1 to 100",
        ),
        ("[C2.1]\nhotline_rings = -1", "line 2: C2.1.hotline_rings: -1 is out of range"),
        ("[C2.1]\nhotline_rings = \"3\"", "line 2: C2.1.hotline_rings: \"3\" is of the wrong type"),
        ("[C2.1]\nhotline_ring = \"5s working\"", "line 2: C2.1.hotline_ring: must be on the wall clock"),
        (
            "[A10.3]\nleader_level = \"CLERK\"",
            "line 2: A10.3.leader_level: \"CLERK\" is not known; expected one of \"MANAGER\", \"DIRECTOR\"",
        ),
        (
            "[A10.3]\nleader_level = 3",
            "line 2: A10.3.leader_level: 3 is of the wrong type; expected one of \"MANAGER\"",
        ),
        ("[B3.4]\napproval = \"no\"", "line 2: B3.4.approval: \"no\" is of the wrong type; expected true or false"),
        (
            "[A9.1]\nbackdate_agent = \"31d\"",
            "line 2: A9.1.backdate_agent: must not be longer than backdate_supervisor (30d)",
        ),
        (
            "[A9.1]\nbackdate_supervisor = \"1h\"",
            "A9.1.backdate_agent: must not be longer than backdate_supervisor (1h)",
        ),
        (
            "[C2.2]\npromise_at_most = \"1h\"",
            "line 2: C2.2.promise_at_most: must not be shorter than the first answer it replaces, C2.1.email (4h working)",
        ),
        ("[C4.2]\nattempts = 2", "C4.2.attempt_days: must not be greater than attempts (2)"),
        ("[C5.8]\nattempts = 2", "C5.8.attempt_days: must not be greater than attempts (2)"),
        ("[B2.1]\nshift_end = \"18:00\"", "line 2: B2.1.shift_end: must be later than shift_start (18:30)"),
        (
            "[A10.6]\nlocal_depart_within = \"1h working\"",
            "line 2: A10.6.local_depart_within: must be on the same clock",
        ),
        ("[calendar]\nzone = \"Mars\"", "line 2: calendar.zone: \"Mars\" is not a known time zone"),
        ("[calendar]\nzones = \"UTC\"", "line 2: calendar: unknown field `zones`"),
        ("calendar = 3", "line 1: calendar: invalid type"),
        ("[calendar]\n\nmon = [\"9-5\"]", "line 3: calendar.mon: \"9-5\" is not an interval"),
        ("chat = \"5m\"", "line 1: chat is a text; expected tables named after clauses"),
        ("[C2]\nchat = \"5m\"", "line 2: C2.chat is a text; expected tables named after clauses"),
        ("[C2.1]\nchat = \"5m\"\n[\"C2.1\"]\nchat = \"6m\"", "set before, in line"),
        ("[C2.1]\nchat = \"5m\"\nchat = \"6m\"", "line 3: duplicate key"),
        ("[C2.1\n", "line 1: "),
        ("[C2.1]\nchat = 5m\n", "line 2: "),
    ];
    for (overrides, expected) in cases {
        let message = refusal(overrides);
        assert!(message.contains(expected), "{overrides:?}\n  gave {message}\n  not  {expected}");
    }
}

#[test]
fn a_file_is_named_when_it_is_refused() {
    let missing = Regulation::from_file("/nonexistent/regulation.toml".as_ref()).unwrap_err();
    assert!(matches!(missing, Error::Read { .. }));
    let path = std::env::temp_dir().join(format!("kefu-regulation-{}.toml", std::process::id()));
    std::fs::write(&path, "[C2.1]\nchat = \"soon\"\n").unwrap();
    let refused = Regulation::from_file(&path).unwrap_err();
    std::fs::write(&path, "[C2.1]\nchat = \"4m\"\n").unwrap();
    let accepted = Regulation::from_file(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(refused.to_string().contains(path.to_str().unwrap()));
    assert!(refused.source().unwrap().to_string().starts_with("line 2: C2.1.chat: "));
    assert_eq!(accepted.get(params::CHAT), Budget::wall(SignedDuration::from_mins(4)));
}

#[test]
fn the_version_changes_with_any_effective_value_and_with_nothing_else() {
    let version = |overrides: &str| Regulation::load(overrides).unwrap().version().to_owned();
    let standard = Regulation::standard().version().to_owned();
    assert_eq!(standard.len(), 16);
    for same in [
        "",
        "# a comment",
        "[C2.1]\nchat = \"180s\"",
        "[C4.1]\nprogress_every = \"8h working\"",
        "[B3.5]\ndeduction = \"20.00 CNY\"",
    ] {
        assert_eq!(version(same), standard, "{same}");
    }
    let mut seen = BTreeSet::from([standard]);
    for different in [
        "[C2.1]\nchat = \"4m\"",
        "[C2.1]\nchat = \"3m working\"",
        "[C2.1]\nemail = \"4m working\"",
        "[C4.2]\nattempts = 4",
        "[B3.5]\ndeduction = \"20 USD\"",
        "[B3.4]\napproval = true",
        "[A5.2]\nevery = \"P30D\"",
        "[calendar]\nzone = \"Asia/Tokyo\"",
        "[calendar]\ndays_off = [\"2026-12-25\"]",
        "[calendar]\nsat = [\"09:00-12:00\"]",
    ] {
        assert!(seen.insert(version(different)), "{different}");
    }
}

#[test]
fn the_example_that_ships_is_valid_and_changes_what_it_says() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/regulation/example.toml");
    let regulation = Regulation::from_file(Path::new(example)).unwrap();
    assert_eq!(regulation.get(params::CHAT), Budget::wall(SignedDuration::from_mins(2)));
    assert_eq!((regulation.get(params::ATTEMPTS), regulation.get(params::ATTEMPT_DAYS)), (4, 3));
    assert!(regulation.calendar().is_working_day("2026-11-21".parse().unwrap()).unwrap());
}
