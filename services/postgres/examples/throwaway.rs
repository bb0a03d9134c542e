//! A throwaway server for scripts: prints its URL and the directory of its programs, and is gone when its input ends.

use std::io::{self, Read as _, Write as _};

use kefu_postgres::{Options, Postgres};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.kefu");
    let postgres =
        Postgres::start(Options { on_progress: |sentence| eprintln!("{sentence}"), ..Options::ephemeral(home) })?;
    println!("{}\n{}", postgres.url("postgres"), postgres.bin_dir().display());
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(postgres.stop()?)
}
