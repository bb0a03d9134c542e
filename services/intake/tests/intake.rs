//! The intake service through its public API: a real client, the real server, a Postgres database of its own, a fixed
//! clock.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod intake {
    mod access;
    mod any;
    mod bad_input;
    mod budgets;
    mod clocks;
    mod desk;
    mod explain;
    mod hostile;
    mod import;
    mod judgement;
    mod links;
    mod major;
    mod merging;
    mod order;
    mod ownership;
    mod reads;
    mod reckoning;
    mod remote;
    mod search;
    mod stories;
    mod tricks;
    mod watch;
    mod ways_out;
    mod work_orders;
}
