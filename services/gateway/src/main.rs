//! The gateway's own program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kefu_gateway::main()
}
