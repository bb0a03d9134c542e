//! Access: who may call each method, who may reach each resource, and whose items a list shows.

use kefu_proto::intake::v1::ListRequestsResponse;
use kefu_testkit::any::access::assert_matrix;
use kefu_testkit::any::{World as _, message, named};
use kefu_testkit::sign;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::json;

use super::any::{DESK, World};

#[tokio::test]
async fn every_method_answers_every_role_token_and_owner_as_its_rule_says() {
    let cells = assert_matrix(&World::new().await).await;
    assert_eq!(cells.len(), 5, "every outcome: {cells:?}");
}

#[tokio::test]
async fn lists_show_each_caller_what_is_within_their_reach() {
    let world = World::new().await;
    let their = json!({
        "customer": world.other_customer, "channel": "CHAT", "kind": "SERVICE", "contact": { "phone": "13900139000" }, "description": "x",
    });
    world.call(&sign("staff/zhao", &["AGENT"]), "RegisterRequest", their).await.unwrap();
    let requests = world.bench.number("select count(*) from intake.request").await;
    let duties = world.bench.number("select count(*) from duty").await;
    let elsewhere = world.bench.number("select count(*) from duty where department = 'departments/other'").await;
    let owned = async |staff: &str| {
        let owned = sqlx::query_scalar("select count(*) from duty where owner = $1").bind(staff);
        owned.fetch_one(world.bench.admin()).await.unwrap()
    };
    let count = async |method: &str, who: (&str, &str, &str), field: &str| {
        let (subject, role, department) = who;
        if subject.starts_with("staff/") {
            world.bench.enrol(subject, department).await;
        }
        let token = sign(subject, &[role]);
        let mut call = world.json(method);
        call["page_size"] = json!(200);
        let method = named(method);
        let reply = world.send(Some(&token), &method, message(&method, &call).encode_to_vec()).await.unwrap();
        let reply = DynamicMessage::decode(method.output(), reply.as_slice()).unwrap();
        i64::try_from(reply.get_field_by_name(field).unwrap().as_list().unwrap().len()).unwrap()
    };
    for (who, shown) in [
        (("staff/lin", "AGENT", DESK), owned("staff/lin").await),
        (("staff/zhao", "AGENT", "departments/other"), 3),
        (("staff/boss", "SUPERVISOR", DESK), duties - elsewhere),
        (("staff/chief", "MANAGER", "departments/other"), elsewhere),
        (("staff/boss", "SUPERVISOR", ""), 0),
        (("staff/ceo", "EXECUTIVE", ""), duties),
        (("services/web", "SERVICE", ""), duties),
    ] {
        assert_eq!(count("ListDuties", who, "duties").await, shown, "{who:?}");
    }
    for (who, shown) in [
        (("staff/mei", "AGENT", "departments/other"), requests),
        ((world.customer.as_str(), "CUSTOMER", ""), requests - 1),
        ((world.other_customer.as_str(), "CUSTOMER", ""), 1),
    ] {
        assert_eq!(count("ListRequests", who, "requests").await, shown, "{who:?}");
    }
    assert_eq!(count("ListMyQueue", ("staff/zhao", "AGENT", DESK), "items").await, 2);
    // What staff/new of the same department left is in everybody's queue there.
    assert_eq!(count("ListMyQueue", ("staff/boss", "SUPERVISOR", DESK), "items").await, 1);
    let others = sign(&world.other_customer, &["CUSTOMER"]);
    let asked = json!({ "customer": world.customer });
    let reply = world.call(&others, "ListRequests", asked).await.unwrap();
    assert_eq!(ListRequestsResponse::decode(reply.as_slice()).unwrap().requests, []);
}
