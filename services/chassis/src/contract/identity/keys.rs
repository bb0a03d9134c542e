//! An issuer's public keys: read from a file or fetched from a URL, kept for some minutes, and read again when a token
//! names a key that is not among them.

use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey};

use tokio::sync::OnceCell;

use super::IssuerConfig;
use crate::base::error::describe;
use crate::base::tasks::spawn;

/// How long keys are used before they are read again.
const KEPT_FOR: Duration = Duration::from_mins(5);
/// The shortest time between two attempts to read the keys.
const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(10);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const KEYS_AT_MOST_BYTES: usize = 1 << 20;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: Arc<DecodingKey>,
}

/// The keys of one issuer.
#[derive(Debug)]
pub struct Keys {
    config: IssuerConfig,
    known: RwLock<Vec<Key>>,
    /// The time of the last attempt to read the keys.
    asked: Mutex<Option<Instant>>,
    asked_at_most_every: Duration,
    /// Set once the first keys are known.
    first: OnceCell<()>,
}

impl Keys {
    /// Creates the keys of an issuer; none is known until the first token or the first fetch.
    pub fn new(config: IssuerConfig) -> Self {
        Self {
            config,
            known: RwLock::default(),
            asked: Mutex::new(None),
            asked_at_most_every: ASKED_AT_MOST_EVERY,
            first: OnceCell::new(),
        }
    }

    /// Finds the key of this id that signs with `algorithm` or, for a token that names no key, the only one that does.
    pub async fn find(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        // The first callers share one fetch; later callers wait only for a fetch of their own. A fetch runs in a task of its
        // own, so a caller who leaves does not cancel it for the others.
        if !self.first.initialized() {
            let keys = self.clone();
            let _ = spawn(async move { keys.begin().await }).await;
        }
        self.first.get()?;
        let known = self.known(id, algorithm);
        self.renew(if known.is_some() { KEPT_FOR } else { self.asked_at_most_every }).await;
        // A key that is no longer published is refused as soon as that is known.
        self.known(id, algorithm)
    }

    async fn begin(self: &Arc<Self>) {
        let first = async || {
            self.renew(self.asked_at_most_every).await;
            if self.known.read().is_ok_and(|known| known.is_empty()) { Err(()) } else { Ok(()) }
        };
        let _ = self.first.get_or_try_init(first).await;
    }

    fn known(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let known = self.known.read().ok()?;
        let mut fitting =
            known.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then(|| first.decoding.clone())
    }

    /// Reads the keys again if the last attempt is longer ago than `age`. One caller reads, others go on with the known
    /// keys, which are kept if the attempt fails.
    async fn renew(self: &Arc<Self>, age: Duration) {
        {
            let Ok(mut asked) = self.asked.lock() else { return };
            if asked.is_some_and(|last| last.elapsed() < age) {
                return;
            }
            *asked = Some(Instant::now());
        }
        let keys = self.clone();
        let _ = spawn(async move { keys.read().await }).await;
    }

    async fn read(&self) {
        match self.fetch().await {
            Ok(set) => {
                let keys = set.keys.iter().filter_map(readable).collect();
                if let Ok(mut known) = self.known.write() {
                    *known = keys;
                }
            }
            Err(error) => tracing::warn!(
                issuer = self.config.issuer,
                cause = describe(error.as_ref()),
                "the issuer's keys cannot be read"
            ),
        }
    }

    async fn fetch(&self) -> Result<JwkSet, Source> {
        if let Some(path) = &self.config.jwks_file {
            return Ok(serde_json::from_slice(&tokio::fs::read(path).await?)?);
        }
        let url = self.config.jwks_url.as_deref().ok_or("the issuer has neither jwks_file nor jwks_url")?;
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build()?;
        let mut response = client.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > KEYS_AT_MOST_BYTES {
                return Err("the issuer's keys are larger than 1 MiB".into());
            }
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Returns the key in a JWK; none if its type is not accepted.
fn readable(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key { id: jwk.common.key_id.clone(), algorithm, decoding: Arc::new(key) })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::signer::{Grant, Signer};
    use super::*;

    /// An issuer that publishes whatever keys are in `published`; with none it answers 503.
    async fn issuer(published: Arc<RwLock<String>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        crate::base::tasks::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = published.read().unwrap().clone();
                let status = if body.is_empty() { "503 Service Unavailable" } else { "200 OK" };
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                let _ = stream.read(&mut [0; 2_048]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    fn key_id(signer: &Signer) -> String {
        let grant = Grant { subject: "staff/lin".into(), roles: vec![], ttl: Duration::from_mins(1) };
        jsonwebtoken::decode_header(signer.token(&grant).unwrap()).unwrap().kid.unwrap()
    }

    #[tokio::test]
    async fn who_leaves_while_keys_are_fetched_takes_them_from_nobody() {
        let (old, new) = (Signer::generate().unwrap(), Signer::generate().unwrap());
        let published = Arc::new(RwLock::new(old.jwks()));
        let url = issuer(published.clone()).await;
        let config = IssuerConfig { issuer: "i".into(), audience: "a".into(), jwks_file: None, jwks_url: Some(url) };
        let keys = Arc::new(Keys::new(config));
        let (old, new_id) = (key_id(&old), key_id(&new));
        assert!(keys.find(Some(&old), Algorithm::EdDSA).now_or_never().is_none(), "the first keys are on their way");
        assert!(keys.find(Some(&old), Algorithm::EdDSA).await.is_some());
        *published.write().unwrap() = new.jwks();
        *keys.asked.lock().unwrap() = None;
        assert!(keys.find(Some(&new_id), Algorithm::EdDSA).now_or_never().is_none(), "the next are on their way");
        crate::base::tasks::spawn(async move {
            while keys.find(Some(&new_id), Algorithm::EdDSA).await.is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn keys_are_fetched_rotated_and_kept_while_the_issuer_is_away() {
        let (old, new) = (Signer::generate().unwrap(), Signer::generate().unwrap());
        let published = Arc::new(RwLock::new(old.jwks()));
        let url = issuer(published.clone()).await;
        let config = IssuerConfig { issuer: "i".into(), audience: "a".into(), jwks_file: None, jwks_url: Some(url) };
        let keys = Arc::new(Keys { asked_at_most_every: Duration::ZERO, ..Keys::new(config) });
        let (old, new_id) = (key_id(&old), key_id(&new));

        assert!(keys.find(Some(&old), Algorithm::EdDSA).await.is_some());
        assert!(keys.find(Some(&old), Algorithm::RS256).await.is_none(), "a key signs with its own algorithm only");
        published.write().unwrap().clear();
        assert!(keys.find(Some(&new_id), Algorithm::EdDSA).await.is_none());
        assert!(keys.find(Some(&old), Algorithm::EdDSA).await.is_some(), "known keys stay while the issuer is away");
        *published.write().unwrap() = new.jwks();
        assert!(keys.find(Some(&new_id), Algorithm::EdDSA).await.is_some(), "an unknown key is asked for");
        assert!(
            keys.find(Some(&old), Algorithm::EdDSA).await.is_none(),
            "a key that is published no more is not taken"
        );
    }
}
