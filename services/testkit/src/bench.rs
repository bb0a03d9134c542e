//! The bench: a running service, with access to its clock, database and connections for tests.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use kefu_chassis::clock::SimulatedTime;
use kefu_chassis::config::{self, Limits};
use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::identity::signer::{AUDIENCE, ISSUER};
use kefu_chassis::names::DIRECTORY;
use kefu_chassis::peer::{Peer, Peers};
use kefu_chassis::program::{Running, Service, Setup, StartError};
use kefu_chassis::telemetry::Telemetry;
use kefu_chassis::{Chassis, Clock, database, duties, journal};
use kefu_regulation::Regulation;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tonic::transport::{Channel, Endpoint};

use crate::caller::{Bearer, Caller, sign, signer};
use crate::cluster::Cluster;
use crate::line::Line;
use crate::wait::eventually;

/// First time of a bench's clock: a Friday, in working time.
pub const START: &str = "2026-11-20T10:00:00+08:00";

/// A running service with a database of its own. Dropping the bench stops the service.
pub struct Bench {
    service: &'static Service,
    setup: Setup,
    time: Option<SimulatedTime>,
    admin: PgPool,
    line: Option<Arc<Line>>,
    channel: Channel,
    running: Option<Running>,
}

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
}

impl Builder {
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
        };
        let admin = cluster.superuser(database).options([("search_path", schema)]);
        let admin = PgPoolOptions::new().max_connections(4).connect_lazy_with(admin);
        Bench::run(self.service, setup, time, admin, line).await
    }
}

impl Bench {
    /// Starts a bench with the standard regulation and the clock at [`START`].
    pub async fn of(service: &'static Service) -> Self {
        Self::builder(service).start().await
    }

    /// A builder, to change settings before the start.
    #[must_use]
    pub fn builder(service: &'static Service) -> Builder {
        Builder {
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
        }
    }

    async fn run(
        service: &'static Service,
        setup: Setup,
        time: Option<SimulatedTime>,
        admin: PgPool,
        line: Option<Arc<Line>>,
    ) -> Result<Self, StartError> {
        let running = service.start(setup.clone()).await?;
        let channel = Endpoint::from_shared(format!("http://{}", running.address)).unwrap().connect_lazy();
        Ok(Self { service, setup, time, admin, line, channel, running: Some(running) })
    }

    /// Adds another bench as a peer of the running service.
    pub fn meet(&self, other: &Bench) {
        self.setup.peers.add(other.service.schema, peer(self.service, other.address()));
    }

    /// Starts a second server of the service, on the same database and clock.
    pub async fn replica(&self) -> Self {
        let run = Self::run(self.service, self.setup.clone(), self.time.clone(), self.admin.clone(), self.line.clone());
        run.await.unwrap_or_else(|error| panic!("{}", kefu_chassis::error::describe(&error)))
    }

    /// Name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        self.setup.database.get_database().unwrap_or_default()
    }

    /// A channel without a token.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A caller, from which any generated client can be made. Roles are names of the contract; the department comes from
    /// the directory's copy.
    #[must_use]
    pub fn as_(&self, subject: &str, roles: &[&str]) -> Caller {
        Bearer::new(&sign(subject, roles)).on(self.channel())
    }

    /// Moves a member of staff to a department in the directory's copy; an empty `department` is none.
    pub async fn enrol(&self, subject: &str, department: &str) {
        let (name, id) = (subject.trim_start_matches("staff/"), department.trim_start_matches("departments/"));
        self.change_directory(&crate::cast::member(name, id, "")).await;
    }

    /// Changes the directory's copy by a statement and reloads it, as the feed would.
    pub async fn change_directory(&self, statement: &str) {
        self.admin.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        self.chassis().directory.reload(self.pool(), self.now()).await.unwrap();
    }

    /// A caller that is another service.
    #[must_use]
    pub fn as_service(&self) -> Caller {
        self.as_("services/tests", &["SERVICE"])
    }

    /// Resource name of the service, e.g. `services/intake`: the parent in the methods that every service serves.
    #[must_use]
    pub fn name(&self) -> String {
        self.chassis().service.clone()
    }

    /// Issuers whose tokens the service accepts.
    #[must_use]
    pub fn issuers(&self) -> Vec<IssuerConfig> {
        self.setup.issuers.clone()
    }

    /// Address of the service.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// Chassis of the service.
    #[must_use]
    pub fn chassis(&self) -> &Arc<Chassis> {
        &self.running().chassis
    }

    /// Pool of the service's own role.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.chassis().pool()
    }

    /// Pool of the superuser in the service's schema, for tampering.
    #[must_use]
    pub fn admin(&self) -> &PgPool {
        &self.admin
    }

    /// Handle that moves the clock. Panics on real time.
    #[must_use]
    pub fn time(&self) -> &SimulatedTime {
        self.time.as_ref().expect("a bench on simulated time")
    }

    /// The line to Postgres. Panics without [`Builder::on_a_line`].
    #[must_use]
    pub fn line(&self) -> &Line {
        self.line.as_deref().expect("a bench on a line")
    }

    /// Number of times that a call waits for Postgres: the fewest of 100 tries. Other tries count more, since each
    /// connection prepares a statement once and background work uses the same line. Best with two connections.
    pub async fn round_trips<F: Future>(&self, mut call: impl FnMut() -> F) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..100 {
            // Sealing ends most background work that the previous call started.
            self.seal().await;
            let before = self.line().round_trips();
            call().await;
            fewest = fewest.min(self.line().round_trips() - before);
        }
        fewest
    }

    /// Time of the service's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.chassis().clock.now()
    }

    /// Waits until every event committed so far is sealed.
    pub async fn seal(&self) {
        let last: i64 = self.number("select coalesce(max(seq), 0) from journal").await;
        eventually("the journal is sealed", async || {
            journal::seal(self.chassis()).await.unwrap();
            let left =
                sqlx::query_scalar("select count(*) from journal where position is null and seq <= $1").bind(last);
            let left: i64 = left.fetch_one(&self.admin).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
    }

    /// Waits until the copy of the directory has every event committed so far, in the service that owns the directory.
    pub async fn followed(&self) {
        self.seal().await;
        let last: i64 = self.number("select coalesce(max(position), 0) from journal").await;
        eventually("the directory is followed", async || {
            let position = sqlx::query_scalar("select position from feed_cursor where feed = $1").bind(DIRECTORY);
            let position: Option<i64> = position.fetch_optional(&self.admin).await.unwrap();
            (position.unwrap_or(0) >= last).then_some(())
        })
        .await;
    }

    /// Waits until every event of another service committed so far is applied here.
    pub async fn caught_up_with(&self, other: &Self) {
        other.seal().await;
        let last: i64 = other.number("select coalesce(max(position), 0) from journal").await;
        eventually("the other service is followed", async || {
            let position = sqlx::query_scalar("select position from feed_cursor where feed = $1").bind(other.name());
            let position: Option<i64> = position.fetch_optional(&self.admin).await.unwrap();
            (position.unwrap_or(0) >= last).then_some(())
        })
        .await;
    }

    /// Waits until every overdue duty is marked as breached, and everybody due by now is notified.
    pub async fn mark_overdue(&self) {
        let now = kefu_chassis::time::sql::at(self.now());
        eventually("every overdue duty is marked", async || {
            duties::mark_overdue(self.chassis()).await.unwrap();
            let left =
                sqlx::query_scalar("select count(*) from duty where state = 1 and (breached_at is null and due_at < $1 or tell_next_at < $1)");
            let left: i64 = left.bind(now).fetch_one(&self.admin).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
    }

    /// The number that a query returns.
    pub async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.admin).await.unwrap()
    }

    /// Stops the server and waits until it has ended; [`Bench::resume`] starts it again.
    pub async fn halt(&mut self) {
        if let Some(running) = self.running.take() {
            self.setup.listen = running.address;
            running.stop().await;
        }
    }

    /// Starts the server again on the same address, database and clock.
    pub async fn resume(&mut self) {
        let running = self.service.start(self.setup.clone()).await;
        self.running = Some(running.unwrap_or_else(|error| panic!("{}", kefu_chassis::error::describe(&error))));
    }

    /// Stops the server and waits until it has ended.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a bench that runs")
    }
}

/// The peer configuration for `service` to call a service at `address`.
fn peer(service: &Service, address: SocketAddr) -> Peer {
    Peer::signed(format!("http://{address}"), signer(), format!("services/{}", service.schema))
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.chassis.stop();
        }
    }
}
