//! Who may call what, and touch which resource.

use kefu_testkit::any::access::{
    assert_a_token_is_needed, assert_access_reaches_what_it_should, assert_roles_may_call_what_their_rules_list,
};

use super::any::World;

#[tokio::test]
async fn no_method_answers_without_a_token_that_holds() {
    assert_a_token_is_needed(&World::new().await).await;
}

#[tokio::test]
async fn a_role_may_call_exactly_the_methods_whose_rule_lists_it() {
    assert_roles_may_call_what_their_rules_list(&World::new().await).await;
}

#[tokio::test]
async fn each_caller_touches_what_the_access_of_a_method_lets_them_and_learns_of_nothing_else() {
    let (reached, hidden) = assert_access_reaches_what_it_should(&World::new().await).await;
    assert!(reached > 0 && hidden > 0);
}
