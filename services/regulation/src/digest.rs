//! The digest behind the versions of regulations and calendars: a hash of a canonical encoding. Every item is preceded
//! by its length, so no two contents are encoded alike.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

pub(crate) struct Canonical(Sha256);

impl Canonical {
    /// Starts an encoding; `label` names what is encoded and the version of the encoding.
    pub(crate) fn new(label: &str) -> Self {
        let mut canonical = Self(Sha256::new());
        canonical.text(label);
        canonical
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    /// Returns the first eight bytes of SHA-256 in hexadecimal.
    pub(crate) fn finish(self) -> String {
        let mut hex = String::with_capacity(16);
        for byte in self.0.finalize().iter().take(8) {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}
