//! The directory of one server: its data, log, password and locks, and how the data are made.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::account::RunAs;
use crate::binaries::Binaries;
use crate::error::{Error, cannot, tail};
use crate::options::{Auth, Durability, Options};
use crate::watchdog::{self, Watchdog};

/// Locales tried in turn: every one sorts by code point and classifies letters as UTF-8 does.
const LOCALES: [&[&str]; 4] = [
    &["--locale=C.UTF-8"],
    &["--no-locale", "--lc-ctype=en_US.UTF-8"],
    &["--no-locale", "--lc-ctype=UTF-8"],
    // This one exists since version 17, and independently of the machine's locales.
    &["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
];

/// The paths of one server's files.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) directory: PathBuf,
    pub(crate) data: PathBuf,
    /// Where `initdb` works; renamed to `data` when it is done.
    pub(crate) unfinished: PathBuf,
    pub(crate) log: PathBuf,
    password: PathBuf,
}

impl Cluster {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self {
            data: directory.join("data"),
            unfinished: directory.join("data.new"),
            log: directory.join("server.log"),
            password: directory.join("password"),
            directory,
        }
    }

    /// Returns the lock that a server's owner holds.
    pub(crate) fn owner_lock(&self) -> PathBuf {
        self.directory.join("owner.lock")
    }

    /// Returns the lock that a server's owner and its watchdog share.
    pub(crate) fn watchdog_lock(&self) -> PathBuf {
        self.directory.join("watchdog.lock")
    }

    /// Returns the password of the superuser; none when the data were made without.
    pub(crate) fn password(&self) -> Result<Option<String>, Error> {
        match fs::read_to_string(&self.password) {
            Ok(text) => Ok(Some(text.trim_end().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("read", &self.password)(error)),
        }
    }

    /// Whether there are data to start with.
    pub(crate) fn is_made(&self) -> Result<bool, Error> {
        if self.data.join("PG_VERSION").exists() {
            return Ok(true);
        }
        let occupied = fs::read_dir(&self.data).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(Error::NotACluster { data: self.data.clone() });
        }
        Ok(false)
    }

    /// Makes the data. They appear under their name only when complete.
    ///
    /// `initdb` shares `lock`: if we and the watchdog are both killed, the next start still waits
    /// until it is gone.
    pub(crate) fn make(
        &self,
        options: &Options,
        binaries: &Binaries,
        run_as: &RunAs,
        watchdog: &mut Watchdog,
        lock: &File,
    ) -> Result<(), Error> {
        (options.on_progress)(&format!(
            "creating a PostgreSQL {} cluster in {}",
            binaries.major,
            self.directory.display()
        ));
        let handed_over = self.prepare_password(options.auth, run_as)?;
        let mut last = String::new();
        let mut made = false;
        for locale in LOCALES {
            remove(&self.unfinished)?;
            DirBuilder::new().mode(0o700).create(&self.unfinished).map_err(cannot("create", &self.unfinished))?;
            run_as.own(&self.unfinished)?;
            let output = self.initdb(options, binaries, run_as, watchdog, lock, locale)?;
            made = output.status.success();
            last = String::from_utf8_lossy(&output.stderr).into_owned();
            if made || !refuses_locale(&last) {
                break;
            }
        }
        if let Some(file) = handed_over {
            fs::remove_file(&file).map_err(cannot("remove", &file))?;
        }
        if !made {
            return Err(Error::Init { output: tail(&last, 20) });
        }
        fs::rename(&self.unfinished, &self.data).map_err(cannot("rename", &self.unfinished))?;
        if options.durability == Durability::Full {
            let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
            synced.map_err(cannot("sync", &self.directory))?;
        }
        Ok(())
    }

    fn initdb(
        &self,
        options: &Options,
        binaries: &Binaries,
        run_as: &RunAs,
        watchdog: &mut Watchdog,
        lock: &File,
        locale: &[&str],
    ) -> Result<Output, Error> {
        let program = binaries.program("initdb");
        // Descriptor 3 holds the lock as long as this initdb lives.
        let mut command = watchdog::gated(run_as, &program, "3>&1 >/dev/null");
        command
            .arg("--pgdata")
            .arg(&self.unfinished)
            .args(["--username=postgres", "--encoding=UTF8", "--no-instructions"])
            .args(locale);
        match options.auth {
            Auth::Trust => command.arg("--auth=trust"),
            Auth::Scram => command.args(["--auth=scram-sha-256", "--pwfile"]).arg(self.handed_over()),
        };
        if options.durability == Durability::None {
            command.arg("--no-sync");
        }
        let lock = lock.try_clone().map_err(cannot("share", &self.directory))?;
        let child = watchdog.run("initdb", command.stdout(lock).stderr(Stdio::piped()))?;
        let output = child.wait_with_output().map_err(cannot("run", &program))?;
        watchdog.tell("idle")?;
        Ok(output)
    }

    fn handed_over(&self) -> PathBuf {
        self.directory.join("password.initdb")
    }

    /// Writes a new password, and a copy that the account who runs `initdb` may read.
    fn prepare_password(&self, auth: Auth, run_as: &RunAs) -> Result<Option<PathBuf>, Error> {
        remove(&self.password)?;
        if auth == Auth::Trust {
            return Ok(None);
        }
        let password = random_hex()?;
        let copy = self.handed_over();
        remove(&copy)?;
        for path in [&self.password, &copy] {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .and_then(|mut file| {
                    writeln!(file, "{password}")?;
                    file.sync_all()
                })
                .map_err(cannot("write", path))?;
        }
        run_as.own(&copy)?;
        Ok(Some(copy))
    }
}

fn refuses_locale(output: &str) -> bool {
    output.contains("invalid locale") || output.contains("locale-provider")
}

/// Removes a file or a whole directory, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Creates 32 random hexadecimal digits, so that a URL needs no escapes.
fn random_hex() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(cannot("read", source))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_32_hex_digits_and_never_the_same() {
        let (one, two) = (random_hex().unwrap(), random_hex().unwrap());
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, two);
    }

    #[test]
    fn only_a_refused_locale_is_tried_again_with_another() {
        assert!(refuses_locale("initdb: error: invalid locale name \"C.UTF-8\"\n"));
        assert!(refuses_locale("initdb: unrecognized option '--locale-provider=builtin'\n"));
        assert!(!refuses_locale("initdb: error: could not create directory\n"));
    }
}
