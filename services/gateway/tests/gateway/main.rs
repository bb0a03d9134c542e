//! The gateway before real services: what HTTP asks of it, and gRPC beside it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod json;
#[path = "../stage.rs"]
mod stage;
