//! The server against callers that break the rules of HTTP/2 and gRPC, or abuse what the rules allow: each is refused
//! or bounded, and others are served meanwhile. These tests have a process of their own and run one at a time, because
//! the memory of the process is measured.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod beside;
mod connections;
mod floods;
mod messages;
mod quota;
mod slow;
#[path = "../chassis/stage.rs"]
#[expect(dead_code, reason = "of the stage of the other tests only the writers of events are needed")]
mod stage;
mod tls;
mod wire;
