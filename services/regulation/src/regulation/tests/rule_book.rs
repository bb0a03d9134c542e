//! Tests that the rule book is complete and well formed.

use super::*;

/// How many clauses each section has, counted by hand from the regulations.
const SECTIONS: [(&str, &[u32]); 4] = [
    ("A", &[3, 8, 2, 2, 3, 3, 6, 2, 2, 7]),
    ("B", &[4, 2, 5]),
    ("C", &[3, 4, 3, 3, 9, 7, 9, 4]),
    ("D", &[4, 4, 5, 3, 3, 4, 5, 12, 5, 8]),
];

#[test]
fn every_clause_is_there_once_and_in_order() {
    let mut expected = Vec::new();
    for (letter, sections) in SECTIONS {
        for (section, clauses) in (1..).zip(sections) {
            expected.extend((1..=*clauses).map(|clause| format!("{letter}{section}.{clause}")));
        }
    }
    assert_eq!(expected.len(), 144);
    let regulation = Regulation::standard();
    let ids: Vec<_> = regulation.clauses().map(|clause| clause.id.clone()).collect();
    assert_eq!(ids, expected);
    for id in ids {
        assert_eq!(regulation.clause(&id).unwrap().id, id);
    }
    assert!(regulation.clause("A1.4").is_none());
}

#[test]
fn titles_and_duties_are_written_and_services_and_mechanisms_named() {
    let regulation = Regulation::standard();
    let mut titles = BTreeSet::new();
    for clause in regulation.clauses() {
        let id = &clause.id;
        for text in [&clause.title.en, &clause.title.zh, &clause.demand.en, &clause.demand.zh] {
            assert!(!text.is_empty() && text.trim() == text, "{id}: {text:?}");
        }
        assert!(clause.title.en.is_ascii(), "{id}");
        assert!(clause.title.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{id}");
        assert!(clause.demand.en.ends_with('.') && clause.demand.zh.ends_with('。'), "{id}");
        assert!(
            titles.insert(clause.title.en.clone()) && titles.insert(clause.title.zh.clone()),
            "{id}: title used twice"
        );
        let services: BTreeSet<_> = clause.services.iter().collect();
        let mechanisms: BTreeSet<_> = clause.mechanisms.iter().collect();
        assert!(!services.is_empty() && services.len() == clause.services.len(), "{id}");
        assert!(!mechanisms.is_empty() && mechanisms.len() == clause.mechanisms.len(), "{id}");
    }
    assert_eq!(regulation.clause("A9.1").unwrap().services.len(), 5);
    assert_eq!(regulation.clause("A2.7").unwrap().services, [Service::Intake, Service::Appraisal]);
}

#[test]
fn every_parameter_says_what_it_sets_in_both_languages() {
    let is_han = |sign: char| ('\u{4e00}'..='\u{9fff}').contains(&sign);
    for clause in Regulation::standard().clauses() {
        let mut meanings = BTreeSet::new();
        for parameter in &clause.parameters {
            let (at, meaning) = (format!("{}.{}", clause.id, parameter.name), &parameter.meaning);
            assert!(meaning.en.is_ascii() && meaning.en.ends_with('.') && meaning.en.len() > 15, "{at}");
            assert!(meaning.zh.starts_with(is_han) && meaning.zh.ends_with('。'), "{at}");
            assert!(!meaning.zh.contains(|sign: char| sign.is_ascii()), "{at}");
            assert!(meanings.insert(&meaning.en) && meanings.insert(&meaning.zh), "{at}: said twice in its clause");
        }
    }
}

#[test]
fn parameters_have_the_values_of_the_rule_book() {
    let regulation = Regulation::standard();
    let text = |clause: &str, name: &str| regulation.clause(clause).unwrap().parameter(name).unwrap().text.clone();
    let expected = [
        ("A1.2", "due_before_month_end", "2 working days"),
        ("A1.3", "due_time", "18:00"),
        ("A3.1", "sent_by", "12-31"),
        ("A4.1", "due", "Friday 12:00"),
        ("A5.2", "every", "P1M"),
        ("A5.3", "every", "P3M"),
        ("A6.1", "answer_within", "1 working day"),
        ("A6.2", "rule_within", "2 working days"),
        ("A7.1", "notify_within", "10m"),
        ("A7.3", "inform_within", "30m"),
        ("A7.4", "progress_every", "60m"),
        ("A7.5", "report_within", "3 working days"),
        ("A8.1", "check_every", "4h"),
        ("A10.1", "every", "P3M"),
        ("A10.3", "every", "P6M"),
        ("A10.6", "remote_arrive_within", "24h"),
        ("B1.4", "every", "P6M"),
        ("B2.1", "shift_start", "18:30"),
        ("B2.2", "shift_end", "24:00"),
        ("B3.1", "leave_notice", "1d"),
        ("B3.2", "acknowledge_within", "15m"),
        ("B3.4", "swaps_per_month", "2"),
        ("B3.5", "deduction", "20 CNY"),
        ("C5.2", "acknowledge_within", "1h working"),
        ("C5.3", "conclude_within", "3 working days"),
        ("C5.7", "progress_every", "2 working days"),
        ("C5.8", "callback_within", "2 working days"),
        ("C5.9", "retention", "P5Y"),
        ("C6.1", "approved_by", "01-31"),
        ("C6.5", "compare_window", "P30D"),
        ("C7.5", "sample_share", "2 %"),
        ("C7.5", "sample_at_least", "2"),
        ("C8.1", "every", "P1W"),
        ("C8.2", "every", "P3M"),
        ("D1.4", "acknowledge_within", "30m"),
        ("D2.1", "confirm_by", "18:00"),
        ("D2.1", "same_day_before", "2h"),
        ("D3.1", "margin", "10m"),
        ("D5.1", "report_within", "4h working"),
        ("D7.1", "every", "P1M"),
        ("D8.3", "acknowledge_within", "2h working"),
        ("D8.12", "check_after", "P90D"),
        ("D10.3", "every", "P1M"),
        ("D10.8", "plan_from_level", "MEDIUM"),
    ];
    for (clause, name, value) in expected {
        assert_eq!(text(clause, name), value, "{clause}.{name}");
    }
}

#[test]
fn handles_read_what_the_rule_book_says() {
    let regulation = Regulation::standard();
    let minutes = SignedDuration::from_mins;
    let budgets = [
        (params::INSIDER_FOR, Budget::wall(hours(90 * 24))),
        (params::ACCEPT_WITHIN, Budget::working(minutes(30))),
        (params::REPORT_WITHIN, Budget::wall(minutes(15))),
        (params::WORK_ORDER_WITHIN, Budget::working(hours(8))),
        (params::PASS_ON_WITHIN, Budget::working(minutes(30))),
        (params::REPEAT_WITHIN, Budget::wall(hours(72))),
        (params::BACKDATE_AGENT, Budget::wall(hours(24))),
        (params::BACKDATE_SUPERVISOR, Budget::wall(hours(30 * 24))),
        (params::ESCALATE_TO_SUPERVISOR, Budget::working(minutes(30))),
        (params::ESCALATE_TO_MANAGER, Budget::working(hours(4))),
        (params::RECORD_WITHIN, Budget::wall(minutes(15))),
        (params::DELAY_NOTICE_WITHIN, Budget::wall(hours(4))),
        (params::CHAT, Budget::wall(minutes(3))),
        (params::HOTLINE_RING, Budget::wall(SignedDuration::from_secs(5))),
        (params::EMAIL, Budget::working(hours(4))),
        (params::WEB, Budget::working(hours(1))),
        (params::PROMISE_AT_MOST, Budget::working(hours(24))),
        (params::CLASSIFY_WITHIN, Budget::working(minutes(30))),
        (params::PROGRESS_EVERY, Budget::working(hours(8))),
        (params::ASK_WITHIN, Budget::working(hours(16))),
        (params::REOPEN_WITHIN, Budget::wall(hours(30 * 24))),
        (params::APOLOGIZE_WITHIN, Budget::working(hours(1))),
        (params::CONCLUDE_WITHIN, Budget::working(hours(24))),
        (params::EXECUTION_PROGRESS_EVERY, Budget::working(hours(16))),
        (params::CALLBACK_WITHIN, Budget::working(hours(16))),
        (params::DEPARTMENT_ACKNOWLEDGE_WITHIN, Budget::working(hours(2))),
        (params::CHECK_WITHIN, Budget::working(hours(40))),
        (params::OTHER_CHANNELS, Budget::working(hours(4))),
        (params::PROMISE_USUAL, Budget::working(hours(8))),
        (params::PROMISE_SHARE_OF, Budget::wall(hours(7 * 24))),
        (params::AWAIT_USUAL, Budget::working(hours(80))),
    ];
    for (handle, budget) in budgets {
        assert_eq!(regulation.get(handle), budget, "{}.{}", handle.clause(), handle.name());
    }
    assert_eq!(regulation.get(params::BOUNCE_TRANSFERS), 3);
    assert_eq!(regulation.get(params::HOTLINE_RINGS), 3);
    assert_eq!(regulation.get(params::ATTEMPTS), 3);
    assert_eq!(regulation.get(params::ATTEMPT_DAYS), 3);
    assert_eq!(regulation.get(params::COMPLAINANT_ATTEMPTS), 3);
    assert_eq!(regulation.get(params::COMPLAINANT_ATTEMPT_DAYS), 3);
    assert_eq!(regulation.get(params::RETENTION), Period { months: 60, days: 0 });
    assert_eq!(regulation.get(params::CHECK_AFTER), Period { months: 0, days: 90 });
    assert_eq!(regulation.hotline_answer(), Budget::wall(SignedDuration::from_secs(15)));
    assert_eq!(regulation.get(params::PROMISE_SHARE).basis_points(), 3_000);
    assert_eq!(regulation.get(params::PROMISE_SHARE_LEAST), 10);
    assert_eq!(regulation.get(params::COUNTS_AFTER).basis_points(), 2_500);
    assert_eq!(params::HANDLES.len(), budgets.len() + 11);
}

#[test]
fn sources_are_what_the_rule_book_says() {
    let regulation = Regulation::standard();
    let of = |source| -> BTreeSet<&str> {
        let has = |parameters: &[crate::Parameter]| parameters.iter().any(|parameter| parameter.source == source);
        regulation.clauses().filter(|clause| has(&clause.parameters)).map(|clause| clause.id.as_str()).collect()
    };
    let text = ["A3.1", "A4.1", "A5.2", "A5.3", "B2.1", "B2.2", "B3.1", "B3.4", "B3.5", "D3.1"];
    assert_eq!(of(Source::Text), BTreeSet::from(text));
    assert_eq!(
        of(Source::Extension),
        BTreeSet::from(["A1.1", "A9.1", "C2.1", "C2.2", "C4.1", "C4.2", "C4.3", "C5.8", "D10.8", "D8.12"])
    );
}

#[test]
fn a_choice_lists_its_words_and_no_other_type_does() {
    let regulation = Regulation::standard();
    for parameter in regulation.clauses().flat_map(|clause| &clause.parameters) {
        assert_eq!(parameter.kind() == Kind::Choice, !parameter.choices().is_empty(), "{}", parameter.name);
        assert!(!parameter.overridden);
    }
}
