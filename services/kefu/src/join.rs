//! A command's session with the services of the kefu running in the home, or of one started for the session.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use kefu_chassis::clock::Clock;

use crate::client::{self, Authorised, Bearer};
use crate::common::Common;
use crate::error::Error;
use crate::home::{Data, Home, HomeLock, State};
use crate::instance::{Instance, Plan};
use crate::language::pick;

/// Longest wait for another kefu to start, or for another command to end.
const MAX_WAIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Services to call.
pub struct Session {
    home: Home,
    state: State,
    bearer: Bearer,
    own: Option<(Instance, HomeLock)>,
}

impl Session {
    /// Joins the running kefu, or starts one on free ports.
    pub async fn open(common: &Common) -> Result<Self, Error> {
        let home = common.home()?;
        let bearer = Bearer::operator(&home)?;
        let began = Instant::now();
        loop {
            if let Some(lock) = home.try_lock_home()? {
                let plan = Plan {
                    ephemeral: false,
                    port_base: None,
                    http_port: None,
                    regulation: common.regulation()?,
                    database_url: common.database_url().map(str::to_owned),
                    clock: Clock::system(),
                    telemetry: common.telemetry(),
                };
                let instance = Instance::start(&home, plan).await?;
                return Ok(Self { state: instance.state(), home, bearer, own: Some((instance, lock)) });
            }
            // A state of another process than the lock's is left from a killed kefu; other programs may have its ports
            // now.
            if let Some(state) = home.state().filter(|state| state.pid.to_string() == home.lock_owner())
                && join_all(state.services.values().map(|&address| client::is_ready(address)))
                    .await
                    .into_iter()
                    .all(|ready| ready)
            {
                if common.changes_what_runs() {
                    let counts = pick(
                        "one runs here already; what it was started with counts, not --regulation or --database-url",
                        "这里已有一个在运行，以其启动时的设置为准，--regulation 和 --database-url 不起作用",
                    );
                    eprintln!("kefu: {counts}");
                }
                return Ok(Self { home, state, bearer, own: None });
            }
            if began.elapsed() > MAX_WAIT {
                return Err(Error::Silent { home: home.path().to_owned(), pid: home.lock_owner() });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The home of the session.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Whether the data are removed when the services end.
    pub fn is_ephemeral(&self) -> bool {
        self.state.data == Data::Ephemeral
    }

    /// Time zone of the services' business calendar.
    pub fn zone(&self) -> &str {
        &self.state.zone
    }

    /// Addresses of all services, or of the one named. Fails if there is no such service.
    pub fn services(&self, requested: Option<&str>) -> Result<BTreeMap<String, SocketAddr>, Error> {
        let chosen =
            self.state.services.iter().filter(|(name, _)| requested.is_none_or(|requested| requested == *name));
        let chosen: BTreeMap<String, SocketAddr> = chosen.map(|(name, address)| (name.clone(), *address)).collect();
        match requested {
            Some(requested) if chosen.is_empty() => {
                let known: Vec<&str> = self.state.services.keys().map(String::as_str).collect();
                Err(Error::NoService { asked: requested.to_owned(), known: known.join(", ") })
            }
            _ => Ok(chosen),
        }
    }

    /// Connects to a service.
    pub async fn connect(&self, service: &str) -> Result<Authorised, Error> {
        let services = self.services(Some(service))?;
        match services.get(service) {
            Some(&address) => client::connect(service, address, self.bearer.clone()).await,
            None => Err(Error::NoService { asked: service.to_owned(), known: String::new() }),
        }
    }

    /// Ends the session, and the services if they were started for it.
    pub async fn close(self) -> Result<(), Error> {
        match self.own {
            Some((instance, _lock)) => instance.stop().await,
            None => Ok(()),
        }
    }

    /// Runs `work` in a session, and closes the session even if `work` fails.
    pub async fn with<T>(common: &Common, work: impl AsyncFnOnce(&Self) -> Result<T, Error>) -> Result<T, Error> {
        let session = Self::open(common).await?;
        let outcome = work(&session).await;
        let closed = session.close().await;
        let outcome = outcome?;
        closed.map(|()| outcome)
    }
}
