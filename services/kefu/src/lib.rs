//! kefu: all services in one process, and the operator's command line. A library, so that the fuzzer can call its
//! readers; the binary only calls `main`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

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
mod language;
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
    let language =
        language::choose(&std::env::args_os().map(|text| text.to_string_lossy().into_owned()).collect::<Vec<_>>());
    let cli = match cli::read(language, std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli::run(cli).unwrap_or_else(|error| {
        if let error::Error::Usage(error) = &error {
            return cli::refuse(language, error);
        }
        eprintln!("kefu: {}", error.told(language));
        ExitCode::FAILURE
    })
}
