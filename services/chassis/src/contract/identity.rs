//! Identities of callers: bearer tokens of OpenID Connect issuers, checked against the issuers' published keys.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, Validation};
use kefu_proto::rules::v1::Role;
use serde::Deserialize;

mod keys;
pub mod signer;

use keys::Keys;

use crate::base::clock::Clock;
use crate::base::digest::sha256;

/// The algorithms that a token may be signed with; never a symmetric one, and never `none`.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];
/// How far an issuer's clock may differ from this one: a token holds so much longer than it says.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// How long a verified token is accepted without a new check, if it does not expire earlier.
const CACHED_FOR: Duration = Duration::from_mins(1);
const CACHED_AT_MOST: usize = 10_000;
/// The longest time that a token is taken to hold; a later `exp` is as good as none.
const HOLDS_AT_MOST: Duration = Duration::from_hours(365 * 24);

/// A caller as their token describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `staff/…`, `customers/…` or `services/…`.
    pub subject: String,
    /// The roles of the caller.
    pub roles: Vec<Role>,
    /// `departments/…`, from the directory; empty for callers without a department.
    pub department: String,
}

/// A caller whose token holds, and until when.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The caller, without a department.
    pub caller: Arc<Identity>,
    /// When the token holds no more: its `exp` and the leeway, on real time.
    pub ends: Instant,
}

/// An issuer whose tokens are accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` its tokens must have.
    pub audience: String,
    /// A file with the issuer's public keys (JWKS).
    pub jwks_file: Option<PathBuf>,
    /// The URL where the issuer publishes its keys (JWKS), instead of a file.
    pub jwks_url: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

/// Verified callers by the hash of their token, each with the end of its time in the cache.
type Recent = HashMap<[u8; 32], (Instant, Verified)>;

/// A verifier of bearer tokens.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<(IssuerConfig, Arc<Keys>)>,
    recent: RwLock<Recent>,
}

/// Why a token is refused. Callers never learn the reason.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is no JWT, or lacks a claim.
    #[error("the token cannot be read")]
    Malformed,
    /// The token's algorithm, issuer or key is not accepted.
    #[error("the token's algorithm, issuer or key is not accepted")]
    Foreign,
    /// The token's signature, audience or times are wrong.
    #[error("the token does not hold")]
    Invalid(#[source] jsonwebtoken::errors::Error),
}

impl Verifier {
    /// Creates a verifier for `issuers`.
    #[must_use]
    pub fn new(issuers: Vec<IssuerConfig>) -> Self {
        Self {
            issuers: issuers.into_iter().map(|config| (config.clone(), Arc::new(Keys::new(config)))).collect(),
            recent: RwLock::default(),
        }
    }

    /// Returns the caller that `token` identifies, and until when it does.
    pub async fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        let key = sha256(token.as_bytes());
        if let Some((until, verified)) = self.recent.read().ok().and_then(|recent| recent.get(&key).cloned())
            && Instant::now() < until
        {
            return Ok(verified);
        }
        let claims = self.check(token).await?;
        let caller = Arc::new(identity(&claims)?);
        let (now, expires_in) = (Instant::now(), time_until(claims.exp));
        let holds_for = time_until(claims.exp.saturating_add(LEEWAY.as_secs())).min(HOLDS_AT_MOST);
        let verified = Verified { caller, ends: now + holds_for };
        if let Ok(mut recent) = self.recent.write() {
            if recent.len() >= CACHED_AT_MOST {
                recent.clear();
            }
            recent.insert(key, (now + expires_in.min(CACHED_FOR), verified.clone()));
        }
        Ok(verified)
    }

    async fn check(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(TokenError::Foreign);
        }
        let claimed: Issuer =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Malformed)?;
        let (config, keys) =
            self.issuers.iter().find(|(config, _)| config.issuer == claimed.iss).ok_or(TokenError::Foreign)?;
        let key = keys.find(header.kid.as_deref(), header.alg).await.ok_or(TokenError::Foreign)?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&[&config.audience]);
        validation.set_issuer(&[&config.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        jsonwebtoken::decode(token, &key, &validation).map(|data| data.claims).map_err(TokenError::Invalid)
    }
}

/// Returns how long it is until a time in seconds since 1970; nothing once it has passed. Tokens are on real time, whatever
/// clock the service has.
fn time_until(unix_s: u64) -> Duration {
    let since_1970 = Clock::system().now().duration_since(jiff::Timestamp::UNIX_EPOCH);
    Duration::from_secs(unix_s).saturating_sub(since_1970.unsigned_abs())
}

fn identity(claims: &Claims) -> Result<Identity, TokenError> {
    let known =
        ["staff/", "customers/", "services/"].iter().any(|prefix| claims.sub.strip_prefix(prefix).is_some_and(is_id));
    if !known {
        return Err(TokenError::Malformed);
    }
    let roles = claims
        .roles
        .iter()
        .filter_map(|role| Role::from_str_name(&role.to_ascii_uppercase()))
        .filter(|&role| role != Role::Unspecified);
    let roles = roles.filter(|&role| (role == Role::Customer) == claims.sub.starts_with("customers/"));
    Ok(Identity { subject: claims.sub.clone(), roles: roles.collect(), department: String::new() })
}

/// Returns the bearer token in a caller's headers; none if there are several, since nobody could say which of them counts.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Whether `id` may stand after the collection in the name of an employee, customer, service or department.
#[must_use]
pub fn is_id(id: &str) -> bool {
    (1..=63).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::signer::{Grant, Signer};
    use super::*;

    fn grant(subject: &str) -> Grant {
        Grant {
            subject: subject.into(),
            roles: vec!["AGENT".into(), "customer".into(), "boss".into()],
            ttl: Duration::from_mins(5),
        }
    }

    fn verifier(signer: &Signer) -> (Verifier, PathBuf) {
        let path = std::env::temp_dir()
            .join(format!("kefu-jwks-{}.json", crate::base::names::new_uuid(jiff::Timestamp::UNIX_EPOCH)));
        std::fs::write(&path, signer.jwks()).unwrap();
        let config = IssuerConfig {
            issuer: signer::ISSUER.into(),
            audience: signer::AUDIENCE.into(),
            jwks_file: Some(path.clone()),
            jwks_url: None,
        };
        (Verifier::new(vec![config]), path)
    }

    #[tokio::test]
    async fn a_token_of_the_issuer_names_subject_and_roles() {
        let signer = Signer::generate().unwrap();
        let (verifier, path) = verifier(&signer);
        let token = signer.token(&grant("staff/lin")).unwrap();
        for _ in 0..2 {
            let Verified { caller, ends } = verifier.verify(&token).await.unwrap();
            assert_eq!(caller.subject, "staff/lin");
            assert_eq!(caller.roles, [Role::Agent], "unknown roles and CUSTOMER for staff grant nothing");
            let holds_for = ends - Instant::now();
            assert!(
                holds_for <= Duration::from_mins(5) + LEEWAY && holds_for > Duration::from_mins(5),
                "{holds_for:?}"
            );
        }
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn tokens_that_do_not_hold_are_refused() {
        let (signer, stranger) = (Signer::generate().unwrap(), Signer::generate().unwrap());
        let (verifier, path) = verifier(&signer);
        let good = signer.token(&grant("staff/lin")).unwrap();
        let mut parts: Vec<&str> = good.split('.').collect();
        let unsigned = format!("{}.{}.", base64_of(r#"{"alg":"none","typ":"JWT"}"#), parts[1]);
        let hmac = format!("{}.{}.{}", base64_of(r#"{"alg":"HS256","typ":"JWT"}"#), parts[1], parts[2]);
        let other_payload =
            base64_of(r#"{"sub":"staff/eve","iss":"kefu-dev","aud":"kefu","exp":99999999999,"roles":["ADMIN"]}"#);
        parts[1] = &other_payload;
        let forged = parts.join(".");
        let expired = signer.token(&Grant { ttl: Duration::ZERO, ..grant("staff/lin") }).unwrap();
        let foreign = stranger.token(&grant("staff/lin")).unwrap();
        let odd = signer.token(&grant("robots/lin")).unwrap();
        for (what, token) in [
            ("none", unsigned),
            ("hmac", hmac),
            ("forged", forged),
            ("foreign", foreign),
            ("odd", odd),
            ("empty", String::new()),
        ] {
            assert!(verifier.verify(&token).await.is_err(), "{what}");
        }
        // Within the leeway an expired token still holds, but it is not cached beyond.
        assert!(verifier.verify(&expired).await.is_ok());
        std::fs::remove_file(path).unwrap();
    }

    fn base64_of(text: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }
}
