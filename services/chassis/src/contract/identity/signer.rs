//! Signs development tokens and journal checkpoints with an Ed25519 key in a file of mode 0600. Only the command line and the
//! tests sign; services know the public keys, and no endpoint signs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::base::digest::sha256;

/// The issuer of development tokens.
pub const ISSUER: &str = "kefu-dev";
/// The audience of development tokens.
pub const AUDIENCE: &str = "kefu";

/// A private key that signs.
pub struct Signer {
    pair: Ed25519KeyPair,
    pkcs8: Vec<u8>,
}

/// The contents of a token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// `staff/…`, `customers/…` or `services/…`.
    pub subject: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// How long the token is valid.
    pub ttl: Duration,
}

/// A key that cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key file cannot be read or written.
    #[error("the key file cannot be used")]
    File(#[from] std::io::Error),
    /// The key is not an Ed25519 key in PKCS#8.
    #[error("the key cannot be used")]
    Key,
    /// The token cannot be signed.
    #[error("the token cannot be signed")]
    Token(#[from] jsonwebtoken::errors::Error),
}

impl Signer {
    /// Creates a key that is stored nowhere.
    pub fn generate() -> Result<Self, SignerError> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(|_| SignerError::Key)?;
        Self::from_pkcs8(document.as_ref().to_vec())
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Result<Self, SignerError> {
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| SignerError::Key)?;
        Ok(Self { pair, pkcs8 })
    }

    /// Loads the key from `path`, and creates it there (mode 0600) if there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, SignerError> {
        if let Ok(pkcs8) = fs::read(path) {
            return Self::from_pkcs8(pkcs8);
        }
        let signer = Self::generate()?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&signer.pkcs8)?;
        file.sync_all()?;
        Ok(signer)
    }

    fn key_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&sha256(self.pair.public_key().as_ref())[..9])
    }

    /// Returns the public key as a JWKS.
    #[must_use]
    pub fn jwks(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.key_id(), "x": x}]})
            .to_string()
    }

    /// Signs a token with the contents of `grant`, valid from now on. Tokens are on real time, whatever clock the service
    /// has.
    pub fn token(&self, grant: &Grant) -> Result<String, SignerError> {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": grant.subject, "roles": grant.roles,
            "iat": now, "nbf": now, "exp": now + grant.ttl.as_secs(),
        });
        let header = Header { kid: Some(self.key_id()), ..Header::new(Algorithm::EdDSA) };
        Ok(jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&self.pkcs8))?)
    }

    /// Returns a detached signature of `message`: 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// Whether `signature` is this key's signature of `message`.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref()).verify(message, signature).is_ok()
    }
}
