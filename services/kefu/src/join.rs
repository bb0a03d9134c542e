//! A command's session with the services: those of the kefu that runs in the home, or of one started for as long as it takes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use kefu_chassis::clock::Clock;

use crate::client::{self, Authorised, Bearer};
use crate::common::Common;
use crate::error::Error;
use crate::home::{Data, Held, Home, State};
use crate::instance::{Instance, Plan};

/// How long another kefu may take to start, or another command to end.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Services to call.
pub struct Session {
    home: Home,
    state: State,
    bearer: Bearer,
    own: Option<(Instance, Held)>,
}

impl Session {
    /// Joins the running kefu, or starts one on free ports.
    pub async fn open(common: &Common) -> Result<Self, Error> {
        let home = common.home()?;
        let bearer = Bearer::operator(&home)?;
        let began = Instant::now();
        loop {
            if let Some(held) = home.try_hold()? {
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
                return Ok(Self { state: instance.state(), home, bearer, own: Some((instance, held)) });
            }
            // Another process' state is what a killed one left, and its ports may be someone else's by now.
            if let Some(state) = home.state().filter(|state| state.pid.to_string() == home.holder())
                && join_all(state.services.values().map(|&address| client::is_ready(address)))
                    .await
                    .into_iter()
                    .all(|ready| ready)
            {
                if common.changes_what_runs() {
                    eprintln!(
                        "kefu: one runs here already; what it was started with counts, not --regulation or --database-url"
                    );
                }
                return Ok(Self { home, state, bearer, own: None });
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::Silent { home: home.path().to_owned(), pid: home.holder() });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The home it is of.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Whether the data are removed when the services end.
    pub fn is_ephemeral(&self) -> bool {
        self.state.data == Data::Ephemeral
    }

    /// The zone of the services' business calendar.
    pub fn zone(&self) -> &str {
        &self.state.zone
    }

    /// The services, or the one that is asked for.
    pub fn services(&self, asked: Option<&str>) -> Result<BTreeMap<String, SocketAddr>, Error> {
        let chosen = self.state.services.iter().filter(|(name, _)| asked.is_none_or(|asked| asked == *name));
        let chosen: BTreeMap<String, SocketAddr> = chosen.map(|(name, address)| (name.clone(), *address)).collect();
        match asked {
            Some(asked) if chosen.is_empty() => {
                let known: Vec<&str> = self.state.services.keys().map(String::as_str).collect();
                Err(Error::NoService { asked: asked.to_owned(), known: known.join(", ") })
            }
            _ => Ok(chosen),
        }
    }

    /// A channel to a service.
    pub async fn connect(&self, service: &str) -> Result<Authorised, Error> {
        let services = self.services(Some(service))?;
        match services.get(service) {
            Some(&address) => client::connect(service, address, self.bearer.clone()).await,
            None => Err(Error::NoService { asked: service.to_owned(), known: String::new() }),
        }
    }

    /// Ends it, and the services if they were started for it.
    pub async fn close(self) -> Result<(), Error> {
        match self.own {
            Some((instance, _held)) => instance.stop().await,
            None => Ok(()),
        }
    }

    /// Does `work` in a session, which is closed whatever comes of it.
    pub async fn with<T>(common: &Common, work: impl AsyncFnOnce(&Self) -> Result<T, Error>) -> Result<T, Error> {
        let session = Self::open(common).await?;
        let outcome = work(&session).await;
        let closed = session.close().await;
        let outcome = outcome?;
        closed.map(|()| outcome)
    }
}
