//! A private Postgres for a program and for tests. It is found or fetched, started on a free port of 127.0.0.1, taken over
//! when one still runs, and never left behind, even by kill -9.
#![forbid(unsafe_code)]

mod account;
mod binaries;
mod cluster;
mod error;
mod home;
mod lock;
mod options;
mod pidfile;
mod seat;
mod server;
mod watchdog;
mod wheel;

use std::path::Path;

use account::RunAs;
use binaries::Binaries;
pub use error::Error;
use home::Home;
pub use options::{Auth, Durability, Lifetime, Options, Source};
use seat::Seat;
use server::{Launch, Server, Shutdown};
use watchdog::Watchdog;

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

    /// Whether the server still runs; false after it was killed or has ended by itself.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn is_running(&mut self) -> Result<bool, Error> {
        self.server.runs(&self.seat.cluster.data)
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
        self.server.stop(run_as, binaries, &cluster.data, Shutdown::of(self.options.lifetime))?;
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
        let shutdown = Shutdown::of(self.options.lifetime);
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
