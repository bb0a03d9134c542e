//! No state of a request is one that nobody can leave, whoever has left, is absent, or has moved.

use kefu_proto::intake::v1::request::State;
use kefu_testkit::any::World as _;
use kefu_testkit::sign;
use serde_json::{Value as Json, json};

use super::any::{World, shown};
use super::hostile::{EVERY, POSTS};

const STAFF: [&str; 11] = [
    "staff/lin",
    "staff/mei",
    "staff/wu",
    "staff/boss",
    "staff/head",
    "staff/zhao",
    "staff/chief",
    "staff/fieldhead",
    "staff/office",
    "staff/ceo",
    "staff/x",
];

/// Directories in which a request is hard to get on with: what each is, and how it comes from that of the posts.
const FAMILY: [(&str, &str); 8] = [
    ("as it is", ""),
    ("no heads", "update directory_department set head = ''"),
    (
        "all absent",
        "insert into directory_absence (name, staff, start_at, end_at)
            select gen_random_uuid()::text, name, '2000-01-01', '2100-01-01' from directory_staff",
    ),
    ("the owner has left", "update directory_staff set inactive = true where name = 'staff/lin'"),
    (
        "whoever leads has left",
        "update directory_staff set inactive = true where not roles && '{1,2,9,10}'::smallint[]; delete from directory_post",
    ),
    (
        "only another department's agent is left",
        "update directory_staff set inactive = true where name not in ('staff/zhao', 'staff/admin'); delete from directory_post",
    ),
    ("one department", "update directory_membership set department = 'departments/field'"),
    (
        "all moved",
        "insert into directory_membership (staff, since_at, department)
            select name, '2026-11-20T10:00:00+08:00', 'departments/field' from directory_staff
            on conflict (staff, since_at) do update set department = excluded.department",
    ),
];
const TABLES: [&str; 5] = ["department", "staff", "membership", "absence", "post"];

/// The steps out of a state.
fn steps(world: &World, state: State, name: &str, transfer: &str) -> Vec<(&'static str, Json)> {
    let of = |method: &'static str, name: &str| {
        let mut call = world.json(method);
        call["name"] = json!(name);
        (method, call)
    };
    match state {
        State::Registered => vec![of("RespondRequest", name)],
        State::InProgress => vec![of("ResolveRequest", name)],
        State::AwaitingCustomer => vec![of("RecordCustomerReply", name)],
        State::Resolved => vec![of("ConfirmResolution", name)],
        State::TransferPending => vec![of("AcceptTransfer", transfer), of("DeclineTransfer", transfer)],
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn somebody_can_go_on_with_a_request_whoever_is_left() {
    let world = World::new().await;
    let keep = TABLES.map(|table| format!("create table kept_{table} as select * from directory_{table};"));
    world.bench.change_directory(&keep.concat()).await;
    let put = |table: &str| {
        format!("delete from directory_{table}; insert into directory_{table} select * from kept_{table};")
    };
    let restore = TABLES.map(put).concat();
    let open = [State::Registered, State::InProgress, State::AwaitingCustomer, State::Resolved, State::TransferPending];
    for (label, change) in FAMILY {
        for state in open {
            world.bench.change_directory(&restore).await;
            let name = world.request_in(state).await;
            let reply = world.call(&world.agent, "GetRequest", json!({ "name": name })).await.unwrap();
            let transfer = shown(&reply).pending_transfer;
            world.bench.change_directory(&format!("{POSTS}; {change}")).await;
            let mut refusals = Vec::new();
            let mut has_left = false;
            for (method, call) in steps(&world, state, &name, &transfer) {
                for staff in STAFF {
                    if has_left {
                        break;
                    }
                    match world.call(&sign(staff, &EVERY), method, call.clone()).await {
                        Ok(_) => has_left = true,
                        Err(status) => {
                            refusals.push(format!("{staff} {method}: {:?} {}", status.code(), status.message()));
                        }
                    }
                }
            }
            assert!(has_left, "{label}: nobody goes on from {state:?}: {refusals:#?}");
        }
    }
}
