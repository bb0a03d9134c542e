//! The gateway: every method of the contracts as HTTP and JSON, from the descriptors alone, and gRPC passed through on the same
//! port.

mod docs;
pub mod openapi;
