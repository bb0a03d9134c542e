//! Searches everything that the demo's day logs, and sends to a collector, for personal data and secrets.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{SubscribeRequest, VerifyJournalRequest};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost_reflect::{DynamicMessage, Value};
use tonic::transport::Channel;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::{Home, eventually, read};

/// Receives traces and metrics, and keeps them as text.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<String>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(format!("{:?}", request.into_inner()));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0.lock().unwrap().push(format!("{:?}", request.into_inner()));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

impl Collector {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()).max_decoding_message_size(usize::MAX))
            .add_service(MetricsServiceServer::new(self.clone()).max_decoding_message_size(usize::MAX));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        endpoint
    }
}

/// Collects every text of a field marked `debug_redact` from the journal of a service.
async fn confidential(service: &str, address: &str, token: &str, found: &mut BTreeSet<String>) {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let bearer: tonic::metadata::MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
    let mut feed = EventFeedClient::with_interceptor(channel, move |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", bearer.clone());
        Ok(request)
    });
    let parent = format!("services/{service}");
    let verify = VerifyJournalRequest { parent: parent.clone(), anchors: Vec::new() };
    let head = feed.verify_journal(verify).await.unwrap().into_inner().head.unwrap().position;
    let subscribe = SubscribeRequest { parent, ..Default::default() };
    let mut events = feed.subscribe(subscribe).await.unwrap().into_inner();
    loop {
        let Some(event) = events.message().await.unwrap().unwrap().event else { continue };
        let payload = event.payload.unwrap();
        let descriptor = kefu_proto::pool().get_message_by_name(payload.type_url.rsplit('/').next().unwrap()).unwrap();
        let message = DynamicMessage::decode(descriptor, payload.value.as_slice()).unwrap();
        collect(&message, found);
        if event.position >= head {
            return;
        }
    }
}

fn collect(message: &DynamicMessage, found: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        let is_marked = kefu_proto::contract::is_redacted(&field);
        let items = value.as_list().map_or(std::slice::from_ref(value), |items| items);
        for item in items {
            match item {
                Value::Message(inner) => collect(inner, found),
                Value::String(text) if is_marked && !text.is_empty() => drop(found.insert(text.clone())),
                _ => {}
            }
        }
    }
}

/// Returns the secrets in the files of a running home, in the forms in which a log could show them: the signing key in
/// hexadecimal and as a list of bytes, and the database's password.
fn secrets(home: &Home) -> Vec<String> {
    let key = std::fs::read(home.0.join("keys/dev.pkcs8")).unwrap();
    // In PKCS #8 the seed of an Ed25519 key follows sixteen bytes of header.
    let seed = &key[16..48];
    let hex = seed.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let list = format!("{seed:?}").trim_matches(['[', ']']).to_owned();
    let (mut folders, mut found) = (vec![home.0.clone()], vec![hex, list]);
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().filter_map(Result::ok) {
            if entry.file_type().unwrap().is_dir() {
                folders.extend((entry.file_name() != "data").then(|| entry.path()));
            } else if entry.file_name() == "password" {
                found.push(std::fs::read_to_string(entry.path()).unwrap().trim().to_owned());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_day_logs_and_tells_a_collector_nothing_personal_or_secret() {
    let home = Home::new("silence");
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let logs = home.0.join("logs");
    let settings = [("KEFU_TELEMETRY__ENDPOINT", endpoint.as_str()), ("KEFU_TELEMETRY__SPAN_QUEUE", "100000")];
    let log = Stdio::from(std::fs::File::create(&logs).unwrap());
    let mut up = home.up_logging(&["--demo", "--log", "debug"], &settings, log);
    let token = home.text(&["token", "--subject", "staff/admin", "--role", "admin"]);
    let mut personal = BTreeSet::new();
    let services = read(&home.0.join("run.json")).unwrap()["services"].as_object().unwrap().clone();
    for (service, address) in &services {
        confidential(service, address.as_str().unwrap(), token.trim(), &mut personal).await;
    }
    let mut secrets = secrets(&home);
    assert_eq!(secrets.len(), 3, "the key twice, and a password");
    // "eyJ" begins the base64 of every token. The other two are in statements that set the password of a database role.
    secrets.extend(["eyJ", "password '", "SCRAM-SHA-256$"].map(str::to_owned));
    assert!(up.signal("-TERM").success());
    eventually("no process is left", || home.processes().is_empty());

    // A single character, or a short word such as "no", also occurs within other words and proves nothing.
    let is_telling = |text: &&String| text.chars().count() >= if text.is_ascii() { 6 } else { 2 };
    let personal: Vec<&String> = personal.iter().filter(is_telling).collect();
    assert!(personal.len() > 50 && personal.iter().any(|text| *text == "韩雪"), "{personal:?}");
    assert!(personal.iter().any(|text| text.starts_with("+86")), "{personal:?}");
    let logged = std::fs::read_to_string(&logs).unwrap();
    assert!(logged.contains("DEBUG"), "logged in full");
    let told = collector.0.lock().unwrap().join("\n");
    assert!(told.contains("RegisterRequest") && told.contains("rpc.server.call.duration"), "told in full");
    for (where_, said) in [("logs", &logged), ("telemetry", &told)] {
        for secret in personal.iter().copied().chain(&secrets) {
            let line = said.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{secret} is in the {where_}: {}", line.unwrap());
        }
    }
}
