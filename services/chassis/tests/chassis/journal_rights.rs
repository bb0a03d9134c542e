//! What the service's own role, and the owner of the tables, can do to a sealed journal: nothing but erase a payload.

use std::borrow::Cow;

use kefu_testkit::{BARE, Bench};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::stage::write;

const NO_PRIVILEGE: &str = "42501";
const GUARDED: &str = "P0001";

async fn code(connection: &mut PgConnection, statement: &str) -> Option<String> {
    let done = sqlx::query(AssertSqlSafe(statement)).execute(connection).await;
    done.err().and_then(|error| error.as_database_error().and_then(|error| error.code().map(Cow::into_owned)))
}

#[tokio::test]
async fn the_role_of_the_service_cannot_rewrite_its_journal() {
    let bench = Bench::of(&BARE).await;
    write(&bench, "things/1", 3).await;
    bench.seal().await;
    let mut service = bench.pool().acquire().await.unwrap();
    for (statement, expected) in [
        ("update journal set actor = 'x'", NO_PRIVILEGE),
        ("update journal set payload_digest = sha256('')", NO_PRIVILEGE),
        ("update journal set seq = default", NO_PRIVILEGE),
        ("update journal set position = position + 10", GUARDED),
        ("update journal set hash = sha256('')", GUARDED),
        ("update journal set position = null, hash = null", GUARDED),
        ("update journal set payload = 'x'", GUARDED),
        ("update journal set salt = 'x'", GUARDED),
        ("delete from journal", NO_PRIVILEGE),
        ("truncate journal", NO_PRIVILEGE),
        ("drop table journal", NO_PRIVILEGE),
        ("alter table journal disable trigger all", NO_PRIVILEGE),
        ("set session_replication_role = replica", NO_PRIVILEGE),
        ("create table mine (id int)", NO_PRIVILEGE),
        ("delete from _chassis_migrations", NO_PRIVILEGE),
    ] {
        assert_eq!(code(&mut service, statement).await.as_deref(), Some(expected), "{statement}");
    }
    assert_eq!(code(&mut service, "update journal set payload = null, salt = null where position = 2").await, None);
    assert_eq!(bench.number("select count(*) from journal where payload is null").await, 1);
}

#[tokio::test]
async fn even_the_owner_of_the_tables_is_stopped_by_the_guard() {
    let bench = Bench::of(&BARE).await;
    write(&bench, "things/1", 3).await;
    bench.seal().await;
    let mut owner = bench.admin().acquire().await.unwrap();
    assert_eq!(code(&mut owner, "set role kefu_migrator").await, None);
    for statement in [
        "update journal set actor = 'x'",
        "update journal set corrects = event_id",
        "delete from journal",
        "truncate journal",
    ] {
        assert_eq!(code(&mut owner, statement).await.as_deref(), Some(GUARDED), "{statement}");
    }
}
