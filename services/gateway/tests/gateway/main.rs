//! The gateway before real services: what HTTP asks of it, and gRPC beside it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod json;
mod native;
mod recorder;
mod routing;
mod services;
mod stage;
mod streams;
mod transport;
mod uploads;
