//! The stage of a play: people, each with clients and a token of their own, the clock, and expectations about the
//! services.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan as _, Zoned};
use kefu_chassis::clock::{Clock, SimulatedTime};
use kefu_chassis::identity::signer::{Grant, Signer};
use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::complaints::v1::evidence_service_client::EvidenceServiceClient;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::duty::State;
use kefu_proto::compliance::v1::{Duty, ListDutiesRequest};
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_proto::notifications::v1::{ListNotificationsRequest, Notification};
use kefu_proto::rules::v1::ErrorReason;
use kefu_regulation::Regulation;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::play::Play;
use crate::client::{self, Authorised, Bearer, OPERATOR, TOKEN_FOR};
use crate::error::Error;
use crate::home::Home;

/// Resource name of intake: the parent in the methods that every service serves.
pub const INTAKE: &str = "services/intake";
/// Resource name of complaints.
pub const COMPLAINTS: &str = "services/complaints";
/// Longest wait for an expected event, in real time.
pub const WITHIN: Duration = Duration::from_secs(15);
const EVERY: Duration = Duration::from_millis(5);

/// People, clock and text of a play.
pub struct Stage {
    /// Text and expectations.
    pub play: Play,
    clock: Clock,
    time: SimulatedTime,
    regulation: Regulation,
    signer: Signer,
    channels: BTreeMap<String, Channel>,
    people: BTreeMap<String, Person>,
}

/// A caller of the services.
#[derive(Clone, Debug)]
pub struct Person {
    /// Subject of the token, e.g. `staff/lin`.
    pub name: String,
    /// Display name.
    pub called: String,
    intake: Authorised,
    complaints: Authorised,
    appraisal: Authorised,
}

impl Person {
    /// Client for requests.
    pub fn requests(&self) -> RequestServiceClient<Authorised> {
        RequestServiceClient::new(self.intake.clone())
    }

    /// Client for complaints.
    pub fn complaints(&self) -> ComplaintServiceClient<Authorised> {
        ComplaintServiceClient::new(self.complaints.clone())
    }

    /// Client for the evidence of complaints.
    pub fn evidence(&self) -> EvidenceServiceClient<Authorised> {
        EvidenceServiceClient::new(self.complaints.clone())
    }

    /// Client for the duties of complaints.
    pub fn duties_of_complaints(&self) -> ComplianceServiceClient<Authorised> {
        ComplianceServiceClient::new(self.complaints.clone())
    }

    /// Client for notifications of complaints.
    pub fn notices_of_complaints(&self) -> NotificationServiceClient<Authorised> {
        NotificationServiceClient::new(self.complaints.clone())
    }

    /// Client for customers.
    pub fn customers(&self) -> CustomerServiceClient<Authorised> {
        CustomerServiceClient::new(self.intake.clone())
    }

    /// Client for the duties of intake.
    pub fn duties(&self) -> ComplianceServiceClient<Authorised> {
        ComplianceServiceClient::new(self.intake.clone())
    }

    /// Client for notifications of intake.
    pub fn notifications(&self) -> NotificationServiceClient<Authorised> {
        NotificationServiceClient::new(self.intake.clone())
    }

    /// Client for the journal of intake.
    pub fn feed(&self) -> EventFeedClient<Authorised> {
        EventFeedClient::new(self.intake.clone())
    }

    /// Client for the directory.
    pub fn directory(&self) -> DirectoryServiceClient<Authorised> {
        DirectoryServiceClient::new(self.appraisal.clone())
    }

    /// Intake's notifications to this person, the newest first.
    pub async fn received_notifications(&self) -> Result<Vec<Notification>, Status> {
        let call = ListNotificationsRequest { parent: INTAKE.into(), ..Default::default() };
        Ok(self.notifications().list_notifications(call).await?.into_inner().notifications)
    }
}

impl Stage {
    /// Opens an empty stage. `addresses` are the services, `home` signs tokens, `time` moves the services' clock.
    pub async fn open(
        home: &Home,
        addresses: &BTreeMap<String, SocketAddr>,
        (clock, time): (Clock, SimulatedTime),
        play: Play,
    ) -> Result<Self, Error> {
        let mut channels = BTreeMap::new();
        for (service, &address) in addresses {
            let unreachable = |source| Error::Unreachable { service: service.clone(), address, source };
            channels.insert(service.clone(), client::channel(address).await.map_err(unreachable)?);
        }
        let regulation = Regulation::standard();
        Ok(Self { play, clock, time, regulation, signer: home.signer()?, channels, people: BTreeMap::new() })
    }

    /// A channel to a service with the operator's token.
    pub fn channel(&self, service: &str) -> Result<Authorised, Status> {
        self.channel_of(service, OPERATOR, &["ADMIN"])
    }

    fn channel_of(&self, service: &str, subject: &str, roles: &[&str]) -> Result<Authorised, Status> {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        let grant = Grant { subject: subject.to_owned(), roles, ttl: TOKEN_FOR };
        let bearer = Bearer::sign(&self.signer, &grant).map_err(|error| Status::internal(error.to_string()))?;
        let channel = self.channels.get(service).ok_or_else(|| Status::unavailable(format!("{service} is missing")))?;
        Ok(InterceptedService::new(channel.clone(), bearer))
    }

    /// Makes a person with a token of their own.
    pub fn caller(&self, subject: &str, called: &str, roles: &[&str]) -> Result<Person, Status> {
        Ok(Person {
            name: subject.to_owned(),
            called: called.to_owned(),
            intake: self.channel_of("intake", subject, roles)?,
            complaints: self.channel_of("complaints", subject, roles)?,
            appraisal: self.channel_of("appraisal", subject, roles)?,
        })
    }

    /// The operator of the services.
    pub fn operator(&self) -> Result<Person, Status> {
        self.caller(OPERATOR, "the operator", &["ADMIN"])
    }

    /// Adds a member of staff.
    pub fn enter(&mut self, person: Person) {
        self.people.insert(person.name.clone(), person);
    }

    /// The member of staff with an id.
    pub fn staff(&self, id: &str) -> Result<Person, Status> {
        let name = format!("staff/{id}");
        self.people.get(&name).cloned().ok_or_else(|| Status::not_found(format!("nobody is {name}")))
    }

    /// Display name of a member of staff.
    pub fn called<'a>(&'a self, name: &'a str) -> &'a str {
        self.people.get(name).map_or(name, |person| &person.called)
    }

    /// The current time in the business calendar's zone.
    pub fn now(&self) -> Zoned {
        self.clock.now().to_zoned(self.regulation.calendar().zone().clone())
    }

    /// Advances the clock to this time of the day.
    pub fn at(&mut self, hour: i8, minute: i8) {
        let now = self.now();
        self.time.advance_to(self.moment_of(&now, hour, minute, 0));
    }

    /// Advances the clock to this time of the next day.
    pub fn next_day(&mut self, hour: i8, minute: i8) {
        let tomorrow = self.now().saturating_add(1.day());
        self.time.advance_to(self.moment_of(&tomorrow, hour, minute, 0));
    }

    /// A time of today.
    #[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
    pub fn moment(&self, hour: i8, minute: i8, second: i8) -> Option<prost_types::Timestamp> {
        Some(to_proto(self.moment_of(&self.now(), hour, minute, second)))
    }

    fn moment_of(&self, day: &Zoned, hour: i8, minute: i8, second: i8) -> Timestamp {
        let time = Time::new(hour, minute, second, 0).unwrap_or_default();
        self.regulation.calendar().zone().to_timestamp(day.date().to_datetime(time)).unwrap_or(Timestamp::MIN)
    }

    /// Begins a scene.
    pub fn scene(&mut self, title: &str) {
        self.play.scene(&self.now(), title);
    }

    /// Adds an event of the story at the current time.
    pub fn say(&mut self, what: &str, clauses: &[&str]) {
        self.play.say(&self.now(), what, clauses);
    }

    /// Expects a call to be refused under a clause, and adds the service's text to the story.
    pub fn refused<T: Debug>(&mut self, what: &str, outcome: Result<Response<T>, Status>, clause: &str) {
        let Some(details) = self.refusal(what, outcome) else { return };
        let cited = details.precondition_failure().and_then(|failure| failure.violations.first());
        let cited = cited.map(|violation| violation.r#type.clone()).unwrap_or_default();
        self.play.expect(&format!("the clause under which it is refused: {what}"), cited, clause);
    }

    /// Expects a call to be refused for a reason that is no clause's, and adds the service's text to the story.
    pub fn refused_as<T: Debug>(&mut self, what: &str, outcome: Result<Response<T>, Status>, reason: ErrorReason) {
        let Some(details) = self.refusal(what, outcome) else { return };
        let given = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        self.play.expect(&format!("the reason why it is refused: {what}"), given.as_str(), reason.as_str_name());
    }

    fn refusal<T: Debug>(&mut self, what: &str, outcome: Result<Response<T>, Status>) -> Option<ErrorDetails> {
        let status = match outcome {
            Err(status) => status,
            Ok(done) => {
                self.play.fail(what, &format!("expected a refusal\nthere was {:?}", done.get_ref()));
                return None;
            }
        };
        let details = status.get_error_details();
        self.say(&format!("{what}, and is refused:"), &[]);
        let text = details.localized_message().map(|text| text.message.clone());
        self.play.add(&text.unwrap_or_else(|| status.message().to_owned()));
        Some(details)
    }

    /// Calls `probe` until it finds something. Fails with `DEADLINE_EXCEEDED` after `WITHIN`.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        mut probe: impl AsyncFnMut() -> Result<Option<T>, Status>,
    ) -> Result<T, Status> {
        let began = Instant::now();
        loop {
            if let Some(found) = probe().await? {
                return Ok(found);
            }
            if began.elapsed() > WITHIN {
                return Err(Status::deadline_exceeded(format!("{what}: not within {WITHIN:?}")));
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Duties of a subject, in the order of their opening.
    pub async fn duties(&self, subject: &str) -> Result<Vec<Duty>, Status> {
        let call = ListDutiesRequest { parent: INTAKE.into(), subject: subject.into(), ..Default::default() };
        let mut duties = self.operator()?.duties().list_duties(call).await?.into_inner().duties;
        duties.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(duties)
    }

    /// The last duty of a kind of a subject.
    pub async fn duty(&self, subject: &str, kind: &str) -> Result<Duty, Status> {
        let found = self.duties(subject).await?.into_iter().rfind(|duty| duty.kind == kind);
        found.ok_or_else(|| Status::not_found(format!("no duty {kind} of {subject}")))
    }

    /// Expects the last duty of a kind to be fulfilled in time.
    pub async fn expect_met(&mut self, subject: &str, kind: &str) -> Result<(), Status> {
        let duty = self.duty(subject, kind).await?;
        let what = format!("the duty {kind} under {} is fulfilled in time", duty.clause);
        self.play.expect(&what, (duty.state(), duty.breached_time), (State::Met, None::<prost_types::Timestamp>));
        Ok(())
    }

    /// Expects every duty of a subject to be fulfilled in time.
    pub async fn expect_all_met(&mut self, subject: &str) -> Result<(), Status> {
        let duties = self.duties(subject).await?;
        let is_met = |duty: &&Duty| duty.state() == State::Met && duty.breached_time.is_none();
        let others: Vec<&str> = duties.iter().filter(|duty| !is_met(duty)).map(|duty| duty.kind.as_str()).collect();
        self.play.expect("the request had duties", duties.is_empty(), false);
        self.play.expect("the duties that were not fulfilled in time", others, [""; 0]);
        Ok(())
    }

    /// Lets the clock run by itself from now on.
    pub fn let_time_run(&self) {
        self.time.run();
    }
}
