//! Streams of answers as Server-Sent Events that are resumed, as lines of JSON and as bytes, and how they end.

use kefu_testkit::ending_in;
use reqwest::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::stage::{Stage, lin};

const EVENTS: &str = "/v1/services/intake/events:subscribe";

/// Reads a stream part by part.
struct StreamReader {
    response: Response,
    read: String,
}

impl StreamReader {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self { response, read: String::new() }
    }

    /// Returns the text up to the next `mark`; none if the stream ends before.
    async fn next(&mut self, mark: &str) -> Option<String> {
        loop {
            if let Some(end) = self.read.find(mark) {
                let rest = self.read.split_off(end + mark.len());
                let mut part = std::mem::replace(&mut self.read, rest);
                part.truncate(end);
                return Some(part);
            }
            let more = tokio::time::timeout(std::time::Duration::from_secs(20), self.response.chunk());
            let more = more.await.expect("something comes").unwrap()?;
            self.read.push_str(str::from_utf8(&more).unwrap());
        }
    }

    /// Returns the id and the data of the next event that has an id.
    async fn event(&mut self) -> (String, Value) {
        loop {
            let event = self.next("\n\n").await.expect("an event");
            let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let Some(id) = line("id: ") {
                return (id, serde_json::from_str(&line("data: ").unwrap()).unwrap());
            }
        }
    }
}

async fn create(stage: &Stage, name: &str) -> Value {
    let body = json!({"displayName": name, "contacts": [{"phone": "13800138000"}]});
    let (status, customer) = stage.post("/v1/customers?allowSharedContacts=true", &body).await;
    assert_eq!(status, 200);
    stage.intake.seal().await;
    customer
}

async fn subscribe(stage: &Stage, after: Option<&str>) -> StreamReader {
    let mut request = stage.request(Method::GET, EVENTS).header(ACCEPT, "text/event-stream");
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    StreamReader::of(response)
}

#[tokio::test]
async fn events_come_live_with_their_place_and_go_on_after_it() {
    let stage = Stage::start().await;
    let first = create(&stage, "一").await;
    let mut live = subscribe(&stage, None).await;
    let (id, event) = live.event().await;
    assert_eq!((&event["event"]["position"], &event["event"]["aggregate"]), (&json!(id), &first["name"]));
    assert_eq!(event["event"]["payload"]["@type"], "type.googleapis.com/kefu.intake.v1.CustomerCreated", "{event}");
    let second = create(&stage, "二").await;
    let (next, event) = live.event().await;
    assert_eq!(event["event"]["aggregate"], second["name"]);
    drop(live);

    let mut resumed = subscribe(&stage, Some(&id)).await;
    assert_eq!(resumed.event().await.0, next, "nothing comes twice and nothing is left out");
    let wrong = stage.request(Method::GET, EVENTS).header("last-event-id", "soon").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn a_watch_is_resumed_by_its_token() {
    let stage = Stage::start().await;
    let watch = async |after: Option<&str>| {
        let mut request = stage.request(Method::GET, "/v1/requests:watch").header(ACCEPT, "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        StreamReader::of(request.send().await.unwrap())
    };
    let register = async || {
        let customer = create(&stage, "林").await;
        let registration = json!({"customer": customer["name"], "channel": "CHAT", "kind": "CONSULTATION",
            "contact": {"phone": "13800138000"}, "description": "路由器"});
        let (status, request) = stage.post("/v1/requests:register", &registration).await;
        assert_eq!(status, 200, "{request}");
        request["name"].clone()
    };
    let mut live = watch(None).await;
    let (begin, _) = live.event().await;
    let first = register().await;
    let seen = async |parts: &mut StreamReader, name: &Value| loop {
        let (_, event) = parts.event().await;
        if event["request"]["name"] == *name {
            return;
        }
    };
    seen(&mut live, &first).await;
    drop(live);
    let mut resumed = watch(Some(&begin)).await;
    seen(&mut resumed, &first).await;
}

#[tokio::test]
async fn lines_are_one_message_each_and_end_with_the_gateway() {
    let mut stage = Stage::start().await;
    create(&stage, "一").await;
    let response = stage.request(Method::GET, &format!("{EVENTS}?afterPosition=0")).send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/x-ndjson");
    let mut lines = StreamReader::of(response);
    let line: Value = serde_json::from_str(&lines.next("\n").await.unwrap()).unwrap();
    assert_eq!(line["event"]["position"], "1");
    stage.stop_gateway().await;
    while let Some(line) = lines.next("\n").await {
        let line: Value = serde_json::from_str(&line).unwrap();
        assert!(line.get("error").is_none(), "{line}");
    }
}

#[tokio::test]
async fn a_stream_that_is_refused_midway_says_so_in_its_own_form() {
    let mut stage = Stage::start().await;
    create(&stage, "一").await;
    let mut events = subscribe(&stage, None).await;
    events.event().await;
    let lines = stage.request(Method::GET, EVENTS).send().await.unwrap();
    let mut lines = StreamReader::of(lines);
    lines.next("\n").await.unwrap();
    stage.intake.halt().await;
    let last = async |parts: &mut StreamReader, mark: &str| {
        let mut last = None;
        while let Some(part) = parts.next(mark).await {
            last = Some(part);
        }
        last.unwrap()
    };
    let event = last(&mut events, "\n\n").await;
    let problem = event.strip_prefix("event: error\ndata: ").expect(&event);
    let problem: Value = serde_json::from_str(problem).unwrap();
    assert_eq!((&problem["status"], &problem["reason"]), (&json!(503), &json!("BACKEND_AWAY")));
    let line: Value = serde_json::from_str(&last(&mut lines, "\n").await).unwrap();
    assert_eq!(line["error"]["reason"], "BACKEND_AWAY");
}

#[tokio::test]
async fn streams_and_uploads_end_with_the_token_of_their_caller_and_say_so() {
    let stage = Stage::start().await;
    create(&stage, "一").await;
    let token = || ending_in(&lin(), std::time::Duration::from_secs(3));
    let get = |path: &str, accept: &str| stage.anonymous(Method::GET, path).header(ACCEPT, accept).bearer_auth(token());
    let ends = async |path: &str| {
        let mut events = StreamReader::of(get(path, "text/event-stream").send().await.unwrap());
        let mut last = events.next("\n\n").await.expect("a stream begins while the token holds");
        assert!(!last.contains("event: error"), "{last}");
        while let Some(event) = events.next("\n\n").await {
            last = event;
        }
        serde_json::from_str::<Value>(last.strip_prefix("event: error\ndata: ").expect(&last)).unwrap()
    };
    let lines = async {
        let mut lines = StreamReader::of(get("/v1/requests:watch", "application/x-ndjson").send().await.unwrap());
        let mut last = Value::Null;
        while let Some(line) = lines.next("\n").await {
            last = serde_json::from_str(&line).unwrap();
        }
        last["error"].clone()
    };
    let upload = async {
        let import = stage.anonymous(Method::POST, "/v1/requests:import").bearer_auth(token());
        let endless = futures::stream::pending::<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>();
        let endless = reqwest::Body::wrap(http_body_util::StreamBody::new(endless));
        let answer = import.header(CONTENT_TYPE, "application/x-ndjson").body(endless).send().await.unwrap();
        crate::stage::told(answer).await.1
    };
    let watches = ["/v1/requests:watch", "/v1/complaints:watch", "/v1/services/intake/notifications:watch"];
    let (first, second, third) = tokio::join!(ends(watches[0]), ends(watches[1]), ends(watches[2]));
    let (feed, lines, upload) = tokio::join!(ends(EVENTS), lines, upload);
    for problem in [first, second, third, feed, lines, upload] {
        assert_eq!((&problem["status"], &problem["reason"]), (&json!(401), &json!("TOKEN_INVALID")), "{problem}");
    }
}

#[tokio::test]
async fn content_comes_as_its_bytes_and_is_no_page() {
    let stage = Stage::start().await;
    let (name, content) = crate::uploads::upload(&stage).await;
    let path = format!("/v1/{name}:content");
    let response = stage.request(Method::GET, &path).send().await.unwrap();
    let headers = response.headers().clone();
    assert_eq!(headers[CONTENT_TYPE], "application/octet-stream");
    assert_eq!(headers[CONTENT_DISPOSITION], "attachment");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(response.bytes().await.unwrap(), content);
    let lines = stage.request(Method::GET, &path).header(ACCEPT, "application/x-ndjson").send().await.unwrap();
    assert!(lines.text().await.unwrap().starts_with(r#"{"content":""#));
}
