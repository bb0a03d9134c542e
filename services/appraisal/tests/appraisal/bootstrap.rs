//! The first ADMIN of an empty directory: recorded once, whichever replica starts and whenever Postgres answers.

use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::Role;
use kefu_testkit::{Bench, Builder, eventually};
use serde_json::json;

use super::house::{House, events, payload, told};
use super::import_limits::WAITING;

const COUNT: &str = "select count(*) from appraisal.staff";
fn naming(admin: &str) -> Builder {
    Bench::builder(&kefu_appraisal::SERVICE).settings(json!({ "admin": admin }))
}

async fn recorded(bench: &Bench) {
    eventually("the first ADMIN is recorded", async || (bench.number(COUNT).await > 0).then_some(())).await;
}

/// Every event of the directory: its type and its aggregate.
async fn told_of(bench: &Bench) -> Vec<(String, String)> {
    events(bench).await.into_iter().map(|event| (payload(&event).to_owned(), event.aggregate)).collect()
}

#[tokio::test]
async fn an_empty_directory_gets_its_first_admin_once() {
    let bench = naming("staff/root").start().await;
    recorded(&bench).await;
    let events = events(&bench).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].actor, "services/appraisal");
    let staff = told::<pb::StaffCreated>(&events[0]).staff.unwrap();
    let expected = ("staff/root", "root", "root", vec![Role::Admin]);
    let roles: Vec<Role> = staff.roles().collect();
    assert_eq!((staff.name.as_str(), staff.number.as_str(), staff.display_name.as_str(), roles), expected);

    // A second start, with another name, finds staff and records nobody.
    let database = bench.database().to_owned();
    let second = naming("staff/else").start_on(&database).await.unwrap();
    let house = House::on(second).await;
    assert_eq!(house.bench.number(COUNT).await, 6, "the five of the house, and staff/root");
    house.bench.stop().await;
    bench.stop().await;
}

#[tokio::test]
async fn without_the_setting_nobody_is_recorded() {
    let house = House::open().await;
    assert_eq!(house.bench.number("select count(*) from appraisal.staff where name = 'staff/admin'").await, 1);
    assert_eq!(told_of(&house.bench).await.len(), 8, "three departments and five people, and nothing before them");
}

#[tokio::test]
async fn a_setting_that_names_nobody_keeps_the_service_from_starting() {
    for admin in ["admin", "staff/", "staff/a b", "customers/1"] {
        let database = Bench::of(&kefu_appraisal::SERVICE).await;
        let Err(error) = naming(admin).start_on(database.database()).await else { panic!("{admin} was taken") };
        assert!(kefu_chassis::error::describe(&error).contains("service.admin"), "{error}");
    }
}

#[tokio::test]
async fn of_two_replicas_that_start_at_once_one_records_the_first_admin() {
    let empty = Bench::of(&kefu_appraisal::SERVICE).await;
    let mut held = empty.admin().begin().await.unwrap();
    sqlx::query("select 1 from appraisal.organisation for update").execute(&mut *held).await.unwrap();
    let one = naming("staff/admin").start_on(empty.database()).await.unwrap();
    let other = naming("staff/admin").start_on(empty.database()).await.unwrap();
    eventually("both wait", async || (empty.number(WAITING).await == 2).then_some(())).await;
    held.commit().await.unwrap();
    recorded(&empty).await;
    eventually("none waits any more", async || (empty.number(WAITING).await == 0).then_some(())).await;
    one.stop().await;
    other.stop().await;
    assert_eq!(told_of(&empty).await, [("StaffCreated".to_owned(), "staff/admin".to_owned())]);
}

#[tokio::test]
async fn while_postgres_is_away_it_is_tried_again() {
    let empty = Bench::of(&kefu_appraisal::SERVICE).await;
    let mut held = empty.admin().begin().await.unwrap();
    sqlx::query("select 1 from appraisal.organisation for update").execute(&mut *held).await.unwrap();
    let bench = naming("staff/admin").on_a_line().start_on(empty.database()).await.unwrap();
    eventually("it has begun", async || (empty.number(WAITING).await == 1).then_some(())).await;
    bench.line().cut();
    held.commit().await.unwrap();
    eventually("its statement is gone", async || (empty.number(WAITING).await == 0).then_some(())).await;
    assert_eq!(empty.number(COUNT).await, 0, "what was begun never happened");
    bench.line().mend();
    recorded(&empty).await;
    bench.stop().await;
    assert_eq!(told_of(&empty).await, [("StaffCreated".to_owned(), "staff/admin".to_owned())]);
}
