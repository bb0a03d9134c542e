//! Tokens that must be refused: invalid ones, and valid ones whose claims the directory does not confirm.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kefu_chassis::identity::signer::{AUDIENCE, ISSUER, Signer};
use kefu_proto::rules::v1::Role;
use serde_json::{Value as Json, json};

use super::people::{GONE, NOBODY_KNOWN, is_of_staff, without};
use crate::any::bad_input::NOBODY;
use crate::caller::signer;
use crate::rsa;

/// Description of a token, and the token; none for a call without one.
pub type Kind = (&'static str, Option<String>);

/// Seconds since 1970.
fn now() -> i64 {
    kefu_chassis::Clock::system().now().as_second()
}

/// The public key of the signing key, as a JWK.
fn key() -> Json {
    serde_json::from_str::<Json>(&signer().jwks()).unwrap()["keys"][0].clone()
}

fn compose(header: &Json, claims: &Json, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |part: &Json| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn header(algorithm: &str, key: &Json) -> Json {
    json!({ "alg": algorithm, "typ": "JWT", "kid": key })
}

/// Claims of a valid token.
fn claims(subject: &str, role: Role) -> Json {
    let now = now();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": [role.as_str_name()],
        "iat": now, "nbf": now, "exp": now + 600,
    })
}

/// A valid token, signed with the RSA key of the same issuer.
pub fn by_rsa(subject: &str, role: Role) -> String {
    compose(&header("RS256", &rsa::KEY_ID.into()), &claims(subject, role), rsa::sign)
}

/// Invalid tokens of `subject` with `role`, each for one reason.
pub fn invalid(subject: &str, role: Role, stranger: &Signer) -> Vec<Kind> {
    let (own, ours) = (key()["kid"].clone(), |message: &[u8]| signer().sign(message));
    let good = claims(subject, role);
    let claiming = |name: &str, value: Json| {
        let mut claims = good.clone();
        claims[name] = value;
        compose(&header("EdDSA", &own), &claims, ours)
    };
    let sound = compose(&header("EdDSA", &own), &good, ours);
    let parts: Vec<&str> = sound.split('.').collect();
    let altered = claims("staff/admin", Role::Admin).to_string();
    let altered = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(altered), parts[2]);
    // The public key is known to everybody: a server that used it as an HMAC secret would accept these.
    let hmac = |secret: &[u8], key: &Json| {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        compose(&header("HS256", key), &good, |message| hmac::sign(&secret, message).as_ref().to_vec())
    };
    let x = URL_SAFE_NO_PAD.decode(key()["x"].as_str().unwrap()).unwrap();
    let tokens = [
        ("garbage", "x.y.z".to_owned()),
        ("expired", claiming("exp", json!(now() - 60))),
        ("not yet valid", claiming("nbf", json!(now() + 600))),
        ("wrong issuer", claiming("iss", json!("https://elsewhere"))),
        ("wrong audience", claiming("aud", json!("shop"))),
        ("of no kind of caller", claiming("sub", json!("robots/1"))),
        ("unknown key", compose(&header("EdDSA", &json!("another")), &good, |message| stranger.sign(message))),
        ("signed by another", compose(&header("EdDSA", &own), &good, |message| stranger.sign(message))),
        ("altered", altered),
        ("none", compose(&header("none", &own), &good, |_| Vec::new())),
        ("none, but signed", compose(&header("none", &own), &good, ours)),
        ("HMAC for RSA", hmac(&rsa::public(), &rsa::KEY_ID.into())),
        ("HMAC for Ed25519", hmac(&x, &own)),
        ("RSA for Ed25519", compose(&header("RS256", &own), &good, rsa::sign)),
    ];
    std::iter::once(("no token", None)).chain(tokens.map(|(what, token)| (what, Some(token)))).collect()
}

/// Valid tokens that claim `role` for a subject without it.
pub fn unconfirmed(role: Role) -> Vec<Kind> {
    let without = if is_of_staff(role) { without(role) } else { "staff/mei".to_owned() };
    let customer = format!("customers/{NOBODY}");
    let other_kind = if role == Role::Customer { "staff/mei" } else { &customer };
    let claim = |subject: &str, role: &str| Some(crate::caller::sign(subject, &[role]));
    vec![
        ("left the directory", claim(GONE, role.as_str_name())),
        ("unknown to the directory", claim(NOBODY_KNOWN, role.as_str_name())),
        ("a role that the directory has not", claim(&without, role.as_str_name())),
        ("a role of another kind of caller", claim(other_kind, role.as_str_name())),
        ("no such role", claim("staff/mei", &format!("{}_OF_ALL", role.as_str_name()))),
    ]
}
