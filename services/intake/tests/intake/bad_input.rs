//! Bad input to every method: the code, the field and the resource that a refusal names, and nothing changed.

use std::collections::BTreeSet;

use expect_test::expect_file;
use kefu_testkit::any::bad_input::{
    assert_changes_can_be_repeated, assert_every_field_is_checked, assert_no_message_is_refused,
    assert_unknown_names_are_told,
};
use kefu_testkit::any::conditions::assert_every_condition_is_enforced;
use kefu_testkit::any::corpora::assert_texts_are_kept_or_refused;
use kefu_testkit::any::pages::{assert_pages_give_every_item_once, assert_tokens_hold_for_their_query_only};
use kefu_testkit::any::streams::assert_streams_end_with_the_token;

use super::any::World;

#[tokio::test]
async fn every_field_of_every_method_is_checked_and_named_and_nothing_changes() {
    let tried = assert_every_field_is_checked(&World::new().await).await;
    let kinds = [
        "NUL",
        "control",
        "two lines",
        "blank",
        "invisible",
        "left out",
        "negative",
        "no UUID",
        "no e-mail",
        "no id",
        "no name",
        "no time",
    ];
    let kinds = kinds.into_iter().chain(["too little", "too long", "too many", "too much", "twice", "undefined"]);
    assert_eq!(tried.into_keys().collect::<BTreeSet<_>>(), kinds.collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn every_condition_of_the_contracts_is_refused_in_both_languages_when_it_is_broken() {
    expect_file!["conditions.txt"].assert_eq(&assert_every_condition_is_enforced(&World::new().await).await);
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_and_nothing_changes() {
    assert_no_message_is_refused(&World::new().await).await;
}

#[tokio::test]
async fn every_method_that_names_a_resource_says_which_one_is_not_known() {
    let mut anonymous = assert_unknown_names_are_told(&World::new().await).await;
    anonymous.sort_unstable();
    assert_eq!(
        anonymous,
        [
            "CreateCustomer",
            "FindCustomers",
            "ListCustomers",
            "ListMyQueue",
            "ListRequests",
            "SearchRequests",
            "WatchRequests"
        ]
    );
}

#[tokio::test]
async fn every_change_refuses_a_stale_etag_and_answers_a_repeated_call_as_the_first_time() {
    // Four methods take no etag: three create a resource, and ReassignRequests changes several.
    assert_eq!(assert_changes_can_be_repeated(&World::new().await).await, (34, 30));
}

#[tokio::test]
async fn pages_of_one_item_give_every_item_of_a_list_once_in_its_order() {
    assert_pages_give_every_item_once(&World::new().await).await;
}

#[tokio::test]
async fn a_page_token_holds_for_its_own_method_caller_and_query_only() {
    assert_eq!(assert_tokens_hold_for_their_query_only(&World::new().await).await, 16);
}

#[tokio::test]
async fn texts_that_others_carry_out_are_kept_as_they_came_or_refused_and_nothing_confidential_is_logged() {
    let tally = assert_texts_are_kept_or_refused(World::new).await;
    assert!(tally.kept > 50, "{tally:?}");
}

#[tokio::test]
async fn whatever_is_tampered_with_in_the_journal_of_a_desk_at_work_the_first_place_is_named() {
    kefu_testkit::tampering::assert_nothing_escapes(&World::new().await.bench, 200).await;
}

#[tokio::test]
async fn every_stream_ends_with_the_token_of_its_caller() {
    let mut streams = assert_streams_end_with_the_token(&World::new().await).await;
    streams.retain(|name| !["Subscribe", "WatchNotifications"].contains(&name.as_str()));
    streams.sort_unstable();
    assert_eq!(streams, ["ImportRequests", "WatchRequests"]);
}
