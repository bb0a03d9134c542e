//! The complaints service through its public API: a real client, the real server, a Postgres database of its own, a
//! fixed clock.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod complaints {
    mod analysis;
    mod any;
    mod archive;
    mod contract;
    mod desk;
    mod evidence;
    mod hostile;
    mod improvements;
    mod naming;
    mod posts;
    mod purge;
    mod reads;
    mod separation;
    mod stories;
    mod timing;
    mod unreachable;
    mod uploads;
    mod ways_out;
}
