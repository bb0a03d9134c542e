//! Callers: channels that send a bearer token, signed with a key that exists in this process only.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kefu_chassis::clock::Clock;
use kefu_chassis::identity::LEEWAY;
use kefu_chassis::identity::signer::{Grant, Signer};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

static SIGNER: LazyLock<Arc<Signer>> = LazyLock::new(|| Arc::new(Signer::generate().expect("a key can be made")));

/// The key whose tokens the servers of this process accept.
#[must_use]
pub fn signer() -> Arc<Signer> {
    SIGNER.clone()
}

/// The public keys of this process's issuer: the signing key, and an RSA key that signs only in tests of RSA.
#[must_use]
pub fn jwks() -> String {
    let mut keys: serde_json::Value = serde_json::from_str(&signer().jwks()).expect("a JWKS is JSON");
    keys["keys"].as_array_mut().expect("a JWKS has keys").push(crate::rsa::jwk());
    keys.to_string()
}

/// Signs a token that is valid for ten minutes.
#[must_use]
pub fn sign(subject: &str, roles: &[&str]) -> String {
    let grant = Grant {
        subject: subject.to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        ttl: Duration::from_mins(10),
    };
    signer().token(&grant).expect("a token can be signed")
}

/// Signs the claims of `token` again, so that services take the new token for `holds_for` from now, but for a part of a second.
#[must_use]
pub fn ending_in(token: &str, holds_for: Duration) -> String {
    let mut parts = token.split('.');
    let header = parts.next().expect("a token has a header");
    let claims = URL_SAFE_NO_PAD.decode(parts.next().expect("a token has claims")).expect("claims are in base64");
    let mut claims: serde_json::Value = serde_json::from_slice(&claims).expect("claims are JSON");
    let ends = Clock::system().now().as_second() + i64::try_from(holds_for.as_secs()).expect("it ends soon");
    claims["exp"] = (ends - i64::try_from(LEEWAY.as_secs()).expect("a leeway is short")).into();
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signer().sign(message.as_bytes())))
}

/// A channel whose calls bear a token. Any generated client can be made from it.
pub type Caller = InterceptedService<Channel, Bearer>;

/// Adds a token and an optional `accept-language` header to each call.
#[derive(Clone, Debug)]
pub struct Bearer {
    authorization: MetadataValue<Ascii>,
    language: Option<MetadataValue<Ascii>>,
}

impl Bearer {
    /// Bears `token`, which may be invalid.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self { authorization: format!("Bearer {token}").parse().expect("a token is ASCII"), language: None }
    }

    /// Adds an `accept-language` header.
    #[must_use]
    pub fn reading(mut self, languages: &str) -> Self {
        self.language = Some(languages.parse().expect("a list of languages is ASCII"));
        self
    }

    /// Makes a caller on a channel.
    #[must_use]
    pub fn on(self, channel: Channel) -> Caller {
        InterceptedService::new(channel, self)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.authorization.clone());
        if let Some(language) = &self.language {
            request.metadata_mut().insert("accept-language", language.clone());
        }
        Ok(request)
    }
}

/// A fresh request id.
#[must_use]
pub fn request_id() -> String {
    kefu_chassis::names::new_uuid(jiff::Timestamp::UNIX_EPOCH).to_string()
}
