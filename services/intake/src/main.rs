//! The intake service on its own: `serve` and `migrate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kefu_chassis::program::main(&kefu_intake::SERVICE)
}
