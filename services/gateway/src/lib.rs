//! The gateway: it serves every method of the contracts as HTTP and JSON, from the descriptors alone, and passes gRPC
//! through on the same port.

mod backends;
mod body;
mod call;
mod config;
mod docs;
#[cfg(test)]
mod documented;
mod gateway;
mod instruments;
mod json;
mod observe;
pub mod openapi;
mod pass;
mod problem;
mod program;
mod rate;
mod request;
mod router;
mod routes;
mod serve;
mod start;
mod stream;
mod template;
mod titles;
mod upload;

pub use backends::{BackendConfig, Names};
pub use config::{Config, Cors, Limits};
pub use gateway::Gateway;
pub use problem::{OwnRefusal, http_status, own_refusals};
pub use program::main;
pub use start::{Running, Setup, StartError};
