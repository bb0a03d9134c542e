//! The places of files: the home directory or, where the account cannot reach root's home, a directory in `/var/tmp`.

use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::account::RunAs;
use crate::error::{Error, cannot};

/// The file in the home directory that names the place of the data when it is elsewhere.
const LOCATION: &str = "location";

/// A home directory, and where its servers' files are.
#[derive(Debug)]
pub(crate) struct Home {
    /// The home directory as given, made absolute.
    pub(crate) path: PathBuf,
    /// Where data and fetched programs are: the home directory, or its stand-in.
    pub(crate) base: PathBuf,
}

impl Home {
    /// Creates the home directory when absent, and decides who runs Postgres and where.
    pub(crate) fn open(path: &Path, say: fn(&str)) -> Result<(Self, RunAs), Error> {
        fs::create_dir_all(path).map_err(cannot("create", path))?;
        let path = path.canonicalize().map_err(cannot("open", path))?;
        let recorded = fs::read_to_string(path.join(LOCATION)).ok();
        let base = recorded.map_or_else(|| path.clone(), |text| PathBuf::from(text.trim_end()));
        let data = majors(&base).first().map(|&major| data_of(&base, major));
        let owner = match &data {
            Some(data) => {
                let metadata = fs::metadata(data).map_err(cannot("read", data))?;
                Some((metadata.uid(), metadata.gid()))
            }
            None => None,
        };
        let run_as = RunAs::choose(owner)?;
        if let (Some(data), Some((owner, _))) = (data, owner)
            && run_as.account.is_none()
            && owner != run_as.uid
        {
            return Err(Error::NotOwner { data, owner });
        }
        let mut home = Self { path, base };
        if home.base != home.path {
            make_ours(&home.base, &run_as)?;
        } else if !run_as.can_enter(&home.path) {
            if owner.is_some() {
                return Err(Error::Unreachable { directory: home.path, account: run_as.name() });
            }
            home.move_out(&run_as, say)?;
        }
        Ok((home, run_as))
    }

    /// Chooses a place the account can enter, and writes it down in the home directory.
    fn move_out(&mut self, run_as: &RunAs, say: fn(&str)) -> Result<(), Error> {
        let hash = fnv1a(self.path.as_os_str().as_bytes());
        self.base = PathBuf::from(format!("/var/tmp/kefu-{hash:016x}"));
        make_ours(&self.base, run_as)?;
        let location = self.path.join(LOCATION);
        fs::write(&location, format!("{}\n", self.base.display())).map_err(cannot("write", &location))?;
        say(&format!(
            "user `{}`, who runs PostgreSQL here, cannot enter {}: its data are in {}",
            run_as.name(),
            self.path.display(),
            self.base.display()
        ));
        Ok(())
    }

    /// Returns the major versions with data here, the highest first.
    pub(crate) fn majors(&self) -> Vec<u32> {
        majors(&self.base)
    }

    /// Returns the directory of the kept server of a major version.
    pub(crate) fn kept(&self, major: u32) -> PathBuf {
        self.base.join(format!("pg{major}"))
    }

    /// Returns the directory of the servers that are removed when stopped.
    pub(crate) fn ephemeral(&self) -> PathBuf {
        self.base.join("ephemeral")
    }
}

fn data_of(base: &Path, major: u32) -> PathBuf {
    base.join(format!("pg{major}")).join("data")
}

fn majors(base: &Path) -> Vec<u32> {
    let mut majors: Vec<u32> = fs::read_dir(base)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.strip_prefix("pg")?.parse().ok()
        })
        .filter(|&major| data_of(base, major).is_dir())
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors
}

/// Makes a directory that the account can enter.
pub(crate) fn make_enterable(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(cannot("create", directory))?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).map_err(cannot("change the mode of", directory))
}

/// Makes a directory at a place where everybody can make one, or checks that we made it.
fn make_ours(directory: &Path, run_as: &RunAs) -> Result<(), Error> {
    match DirBuilder::new().mode(0o755).create(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(cannot("create", directory)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let metadata = fs::symlink_metadata(directory).map_err(cannot("read", directory))?;
    if !metadata.is_dir() || metadata.uid() != run_as.uid {
        return Err(Error::NotOurs { directory: directory.to_path_buf() });
    }
    make_enterable(directory)
}

/// Returns the FNV-1a hash. The standard library's hash may differ between builds, and the place must not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from the reference by Fowler, Noll and Vo (`test_fnv.c`).
    #[test]
    fn the_hash_equals_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
