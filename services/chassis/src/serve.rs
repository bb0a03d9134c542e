//! The layer of the running service: configuration, program, server, and the methods that every service has.

mod background;
mod compliance;
pub mod config;
pub mod explain;
mod feed;
mod notifications;
pub mod program;
mod regulation;
pub mod server;
mod tail;
pub mod watch;
