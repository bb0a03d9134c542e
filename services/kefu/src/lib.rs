//! kefu: all services in one process, and the operator's command line. A library, so that the fuzzer can call its
//! readers; the binary only calls `main`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use kefu_chassis::error::describe;

mod cli;
mod client;
mod common;
mod compliance;
mod demo;
mod error;
mod home;
mod import;
mod instance;
mod join;
mod journal;
mod services;
mod staff;
mod terminal;
mod token;
mod up;

#[doc(hidden)]
pub use import::read_import;

/// The command line.
#[must_use]
pub fn main() -> ExitCode {
    cli::run(cli::Cli::parse()).unwrap_or_else(|error| {
        eprintln!("kefu: {}", describe(&error));
        ExitCode::FAILURE
    })
}
