//! What a service serves and how it starts: configuration, program, server, and the methods that every service has.

mod background;
mod compliance;
pub mod config;
pub mod explain;
mod feed;
mod notifications;
pub mod program;
pub mod server;
mod tail;
pub mod watch;
