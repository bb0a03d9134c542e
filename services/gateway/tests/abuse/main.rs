//! The gateway against callers who keep to no rule of HTTP, or to its letter only: each is refused or bounded, and meanwhile
//! others are served. A process of its own, because its memory is measured; one test at a time, for the same reason.
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
