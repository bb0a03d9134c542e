//! The services as they are, each with a database of its own, and the gateway before them.

use std::net::SocketAddr;

use kefu_gateway::{BackendConfig, Gateway, Running, Setup};
use kefu_testkit::{Bench, sign};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

/// Services and gateway.
pub struct Stage {
    /// Customers and requests.
    pub intake: Bench,
    /// Complaints and their evidence.
    pub complaints: Bench,
    /// The directory.
    pub appraisal: Bench,
    /// Anybody's way to the gateway by HTTP/1.1.
    pub client: Client,
    gateway: Option<Running>,
    address: SocketAddr,
}

impl Stage {
    /// As they come.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With a gateway that differs.
    pub async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let (intake, complaints, appraisal) = tokio::join!(
            Box::pin(Bench::of(&kefu_intake::SERVICE)),
            Box::pin(Bench::of(&kefu_complaints::SERVICE)),
            Box::pin(Bench::of(&kefu_appraisal::SERVICE))
        );
        let mut setup = setup(&[("intake", &intake), ("complaints", &complaints), ("appraisal", &appraisal)]);
        change(&mut setup);
        let gateway = Gateway::start(setup).await.unwrap();
        let address = gateway.address;
        Self { intake, complaints, appraisal, client: Client::new(), gateway: Some(gateway), address }
    }

    /// Where the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request by nobody.
    pub fn anonymous(&self, verb: Method, path: &str) -> RequestBuilder {
        self.client.request(verb, format!("http://{}{path}", self.address))
    }

    /// A request by an agent, who is also a supervisor and an operator.
    pub fn request(&self, verb: Method, path: &str) -> RequestBuilder {
        self.anonymous(verb, path).bearer_auth(lin())
    }

    /// What is read at a path.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        told(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// What becomes of a body that is sent to a path.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        told(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// Stops the gateway and returns when it has stopped.
    pub async fn stop_gateway(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
    }
}

/// A gateway before these services, by their short names.
pub fn setup(services: &[(&str, &Bench)]) -> Setup {
    let url = |bench: &Bench| BackendConfig { url: format!("http://{}", bench.address()), ca_file: None };
    Setup {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        services: services.iter().map(|(name, bench)| ((*name).to_owned(), url(bench))).collect(),
        names: kefu_gateway::Names::system(),
        issuers: services.first().map(|(_, bench)| bench.issuers()).unwrap_or_default(),
        cors: kefu_gateway::Cors::default(),
        limits: kefu_gateway::Limits { rate_per_second: 100_000, rate_burst: 100_000, ..Default::default() },
        tls: None,
        telemetry: kefu_chassis::telemetry::Telemetry::default(),
    }
}

/// The token of an agent, who is also a supervisor and an operator.
pub fn lin() -> String {
    sign("staff/lin", &["AGENT", "SUPERVISOR", "ADMIN"])
}

/// The status of an answer, and its JSON.
pub async fn told(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
