//! The home directory: who has it, the development key and its public half, and where the services of a running kefu are.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::identity::signer::{AUDIENCE, ISSUER, Signer};
use serde::{Deserialize, Serialize};

use crate::error::{Error, file};

/// A home directory that exists.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

/// The right to run services here: free again when dropped, or when the process ends however it does.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Where the data of an instance are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// In the home's own Postgres.
    Kept,
    /// In a Postgres that is removed at the end.
    Ephemeral,
    /// In the operator's database.
    Elsewhere,
}

/// What a running kefu tells other commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Where its data are.
    pub data: Data,
    /// The zone of its business calendar.
    pub zone: String,
    /// Where each service listens, by the name of its schema.
    pub services: BTreeMap<String, SocketAddr>,
    /// Where the gateway listens, if there is one.
    #[serde(default)]
    pub gateway: Option<SocketAddr>,
}

impl Home {
    /// Opens the directory, made when absent.
    pub fn open(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(file("made", path))?;
        let path = path.canonicalize().map_err(file("opened", path))?;
        Ok(Self { path })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoints of this home's journals.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints.jsonl")
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    fn state_file(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// Takes the home; none if another process has it.
    pub fn try_hold(&self) -> Result<Option<Held>, Error> {
        let path = self.lock_file();
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut held = options.map_err(file("opened", &path))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(file("locked", &path)(source)),
        }
        held.set_len(0).and_then(|()| writeln!(held, "{}", std::process::id())).map_err(file("written", &path))?;
        Ok(Some(Held { _file: held }))
    }

    /// The process that has the home, as far as it is known.
    pub fn holder(&self) -> String {
        match fs::read_to_string(self.lock_file()).unwrap_or_default().trim() {
            "" => "unknown".into(),
            pid => pid.into(),
        }
    }

    /// The key that signs tokens and checkpoints, made when there is none.
    pub fn signer(&self) -> Result<Signer, Error> {
        let directory = self.path.join("keys");
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(file("made", &directory)(error)),
            _ => {}
        }
        let path = directory.join("dev.pkcs8");
        if !path.exists() {
            eprintln!("kefu: making a key for tokens in {}", directory.display());
        }
        // Two at once both try to make it: the one that comes second reads what the first one made.
        let signer = Signer::load_or_create(&path).or_else(|_| Signer::load_or_create(&path));
        let signer = signer.map_err(|source| Error::Key { path: path.clone(), source })?;
        let mode = fs::metadata(&path).map_err(file("read", &path))?.mode();
        let open_to_others = mode & 0o077;
        if open_to_others == 0 { Ok(signer) } else { Err(Error::KeyExposed { path }) }
    }

    /// The issuer of this home's tokens, its public key written down for the services.
    pub fn issuer(&self) -> Result<IssuerConfig, Error> {
        let path = self.path.join("keys").join("jwks.json");
        write_whole(&path, &self.signer()?.jwks(), 0o644)?;
        Ok(IssuerConfig { issuer: ISSUER.into(), audience: AUDIENCE.into(), jwks_file: Some(path), jwks_url: None })
    }

    /// Tells other commands where the services are.
    pub fn publish(&self, state: &State) -> Result<(), Error> {
        let path = self.state_file();
        let text = serde_json::to_string_pretty(state).map_err(|error| file("written", &path)(error.into()))?;
        write_whole(&path, &(text + "\n"), 0o600)
    }

    /// Tells other commands that there are none any more.
    pub fn withdraw(&self) -> Result<(), Error> {
        let path = self.state_file();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(file("removed", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Where the services are, if a running kefu has told; only the lock says whether it still runs.
    pub fn state(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.state_file()).ok()?).ok()
    }
}

/// Writes a file so that a reader sees the old text or the new one.
fn write_whole(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let beside = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&beside, path)
    };
    write().map_err(file("written", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    struct Temporary(Home);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("kefu-home-{}-{name}", std::process::id()));
            Self(Home::open(&path).unwrap())
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0.path).ok();
        }
    }

    fn state() -> State {
        let services = BTreeMap::from([("intake".to_owned(), SocketAddr::from(([127, 0, 0, 1], 7001)))]);
        State {
            pid: 42,
            version: "0.1.0".into(),
            data: Data::Ephemeral,
            zone: "Asia/Shanghai".into(),
            services,
            gateway: None,
        }
    }

    #[test]
    fn a_home_is_held_by_one_at_a_time() {
        let home = Temporary::new("lock");
        let held = home.0.try_hold().unwrap();
        assert!(held.is_some());
        assert!(home.0.try_hold().unwrap().is_none());
        assert_eq!(home.0.holder(), std::process::id().to_string());
        drop(held);
        assert!(home.0.try_hold().unwrap().is_some());
    }

    #[test]
    fn the_state_is_read_back_and_only_by_the_owner() {
        let home = Temporary::new("state");
        assert_eq!(home.0.state(), None);
        home.0.publish(&state()).unwrap();
        assert_eq!(home.0.state(), Some(state()));
        assert_eq!(fs::metadata(home.0.state_file()).unwrap().mode() & 0o777, 0o600);
        home.0.withdraw().unwrap();
        home.0.withdraw().unwrap();
        assert_eq!(home.0.state(), None);
    }

    #[test]
    fn a_damaged_state_is_no_state() {
        let home = Temporary::new("damaged");
        fs::write(home.0.state_file(), "{\"pid\": 1").unwrap();
        assert_eq!(home.0.state(), None);
    }

    #[test]
    fn the_key_is_made_once_and_refused_when_others_can_read_it() {
        let home = Temporary::new("key");
        assert_eq!(home.0.signer().unwrap().jwks(), home.0.signer().unwrap().jwks());
        let path = home.0.path.join("keys/dev.pkcs8");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(home.0.signer(), Err(Error::KeyExposed { .. })));
    }
}
