//! The gateway on its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    kefu_gateway::main()
}
