//! HTTP/1.1 and HTTP/2, in plain text and by TLS, towards callers and towards services, and how long the gateway waits
//! for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kefu_chassis::config::Tls;
use kefu_gateway::{BackendConfig, Gateway};
use kefu_testkit::Bench;
use reqwest::{Certificate, Client, Method, Version};
use serde_json::json;

use crate::stage::{Stage, lin, setup, told};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../chassis/tests/frames").join(name)
}

fn tls() -> Tls {
    Tls { certificate_file: file("certificate.pem"), key_file: file("key.pem") }
}

fn authority() -> Certificate {
    Certificate::from_pem(&std::fs::read(file("certificate.pem")).unwrap()).unwrap()
}

#[tokio::test]
async fn both_protocols_are_spoken_in_plain_text_and_by_tls() {
    let stage = Stage::start().await;
    let secured = Stage::with(|setup| setup.tls = Some(tls())).await;
    let of = |stage: &Stage, scheme: &str| format!("{scheme}://localhost:{}/v1/requests", stage.address().port());
    let (plain, by_tls) = (of(&stage, "http"), of(&secured, "https"));
    for (version, url, client) in [
        (Version::HTTP_11, &plain, Client::builder()),
        (Version::HTTP_2, &plain, Client::builder().http2_prior_knowledge()),
        (Version::HTTP_11, &by_tls, Client::builder().tls_certs_only([authority()]).http1_only()),
        (Version::HTTP_2, &by_tls, Client::builder().tls_certs_only([authority()])),
    ] {
        let client = client.resolve("localhost", "127.0.0.1:0".parse().unwrap()).build().unwrap();
        let answer = client.get(url).bearer_auth(lin()).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version), "{url}");
    }
    let unsecured = Client::new().get(by_tls.replace("https", "http")).send().await;
    assert!(unsecured.is_err(), "{unsecured:?}");
}

#[tokio::test]
async fn a_service_is_called_by_tls_and_only_with_the_authority_that_is_named() {
    let intake = Bench::builder(&kefu_intake::SERVICE).tls(tls()).start().await;
    let url = format!("https://localhost:{}", intake.address().port());
    let mut plan = setup(&[("intake", &intake)]);
    plan.services.insert("intake".into(), BackendConfig { url: url.clone(), ca_file: Some(file("certificate.pem")) });
    let gateway = Gateway::start(plan).await.unwrap();
    let get = async |address| {
        let request = Client::new().get(format!("http://{address}/v1/requests")).bearer_auth(lin());
        told(request.send().await.unwrap()).await.0
    };
    assert_eq!(get(gateway.address).await, 200);
    let mut plan = setup(&[("intake", &intake)]);
    plan.services.insert("intake".into(), BackendConfig { url: url.clone(), ca_file: None });
    let refused = Gateway::start(plan).await.unwrap_err();
    assert!(refused.to_string().contains("services.intake.ca_file"), "{refused}");
    for wrong in ["intake:7001", "ftp://intake:7001", "http://intake", ""] {
        let mut plan = setup(&[("intake", &intake)]);
        plan.services.insert("intake".into(), BackendConfig { url: wrong.into(), ca_file: None });
        let refused = Gateway::start(plan).await.unwrap_err();
        assert!(refused.to_string().contains("services.intake.url"), "{wrong}: {refused}");
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up_and_can_be_made_again_under_its_key() {
    let intake = Bench::of(&kefu_intake::SERVICE).await;
    let mut plan = setup(&[("intake", &intake)]);
    plan.limits.deadline_ms = 500;
    let gateway = Gateway::start(plan).await.unwrap();
    let body = json!({"displayName": "林", "contacts": [{"phone": "13800138000"}]});
    let key = kefu_testkit::request_id();
    let create = async || {
        let request = Client::new().request(Method::POST, format!("http://{}/v1/customers", gateway.address));
        let request = request.bearer_auth(lin()).header("idempotency-key", &key).json(&body);
        request.timeout(Duration::from_secs(20)).send().await.unwrap()
    };
    let mut locked = intake.admin().begin().await.unwrap();
    sqlx::query("lock table intake.customer in access exclusive mode").execute(&mut *locked).await.unwrap();
    let late = create().await;
    assert_eq!(late.headers()["retry-after"], "1");
    let (status, problem) = told(late).await;
    assert_eq!((status, &problem["reason"]), (504, &json!("DEADLINE_PASSED")), "{problem}");
    locked.rollback().await.unwrap();
    let (status, created) = told(create().await).await;
    assert_eq!((status, &created["displayName"]), (200, &json!("林")), "{created}");
}
