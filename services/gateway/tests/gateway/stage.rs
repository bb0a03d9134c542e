//! Real services, each with a database of its own, and a gateway before them.

use std::net::SocketAddr;

use kefu_gateway::{BackendConfig, Gateway, Running, Setup};
use kefu_testkit::{Bench, sign};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

/// The running services and the gateway.
pub struct Stage {
    /// The service of customers and requests.
    pub intake: Bench,
    /// The service of complaints and their evidence.
    pub complaints: Bench,
    /// The service with the directory.
    pub appraisal: Bench,
    /// A client of HTTP/1.1 without a token.
    pub client: Client,
    gateway: Option<Running>,
    address: SocketAddr,
}

impl Stage {
    /// Starts services and gateway with default settings, but for rates that no test reaches.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts services and gateway, the gateway with a changed setup.
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

    /// Returns the address at which the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a request without a token.
    pub fn anonymous(&self, verb: Method, path: &str) -> RequestBuilder {
        self.client.request(verb, format!("http://{}{path}", self.address))
    }

    /// Makes a request by an agent, who is also a supervisor and an operator.
    pub fn request(&self, verb: Method, path: &str) -> RequestBuilder {
        self.anonymous(verb, path).bearer_auth(lin())
    }

    /// Reads a path. Returns the status and the JSON of the answer.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        told(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Posts a body to a path. Returns the status and the JSON of the answer.
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

/// Returns the setup of a gateway before these services, by their short names.
pub fn setup(services: &[(&str, &Bench)]) -> Setup {
    let url = |bench: &Bench| BackendConfig { url: format!("http://{}", bench.address()), ca_file: None };
    Setup {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        services: services.iter().map(|(name, bench)| ((*name).to_owned(), url(bench))).collect(),
        names: kefu_gateway::Names::system(),
        issuers: services.first().map(|(_, bench)| bench.issuers()).unwrap_or_default(),
        cors: kefu_gateway::Cors::default(),
        limits: kefu_gateway::Limits { rate_per_second: 100_000, rate_burst: 100_000, ..Default::default() },
        clock: services.first().map_or_else(kefu_chassis::Clock::system, |(_, bench)| bench.chassis().clock.clone()),
        tls: None,
        telemetry: kefu_chassis::telemetry::Telemetry::default(),
    }
}

/// Returns the token of an agent, who is also a supervisor and an operator.
pub fn lin() -> String {
    sign("staff/lin", &["AGENT", "SUPERVISOR", "ADMIN"])
}

/// Returns the status of an answer, and its JSON, or its text if it is no JSON.
pub async fn told(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
