//! The user that Postgres runs as: ourselves, or an unprivileged account when we are root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, cannot};

const PASSWD: &str = "/etc/passwd";

/// An entry of the password file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The user that runs programs and owns files.
#[derive(Debug, Clone)]
pub(crate) struct RunAs {
    /// Our own user id.
    pub(crate) uid: u32,
    /// The account to drop to; none when we are not root.
    pub(crate) account: Option<Account>,
}

impl RunAs {
    /// Chooses ourselves, or as root the owner of existing data, else `postgres`, else `nobody`.
    pub(crate) fn choose(owner_of_data: Option<(u32, u32)>) -> Result<Self, Error> {
        let uid = own_uid()?;
        if uid != 0 {
            return Ok(Self { uid, account: None });
        }
        let passwd = fs::read_to_string(PASSWD).map_err(cannot("read", Path::new(PASSWD)))?;
        let accounts: Vec<Account> = passwd.lines().filter_map(parse_line).collect();
        let named = |name| accounts.iter().find(|account| account.name == name).cloned();
        let owner = owner_of_data.filter(|&(uid, _)| uid != 0).map(|(uid, gid)| {
            let known = accounts.iter().find(|account| account.uid == uid).cloned();
            known.unwrap_or_else(|| Account { name: uid.to_string(), uid, gid })
        });
        let account = owner.or_else(|| named("postgres")).or_else(|| named("nobody")).ok_or(Error::NoAccount)?;
        Ok(Self { uid, account: Some(account) })
    }

    /// Creates a command that runs as that user from `/`, without Postgres's environment variables.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        // Messages are in English, because they are searched for words.
        command.env("LC_ALL", "C");
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Hands a file or directory to the account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        match &self.account {
            Some(account) => std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid))
                .map_err(cannot("change the owner of", path)),
            None => Ok(()),
        }
    }

    /// Whether the account can enter the directory. This is tried, not computed, because ACLs count as well.
    pub(crate) fn can_enter(&self, directory: &Path) -> bool {
        self.account.is_none()
            || self
                .command("sh")
                .args(["-c", "cd -- \"$1\"", "sh"])
                .arg(directory)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }

    pub(crate) fn name(&self) -> String {
        self.account.as_ref().map_or_else(|| self.uid.to_string(), |account| account.name.clone())
    }
}

fn own_uid() -> Result<u32, Error> {
    let failed = || cannot("run", Path::new("id -u"));
    let output = Command::new("id").arg("-u").output().map_err(failed())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(std::io::Error::other).map_err(failed())
}

/// Reads `name:password:uid:gid:…`; ids may be negative (macOS: `nobody` is -2).
fn parse_line(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let uid = parse_id(fields.nth(1)?)?;
    let gid = parse_id(fields.next()?)?;
    Some(Account { name: name.to_owned(), uid, gid })
}

fn parse_id(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_gives_name_and_ids() {
        let account = parse_line("postgres:x:101:104:admin,,,:/var/lib/postgresql:/bin/bash");
        let expected = Account { name: "postgres".to_owned(), uid: 101, gid: 104 };
        assert_eq!(account, Some(expected));
    }

    #[test]
    fn negative_ids_wrap_as_the_kernel_does() {
        let account = parse_line("nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false");
        assert_eq!(account.map(|account| account.uid), Some(u32::MAX - 1));
    }

    #[test]
    fn comments_and_broken_lines_are_no_accounts() {
        for line in ["", "# User Database", "root:x", "root:x:zero:0:::", ":x:1:1:::", "+::::::"] {
            assert_eq!(parse_line(line), None, "{line}");
        }
    }
}
