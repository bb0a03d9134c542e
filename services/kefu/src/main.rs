//! kefu: all services in one process, and the operator's command line.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    kefu::main()
}
