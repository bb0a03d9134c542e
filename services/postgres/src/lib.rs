//! A private Postgres for a program and for tests. It is found or fetched, started on a free port of 127.0.0.1, taken over
//! when one still runs, and never left behind, even by kill -9.
#![forbid(unsafe_code)]

mod account;
mod binaries;
mod cluster;
mod error;
mod home;
mod lock;
mod pidfile;
mod seat;
mod server;
mod watchdog;
mod wheel;

use std::path::{Path, PathBuf};

use account::RunAs;
use binaries::Binaries;
pub use error::Error;
use home::Home;
use seat::Seat;
use server::{Launch, Server, Shutdown};
use watchdog::Watchdog;

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

impl Lifetime {
    /// Returns how a server on such data is shut down.
    fn shutdown(self) -> Shutdown {
        match self {
            Self::Kept => Shutdown::Fast,
            Self::Ephemeral => Shutdown::Immediate,
        }
    }
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

/// A running server. Dropping it stops it; so does the end of this process, however it comes.
#[derive(Debug)]
pub struct Postgres {
    options: Options,
    run_as: RunAs,
    binaries: Binaries,
    password: Option<String>,
    server: Server,
    /// The watchdog; none once the server has been stopped.
    watchdog: Option<Watchdog>,
    // The seat is dropped last, so that the locks are free only after everything else is done.
    seat: Seat,
}

impl Postgres {
    /// Starts a server, or takes over one that still runs on the data of this home directory. Blocks until it accepts
    /// connections: about 0.1 s, a second when the data must be made.
    ///
    /// # Errors
    /// When another process has the home directory, when no Postgres is found or fetched, when the data cannot be made
    /// or used, or when the server does not become ready in 180 s. No process is left behind then.
    pub fn start(options: Options) -> Result<Self, Error> {
        let (home, run_as) = Home::open(&options.home, options.on_progress)?;
        let (seat, binaries) = match options.lifetime {
            Lifetime::Kept => Seat::kept(&options, &home, &run_as)?,
            Lifetime::Ephemeral => Seat::ephemeral(&options, &home, &run_as)?,
        };
        let cluster = &seat.cluster;
        let lock = &seat.watchdog_lock;
        let remove = (options.lifetime == Lifetime::Ephemeral).then_some(cluster.directory.as_path());
        let mut watchdog = Watchdog::start(&run_as, &binaries, &cluster.data, remove, lock)?;
        if !cluster.is_made()? {
            cluster.make(&options, &binaries, &run_as, &mut watchdog, lock)?;
        }
        let password = cluster.password()?;
        let launch = Launch { options: &options, binaries: &binaries, run_as: &run_as, cluster };
        let server = launch.start(&mut watchdog)?;
        Ok(Self { options, run_as, binaries, password, server, watchdog: Some(watchdog), seat })
    }

    /// Returns the port on 127.0.0.1, which differs from start to start.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// Returns the process id of the server's first process, the parent of its others.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid
    }

    /// Starts the server again on the port that its clients know, after it was killed or has ended by itself. A server that
    /// still runs is ended first. May be called again when it fails.
    ///
    /// # Errors
    /// As [`Postgres::start`], and when another process has taken the port.
    pub fn restart(&mut self) -> Result<(), Error> {
        let Some(watchdog) = &mut self.watchdog else {
            return Ok(());
        };
        let cluster = &self.seat.cluster;
        let (run_as, binaries) = (&self.run_as, &self.binaries);
        self.server.stop(run_as, binaries, &cluster.data, self.options.lifetime.shutdown())?;
        let launch = Launch { options: &self.options, binaries, run_as, cluster };
        self.server = launch.start_anew(Some(self.server.port), watchdog)?;
        Ok(())
    }

    /// Returns the password of the superuser `postgres`; none when the data were made with [`Auth::Trust`].
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Returns the URL of a database for the superuser: `postgres://postgres[:password]@127.0.0.1:port/database`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let password = self.password().map(|password| format!(":{password}")).unwrap_or_default();
        let port = self.port();
        format!("postgres://postgres{password}@127.0.0.1:{port}/{}", escape(database))
    }

    /// Returns the major version, 15 to 18.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.binaries.major
    }

    /// Returns the directory of the programs: `postgres`, `pg_ctl` and mostly `psql` and `pg_dump`.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.binaries.directory
    }

    /// Returns the data directory. For root it may be outside of the home directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.seat.cluster.data
    }

    /// Returns the file that the server writes its log to.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.seat.cluster.log
    }

    /// Disconnects all clients, stops the server, waits until it is gone, and removes ephemeral data.
    ///
    /// # Errors
    /// When the server is still there after 75 s, or its data cannot be removed.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        let Some(watchdog) = self.watchdog.take() else {
            return Ok(());
        };
        let cluster = &self.seat.cluster;
        let shutdown = self.options.lifetime.shutdown();
        // On an error the watchdog is dropped, not dismissed, so that it tries what we could not.
        self.server.stop(&self.run_as, &self.binaries, &cluster.data, shutdown)?;
        if self.options.lifetime == Lifetime::Ephemeral {
            cluster::remove(&cluster.directory)?;
        }
        watchdog.leave();
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // There is nobody to report an error to; the watchdog does what failed.
        self.shut_down().ok();
    }
}

/// Percent-encodes what may not stand in a URL's path.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(hex_digit(byte >> 4));
            escaped.push(hex_digit(byte & 15));
        }
    }
    escaped
}

/// Returns the upper-case hexadecimal digit of a value below 16.
fn hex_digit(value: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(value & 15)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_names_are_escaped_in_a_url() {
        assert_eq!(escape("kefu_test-1.x~"), "kefu_test-1.x~");
        assert_eq!(escape("a b/客"), "a%20b%2F%E5%AE%A2");
    }
}
