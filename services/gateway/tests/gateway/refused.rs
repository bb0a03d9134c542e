//! What the gateway refuses of itself: each refusal names the field, the rule and, in the reader's language, what people call
//! the field.

use kefu_chassis::labels;
use kefu_chassis::language::Language;
use reqwest::Method;
use reqwest::header::{ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::stage::{Stage, told};

const JSON: &str = "application/json";
const REGISTER: &str = "/v1/requests:register";
const CREATE: &str = "/v1/customers";

/// The message of the requests to a path.
fn request_at(path: &str) -> &'static str {
    match path.split('?').next() {
        Some(CREATE) => "kefu.intake.v1.CreateCustomerRequest",
        Some(REGISTER) => "kefu.intake.v1.RegisterRequestRequest",
        Some("/v1/requests:import") => "kefu.intake.v1.ImportRequestsRequest",
        Some("/v1/requests/1:respond") => "kefu.intake.v1.RespondRequestRequest",
        Some("/v1/complaints/1/evidence:upload") => "kefu.complaints.v1.UploadEvidenceRequest",
        _ => "kefu.intake.v1.ListRequestsRequest",
    }
}

/// What a refusal says of a field.
struct Said<'a> {
    field: &'a str,
    rule: &'a str,
    /// What the description has, for whoever writes the calling program.
    described: &'a str,
    /// What is told to people, with a path in the request in place of each label.
    zh: &'a str,
}

const fn said<'a>(field: &'a str, rule: &'a str, described: &'a str, zh: &'a str) -> Said<'a> {
    Said { field, rule, described, zh }
}

impl Said<'_> {
    /// Returns what is told to people, with the label of a field of this request.
    fn told(&self, request: &str) -> String {
        let request = kefu_proto::pool().get_message_by_name(request).unwrap();
        let Some((path, rest)) = self.zh.split_once('」') else { return self.zh.to_owned() };
        let (before, path) = path.split_once('「').unwrap();
        let label = labels::of_path(Some(&request), path, Language::Chinese);
        format!("{before}「{label}」{rest}")
    }

    #[track_caller]
    fn is_said_by(&self, request: &str, status: u16, (got, problem): &(u16, Value)) {
        assert_eq!((*got, &problem["reason"]), (status, &json!("FIELD_INVALID")), "{problem}");
        let violation = &problem["violations"][0];
        let text = |name: &str| violation[name].as_str().unwrap_or_default();
        let zh = self.told(request);
        assert_eq!((text("field"), text("rule"), text("message")), (self.field, self.rule, zh.as_str()), "{problem}");
        assert!(text("description").contains(self.described), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&zh), "{problem}");
    }
}

async fn send(stage: &Stage, verb: Method, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = stage.request(verb, path).header(ACCEPT_LANGUAGE, "zh-CN").body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    told(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused_by_its_place_and_in_the_readers_language() {
    let stage = Stage::start().await;
    for (path, body, expected) in [
        (
            CREATE,
            r#"{"displayName": 7}"#,
            said("displayName", "FORM", "expected", "「customer.display_name」须为文字。"),
        ),
        (CREATE, r#"{"display_name": 7}"#, said("displayName", "FORM", "text", "「customer.display_name」须为文字。")),
        (
            CREATE,
            r#"{"contacts": [{"phone": []}]}"#,
            said("contacts[0].phone", "FORM", "expected", "「customer.contacts[0].phone」须为文字。"),
        ),
        (CREATE, r#"{"contacts": 1}"#, said("contacts", "FORM", "list", "「customer.contacts」须为列表。")),
        (CREATE, "[]", said("", "FORM", "object", "「customer」须为一组字段。")),
        (
            CREATE,
            r#"{"noField": 1}"#,
            said("noField", "UNKNOWN_FIELD", "known", "「customer.noField」不是此处可用的字段。"),
        ),
        (
            CREATE,
            r#"{"displayName": "a", "display_name": "b"}"#,
            said("displayName", "REPEATED_ITEM", "twice", "「customer.display_name」重复出现。"),
        ),
        (
            CREATE,
            r#"{"contacts": [{"phone": "1", "phone": "2"}]}"#,
            said("contacts[0].phone", "REPEATED_ITEM", "twice", "「customer.contacts[0].phone」重复出现。"),
        ),
        (CREATE, "{", said("", "UNREADABLE", "EOF", "「customer」无法读取：第1行第1列有误。")),
        (CREATE, "{} {}", said("", "UNREADABLE", "trailing", "「customer」无法读取：第1行第4列有误。")),
        (REGISTER, "{\n", said("", "UNREADABLE", "EOF", "无法读取：第2行第0列有误。")),
        (REGISTER, r#"{"channel": "PIGEON"}"#, said("channel", "DEFINED", "PIGEON", "「channel」不在可选值之内。")),
        (
            REGISTER,
            r#"{"occurredTime": "today"}"#,
            said("occurredTime", "TIME", "time", "「occurred_time」须为时间，例如2026-01-05T01:30:00Z。"),
        ),
        (
            "/v1/customers?page_size=3",
            "{}",
            said("page_size", "UNKNOWN_FIELD", "no parameter", "「page_size」不是此方法的查询参数。"),
        ),
        (
            "/v1/requests:register?orderNumber=1",
            "{}",
            said(
                "orderNumber",
                "NOT_ACCEPTED",
                "no parameter",
                "「order_number」不能作为查询参数，须在路径或请求内容中给出。",
            ),
        ),
    ] {
        let answer = send(&stage, Method::POST, path, &[(CONTENT_TYPE.as_str(), JSON)], body).await;
        expected.is_said_by(request_at(path), 400, &answer);
    }
}

#[tokio::test]
async fn a_parameter_that_is_none_is_refused_by_its_name_and_in_the_readers_language() {
    let stage = Stage::start().await;
    for (query, expected) in [
        ("pageSize=many", said("pageSize", "FORM", "whole number", "「page_size」须为整数。")),
        (
            "pageSize=99999999999",
            said("pageSize", "OUT_OF_RANGE", "from", "「page_size」须在-2147483648至2147483647之间。"),
        ),
        ("pageSize=1&page_size=2", said("pageSize", "REPEATED_ITEM", "twice", "「page_size」重复出现。")),
        ("state=GONE", said("state", "DEFINED", "GONE", "「state」不在可选值之内。")),
        ("nothing=1", said("nothing", "UNKNOWN_FIELD", "no parameter", "「nothing」不是此方法的查询参数。")),
        ("owner=%ff", said("", "UNREADABLE", "UTF-8", "查询参数的编码无法读取。")),
    ] {
        let path = format!("/v1/requests?{query}");
        expected.is_said_by(request_at(&path), 400, &send(&stage, Method::GET, &path, &[], "").await);
    }
}

#[tokio::test]
async fn a_header_that_is_not_as_it_must_be_is_refused_by_what_it_sets() {
    let stage = Stage::start().await;
    for (path, headers, expected) in [
        (
            "/v1/requests/1:respond",
            &[("if-match", "W/\"1\"")][..],
            said("if-match", "FORM", "strong etag", "「etag」须为一个带引号的版本标记。"),
        ),
        (
            "/v1/requests/1:respond",
            &[("idempotency-key", "a"), ("idempotency-key", "b")],
            said("idempotency-key", "FORM", "once", "「request_id」须只出现一次，且不含特殊字符。"),
        ),
    ] {
        let answer =
            send(&stage, Method::POST, path, &[headers, &[(CONTENT_TYPE.as_str(), JSON)]].concat(), "{}").await;
        expected.is_said_by(request_at(path), 400, &answer);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_as_a_whole_is_told_by_reason_rule_and_in_the_readers_language() {
    let stage = Stage::with(|setup| setup.limits.body_bytes = 100).await;
    let form = "application/x-www-form-urlencoded";
    let answer = send(&stage, Method::POST, "/v1/customers", &[("content-type", form)], "displayName=a").await;
    said("content-type", "NOT_ACCEPTED", JSON, "「请求内容的类型」不适用于此处，此处接受“application/json”。")
        .is_said_by(request_at(CREATE), 415, &answer);
    let headers = [("content-type", JSON), ("content-encoding", "compress")];
    let answer = send(&stage, Method::POST, "/v1/customers", &headers, "{}").await;
    said("content-encoding", "NOT_ACCEPTED", "gzip", "「请求内容的编码」不被接受，此处接受“gzip, br”。").is_said_by(
        request_at(CREATE),
        415,
        &answer,
    );
    let answer = send(&stage, Method::POST, "/v1/customers", &[("content-type", JSON)], &" ".repeat(101)).await;
    said("", "TOO_LONG", "too large", "请求内容过大。").is_said_by(request_at(CREATE), 413, &answer);

    let wrong_verb = stage.request(Method::DELETE, "/v1/requests").header(ACCEPT_LANGUAGE, "zh-CN");
    let response = wrong_verb.send().await.unwrap();
    assert_eq!(response.headers()[ALLOW], "GET");
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["reason"]), (405, &json!("METHOD_UNKNOWN")));
    assert_eq!(problem["detail"], "此地址不支持该请求方法，可用的请求方法见响应头。");
    let (status, problem) = send(&stage, Method::GET, "/v1/requests/a/b/c", &[], "").await;
    assert_eq!((status, &problem["reason"]), (404, &json!("METHOD_UNKNOWN")));
    assert_eq!(problem["detail"], "没有此操作。");
}

#[tokio::test]
async fn a_wrong_part_of_a_form_or_line_is_told_with_its_place() {
    let stage = Stage::start().await;
    let path = "/v1/complaints/1/evidence:upload";
    let part =
        |name: &str, text: &str| format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let form = [("content-type", "multipart/form-data; boundary=x")];
    for (parts, expected) in [
        (part("nothing", "1"), said("nothing", "UNKNOWN_FIELD", "no part", "「nothing」不是此表单的内容。")),
        (
            part("evidence", "{}"),
            said("content", "REQUIRED", "no part with the file", "「content」缺失，表单须包含文件。"),
        ),
        (
            part("evidence", r#"{"kind": "SONG"}"#),
            said("evidence.kind", "DEFINED", "SONG", "「evidence.kind」不在可选值之内。"),
        ),
    ] {
        expected.is_said_by(
            request_at(path),
            400,
            &send(&stage, Method::POST, path, &form, &format!("{parts}--x--\r\n")).await,
        );
    }
    let lines = [("content-type", "application/x-ndjson")];
    let answer = send(&stage, Method::POST, "/v1/requests:import", &lines, "{}\n{\"rows\": 1}\n").await;
    said("rows", "FORM", "line 2: must be a list", "第2行：「rows」须为列表。").is_said_by(
        request_at("/v1/requests:import"),
        400,
        &answer,
    );
}

#[tokio::test]
async fn every_answer_says_what_time_it_is_also_where_no_service_was_asked() {
    let stage = Stage::with(|setup| setup.limits.body_bytes = 100).await;
    let get = |path: &str| stage.request(Method::GET, path);
    let post = |path: &str, body: String| stage.request(Method::POST, path).header(CONTENT_TYPE, JSON).body(body);
    for (request, status) in [
        (get("/v1/requests"), 200),
        (get("/v1/requests/nobody"), 404),
        (get("/v1/services/intake/calendar"), 200),
        (get("/v1/nowhere"), 404),
        (get("/v1/requests?nothing=1"), 400),
        (get("/openapi.json"), 200),
        (get("/docs/"), 200),
        (get("/healthz"), 200),
        (get("/readyz"), 200),
        (get("/v1/requests:watch"), 200),
        (stage.request(Method::DELETE, "/v1/requests"), 405),
        (stage.anonymous(Method::GET, "/v1/requests"), 401),
        (post("/v1/customers", "{".to_owned()), 400),
        (post("/v1/customers", " ".repeat(101)), 413),
    ] {
        let answer = request.send().await.unwrap();
        let what = answer.url().path().to_owned();
        assert_eq!(answer.status().as_u16(), status, "{what}");
        let time = answer.headers()["kefu-time"].to_str().unwrap().parse::<jiff::Timestamp>();
        assert_eq!(time.unwrap(), stage.intake.now(), "{what}");
    }
}
