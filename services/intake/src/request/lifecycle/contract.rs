//! The lifecycle agrees with the contract, and its page with the lifecycle.

use std::collections::BTreeSet;

use expect_test::expect_file;
use kefu_chassis::language::Language;
use kefu_chassis::rules::Rules;
use kefu_proto::intake::v1::request_service_server::SERVICE_NAME;

use kefu_regulation::Regulation;

use super::*;

#[test]
fn every_action_is_done_by_a_method_whose_contract_names_its_clause() {
    let rules = Rules::of(kefu_proto::pool(), &[SERVICE_NAME]).unwrap();
    for row in LIFECYCLE.transitions {
        let method = (LIFECYCLE.label)(row.action).method;
        let rule = rules.at(&format!("/{SERVICE_NAME}/{method}")).unwrap_or_else(|| panic!("{method}"));
        assert!(rule.clauses.iter().any(|clause| clause == row.clause), "{method}: {}", row.clause);
    }
}

#[test]
fn every_action_is_told_apart_in_both_languages() {
    let mut actions: Vec<Action> = LIFECYCLE.transitions.iter().map(|row| row.action).collect();
    actions.dedup();
    for language in [Language::English, Language::Chinese] {
        let told: BTreeSet<&str> = actions.iter().map(|&action| (LIFECYCLE.label)(action).text.of(language)).collect();
        assert_eq!(told.len(), actions.len(), "{told:?}");
    }
}

#[test]
fn every_gate_is_told_in_both_languages_and_cites_a_clause_of_the_rule_book() {
    let gates = || LIFECYCLE.transitions.iter().flat_map(|row| row.gates);
    assert!(gates().count() > 0);
    for gate in gates() {
        let clause = Regulation::standard().clause(gate.clause).cloned();
        assert!(clause.is_some(), "{}", gate.clause);
        let (en, zh) = (gate.missing.of(Language::English), gate.missing.of(Language::Chinese));
        assert!(!en.is_empty() && en != zh, "{en}");
        assert!(zh.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign)), "{zh}");
    }
}

#[test]
fn the_page_of_the_lifecycle_is_the_one_in_the_docs() {
    let page = LIFECYCLE.document("The lifecycle of a request", "services/intake/src/request/lifecycle.rs");
    expect_file!["../../../../../docs/lifecycles/request.md"].assert_eq(&page);
}
