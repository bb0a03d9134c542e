//! The home directory: its lock, the development key with its public half, and the addresses of a running kefu.

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
use crate::language::{pick, told};

/// A home directory that exists.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

/// The lock of a home, held while services run there. Dropping it, or any end of the process, releases it.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

/// Place of an instance's data.
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

/// State of a running kefu, published to other commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Process id.
    pub pid: u32,
    /// Version of kefu.
    pub version: String,
    /// Place of the data.
    pub data: Data,
    /// Time zone of the business calendar.
    pub zone: String,
    /// Address of each service, by its schema.
    pub services: BTreeMap<String, SocketAddr>,
    /// Address of the gateway, if one runs.
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

    /// Locks the home; none if another process has the lock.
    pub fn try_lock_home(&self) -> Result<Option<HomeLock>, Error> {
        let path = self.lock_file();
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut lock = options.map_err(file("opened", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(file("locked", &path)(source)),
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(file("written", &path))?;
        Ok(Some(HomeLock { _file: lock }))
    }

    /// Id of the process with the lock, or "unknown".
    pub fn lock_owner(&self) -> String {
        match fs::read_to_string(self.lock_file()).unwrap_or_default().trim() {
            "" => pick("unknown", "（不明）").into(),
            pid => pid.into(),
        }
    }

    /// Loads the key that signs tokens and checkpoints, which is made when absent.
    pub fn signer(&self) -> Result<Signer, Error> {
        let directory = self.path.join("keys");
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(file("made", &directory)(error)),
            _ => {}
        }
        let path = directory.join("dev.pkcs8");
        if !path.exists() {
            let making = told!("making a key for tokens in {}", "正在 {} 中生成签发令牌的密钥", directory.display());
            eprintln!("kefu: {making}");
        }
        // When two processes make the key at once, the second fails and reads the first one's on its second try.
        let signer = Signer::load_or_create(&path).or_else(|_| Signer::load_or_create(&path));
        let signer = signer.map_err(|source| Error::Key { path: path.clone(), source })?;
        let mode = fs::metadata(&path).map_err(file("read", &path))?.mode();
        let open_to_others = mode & 0o077;
        if open_to_others == 0 { Ok(signer) } else { Err(Error::KeyExposed { path }) }
    }

    /// The issuer of this home's tokens. Writes the public key to a file for the services.
    pub fn issuer(&self) -> Result<IssuerConfig, Error> {
        let path = self.path.join("keys").join("jwks.json");
        write_whole(&path, &self.signer()?.jwks(), 0o644)?;
        Ok(IssuerConfig { issuer: ISSUER.into(), audience: AUDIENCE.into(), jwks_file: Some(path), jwks_url: None })
    }

    /// Publishes the state to other commands.
    pub fn publish(&self, state: &State) -> Result<(), Error> {
        let path = self.state_file();
        let text = serde_json::to_string_pretty(state).map_err(|error| file("written", &path)(error.into()))?;
        write_whole(&path, &(text + "\n"), 0o600)
    }

    /// Removes the published state.
    pub fn withdraw(&self) -> Result<(), Error> {
        let path = self.state_file();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(file("removed", &path)(error)),
            _ => Ok(()),
        }
    }

    /// The published state, if any. It may be left from a killed process: only the lock proves that kefu runs.
    pub fn state(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.state_file()).ok()?).ok()
    }
}

/// Writes a file atomically: a reader sees the old text or the new one.
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
        let lock = home.0.try_lock_home().unwrap();
        assert!(lock.is_some());
        assert!(home.0.try_lock_home().unwrap().is_none());
        assert_eq!(home.0.lock_owner(), std::process::id().to_string());
        drop(lock);
        assert!(home.0.try_lock_home().unwrap().is_some());
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
