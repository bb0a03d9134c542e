//! Methods as HTTP and JSON: requests, answers, etags, repetition, refusals.

use reqwest::Method;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::stage::{Stage, told};

fn customer() -> Value {
    json!({"displayName": "林小姐", "contacts": [{"phone": "138 0013 8000"}]})
}

/// Creates a customer, registers a request of theirs, and returns the request.
async fn register(stage: &Stage) -> Value {
    let (status, customer) = stage.post("/v1/customers", &customer()).await;
    assert_eq!(status, 200, "{customer}");
    let registration = json!({
        "customer": customer["name"],
        "channel": "CHAT",
        "kind": "CONSULTATION",
        "contact": {"phone": "13800138000"},
        "description": "路由器的指示灯不亮",
    });
    let (status, request) = stage.post("/v1/requests:register", &registration).await;
    assert_eq!(status, 200, "{request}");
    request
}

#[tokio::test]
async fn a_request_is_registered_read_answered_and_listed() {
    let stage = Stage::start().await;
    let request = register(&stage).await;
    assert_eq!((&request["state"], &request["firstResponder"]), (&json!("REGISTERED"), &json!("staff/lin")));
    let name = request["name"].as_str().unwrap();
    let (status, read) = stage.get(&format!("/v1/{name}")).await;
    assert_eq!((status, &read), (200, &request));
    let (status, answered) = stage.post(&format!("/v1/{name}:respond"), &json!({ "text": "已联系工程师" })).await;
    assert_eq!((status, &answered["state"]), (200, &json!("IN_PROGRESS")));
    let (status, list) = stage.get("/v1/requests?owner=staff/lin&pageSize=5&state=IN_PROGRESS").await;
    assert_eq!((status, &list["requests"][0]["name"]), (200, &request["name"]), "{list}");
    // A method that every service serves is called at the service in the path.
    let (status, duties) = stage.get("/v1/services/intake/duties?pageSize=3").await;
    assert_eq!((status, &duties["duties"][0]["subject"]), (200, &request["name"]), "{duties}");
    let (status, _) = stage.get("/v1/services/complaints/duties").await;
    assert_eq!(status, 200);
    let (status, problem) = stage.get("/v1/services/nowhere/duties").await;
    assert_eq!((status, &problem["reason"]), (404, &json!("METHOD_UNKNOWN")));
}

#[tokio::test]
async fn what_was_read_is_known_by_its_etag_and_changed_only_if_it_is_still_so() {
    let stage = Stage::start().await;
    let (_, created) = stage.post("/v1/customers", &customer()).await;
    let path = format!("/v1/{}", created["name"].as_str().unwrap());
    let read = stage.request(Method::GET, &path).send().await.unwrap();
    let etag = read.headers()[ETAG].clone();
    assert_eq!(etag.to_str().unwrap(), created["etag"].as_str().unwrap());
    let again = stage.request(Method::GET, &path).header(IF_NONE_MATCH, &etag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()[ETAG]), (304, &etag));
    assert!(again.bytes().await.unwrap().is_empty());

    let named = |name: &str| json!({"displayName": name});
    let change_to = |body: Value| stage.request(Method::PATCH, &path).header(IF_MATCH, &etag).json(&body);
    let (status, changed) = told(change_to(named("林")).send().await.unwrap()).await;
    assert_eq!((status, &changed["displayName"]), (200, &json!("林")), "{changed}");
    let (status, problem) = told(change_to(named("木")).send().await.unwrap()).await;
    assert_eq!((status, &problem["reason"]), (412, &json!("ETAG_STALE")));
    let weak = stage.request(Method::PATCH, &path).header(IF_MATCH, "W/\"1\"").json(&named("木"));
    let (status, problem) = told(weak.send().await.unwrap()).await;
    assert_eq!((status, &problem["violations"][0]["field"]), (400, &json!("if-match")));
    let both = change_to(json!({"displayName": "木", "etag": "\"77\""}));
    let (status, problem) = told(both.send().await.unwrap()).await;
    assert_eq!((status, &problem["violations"][0]["field"]), (400, &json!("etag")));
    let (_, read) = stage.get(&path).await;
    assert_eq!(read["displayName"], "林", "nothing that was refused has changed anything");
}

#[tokio::test]
async fn a_field_mask_says_what_is_changed() {
    let stage = Stage::start().await;
    let (_, created) = stage.post("/v1/customers", &customer()).await;
    let path = format!("/v1/{}?updateMask=displayName", created["name"].as_str().unwrap());
    let change = stage.request(Method::PATCH, &path).json(&json!({"displayName": "木", "contacts": []}));
    let (status, changed) = told(change.send().await.unwrap()).await;
    assert_eq!((status, &changed["displayName"]), (200, &json!("木")), "{changed}");
    assert_eq!(changed["contacts"], created["contacts"], "what the mask does not name stays");
}

#[tokio::test]
async fn a_call_is_repeated_under_its_key_and_the_key_is_for_no_other() {
    let stage = Stage::start().await;
    let key = kefu_testkit::request_id();
    let create = |name: &str, key: &str| {
        let body = json!({"displayName": name, "contacts": [{"phone": "13800138000"}]});
        stage.request(Method::POST, "/v1/customers").header("idempotency-key", key).json(&body)
    };
    let (status, first) = told(create("林", &key).send().await.unwrap()).await;
    assert_eq!(status, 200, "{first}");
    let (status, second) = told(create("林", &format!("\"{key}\"")).send().await.unwrap()).await;
    assert_eq!((status, &second), (200, &first));
    let (status, problem) = told(create("木", &key).send().await.unwrap()).await;
    assert_eq!((status, &problem["reason"]), (400, &json!("REQUEST_ID_REUSED")));
    let (status, problem) = told(create("木", "no uuid").send().await.unwrap()).await;
    assert_eq!((status, &problem["violations"][0]["field"]), (400, &json!("requestId")), "{problem}");
}

#[tokio::test]
async fn refusals_say_what_is_wrong_in_the_callers_language_and_nothing_of_how_things_are_made() {
    let stage = Stage::start().await;
    let request = register(&stage).await;
    let name = request["name"].as_str().unwrap();
    let (_, _) = stage.post(&format!("/v1/{name}:respond"), &json!({ "text": "已联系工程师" })).await;
    let resolve = stage
        .request(Method::POST, &format!("/v1/{name}:resolve"))
        .header(ACCEPT_LANGUAGE, "zh-CN")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .json(&json!({"resolution": "重新插好电源", "assistance": "电话指导"}));
    let response = resolve.send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["status"], &problem["reason"]), (409, &json!(409), &json!("GATE_CLOSED")));
    assert_eq!(problem["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    let violation = &problem["violations"][0];
    assert_eq!((&violation["clause"], &violation["subject"]), (&json!("C2.4"), &json!(name)));
    assert!(problem["detail"].as_str().unwrap().starts_with("按规定"), "{problem}");
    let message = violation["message"].as_str().unwrap();
    assert!(message.starts_with("C2.4（") && message.ends_with('。'), "{message}");

    let nobody = stage.anonymous(Method::GET, &format!("/v1/{name}")).send().await.unwrap();
    assert_eq!(nobody.headers()[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(told(nobody).await.0, 401);
    let customer = kefu_testkit::sign("customers/someone-else", &["CUSTOMER"]);
    let other = stage.anonymous(Method::GET, &format!("/v1/{name}")).bearer_auth(customer).send().await.unwrap();
    assert_eq!(told(other).await.0, 404);
}

#[tokio::test]
async fn whoever_does_not_say_who_they_are_learns_nothing_else_of_their_request() {
    let stage = Stage::start().await;
    for (path, kind) in
        [("/v1/customers", "application/json"), ("/v1/customers", "text/plain"), ("/v1/requests:import", "text/plain")]
    {
        let request = stage.anonymous(Method::POST, path).header(CONTENT_TYPE, kind).body("{");
        let (status, problem) = told(request.send().await.unwrap()).await;
        assert_eq!((status, &problem["reason"]), (401, &json!("TOKEN_INVALID")), "{path} {kind}");
    }
}

#[tokio::test]
async fn a_refusal_that_has_very_much_to_name_still_arrives() {
    let stage = Stage::start().await;
    let anchors: Vec<Value> = (0..1000).map(|_| json!({"hash": "AQID"})).collect();
    let (status, problem) = stage.post("/v1/services/intake/journal:verify", &json!({"anchors": anchors})).await;
    assert_eq!((status, &problem["reason"]), (400, &json!("FIELD_INVALID")), "{problem}");
    assert!(problem["violations"].as_array().unwrap().len() > 10, "{problem}");
    assert_eq!(problem["violations"][0]["field"], "anchors[0].position");
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_take_it_and_bodies_are_taken_compressed() {
    let stage = Stage::start().await;
    register(&stage).await;
    for coding in ["gzip", "br"] {
        let response =
            stage.request(Method::GET, "/v1/requests").header("accept-encoding", coding).send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], coding);
    }
    let plain = stage.request(Method::GET, "/v1/requests").send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, customer().to_string().as_bytes()).unwrap();
    let body = gzip.finish().unwrap();
    let again = "/v1/customers?allowSharedContacts=true";
    let sent = stage.request(Method::POST, again).header("content-encoding", "gzip");
    let sent = sent.header(CONTENT_TYPE, "application/json").body(body).send().await.unwrap();
    assert_eq!(told(sent).await.0, 200);
}

#[tokio::test]
async fn the_api_is_described_to_anybody_compressed_or_not() {
    let stage = Stage::start().await;
    let described = async |coding: &str| {
        let asked = stage.anonymous(Method::GET, "/openapi.json").header("accept-encoding", coding);
        let answer = asked.send().await.unwrap();
        let coded = answer.headers().get("content-encoding").map(|coding| coding.to_str().unwrap().to_owned());
        (answer.status().as_u16(), coded, answer.bytes().await.unwrap())
    };
    let (status, coded, plain) = described("identity").await;
    assert_eq!((status, coded), (200, None));
    let document: Value = serde_json::from_slice(&plain).unwrap();
    assert!(document["paths"]["/v1/requests/{request}:resolve"]["post"]["x-kefu-clauses"].is_array());
    let (status, coded, gzip) = described("deflate, gzip").await;
    assert_eq!((status, coded.as_deref()), (200, Some("gzip")));
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    assert!(gzip.len() * 4 < plain.len());
    assert_eq!(described("br").await.1.as_deref(), Some("br"));
}

#[tokio::test]
async fn a_wrong_field_is_told_with_its_rule_and_in_the_readers_language() {
    let stage = Stage::start().await;
    let body = json!({"customer": "customers/1", "channel": "CHAT", "kind": "SHIPMENT",
        "contact": {"phone": "13800138000"}, "description": "包裹没有到"});
    let post = stage.request(Method::POST, "/v1/requests:register").header(ACCEPT_LANGUAGE, "zh-CN").json(&body);
    let (status, problem) = told(post.send().await.unwrap()).await;
    let violation = &problem["violations"][0];
    assert_eq!(status, 400, "{problem}");
    assert_eq!((&violation["field"], &violation["rule"]), (&json!("orderNumber"), &json!("REQUIRED_WHEN")));
    let message = violation["message"].as_str().unwrap();
    assert!(message.contains("「订单号」在「") && message.contains("」为「物流跟踪」时必填。"), "{message}");
}
