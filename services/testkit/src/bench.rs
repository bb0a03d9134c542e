//! The bench: a service that runs, with everything a test wants to see or set.

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

/// When a bench's clock stands at first: a Friday, in working time.
pub const START: &str = "2026-11-20T10:00:00+08:00";

/// A running service with a database of its own. Dropped, it is told to stop.
pub struct Bench {
    service: &'static Service,
    setup: Setup,
    time: Option<SimulatedTime>,
    admin: PgPool,
    line: Option<Arc<Line>>,
    channel: Channel,
    running: Option<Running>,
}

/// How a bench is to be.
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
    /// The regulation with these overrides, as in an operator's file.
    #[must_use]
    pub fn regulation(mut self, overrides: &str) -> Self {
        self.regulation = Regulation::load(overrides).unwrap();
        self
    }

    /// Other bounds of the server.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The settings that are the service's own.
    #[must_use]
    pub fn settings(mut self, settings: serde_json::Value) -> Self {
        self.settings = settings;
        self
    }

    /// Following the directory of another bench, its own copy empty at first.
    #[must_use]
    pub fn following(mut self, directory: &Bench) -> Self {
        self.is_following = true;
        self.beside(directory)
    }

    /// Knowing where another bench is.
    #[must_use]
    pub fn beside(self, other: &Bench) -> Self {
        self.peers.add(other.service.schema, peer(self.service, other.address()));
        self
    }

    /// Another time for the clock to stand at first, e.g. `2026-11-20T10:00:00+08:00`.
    #[must_use]
    pub fn starting_at(mut self, start: &str) -> Self {
        self.start = Some(start.parse().unwrap());
        self
    }

    /// The clock of another bench, which goes on with it.
    #[must_use]
    pub fn on_the_clock_of(mut self, other: &Bench) -> Self {
        self.clock = Some((other.setup.clock.clone(), other.time.clone()));
        self
    }

    /// The machine's clock instead of a simulated one.
    #[must_use]
    pub fn on_real_time(mut self) -> Self {
        self.start = None;
        self
    }

    /// At most so many connections of the service; 16 unless said.
    #[must_use]
    pub fn connections(mut self, at_most: u32) -> Self {
        self.max_connections = at_most;
        self
    }

    /// With a copy of the directory that is empty.
    #[must_use]
    pub fn without_staff(mut self) -> Self {
        self.without_staff = true;
        self
    }

    /// With traces and metrics sent there.
    #[must_use]
    pub fn telemetry(mut self, telemetry: &Telemetry) -> Self {
        self.telemetry = telemetry.clone();
        self
    }

    /// With a certificate; its own channel does not know it.
    #[must_use]
    pub fn tls(mut self, tls: config::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// With a line to Postgres that the test can cut, and that counts round trips.
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

    /// Starts the server on a database that is there, such as another bench's.
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
    /// A bench of `service` as it comes: standard regulation, the clock at [`START`].
    pub async fn of(service: &'static Service) -> Self {
        Self::builder(service).start().await
    }

    /// To make one that differs.
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

    /// It knows from now on where another bench is.
    pub fn meet(&self, other: &Bench) {
        self.setup.peers.add(other.service.schema, peer(self.service, other.address()));
    }

    /// A second server of the same service, on the same database and clock.
    pub async fn replica(&self) -> Self {
        let run = Self::run(self.service, self.setup.clone(), self.time.clone(), self.admin.clone(), self.line.clone());
        run.await.unwrap_or_else(|error| panic!("{}", kefu_chassis::error::describe(&error)))
    }

    /// The name of its database.
    #[must_use]
    pub fn database(&self) -> &str {
        self.setup.database.get_database().unwrap_or_default()
    }

    /// A channel to it that says nobody calls.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A caller, to make any generated client from. Roles are the contract's names; the department is the directory's.
    #[must_use]
    pub fn as_(&self, subject: &str, roles: &[&str]) -> Caller {
        Bearer::new(&sign(subject, roles)).on(self.channel())
    }

    /// Puts somebody of the staff into a department of the directory's copy, or into none when it is empty.
    pub async fn enrol(&self, subject: &str, department: &str) {
        let (name, id) = (subject.trim_start_matches("staff/"), department.trim_start_matches("departments/"));
        self.change_directory(&crate::cast::member(name, id, "")).await;
    }

    /// Changes the directory's copy by a statement, as its feed would have.
    pub async fn change_directory(&self, statement: &str) {
        self.admin.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        self.chassis().directory.reload(self.pool(), self.now()).await.unwrap();
    }

    /// Another service as the caller.
    #[must_use]
    pub fn as_service(&self) -> Caller {
        self.as_("services/tests", &["SERVICE"])
    }

    /// Its resource name, e.g. `services/intake`: the parent in the methods that every service serves.
    #[must_use]
    pub fn name(&self) -> String {
        self.chassis().service.clone()
    }

    /// Whose tokens it takes.
    #[must_use]
    pub fn issuers(&self) -> Vec<IssuerConfig> {
        self.setup.issuers.clone()
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// Its chassis.
    #[must_use]
    pub fn chassis(&self) -> &Arc<Chassis> {
        &self.running().chassis
    }

    /// Its pool: what the service's role may do.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.chassis().pool()
    }

    /// A pool of the superuser on its database, in its schema: for tampering.
    #[must_use]
    pub fn admin(&self) -> &PgPool {
        &self.admin
    }

    /// What moves its clock.
    #[must_use]
    pub fn time(&self) -> &SimulatedTime {
        self.time.as_ref().expect("a bench on simulated time")
    }

    /// Its line to Postgres.
    #[must_use]
    pub fn line(&self) -> &Line {
        self.line.as_deref().expect("a bench on a line")
    }

    /// How often a call waits for Postgres: the fewest of many tries, since statements are prepared at first, on each
    /// connection, and background work goes over the same line, which the call itself may wake. Best with two connections.
    pub async fn round_trips<F: Future>(&self, mut call: impl FnMut() -> F) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..100 {
            // What the call before has woken comes to rest, as far as it can be asked to.
            self.seal().await;
            let before = self.line().round_trips();
            call().await;
            fewest = fewest.min(self.line().round_trips() - before);
        }
        fewest
    }

    /// What its clock says.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.chassis().clock.now()
    }

    /// Returns when every event that was committed before is sealed.
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

    /// Returns when the copy of the directory has every event that was committed before, in the service that has the directory.
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

    /// Returns when every event of another service that was committed before has had its effects here.
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

    /// Returns when every duty whose time has passed is marked, and everybody told who is to be told by now.
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

    /// The number that a query gives.
    pub async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.admin).await.unwrap()
    }

    /// Stops the server and returns when it has stopped; [`Bench::resume`] starts it again.
    pub async fn halt(&mut self) {
        if let Some(running) = self.running.take() {
            self.setup.listen = running.address;
            running.stop().await;
        }
    }

    /// Starts the server again where it was, on the same database and clock.
    pub async fn resume(&mut self) {
        let running = self.service.start(self.setup.clone()).await;
        self.running = Some(running.unwrap_or_else(|error| panic!("{}", kefu_chassis::error::describe(&error))));
    }

    /// Stops the server and returns when it has stopped.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a bench that runs")
    }
}

/// How a service reaches another that listens there.
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
