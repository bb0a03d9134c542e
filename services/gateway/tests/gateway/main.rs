//! Tests the gateway before real services: HTTP and JSON, gRPC and gRPC-Web.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod json;
mod native;
mod recorder;
mod refused;
mod routing;
mod services;
mod stage;
mod streams;
mod transport;
mod uploads;
