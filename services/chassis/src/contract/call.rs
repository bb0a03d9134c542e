//! Admitted calls. The caller of an admitted call is known and has a role that the method's contract names, and the
//! fields of the request are valid; [`Call::reaches`] says which resources the call may touch.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use jiff::{SignedDuration, Timestamp};
use kefu_proto::rules::v1::{Access, Role};
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use tonic::Status;
use uuid::Uuid;

use crate::base::aliases::Aliases;
use crate::base::digest::sha256;
use crate::base::error::Error;
use crate::base::language::Language;
use crate::contract::fields::{Giver, wrong_time};
use crate::contract::identity::Identity;
use crate::contract::rules::MethodRule;
use crate::wrong;

/// One admitted call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The caller.
    pub caller: Arc<Identity>,
    /// The rule of the method.
    pub rule: Arc<MethodRule>,
    /// The time of admission, at which everything that the call does is recorded.
    pub now: Timestamp,
    /// The language of refusals.
    pub language: Language,
    /// Names of resources that were merged into others.
    pub(crate) aliases: Arc<Aliases>,
    /// The id under which the call takes effect once, if it has one.
    pub(crate) request_id: Option<Uuid>,
    /// The digest of the payload, by which a reuse of the id for another call is found.
    pub(crate) digest: [u8; 32],
    /// The request, of a call with one.
    pub(crate) request: Encoded,
}

/// An encoded request, which holds what is confidential and is therefore not shown.
#[derive(Clone, Default)]
pub(crate) struct Encoded(pub Bytes);

impl std::fmt::Debug for Encoded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

/// The answers of a call that answers with a stream.
pub type Answers<R> = Pin<Box<dyn Stream<Item = Result<R, Status>> + Send>>;

/// How far another clock may be ahead of this one: a client's, another service's, or another replica's.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The resources that a caller may touch with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All resources.
    Any,
    /// The resources of a department, and the caller's own.
    Department(&'a str),
    /// The resources that the caller owns.
    Own(&'a str),
    /// The resources of a customer.
    Customer(&'a str),
}

impl<'a> Scope<'a> {
    /// Returns the owner (or the customer) and the department that bound a list. A department's list also holds what
    /// the caller owns.
    #[must_use]
    pub fn bounds(self) -> (Option<&'a str>, Option<&'a str>) {
        match self {
            Self::Any => (None, None),
            Self::Department(department) => (None, Some(department)),
            Self::Own(subject) | Self::Customer(subject) => (Some(subject), None),
        }
    }
}

/// Everybody who has to do with a resource.
#[derive(Clone, Debug, Default)]
pub struct Stakeholders<'a> {
    /// The owner.
    pub owner: &'a str,
    /// The department responsible.
    pub department: &'a str,
    /// The customer.
    pub customer: Cow<'a, str>,
    /// Staff and departments that also have to do with the resource.
    pub parties: Vec<&'a str>,
}

impl<'a> Stakeholders<'a> {
    /// Creates the stakeholders of a resource that has an owner and a department only.
    #[must_use]
    pub fn of(owner: &'a str, department: &'a str) -> Self {
        Self { owner, department, ..Self::default() }
    }

    /// Adds a member of staff or a department as a further party.
    #[must_use]
    pub fn and(mut self, party: &'a str) -> Self {
        self.parties.push(party);
        self
    }

    /// Removes the further parties.
    #[must_use]
    pub fn without_parties(mut self) -> Self {
        self.parties.clear();
        self
    }
}

impl Call {
    /// Creates a call from within the process, e.g. of a job, by `caller` under `rule` at `now`. A call with a
    /// `request_id` takes effect once.
    #[must_use]
    pub fn internal(
        caller: Arc<Identity>,
        rule: Arc<MethodRule>,
        now: Timestamp,
        request_id: Option<Uuid>,
        payload: &[u8],
    ) -> Self {
        let (language, aliases, request) = (Language::English, Arc::default(), Encoded::default());
        Self { caller, rule, now, language, aliases, request_id, digest: sha256(payload), request }
    }

    /// Returns what identifies a retry of the call: the request id, if there is one, and the digest of the payload.
    #[must_use]
    pub fn key(&self) -> (Option<Uuid>, [u8; 32]) {
        (self.request_id, self.digest)
    }

    /// Continues the earlier call that has this [`key`](Call::key): the reply is stored under that call's request id,
    /// so a retry of the earlier call gets this reply.
    #[must_use]
    pub fn under(self, (request_id, digest): (Option<Uuid>, [u8; 32])) -> Self {
        Self { request_id, digest, ..self }
    }

    /// Sets the request id and the payload of a call with a client stream, once they are read from the stream. From
    /// then on a repetition of the call has no further effect. An id that is no UUID is ignored.
    pub fn once(&mut self, request_id: &str, payload: &[u8]) {
        self.request_id = Uuid::try_parse(request_id).ok();
        self.digest = sha256(payload);
    }

    /// Checks the fields of one message of a client stream.
    pub fn check(&self, message: &impl Message) -> Result<(), Error> {
        self.check_encoded(&message.encode_to_vec()).map(|_| ())
    }

    /// Turns the error of the call into the status that the caller gets.
    pub(crate) fn status_of(&self, error: Error) -> Status {
        let named = match &error {
            Error::NotFound { name, .. } | Error::Exists { name, .. } => self.fields_with(name),
            _ => Vec::new(),
        };
        error.into_status_about(self.language, Some(&self.rule.fields.message), &named)
    }

    /// Returns the paths of the request's fields that hold the name of a resource or, of a new one, the id in its name.
    fn fields_with(&self, name: &str) -> Vec<String> {
        let message = DynamicMessage::decode(self.rule.fields.message.clone(), self.request.0.clone());
        let (mut found, id) = (Vec::new(), name.rsplit('/').next().unwrap_or(name));
        if let Ok(message) = message.map(Value::Message) {
            texts(&message, "", &mut |path: &str, text: &str| {
                if text == name || text == id && path.ends_with("_id") {
                    found.push(path.to_owned());
                }
            });
        }
        found
    }

    /// Checks the fields of an encoded request; returns its request id, if it has one.
    pub(crate) fn check_encoded(&self, encoded: &[u8]) -> Result<Option<Uuid>, Error> {
        let caller = Giver { subject: &self.caller.subject, acts_as: &|role| self.acts_as(role) };
        let (violations, request_id) = self.rule.fields.inspect(encoded, &caller).map_err(Error::unexpected)?;
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
        Ok(request_id.and_then(|id| Uuid::try_parse(&id).ok()))
    }

    /// Whether the caller has `role`, and the method's contract names the role.
    #[must_use]
    pub fn acts_as(&self, role: Role) -> bool {
        self.caller.roles.contains(&role) && self.rule.roles.contains(&role)
    }

    /// Whether the caller leads: a supervisor, a manager, an executive or the office.
    #[must_use]
    pub fn leads(&self) -> bool {
        [Role::Supervisor, Role::Manager, Role::Executive, Role::Office].into_iter().any(|role| self.acts_as(role))
    }

    /// Whether the caller acts on behalf of others: another service, or an operator.
    #[must_use]
    pub fn acts_for_others(&self) -> bool {
        self.acts_as(Role::Service) || self.acts_as(Role::Admin)
    }

    /// Whether the caller is a customer.
    #[must_use]
    pub fn is_customer(&self) -> bool {
        self.acts_as(Role::Customer)
    }

    /// Returns the resources that the caller may touch.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        let (subject, department) = (self.caller.subject.as_str(), self.caller.department.as_str());
        if self.is_customer() {
            return Scope::Customer(subject);
        }
        if self.rule.access == Access::Self_ {
            return Scope::Own(subject);
        }
        if [Role::Executive, Role::Office, Role::Admin, Role::Service].into_iter().any(|role| self.acts_as(role)) {
            return Scope::Any;
        }
        let leads = self.acts_as(Role::Supervisor) || self.acts_as(Role::Manager);
        match self.rule.access {
            Access::Any => Scope::Any,
            Access::Department if !department.is_empty() => Scope::Department(department),
            Access::Own if leads && !department.is_empty() => Scope::Department(department),
            Access::Department | Access::Own | Access::Self_ | Access::Unspecified => Scope::Own(subject),
        }
    }

    /// Whether the caller may touch a resource of these stakeholders.
    #[must_use]
    pub fn reaches(&self, stakeholders: &Stakeholders<'_>) -> bool {
        let is_party = |name: &str| stakeholders.parties.contains(&name);
        let caller = self.caller.subject.as_str();
        match self.scope() {
            Scope::Any => true,
            Scope::Department(department) => {
                stakeholders.department == department
                    || stakeholders.owner == caller
                    || is_party(department)
                    || is_party(caller)
            }
            Scope::Own(subject) => stakeholders.owner == subject || is_party(subject),
            Scope::Customer(customer) => self.are_same(customer, &stakeholders.customer),
        }
    }

    /// Returns when something happened that is recorded now and is said to have happened at `given`: a time of a clock that is
    /// up to a minute ahead is now. None for a later time, which is in the future.
    #[must_use]
    pub fn up_to_now(&self, given: Timestamp) -> Option<Timestamp> {
        (given.duration_since(self.now) <= SKEW).then(|| given.min(self.now))
    }

    /// Whether two names are of the same resource now, one of them perhaps by an alias that it got while the call is under way.
    #[must_use]
    pub fn are_same(&self, one: &str, other: &str) -> bool {
        self.aliases.are_same(one, other)
    }

    /// Returns when something happened that is recorded now: at `given`, or now if the call gives no time. Refused when
    /// `given` lies in the future, more than clocks differ, or further back than the caller's role may record (A9.1). The contracts let no customer
    /// give a time.
    pub fn occurred(&self, given: Option<&prost_types::Timestamp>, bounds: Backdating) -> Result<Timestamp, Error> {
        let Some(given) = given else { return Ok(self.now) };
        let occurred =
            crate::base::time::from_proto(given).ok_or_else(|| Error::field("occurred_time", wrong_time()))?;
        let occurred = self.up_to_now(occurred).ok_or_else(|| {
            Error::field("occurred_time", wrong!(TooLate, "must not be in the future", "不得晚于现在"))
        })?;
        let leads = [Role::Supervisor, Role::Manager, Role::Office, Role::Admin, Role::Service]
            .into_iter()
            .any(|role| self.acts_as(role));
        let bound = if leads { bounds.leaders } else { bounds.others };
        if self.now.duration_since(occurred) > bound {
            let (hours, minutes) = (bound.as_hours(), bound.as_mins() % 60);
            return Err(Error::field(
                "occurred_time",
                wrong!(
                    TooEarly under "A9.1",
                    "lies further back than your role may record, which is {hours} h {minutes} min",
                    "早于您的角色可以补录的时限（{hours}小时{minutes}分钟）"
                ),
            ));
        }
        Ok(occurred)
    }
}

impl Call {
    /// Returns the time to record for something that happened at `at` to a resource last changed at `changed`. What
    /// happens now is recorded at `changed` at the earliest, because another replica's clock may have been a little
    /// ahead. Refused when `changed` is more than a minute ahead: then the clock here is wrong, and another replica has
    /// to take the call.
    pub fn after(&self, changed: Timestamp, at: Timestamp) -> Result<Timestamp, Error> {
        if changed.duration_since(self.now) > SKEW {
            return Err(Error::Away(format!("the clock here is behind: what it says is before {changed}").into()));
        }
        Ok(if at == self.now { at.max(changed) } else { at })
    }
}

/// Calls `visit` with each text in a value and its path, e.g. `rows[3].external_id`.
fn texts(value: &Value, path: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{path}[{index}]"), visit);
            }
        }
        Value::Message(message) => {
            for (field, value) in message.fields() {
                let name = field.name();
                texts(value, &if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }, visit);
            }
        }
        _ => {}
    }
}

/// The bounds of late recording, in wall time.
#[derive(Clone, Copy, Debug)]
pub struct Backdating {
    /// The bound for supervisors, managers, the office, operators and services.
    pub leaders: SignedDuration,
    /// The bound for all others.
    pub others: SignedDuration,
}

/// Refuses a stale etag of the resource `name`: one that is `given` and is not `current`.
pub fn check_etag(given: &str, current: &str, name: &str) -> Result<(), Error> {
    if given.is_empty() || given == current { Ok(()) } else { Err(Error::StaleEtag(name.to_owned())) }
}

/// Returns the etag of a version of a resource.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
