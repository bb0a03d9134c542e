//! Large imports: their limits, their duration, and calls that run beside them.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::{Bench, assert_refused, eventually};
use tonic::Code;

use super::house::{DESK, House, newcomer};
use super::import::{counts, send};

const STAFF: &str = "select count(*) from appraisal.staff";
/// Counts transactions that wait for the lock of the organisation.
pub const WAITING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%update appraisal.organisation set version%'";
/// Counts transactions that wait for a lock while they store staff.
const STORING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into appraisal.staff%'";

/// A file with this many people in departments of twenty, each supervised by somebody further down.
fn organisation(people: usize) -> String {
    let mut file = String::from(
        "id,number,display_name,department,department_name,department_kind,position,level,roles,supervisor\n",
    );
    for number in 0..people {
        let unit = number / 20;
        let position = if number % 20 == 0 { "head" } else { "" };
        let above = if number + 100 < people { format!("p{}", number + 100) } else { String::new() };
        writeln!(
            file,
            "p{number},{number},员工{number},unit-{unit},部门{unit},EXECUTING,{position},REGULAR,AGENT;TECHNICIAN,{above}"
        )
        .unwrap();
    }
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_rows_take_seconds_and_the_second_time_nothing_is_written() {
    let bench = Bench::of(&kefu_appraisal::SERVICE).await;
    let file = organisation(5_000);
    let started = Instant::now();
    let first = send(&bench, file.as_bytes(), 1 << 16, true).await.unwrap();
    let took = started.elapsed();
    assert_eq!(counts(&first), (5_000, 0, 0, 0), "{:?}", first.rejected_rows.first());
    let events = bench.number("select count(*) from journal").await;
    assert_eq!(events, 5_000 + 2 * 250);
    let started = Instant::now();
    let second = send(&bench, file.as_bytes(), 1 << 16, true).await.unwrap();
    let again = started.elapsed();
    eprintln!("5,000 rows: {took:?}, again: {again:?}");
    assert_eq!(counts(&second), (0, 0, 5_000, 0));
    assert_eq!(bench.number("select count(*) from journal").await, events);
    assert!(took + again < Duration::from_secs(30), "{took:?} and {again:?}");
}

#[tokio::test]
async fn of_many_rejected_rows_the_first_thousand_are_named() {
    let house = House::open().await;
    let mut file = String::from("id,number,display_name,department,roles\n");
    for number in 0..1_200 {
        writeln!(file, "p{number},{number},A,nowhere,AGENT").unwrap();
    }
    let result = send(&house.bench, file.as_bytes(), 1 << 20, false).await.unwrap();
    assert_eq!((counts(&result), result.rejected_rows.len()), ((0, 0, 0, 1_200), 1_000));
    assert_eq!(result.rejected_rows.last().unwrap().line, 1_001);
}

#[tokio::test]
async fn a_file_of_more_than_sixteen_mebibytes_is_refused_while_it_is_sent() {
    let house = House::open().await;
    let mut file = b"id,number,display_name\n".to_vec();
    file.resize((16 << 20) + 1, b'\n');
    let refusal = assert_refused(
        send(&house.bench, &file, 1 << 20, false).await,
        Code::InvalidArgument,
        ErrorReason::FieldInvalid,
    );
    assert_eq!(refusal.fields(), ["chunk"]);
    file.pop();
    assert_eq!(counts(&send(&house.bench, &file, 1 << 20, false).await.unwrap()), (0, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_recorded_beside_an_import_is_neither_lost_nor_overwritten() {
    let mut house = House::open().await;
    let mut file = String::from("id,number,display_name,department,roles\n");
    for number in 0..1_600 {
        writeln!(file, "p{number},{number},A,desk,AGENT").unwrap();
    }
    // The first transaction of the import waits for a staff number that this transaction takes and rolls back.
    let mut held = house.bench.admin().begin().await.unwrap();
    let copy =
        "insert into appraisal.staff select 'staff/held', '0', display_name, department, post, level, roles, skills,
        qualifications, supervisor, inactive, department_since, created_at, updated_at, version
        from appraisal.staff where name = 'staff/lin'";
    sqlx::query(copy).execute(&mut *held).await.unwrap();
    // Meanwhile two calls take an id and a number of its last rows; they get the lock before its second transaction.
    let create = |call| {
        let mut client = DirectoryServiceClient::new(house.bench.as_service());
        async move { client.create_staff(call).await.unwrap() }
    };
    let mut thief = newcomer("thief", Role::Agent, DESK);
    thief.staff.as_mut().unwrap().number = "1598".into();
    let bench = &house.bench;
    let release = async {
        eventually("both wait", async || (bench.number(WAITING).await == 2).then_some(())).await;
        held.rollback().await.unwrap();
    };
    let beside = async {
        eventually("the import waits", async || (bench.number(STORING).await == 1).then_some(())).await;
        tokio::join!(create(newcomer("p1599", Role::Manager, DESK)), create(thief), release)
    };
    let (result, _) = tokio::join!(send(bench, file.as_bytes(), 1 << 20, false), beside);
    let result = result.unwrap();
    let rejected: Vec<_> = result.rejected_rows.iter().map(|row| (row.line, row.field.as_str())).collect();
    assert_eq!((counts(&result), rejected), ((1_598, 1, 0, 1), vec![(1_600, "number")]));
    assert_eq!(house.staff("staff/p1599").await.roles().collect::<Vec<_>>(), [Role::Agent]);
    assert_eq!(house.staff("staff/thief").await.number, "1598");
    assert_eq!(house.bench.number(STAFF).await, 5 + 1_600);
}
