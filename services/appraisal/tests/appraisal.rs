//! The appraisal service through its public API: a real client, the real server, a Postgres database of its own, a
//! fixed clock.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod appraisal {
    mod absences;
    mod access;
    mod any;
    mod bad_input;
    mod bootstrap;
    mod budgets;
    mod departments;
    mod house;
    mod import;
    mod import_limits;
    mod rules;
    mod staff;
}
