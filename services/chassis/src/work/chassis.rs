//! The chassis of one service: the state that its handlers and its background work share.

use std::sync::Arc;

use futures::future::BoxFuture;
use kefu_regulation::{Calendar, Regulation, params};
use prost::Message;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::base::aliases::Aliases;
use crate::base::clock::Clock;
use crate::base::digest::sha256;
use crate::base::error::{Error, not_known};
use crate::base::labels;
use crate::base::language::Language;
use crate::base::names::{Id, Resource, unknown};
use crate::contract::call::{Backdating, Call, Encoded};
use crate::contract::identity::{Identity, Verifier};
use crate::contract::problem::ContractError;
use crate::contract::rules::{MethodRule, Rules};
use crate::store::aliases;
use crate::store::calendars::Calendars;
use crate::store::directory::Directory;
use crate::store::replies;
use crate::telemetry::Telemetry;
use crate::telemetry::gauges::Gauges;
use crate::work::peer::{Connection, Peers};
use crate::wrong;

/// The gRPC services that every service of kefu serves.
const SHARED: [&str; 4] = [
    "kefu.compliance.v1.ComplianceService",
    "kefu.events.v1.EventFeed",
    "kefu.notifications.v1.NotificationService",
    "kefu.regulation.v1.RegulationService",
];

/// The chassis of one service.
#[derive(Debug)]
pub struct Chassis {
    /// The service's resource name, e.g. `services/intake`.
    pub service: String,
    /// The clock.
    pub clock: Clock,
    /// The regulation in force.
    pub regulation: Regulation,
    /// The organisation, as the directory describes it.
    pub directory: Directory,
    /// The other services.
    pub peers: Peers,
    /// Names of resources that were merged into others.
    pub aliases: Arc<Aliases>,
    pool: PgPool,
    pub(crate) calendars: Calendars,
    /// The rules of the service's methods.
    pub rules: Rules,
    pub(crate) verifier: Verifier,
    pub(crate) appended: Notify,
    pub(crate) sealed: watch::Sender<i64>,
    streams: Arc<Semaphore>,
    pub(crate) telemetry: Telemetry,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) separation: Option<Separation>,
    stop: watch::Sender<bool>,
}

/// Returns the digest of an encoded request, which is the same however its request id writes the letters of the UUID.
fn digest(encoded: &[u8], request_id: Option<Uuid>) -> [u8; 32] {
    let Some(id) = request_id.map(|id| id.to_string()) else { return sha256(encoded) };
    let mut plain = encoded.to_vec();
    let found = plain.windows(id.len()).position(|window| window.eq_ignore_ascii_case(id.as_bytes()));
    if let Some(at) = found {
        plain[at..at + id.len()].make_ascii_lowercase();
    }
    sha256(&plain)
}

/// The parts that a chassis is built from.
#[derive(Debug)]
pub struct ChassisConfig {
    /// The service's schema, e.g. `intake`.
    pub schema: &'static str,
    /// The gRPC services, e.g. `kefu.intake.v1.RequestService`.
    pub serves: &'static [&'static str],
    /// The pool.
    pub pool: PgPool,
    /// The clock.
    pub clock: Clock,
    /// The regulation in force.
    pub regulation: Regulation,
    /// The verifier of callers' tokens.
    pub verifier: Verifier,
    /// The most open streams.
    pub streams: usize,
    /// Where traces and metrics go.
    pub telemetry: Telemetry,
    /// The other services.
    pub peers: Peers,
    /// Who decides nothing about the duties of a subject, because the matter is about them; none if nobody is separated.
    pub separation: Option<Separation>,
}

/// Refuses a member of staff who decides nothing about the duties of a subject, because the matter is about them.
pub type Separation =
    for<'a> fn(&'a Chassis, &'a mut PgConnection, &'a str, &'a str) -> BoxFuture<'a, Result<(), Error>>;

impl Chassis {
    /// Builds the chassis. Fails if the contract of a method cannot be enforced.
    pub fn build(config: ChassisConfig) -> Result<Arc<Self>, ContractError> {
        let serves: Vec<&str> = config.serves.iter().copied().chain(SHARED).collect();
        let rules = Rules::of(kefu_proto::pool(), &serves)?;
        for rule in rules.iter() {
            if let Some(unknown) = rule.clauses.iter().find(|clause| config.regulation.clause(clause).is_none()) {
                return Err(ContractError {
                    method: rule.path.clone(),
                    problem: format!("cites clause {unknown}, which the rule book does not have"),
                });
            }
        }
        Ok(Arc::new(Self {
            service: format!("services/{}", config.schema),
            clock: config.clock,
            regulation: config.regulation,
            directory: Directory::default(),
            peers: config.peers,
            aliases: Arc::default(),
            pool: config.pool,
            calendars: Calendars::default(),
            rules,
            verifier: config.verifier,
            appended: Notify::new(),
            sealed: watch::Sender::new(0),
            streams: Arc::new(Semaphore::new(config.streams.min(Semaphore::MAX_PERMITS))),
            telemetry: config.telemetry,
            gauges: Arc::default(),
            separation: config.separation,
            stop: watch::Sender::new(false),
        }))
    }

    /// Returns the service's pool.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Admits a unary call: checks its fields and takes the caller and the rule that the gate attached.
    pub fn admit<Q: Message + Default>(&self, request: Request<Q>) -> Result<(Call, Q), Status> {
        let mut call = self.call(request.metadata(), request.extensions())?;
        let request = request.into_inner();
        let encoded = request.encode_to_vec();
        call.request_id = call.check_encoded(&encoded).map_err(|error| call.status_of(error))?;
        call.digest = digest(&encoded, call.request_id);
        let renamed = call
            .rule
            .fields
            .renamed(&encoded, &self.aliases)
            .map_err(|error| call.status_of(Error::unexpected(error)))?;
        let Some(renamed) = renamed else {
            call.request = Encoded(encoded.into());
            return Ok((call, request));
        };
        let request = Q::decode(renamed.as_slice()).map_err(|error| call.status_of(Error::unexpected(error)))?;
        call.request = Encoded(renamed.into());
        Ok((call, request))
    }

    /// Admits a call with a client stream, whose messages are checked one by one with [`Call::check`].
    pub fn admit_stream<Q>(&self, request: Request<Q>) -> Result<(Call, Q), Status> {
        let call = self.call(request.metadata(), request.extensions())?;
        Ok((call, request.into_inner()))
    }

    fn call(&self, metadata: &tonic::metadata::MetadataMap, extensions: &tonic::Extensions) -> Result<Call, Status> {
        let language = Language::accepted(metadata.get("accept-language").and_then(|value| value.to_str().ok()));
        let caller = extensions.get::<Arc<Identity>>().cloned();
        let rule = extensions.get::<Arc<MethodRule>>().cloned();
        let (Some(caller), Some(rule)) = (caller, rule) else {
            return Err(Error::Unauthenticated.into_status(language));
        };
        let caller = match self.aliases.resolve(&caller.subject) {
            Some(subject) => Arc::new(Identity { subject, ..Identity::clone(&caller) }),
            None => caller,
        };
        let (now, aliases) = (self.clock.now(), self.aliases.clone());
        let (request_id, digest, request) = (None, [0; 32], Encoded::default());
        Ok(Call { caller, rule, now, language, aliases, request_id, digest, request })
    }

    /// Turns a handler's outcome into a response. A refused call that was answered before under its request id gets that
    /// answer again.
    pub async fn respond<R: Message + Default>(
        &self,
        call: &Call,
        outcome: Result<R, Error>,
    ) -> Result<Response<R>, Status> {
        let error = match outcome {
            Ok(reply) => return Ok(Response::new(reply)),
            Err(error) => error,
        };
        match self.recorded_reply(call, &error).await {
            Ok(Some(reply)) => Ok(Response::new(reply)),
            Ok(None) => Err(call.status_of(error)),
            Err(error) => Err(call.status_of(error)),
        }
    }

    /// Whether a call of this caller and method was answered under `request_id`, with whatever payload.
    pub async fn has_answered(&self, call: &Call, request_id: &str) -> Result<bool, Error> {
        let Ok(request_id) = Uuid::try_parse(request_id) else { return Ok(false) };
        Ok(replies::is_known(&self.pool, &call.caller.subject, &call.rule.path, request_id).await?)
    }

    async fn recorded_reply<R: Message + Default>(&self, call: &Call, error: &Error) -> Result<Option<R>, Error> {
        let Some(request_id) = call.request_id else { return Ok(None) };
        if matches!(error, Error::Away(_) | Error::Unexpected(_)) {
            return Ok(None);
        }
        let reply = replies::find(&self.pool, &call.caller.subject, &call.rule.path, request_id).await?;
        match reply {
            None => Ok(None),
            Some(reply) if reply.digest != call.digest => Err(Error::RequestIdReused),
            Some(reply) => R::decode(reply.response.as_slice()).map(Some).map_err(Error::unexpected),
        }
    }

    /// Returns the telemetry of the service's process.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Sets the gauge of how many `events` the service's copy of the feed of `source` (e.g. `services/appraisal`) is behind.
    pub fn set_feed_lag(&self, source: &str, events: i64) {
        self.gauges.set_lag(source, events);
    }

    /// Returns a connection to another service for a command. Refused as away when that service is not known or not reached.
    pub async fn peer(&self, schema: &str) -> Result<Connection, Error> {
        let peer = self.peers.get(schema).ok_or_else(|| Error::Away(format!("{schema} is not known").into()))?;
        peer.connection(&self.service, &self.telemetry).await.map_err(|error| Error::Away(error.into()))
    }

    /// Reads the aliases of merged resources from the schema into memory.
    pub async fn reload_aliases(&self) -> Result<(), sqlx::Error> {
        self.aliases.set(aliases::load(&self.pool).await?);
        Ok(())
    }

    /// Stores `calendar`, so that duties can count on it for as long as they live.
    pub async fn keep_calendar(&self, calendar: &Calendar) -> Result<(), sqlx::Error> {
        self.calendars.keep(&self.pool, calendar).await
    }

    /// Admits a long call again while it is under way: its time becomes the present one, and its caller has the rights
    /// of now. Refused when the caller has lost the right to the method.
    pub fn renew(&self, call: &mut Call) -> Result<(), Error> {
        let now = self.clock.now();
        (call.caller, call.now) = (self.directory.admit(call.caller.clone(), &call.rule, now)?, now);
        Ok(())
    }

    /// Refuses a call under way whose caller has lost the right to it.
    pub(crate) fn still_admits(&self, call: &Call) -> Result<(), Error> {
        self.directory.admit(call.caller.clone(), &call.rule, self.clock.now()).map(|_| ())
    }

    /// Takes the slot of one open stream, which is free again when dropped. Refused as overloaded when all are taken.
    pub fn stream_slot(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.streams.clone().try_acquire_owned().map_err(|_| Error::Overloaded)
    }

    /// Refuses, as not found, a parent that is not this service.
    pub fn check_parent(&self, parent: &str) -> Result<(), Error> {
        if parent == self.service {
            Ok(())
        } else {
            Err(Error::NotFound { kind: "kefu/Service", name: parent.to_owned() })
        }
    }

    /// Refuses the field `clause` of a question if it is given and names no clause of the regulation.
    pub fn check_clause(&self, clause: &str) -> Result<(), Error> {
        if clause.is_empty() || self.regulation.clause(clause).is_some() {
            Ok(())
        } else {
            Err(Error::field("clause", not_known()))
        }
    }

    /// Returns the name of a resource that every service has, e.g. `services/intake/duties/…`.
    pub fn name_of<R: Resource>(&self, id: &Id<R>) -> String {
        format!("{}/{id}", self.service)
    }

    /// Reads the name of a resource that every service has. Not found if it is another service's, or no name.
    pub fn id_of<R: Resource>(&self, name: &str) -> Result<Id<R>, Error> {
        let is_own = name.strip_prefix(self.service.as_str()).is_some_and(|rest| rest.starts_with('/'));
        Id::parse(name).filter(|_| is_own).ok_or_else(|| unknown::<R>(name))
    }

    /// Refuses `field`, which names `staff` for something done with `method`, unless they may call it: nobody is given a duty
    /// that they cannot fulfil.
    pub fn check_may(&self, staff: &str, method: &str, field: &str, clause: &'static str) -> Result<(), Error> {
        let rule = self.rules.named(method).ok_or_else(|| Error::unexpected(format!("{method} has no rule")))?;
        if self.directory.now().may(staff, rule) {
            return Ok(());
        }
        let label = labels::of_method(method);
        let (call, zh) = (label.en(), label.zh());
        Err(Error::field(
            field,
            wrong!(
                NotAccepted under clause,
                "is not active in the directory with a role for this: {call}",
                "不是在职员工，或无权「{zh}」"
            ),
        ))
    }

    /// Returns how late the regulation lets things be recorded (A9.1).
    #[must_use]
    pub fn backdating(&self) -> Backdating {
        Backdating {
            leaders: self.regulation.get(params::BACKDATE_SUPERVISOR).length,
            others: self.regulation.get(params::BACKDATE_AGENT).length,
        }
    }

    /// Returns a receiver that becomes true when the service is told to stop.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Tells the server, its streams and the background work to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use kefu_proto::compliance::v1::PauseDutyRequest;

    use super::*;

    #[test]
    fn a_request_id_in_capitals_is_the_same_call() {
        let digest_of = |request_id: &str, reason: &str| {
            let request = PauseDutyRequest {
                reason: reason.into(),
                request_id: request_id.into(),
                ..PauseDutyRequest::default()
            };
            digest(&request.encode_to_vec(), Uuid::try_parse(request_id).ok())
        };
        let (small, large) = ("0199c0de-0000-7000-8000-00000000abcd", "0199C0DE-0000-7000-8000-00000000ABCD");
        assert_eq!(digest_of(small, "twice"), digest_of(large, "twice"));
        assert_ne!(digest_of(small, "twice"), digest_of(small, "TWICE"));
    }
}
