//! The bench: a running service, with access to its clock, database and connections for tests.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use kefu_chassis::clock::SimulatedTime;
use kefu_chassis::identity::IssuerConfig;
use kefu_chassis::names::DIRECTORY;
use kefu_chassis::peer::Peer;
use kefu_chassis::program::{Running, Service, Setup, StartError};
use kefu_chassis::{Chassis, duties, journal};
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tonic::transport::{Channel, Endpoint};

use crate::caller::{Bearer, Caller, sign, signer};
use crate::line::Line;
use crate::wait::eventually;

mod builder;

pub use builder::Builder;

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

impl Bench {
    /// Starts a bench with the standard regulation and the clock at [`START`].
    pub async fn of(service: &'static Service) -> Self {
        Self::builder(service).start().await
    }

    /// A builder, to change settings before the start.
    #[must_use]
    pub fn builder(service: &'static Service) -> Builder {
        Builder::of(service)
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

    /// Number of times that a call waits for Postgres, on a bench of [`Builder::counting`]: the fewest of 20 tries, since each
    /// connection prepares a statement once.
    pub async fn round_trips<F: Future>(&self, mut call: impl FnMut() -> F) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..20 {
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
        // An event may have another one follow, e.g. the notice of what somebody leaves open, and be sealed meanwhile: one
        // statement looks at both.
        eventually("the directory is followed", async || {
            journal::seal(self.chassis()).await.unwrap();
            let behind = "select count(*) from journal where position is null
                or position > (select coalesce(max(position), 0) from feed_cursor where feed = $1)";
            let behind: i64 = sqlx::query_scalar(behind).bind(DIRECTORY).fetch_one(&self.admin).await.unwrap();
            (behind == 0).then_some(())
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
                sqlx::query_scalar("select count(*) from duty where state = 1 and (breached_at is null and due_at < $1 or next_escalation_at < $1)");
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
