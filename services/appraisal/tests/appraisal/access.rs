//! Access: who may call each method, and who may reach each resource.

use kefu_testkit::any::access::assert_matrix;

use super::any::World;

#[tokio::test]
async fn every_method_answers_every_role_token_and_owner_as_its_rule_says() {
    let cells = assert_matrix(&World::new().await).await;
    assert_eq!(cells.len(), 5, "every outcome: {cells:?}");
}
