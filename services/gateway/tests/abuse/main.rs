//! Tests the gateway against callers who break the rules of HTTP, or keep only to their letter: each is refused or
//! bounded, and meanwhile others are served. The tests measure memory, so they have a process of their own and run one
//! at a time.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod beside;
mod bodies;
mod heads;
mod idle;
mod json;
mod rates;
mod slow;
#[path = "../gateway/stage.rs"]
#[expect(dead_code, reason = "of the stage only what attacks need")]
mod stage;
mod unread;
mod uploads;
mod wire;
mod words;
