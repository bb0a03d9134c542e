//! All services in this process: their database, start, and orderly end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::{join, join_all, select_all};
use kefu_chassis::clock::Clock;
use kefu_chassis::config::Limits;
use kefu_chassis::database;
use kefu_chassis::directory::follow::SERVED_AS;
use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::identity::signer::Signer;
use kefu_chassis::peer::{Peer, Peers};
use kefu_chassis::program::{Running, Service, Setup, StartError};
use kefu_chassis::server::ServerError;
use kefu_chassis::telemetry::Telemetry;
use kefu_gateway::{BackendConfig, Gateway};
use kefu_regulation::Regulation;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;

use crate::client::OPERATOR;
use crate::error::Error;
use crate::home::{Data, Home, State};
use crate::services::{PORT_BASE, SERVICES};

mod store;

use store::Store;

/// Most connections of a service.
const MAX_CONNECTIONS: u32 = 16;

/// Plan of an instance.
#[derive(Debug)]
pub struct Plan {
    /// Whether the data are removed at the end.
    pub ephemeral: bool,
    /// Base of the services' ports; none for free ports.
    pub port_base: Option<u16>,
    /// Port of the gateway, 0 for a free one; none for no gateway.
    pub http_port: Option<u16>,
    /// The regulation in force.
    pub regulation: Regulation,
    /// URL of the operator's database; none for a private Postgres.
    pub database_url: Option<String>,
    /// The services' clock.
    pub clock: Clock,
    /// Traces and metrics.
    pub telemetry: Telemetry,
}

/// The running services, gateway and database.
#[derive(Debug)]
pub struct Instance {
    services: Vec<(&'static Service, Running)>,
    gateway: Option<kefu_gateway::Running>,
    store: Store,
    data: Data,
    zone: String,
}

impl Instance {
    /// Starts the database and every service. If one cannot start, stops those that had.
    pub async fn start(home: &Home, plan: Plan) -> Result<Self, Error> {
        let data = match (&plan.database_url, plan.ephemeral) {
            (None, false) => Data::Kept,
            (None, true) => Data::Ephemeral,
            (Some(_), false) => Data::Elsewhere,
            (Some(_), true) => return Err(Error::EphemeralElsewhere),
        };
        let store = Store::open(home, data, plan.database_url.as_deref()).await?;
        let zone = plan.regulation.calendar().zone().iana_name().unwrap_or("UTC").to_owned();
        let mut instance = Self { services: Vec::new(), gateway: None, store, data, zone };
        match instance.start_services(home, &plan).await {
            Ok(()) => Ok(instance),
            Err(error) => {
                if let Err(further) = instance.stop().await {
                    tracing::error!(cause = kefu_chassis::error::describe(&further), "cannot stop");
                }
                Err(error)
            }
        }
    }

    async fn start_services(&mut self, home: &Home, plan: &Plan) -> Result<(), Error> {
        let issuer = home.issuer()?;
        let signer = Arc::new(home.signer()?);
        let mut known: Vec<(&'static Service, Peers)> = Vec::new();
        let (first, others): (Vec<&'static Service>, _) =
            SERVICES.into_iter().partition(|service| service.serves.contains(&SERVED_AS));
        for service in first.into_iter().chain(others) {
            let database = prepare(&mut self.store, service).await?;
            let port = plan.port_base.map_or(0, |base| base + (service.port - PORT_BASE));
            let listen = SocketAddr::from(([127, 0, 0, 1], port));
            let has_directory = service.serves.contains(&SERVED_AS);
            let peers = Peers::default();
            for (other, running) in &self.services {
                peers.add(other.schema, peer(service, running.address, &signer));
            }
            let setup = Setup {
                listen,
                database,
                max_connections: MAX_CONNECTIONS,
                issuers: vec![issuer.clone()],
                regulation: plan.regulation.clone(),
                clock: plan.clock.clone(),
                peers: peers.clone(),
                limits: Limits::default(),
                tls: None,
                settings: if has_directory { json!({ "admin": OPERATOR }) } else { serde_json::Value::Null },
                telemetry: plan.telemetry.clone(),
                background: true,
            };
            let running = service.start(setup).await.map_err(|source| refused(service.schema, listen, source))?;
            // Services started before learn the new one's address.
            for (other, others_peers) in &known {
                others_peers.add(service.schema, peer(other, running.address, &signer));
            }
            known.push((service, peers));
            self.services.push((service, running));
        }
        self.start_gateway(plan, issuer).await
    }

    async fn start_gateway(&mut self, plan: &Plan, issuer: IssuerConfig) -> Result<(), Error> {
        let Some(port) = plan.http_port else { return Ok(()) };
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        let backend = |address| BackendConfig { url: format!("http://{address}"), ca_file: None };
        let setup = kefu_gateway::Setup {
            listen,
            services: self.addresses().into_iter().map(|(name, address)| (name, backend(address))).collect(),
            names: kefu_gateway::Names::system(),
            issuers: vec![issuer],
            cors: kefu_gateway::Cors::default(),
            limits: kefu_gateway::Limits::default(),
            clock: plan.clock.clone(),
            tls: None,
            telemetry: plan.telemetry.clone(),
        };
        self.gateway = match Gateway::start(setup).await {
            Ok(running) => Some(running),
            Err(kefu_gateway::StartError::Server(ServerError::Listen { source, .. }))
                if source.kind() == ErrorKind::AddrInUse =>
            {
                return Err(Error::HttpTaken(listen));
            }
            Err(source) => return Err(Error::Gateway(Box::new(source))),
        };
        Ok(())
    }

    /// The state to publish to other commands.
    pub fn state(&self) -> State {
        State {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            data: self.data,
            zone: self.zone.clone(),
            services: self.addresses(),
            gateway: self.gateway.as_ref().map(|running| running.address),
        }
    }

    /// Address of each service, by its schema.
    pub fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        self.services.iter().map(|(service, running)| (service.schema.to_owned(), running.address)).collect()
    }

    /// Describes the database for people.
    pub fn describe_store(&self) -> String {
        self.store.describe()
    }

    /// Log file of the private Postgres; none for the operator's database.
    pub fn postgres_log(&self) -> Option<PathBuf> {
        self.store.log()
    }

    /// Waits until a service or the gateway has ended by itself, or Postgres cannot be kept running. Returns what to tell.
    pub async fn ended(&mut self) -> Error {
        if self.services.is_empty() {
            return std::future::pending().await;
        }
        let services = select_all(self.services.iter_mut().map(|(_, running)| Box::pin(running.stopped())));
        let gateway = async {
            match &mut self.gateway {
                Some(gateway) => gateway.stopped().await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            ((), first, _) = services => Some(first),
            () = gateway => None,
            error = self.store.failed() => return error,
        };
        // A completed future must not be awaited again.
        if let Some(first) = first {
            Error::Ended(self.services.swap_remove(first).0.schema)
        } else {
            self.gateway = None;
            Error::Ended("gateway")
        }
    }

    /// Stops the gateway and the services at once, each after its calls end or the grace period passes, then the
    /// database. Stopping them together lets streams through the gateway end, which only their service can end.
    pub async fn stop(self) -> Result<(), Error> {
        let gateway = async {
            if let Some(gateway) = self.gateway {
                gateway.stop().await;
            }
        };
        join(gateway, join_all(self.services.into_iter().map(|(_, running)| running.stop()))).await;
        self.store.close().await
    }
}

/// The peer configuration for a service that listens at `address`, called by `service`.
fn peer(service: &Service, address: SocketAddr, signer: &Arc<Signer>) -> Peer {
    Peer::signed(format!("http://{address}"), signer.clone(), format!("services/{}", service.schema))
}

/// Makes the service's role, schema and tables. Returns the connection options of the role.
async fn prepare(store: &mut Store, service: &Service) -> Result<PgConnectOptions, Error> {
    let password = secret()?;
    let schema = service.schema;
    database::bootstrap(&mut store.connection, schema, &password).await?;
    database::migrate(store.options.clone(), schema, service.migrator).await?;
    let options = store.options.clone().username(&database::role(schema)).password(&password);
    Ok(options.options([("search_path", schema)]).application_name(&format!("kefu-{schema}")))
}

/// 32 random bytes in hexadecimal.
fn secret() -> Result<String, Error> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn refused(schema: &'static str, address: SocketAddr, source: StartError) -> Error {
    match source {
        StartError::Server(ServerError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => {
            Error::Taken { schema, address }
        }
        source => Error::Start { schema, source: Box::new(source) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_random_and_hexadecimal() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_eq!(one.len(), 64);
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, other);
    }

    #[test]
    fn every_service_has_a_port_of_its_own_above_the_base() {
        let mut ports: Vec<u16> = SERVICES.iter().map(|service| service.port).collect();
        assert!(ports.iter().all(|port| (1..=99).contains(&(port - PORT_BASE))), "{ports:?}");
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), SERVICES.len());
    }
}
