//! Services that go away and come back, replicas of one service, and how health and metrics report them.

use std::sync::{Arc, Mutex};

use kefu_gateway::{BackendConfig, Gateway, Names};
use kefu_testkit::{Bench, eventually};
use reqwest::Method;
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, RETRY_AFTER};
use serde_json::{Value, json};

use crate::recorder::Recorder;
use crate::stage::{Stage, lin, setup, told};

async fn readiness(stage: &Stage) -> (u16, Value) {
    told(stage.anonymous(Method::GET, "/readyz").send().await.unwrap()).await
}

#[tokio::test]
async fn a_service_that_is_away_is_said_to_be_and_all_others_go_on() {
    let mut stage = Stage::start().await;
    let (status, ready) = readiness(&stage).await;
    assert_eq!((status, &ready["status"]), (200, &json!("ready")), "{ready}");
    stage.complaints.halt().await;
    let away = eventually("it is noticed", async || {
        let response = stage.request(Method::GET, "/v1/complaints").send().await.unwrap();
        (readiness(&stage).await.1["services"]["services/complaints"] == "away").then_some(response)
    });
    assert_eq!(away.await.status(), 503);
    let response = stage.request(Method::GET, "/v1/complaints").send().await.unwrap();
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["reason"]), (503, &json!("BACKEND_AWAY")));
    assert_eq!(stage.get("/v1/services/complaints/duties").await.0, 503);
    assert_eq!(stage.get("/v1/requests").await.0, 200);
    assert_eq!(stage.get("/v1/services/intake/duties").await.0, 200);
    let (status, ready) = readiness(&stage).await;
    assert_eq!((status, &ready["status"]), (200, &json!("degraded")));
    stage.complaints.resume().await;
    eventually("it is back", async || (stage.get("/v1/complaints").await.0 == 200).then_some(())).await;
    stage.complaints.halt().await;
    stage.intake.halt().await;
    stage.appraisal.halt().await;
    eventually("nothing is ready", async || (readiness(&stage).await.0 == 503).then_some(())).await;
    let alive = stage.anonymous(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), 200, "the gateway itself lives");
}

#[tokio::test]
async fn a_service_that_comes_later_is_found() {
    let mut intake = Bench::of(&kefu_intake::SERVICE).await;
    let plan = setup(&[("intake", &intake)]);
    intake.halt().await;
    let gateway = Gateway::start(plan).await.unwrap();
    let get = async || {
        let url = format!("http://{}/v1/requests", gateway.address);
        reqwest::Client::new().get(url).bearer_auth(lin()).send().await.unwrap().status()
    };
    assert_eq!(get().await, 503);
    intake.resume().await;
    eventually("it is found", async || (get().await == 200).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_of_a_name_is_a_replica_and_one_that_goes_or_comes_is_noticed() {
    let intake = Bench::of(&kefu_intake::SERVICE).await;
    let others = [intake.replica().await, intake.replica().await];
    let mut replicas = vec![Recorder::before(&intake).await];
    for other in &others {
        replicas.push(Recorder::before(other).await);
    }
    let last = replicas.pop().unwrap();
    let known = Arc::new(Mutex::new(replicas.iter().map(|replica| replica.address).collect::<Vec<_>>()));
    let mut plan = setup(&[("intake", &intake)]);
    let url = "http://intake.internal:7001".to_owned();
    plan.services.insert("intake".to_owned(), BackendConfig { url, ca_file: None });
    plan.names = Names::of({
        let known = known.clone();
        move |host, port| {
            assert_eq!((host, port), ("intake.internal", 7001));
            let found = known.lock().unwrap().clone();
            Box::pin(async { Ok(found) })
        }
    });
    let gateway = Gateway::start(plan).await.unwrap();
    let client = reqwest::Client::new();
    let get = async || {
        let request = client.get(format!("http://{}/v1/requests", gateway.address)).bearer_auth(lin());
        assert_eq!(request.send().await.unwrap().status(), 200);
    };
    for _ in 0..20 {
        get().await;
    }
    let shares: Vec<usize> = replicas.iter().map(|replica| replica.take().len()).collect();
    assert_eq!(shares, [10, 10], "they take turns");
    // One replica vanishes without a word. Calls that it loses are repeated at the other.
    let [one, gone] = replicas.try_into().ok().unwrap();
    drop(gone);
    for _ in 0..20 {
        get().await;
    }
    *known.lock().unwrap() = vec![one.address, last.address];
    eventually("one more behind the name is found", async || {
        get().await;
        (!last.take().is_empty()).then_some(())
    })
    .await;
    *known.lock().unwrap() = vec![last.address];
    eventually("one that is behind it no more is left alone", async || {
        one.take();
        for _ in 0..4 {
            get().await;
        }
        one.take().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn metrics_are_told_by_route_and_status() {
    let stage = Stage::start().await;
    stage.get("/v1/requests").await;
    stage.get("/v1/requests/none").await;
    stage.get("/v1/<script>").await;
    let text = stage.anonymous(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    for line in [
        r#"http_route="/v1/requests",otel_scope_name="kefu""#,
        r#"http_response_status_code="404",http_route="/v1/{name=requests/*}""#,
        r#"http_response_status_code="404",http_route="""#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("script"));
}

#[tokio::test]
async fn web_pages_of_the_origins_that_are_named_may_call_and_no_others() {
    let origin = "https://desk.example.com";
    let stage = Stage::with(|setup| setup.cors.origins = vec![origin.to_owned()]).await;
    let preflight = async |origin: &str| {
        let asked = stage.anonymous(Method::OPTIONS, "/v1/requests:register").header("origin", origin);
        let asked = asked.header("access-control-request-method", "POST");
        asked.header("access-control-request-headers", "authorization,content-type").send().await.unwrap()
    };
    let allowed = preflight(origin).await;
    assert_eq!(
        (allowed.status().as_u16(), &allowed.headers()[ACCESS_CONTROL_ALLOW_ORIGIN]),
        (200, &origin.parse().unwrap())
    );
    assert!(!preflight("https://evil.example.com").await.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let stage = Stage::start().await;
    let asked = stage.request(Method::GET, "/v1/requests").header("origin", origin).send().await.unwrap();
    assert!(!asked.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let wrong = ["desk.example.com", "https://desk.example.com/", "*"];
    for origin in wrong {
        let mut plan = setup(&[("intake", &stage.intake)]);
        plan.cors.origins = vec![origin.to_owned()];
        assert!(Gateway::start(plan).await.is_err(), "{origin}");
    }
}
