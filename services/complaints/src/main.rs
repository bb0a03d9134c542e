//! The complaints service on its own: `serve` and `migrate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kefu_chassis::program::main(&kefu_complaints::SERVICE)
}
