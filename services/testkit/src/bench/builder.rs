//! The settings of a bench, changed before its start.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use kefu_chassis::clock::SimulatedTime;
use kefu_chassis::config::{self, Limits};
use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::identity::signer::{AUDIENCE, ISSUER};
use kefu_chassis::peer::Peers;
use kefu_chassis::program::{Service, Setup, StartError};
use kefu_chassis::telemetry::Telemetry;
use kefu_chassis::{Clock, database};
use kefu_regulation::Regulation;
use sqlx::postgres::PgPoolOptions;

use super::{Bench, START, peer};
use crate::cluster::Cluster;
use crate::line::Line;

/// Settings of a bench.
pub struct Builder {
    service: &'static Service,
    start: Option<Timestamp>,
    clock: Option<(Clock, Option<SimulatedTime>)>,
    regulation: Regulation,
    limits: Limits,
    peers: Peers,
    settings: serde_json::Value,
    max_connections: u32,
    on_a_line: bool,
    without_staff: bool,
    is_following: bool,
    telemetry: Telemetry,
    tls: Option<config::Tls>,
    background: bool,
}

impl Builder {
    pub(super) fn of(service: &'static Service) -> Self {
        Self {
            service,
            start: Some(START.parse().unwrap()),
            clock: None,
            regulation: Regulation::standard(),
            limits: Limits::default(),
            peers: Peers::default(),
            settings: serde_json::Value::Null,
            max_connections: 16,
            on_a_line: false,
            without_staff: false,
            is_following: false,
            telemetry: Telemetry::default(),
            tls: None,
            background: true,
        }
    }

    /// Overrides the regulation, in the format of an operator's file.
    #[must_use]
    pub fn regulation(mut self, overrides: &str) -> Self {
        self.regulation = Regulation::load(overrides).unwrap();
        self
    }

    /// Sets the limits of the server.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the service's own settings.
    #[must_use]
    pub fn settings(mut self, settings: serde_json::Value) -> Self {
        self.settings = settings;
        self
    }

    /// Follows the directory of another bench, with an empty copy at first.
    #[must_use]
    pub fn following(mut self, directory: &Bench) -> Self {
        self.is_following = true;
        self.beside(directory)
    }

    /// Adds another bench as a peer.
    #[must_use]
    pub fn beside(self, other: &Bench) -> Self {
        self.peers.add(other.service.schema, peer(self.service, other.address()));
        self
    }

    /// Sets the first time of the clock, e.g. `2026-11-20T10:00:00+08:00`.
    #[must_use]
    pub fn starting_at(mut self, start: &str) -> Self {
        self.start = Some(start.parse().unwrap());
        self
    }

    /// Shares the clock of another bench.
    #[must_use]
    pub fn on_the_clock_of(mut self, other: &Bench) -> Self {
        self.clock = Some((other.setup.clock.clone(), other.time.clone()));
        self
    }

    /// Uses the machine's clock instead of a simulated one.
    #[must_use]
    pub fn on_real_time(mut self) -> Self {
        self.start = None;
        self
    }

    /// Sets the most connections of the service; 16 by default.
    #[must_use]
    pub fn connections(mut self, at_most: u32) -> Self {
        self.max_connections = at_most;
        self
    }

    /// Starts with an empty copy of the directory.
    #[must_use]
    pub fn without_staff(mut self) -> Self {
        self.without_staff = true;
        self
    }

    /// Sends traces and metrics to `telemetry`.
    #[must_use]
    pub fn telemetry(mut self, telemetry: &Telemetry) -> Self {
        self.telemetry = telemetry.clone();
        self
    }

    /// Serves with a certificate. The bench's own channel does not trust it.
    #[must_use]
    pub fn tls(mut self, tls: config::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Connects to Postgres through a [`Line`], which a test can cut and which counts round trips.
    #[must_use]
    pub fn on_a_line(mut self) -> Self {
        self.on_a_line = true;
        self
    }

    /// Connects through a [`Line`] and starts no background work, so that the line counts the statements of calls only.
    #[must_use]
    pub fn counting(mut self) -> Self {
        self.background = false;
        self.connections(2).on_a_line()
    }

    /// Makes the database and starts the server.
    pub async fn start(self) -> Bench {
        let cluster = Cluster::get().await;
        let database = cluster.create(self.service).await;
        if self.without_staff || self.is_following {
            cluster.empty_directory(&database, self.service.schema).await;
        }
        self.start_on(&database).await.unwrap_or_else(|error| panic!("{}", kefu_chassis::error::describe(&error)))
    }

    /// Starts the server on an existing database, such as another bench's.
    pub async fn start_on(self, database: &str) -> Result<Bench, StartError> {
        crate::logs::expect_subscribers();
        let cluster = Cluster::get().await;
        let schema = self.service.schema;
        let line = if self.on_a_line { Some(Arc::new(Line::to(cluster.port()).await)) } else { None };
        let port = line.as_ref().map_or(cluster.port(), |line| line.port());
        let url = format!("postgres://{}@127.0.0.1:{port}/{database}", database::role(schema));
        let issuer = IssuerConfig {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            jwks_file: Some(cluster.jwks_file()),
            jwks_url: None,
        };
        let (clock, time) = self.clock.unwrap_or_else(|| match self.start.map(Clock::simulated) {
            Some((clock, time)) => (clock, Some(time)),
            None => (Clock::system(), None),
        });
        let setup = Setup {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database: database::options(&config::Database { url, password_file: None, max_connections: 0 }, schema)?,
            max_connections: self.max_connections,
            issuers: vec![issuer],
            regulation: self.regulation,
            clock,
            peers: self.peers,
            limits: self.limits,
            tls: self.tls,
            settings: self.settings,
            telemetry: self.telemetry,
            background: self.background,
        };
        let admin = cluster.superuser(database).options([("search_path", schema)]);
        let admin = PgPoolOptions::new().max_connections(4).connect_lazy_with(admin);
        Bench::run(self.service, setup, time, admin, line).await
    }
}
