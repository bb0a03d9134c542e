//! Runs pgbench on the same Postgres: its rate shows what the database alone can do with the same rows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A pgbench script and the values of its variables.
#[derive(Debug)]
pub struct Script {
    /// Name of the script's file in `tests/load/pgbench`, without the ending `.sql`.
    pub name: &'static str,
    /// Names and values of the script's variables.
    pub values: Vec<(&'static str, String)>,
}

/// Runs a script with `clients` for `length` (whole seconds) on the database at `url`; returns transactions a second.
pub async fn rate(program: &Path, url: &str, script: &Script, clients: usize, length: Duration) -> f64 {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pgbench").join(script.name).with_extension("sql");
    let mut command = Command::new(program);
    // What a trigger calls finds the tables of its service, as in the service's own connections.
    let schema = if script.name.ends_with("complaint") { "complaints" } else { "intake" };
    command.env("PGOPTIONS", format!("-c search_path={schema},public"));
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]);
    command.arg(format!("--client={clients}")).arg(format!("--time={}", length.as_secs()));
    for (name, value) in &script.values {
        command.arg(format!("--define={name}={value}"));
    }
    command.arg("--file").arg(file).arg(url);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("nothing panics there");
    let output = output.expect("pgbench can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pgbench {}: {complaint}", script.name);
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rest| rest.split(' ').next()).and_then(|number| number.parse().ok());
    rate.unwrap_or_else(|| panic!("pgbench {} gave no rate: {said}{complaint}", script.name))
}
