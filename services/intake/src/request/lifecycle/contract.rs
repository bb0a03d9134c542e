//! The lifecycle agrees with the contract, and its page with the lifecycle.

use expect_test::expect_file;
use kefu_proto::intake::v1::request_service_server::SERVICE_NAME;
use kefu_testkit::lifecycle::{assert_duties_and_clauses, assert_fits_contract};

use super::LIFECYCLE;

#[test]
fn every_action_is_done_by_a_method_whose_contract_names_its_clause_and_told_apart_in_both_languages() {
    assert_fits_contract(&LIFECYCLE, &[SERVICE_NAME]);
}

#[test]
fn every_duty_is_opened_and_fulfilled_by_some_action_and_every_clause_is_one_of_the_rule_book() {
    assert_duties_and_clauses(&LIFECYCLE);
}

#[test]
fn the_page_of_the_lifecycle_is_the_one_in_the_docs() {
    let page = LIFECYCLE.document("The lifecycle of a request", "services/intake/src/request/lifecycle.rs");
    expect_file!["../../../../../docs/lifecycles/request.md"].assert_eq(&page);
}
