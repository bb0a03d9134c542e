//! Checkpoints: heads of journals signed with the home's key, one JSON object on each line.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kefu_chassis::identity::signer::Signer;
use kefu_proto::events::v1::Anchor;
use serde::{Deserialize, Serialize};

/// The head of a journal at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Resource name of the service, e.g. `services/intake`.
    service: String,
    /// Position of the last sealed event.
    position: i64,
    /// Hash of the chain at that position, in hexadecimal.
    hash: String,
    /// Time of signing.
    time: Timestamp,
    /// Signature over the fields above, in hexadecimal.
    signature: String,
}

/// A checkpoint that cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read or written.
    #[error("the checkpoints in {} cannot be {action}", path.display())]
    File {
        /// What was tried, as a participle.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is no checkpoint.
    #[error("{} line {line} is no checkpoint", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line's signature is not this home's, or the line was changed.
    #[error("{} line {line} is not signed by this home's key, or was changed", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// The journal is not whole.
    #[error("the journal of {0} is not whole: nothing is signed")]
    NotWhole(String),
    /// The journal ends with its instance.
    #[error("the journal of an ephemeral instance ends with it: name a file of its own with --out")]
    Ephemeral,
}

impl Checkpoint {
    /// Signs a head of the journal of `service`, e.g. `intake`.
    pub fn sign(service: &str, head: &Anchor, time: Timestamp, signer: &Signer) -> Self {
        let mut checkpoint = Self {
            service: format!("services/{service}"),
            position: head.position,
            hash: hex(&head.hash),
            time,
            signature: String::new(),
        };
        checkpoint.signature = hex(&signer.sign(checkpoint.statement().as_bytes()));
        checkpoint
    }

    /// Whether the checkpoint belongs to the journal of `service`, e.g. `intake`.
    pub fn is_of(&self, service: &str) -> bool {
        self.service.strip_prefix("services/") == Some(service)
    }

    /// The checkpoint as an anchor of the contract.
    pub fn anchor(&self) -> Anchor {
        Anchor { position: self.position, hash: unhex(&self.hash).unwrap_or_default() }
    }

    fn is_signed_by(&self, signer: &Signer) -> bool {
        unhex(&self.signature).is_some_and(|signature| signer.has_signed(self.statement().as_bytes(), &signature))
    }

    /// The signed text.
    fn statement(&self) -> String {
        format!("kefu checkpoint 1\n{}\n{}\n{}\n{}\n", self.service, self.position, self.hash, self.time)
    }
}

/// Reads the checkpoints of a file. Fails if one has no valid signature.
pub fn read(path: &Path, signer: &Signer) -> Result<Vec<Checkpoint>, CheckpointError> {
    let text = fs::read_to_string(path).map_err(|source| CheckpointError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| check(line, signer).map_err(|problem| problem.at(path, index + 1))).collect()
}

enum Problem {
    Line(serde_json::Error),
    Signature,
}

impl Problem {
    fn at(self, path: &Path, line: usize) -> CheckpointError {
        let path = path.to_owned();
        match self {
            Self::Line(source) => CheckpointError::Line { path, line, source },
            Self::Signature => CheckpointError::Signature { path, line },
        }
    }
}

fn check(line: &str, signer: &Signer) -> Result<Checkpoint, Problem> {
    let checkpoint: Checkpoint = serde_json::from_str(line).map_err(Problem::Line)?;
    if checkpoint.is_signed_by(signer) { Ok(checkpoint) } else { Err(Problem::Signature) }
}

/// Appends a checkpoint, and returns when it is on disk.
pub fn append(path: &Path, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
    let write = || {
        let line = serde_json::to_string(checkpoint)? + "\n";
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| CheckpointError::File { action: "written", path: path.to_owned(), source })
}

/// Writes bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> Anchor {
        Anchor { position: 42, hash: vec![7; 32] }
    }

    #[test]
    fn a_line_is_read_back_as_the_anchor_that_was_signed() {
        let signer = Signer::generate().unwrap();
        let path = std::env::temp_dir().join(format!("kefu-checkpoints-{}.jsonl", std::process::id()));
        let one = Checkpoint::sign("intake", &head(), "2026-11-20T01:00:00Z".parse().unwrap(), &signer);
        append(&path, &one).unwrap();
        append(&path, &one).unwrap();
        let read = read(&path, &signer);
        fs::remove_file(&path).unwrap();
        let read = read.unwrap();
        assert_eq!((read.len(), read[1].anchor()), (2, head()));
        assert!(read[0].is_of("intake") && !read[0].is_of("faults"));
    }

    #[test]
    fn whatever_is_changed_the_line_is_named_and_refused() {
        let signer = Signer::generate().unwrap();
        let good = serde_json::to_string(&Checkpoint::sign("intake", &head(), Timestamp::UNIX_EPOCH, &signer)).unwrap();
        assert!(check(&good, &signer).is_ok());
        for (from, to) in [("42", "41"), ("intake", "faults"), ("0707", "0708"), ("1970", "1971")] {
            let forged = good.replacen(from, to, 1);
            assert_ne!(forged, good);
            let Err(problem) = check(&forged, &signer) else { panic!("{forged}") };
            assert_eq!(
                problem.at(Path::new("c.jsonl"), 3).to_string(),
                "c.jsonl line 3 is not signed by this home's key, or was changed"
            );
        }
        assert!(check(&good, &Signer::generate().unwrap()).is_err());
        assert!(matches!(check("{}", &signer), Err(Problem::Line(_))));
    }

    proptest! {
        #[test]
        fn no_line_with_one_character_changed_says_anything_else(at in 0_usize..400, sign in "[ -~]|\\PC") {
            let signer = Signer::generate().unwrap();
            let signed = Checkpoint::sign("intake", &head(), Timestamp::UNIX_EPOCH, &signer);
            let mut line: Vec<char> = serde_json::to_string(&signed).unwrap().chars().collect();
            let place = at % line.len();
            line.splice(place..=place, sign.chars());
            if let Ok(read) = check(&line.into_iter().collect::<String>(), &signer) {
                prop_assert_eq!(read.statement(), signed.statement());
            }
        }

        #[test]
        fn bytes_survive_hexadecimal(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        }

        #[test]
        fn no_text_breaks_the_reading(text in ".{0,40}") {
            let _ = unhex(&text);
        }
    }
}
