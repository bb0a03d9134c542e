//! A second key of the issuer, for RSA: published beside the callers' signing key, so that tests can confuse the two.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

/// Id of the published key.
pub const KEY_ID: &str = "rsa";
/// Position of the 2,048 bit modulus in a public key (`RSAPublicKey` of RFC 8017).
const MODULUS: std::ops::Range<usize> = 9..265;

static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).expect("a key can be made"));

/// The public key in DER.
#[must_use]
pub fn public() -> Vec<u8> {
    KEY.public_key().as_ref().to_vec()
}

/// The public key as a JWK.
#[must_use]
pub fn jwk() -> Json {
    let public = public();
    assert_eq!(public[MODULUS.end..], [2, 3, 1, 0, 1], "the exponent 65,537");
    let modulus = URL_SAFE_NO_PAD.encode(&public[MODULUS]);
    json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": modulus, "e": "AQAB" })
}

/// Signs by RS256.
#[must_use]
pub fn sign(message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("it can be signed");
    signature
}
