//! Which tokens are accepted, and that the refusal of a token does not say why.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::get_current_timestamp;
use kefu_chassis::identity::signer::{AUDIENCE, Grant, ISSUER, Signer};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bearer, Bench, assert_refused, sign, signer};
use serde_json::{Value, json};
use tonic::Code;
use tonic::metadata::MetadataValue;

use crate::stage::compliance;

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn key() -> Value {
    serde_json::from_str::<Value>(&signer().jwks()).unwrap()["keys"][0].clone()
}

/// Returns the claims of a valid token.
fn claims() -> Value {
    let now = get_current_timestamp();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "staff/lin", "roles": ["ADMIN"], "iat": now, "exp": now + 600})
}

/// Returns a token with `changed` claims, signed with the right key; null leaves a claim out.
fn signed(header: &Value, changed: &Value) -> String {
    let mut claims = claims();
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let message = format!("{}.{}", encode(header), encode(&claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signer().sign(message.as_bytes())))
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT", "kid": key()["kid"]})
}

/// Returns a token signed by HMAC with the public key, which a careless verifier would take for the secret.
fn hmac() -> String {
    let public = URL_SAFE_NO_PAD.decode(key()["x"].as_str().unwrap()).unwrap();
    let header =
        jsonwebtoken::Header { kid: key()["kid"].as_str().map(str::to_owned), ..jsonwebtoken::Header::default() };
    jsonwebtoken::encode(&header, &claims(), &jsonwebtoken::EncodingKey::from_secret(&public)).unwrap()
}

fn foreign() -> String {
    let grant =
        Grant { subject: "staff/lin".into(), roles: vec!["ADMIN".into()], ttl: std::time::Duration::from_mins(5) };
    Signer::generate().unwrap().token(&grant).unwrap()
}

fn question(bench: &Bench) -> pb::ListDutiesRequest {
    pb::ListDutiesRequest { parent: bench.name(), ..pb::ListDutiesRequest::default() }
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_all_refused_alike() {
    let bench = Bench::of(&BARE).await;
    let now = get_current_timestamp();
    let good = signed(&header(), &json!({}));
    compliance(Bearer::new(&good).on(bench.channel())).list_duties(question(&bench)).await.unwrap();
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let none = encode(&json!({"alg": "none", "typ": "JWT", "kid": key()["kid"]}));
    let tokens = [
        ("empty", String::new()),
        ("no JWT", "x".into()),
        ("expired", signed(&header(), &json!({"exp": now - 60}))),
        ("not yet", signed(&header(), &json!({"nbf": now + 120}))),
        ("without end", signed(&header(), &json!({"exp": null}))),
        ("wrong issuer", signed(&header(), &json!({"iss": "elsewhere"}))),
        ("without issuer", signed(&header(), &json!({"iss": null}))),
        ("wrong audience", signed(&header(), &json!({"aud": "another"}))),
        ("without audience", signed(&header(), &json!({"aud": null}))),
        ("without subject", signed(&header(), &json!({"sub": null}))),
        ("no resource name", signed(&header(), &json!({"sub": "lin"}))),
        ("a robot", signed(&header(), &json!({"sub": "robots/lin"}))),
        ("a path", signed(&header(), &json!({"sub": "staff/lin/x"}))),
        ("unknown key", signed(&json!({"alg": "EdDSA", "kid": "another"}), &json!({}))),
        ("another algorithm", signed(&json!({"alg": "ES256", "kid": key()["kid"]}), &json!({}))),
        ("of another key", foreign()),
        ("none", format!("{none}.{body}.")),
        ("none but signed", format!("{none}.{body}.{signature}")),
        ("HMAC", hmac()),
        ("unsigned", format!("{head}.{body}.")),
        (
            "altered",
            format!(
                "{head}.{}.{signature}",
                encode(
                    &json!({"sub": "staff/root", "roles": ["ADMIN"], "iss": ISSUER, "aud": AUDIENCE, "exp": now + 600})
                )
            ),
        ),
    ];
    let mut answers = Vec::new();
    for (what, token) in tokens {
        let refused = compliance(Bearer::new(&token).on(bench.channel())).list_duties(question(&bench)).await;
        assert!(refused.is_err(), "{what}");
        let refusal = assert_refused(refused, Code::Unauthenticated, ErrorReason::TokenInvalid);
        answers.push((refusal.status.message().to_owned(), refusal.status.details().to_vec()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "nothing tells them apart");
}

#[tokio::test]
async fn a_call_without_a_bearer_token_is_refused() {
    let bench = Bench::of(&BARE).await;
    let token = sign("staff/root", &["ADMIN"]);
    for header in [
        None,
        Some("Basic cm9vdDpyb290".to_owned()),
        Some(token.clone()),
        Some(format!("Bearer{token}")),
        Some("Bearer".into()),
    ] {
        let mut request = tonic::Request::new(question(&bench));
        if let Some(header) = &header {
            request.metadata_mut().insert("authorization", MetadataValue::try_from(header).unwrap());
        }
        let mut client = pb::compliance_service_client::ComplianceServiceClient::new(bench.channel());
        let refused = client.list_duties(request).await;
        assert!(refused.is_err(), "{header:?}");
        assert_refused(refused, Code::Unauthenticated, ErrorReason::TokenInvalid);
    }
}

#[tokio::test]
async fn roles_that_the_method_does_not_name_open_nothing() {
    let bench = Bench::of(&BARE).await;
    for (subject, roles) in [
        ("staff/lin", &[][..]),
        ("staff/lin", &["TRAINER", "INVESTIGATOR"]),
        ("staff/lin", &["ROLE_UNSPECIFIED", "KING"]),
        // A customer has no role but CUSTOMER, and nobody else has that role.
        ("customers/1", &["ADMIN", "CUSTOMER"]),
        ("staff/lin", &["CUSTOMER"]),
    ] {
        let mut client = compliance(bench.as_(subject, roles));
        let refused = client.list_duties(question(&bench)).await;
        assert!(refused.is_err(), "{subject} {roles:?}");
        assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
}
