//! The server against callers that keep to no rule of HTTP/2 or gRPC, or to its letter only: each is refused or bounded, and
//! meanwhile others are served. A process of its own, because its memory is measured; one test at a time, for the same reason.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod beside;
mod connections;
mod floods;
mod messages;
mod shares;
mod slow;
#[path = "../chassis/stage.rs"]
#[expect(dead_code, reason = "of the stage of the other tests only the writers of events are needed")]
mod stage;
mod tls;
mod wire;
