//! intake through its public API: a real client, the real server, a Postgres database of its own, a clock that stands.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod intake {
    mod budgets;
    mod desk;
    mod import;
    mod reads;
    mod stories;
}
