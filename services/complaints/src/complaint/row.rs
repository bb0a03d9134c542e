//! The stored complaint as an aggregate root: stakeholders, facts, what customers see.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::contacts::Contact;
use kefu_chassis::error::Error;
use kefu_chassis::lifecycle::{Lifecycle, SubDuty, Tally};
use kefu_chassis::names::Resource as _;
use kefu_chassis::record::{Names as _, Record};
use kefu_chassis::step::AggregateRoot;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Chassis};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_regulation::params;
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lifecycle::{Action, Duty, Facts, LIFECYCLE};
use crate::shared::{Complaint, Customer, Request, record_last_resort};

mod namings;
pub mod separation;

use separation::{Concern, Separation};

/// One action on a complaint, from loading to storing.
pub type Step<'a> = kefu_chassis::step::Step<'a, ComplaintRow>;

/// A complaint as it is stored.
#[derive(Clone, Debug, Record)]
#[record(table = "complaints.complaint", query = complaints, kind = Complaint, state = State)]
#[record(number("C", sequence = "complaints.complaint_number"))]
#[record(search("complaints.complaint_search", complaint = id, received_at = received_at))]
#[record(shows = pb::Complaint)]
#[record(computed(contact = Self::contact, root_cause = Self::root_cause, resolution = Self::resolution))]
#[record(computed(namings = Self::namings))]
#[record(fixed(number, channel, received_at, customer, contact, matter, desired_remedy, request, department))]
#[record(hidden(
    namings,
    contact,
    parties,
    cause_category,
    cause,
    whys,
    resolution,
    attempt_days,
    contacted,
    waived,
    tried_by
))]
pub struct ComplaintRow {
    pub id: Uuid,
    pub number: String,
    pub channel: i16,
    pub received_at: SqlTime,
    #[record(names = Customer)]
    pub customer: Option<Uuid>,
    pub contact: serde_json::Value,
    pub matter: String,
    pub desired_remedy: String,
    pub category: i16,
    pub subcategory: String,
    pub severity: i16,
    pub product: String,
    #[record(names = Request)]
    pub request: Option<Uuid>,
    pub handler: String,
    pub department: String,
    pub responsible_department: String,
    pub responsible_person: String,
    pub no_person_reason: String,
    #[record(show = notified_departments)]
    pub notified: Vec<String>,
    pub investigator: String,
    pub parties: Vec<String>,
    pub state: i16,
    pub cycle: i32,
    pub cause_category: i16,
    pub cause: String,
    pub whys: Vec<String>,
    pub outcome: i16,
    pub resolution: Option<Vec<u8>>,
    pub closure: i16,
    pub satisfaction: i16,
    pub unreached_attempts: i32,
    pub attempt_days: Vec<String>,
    pub tried_by: Vec<String>,
    pub contacted: bool,
    pub waived: bool,
    pub evidence_count: i32,
    pub withdraw_reason: String,
    /// Each an encoded `Naming`.
    pub namings: Vec<Vec<u8>>,
    pub acknowledged_at: Option<SqlTime>,
    #[record(show = investigation_time)]
    pub investigated_at: Option<SqlTime>,
    pub concluded_at: Option<SqlTime>,
    pub proposed_at: Option<SqlTime>,
    pub approved_at: Option<SqlTime>,
    pub agreed_at: Option<SqlTime>,
    pub executed_at: Option<SqlTime>,
    pub closed_at: Option<SqlTime>,
    pub archived_at: Option<SqlTime>,
    pub last_informed_at: Option<SqlTime>,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub version: i64,
}

impl ComplaintRow {
    /// Contact of the complainant.
    fn contact(&self) -> Option<kefu_proto::contacts::v1::Contact> {
        let contact: Option<Contact> = serde_json::from_value(self.contact.clone()).ok();
        contact.map(|contact| contact.show())
    }

    /// Root cause found by the investigation; none before.
    fn root_cause(&self) -> Option<pb::RootCause> {
        (self.cause_category != 0).then(|| pb::RootCause {
            category: self.cause_category.into(),
            text: self.cause.clone(),
            whys: self.whys.clone(),
        })
    }

    /// Current version of the resolution; none before the first proposal.
    pub fn resolution(&self) -> Option<pb::Resolution> {
        self.resolution.as_deref().and_then(|encoded| pb::Resolution::decode(encoded).ok())
    }

    /// Sets or removes the resolution.
    pub fn set_resolution(&mut self, resolution: Option<&pb::Resolution>) {
        self.resolution = resolution.map(prost::Message::encode_to_vec);
    }

    /// Adds a person or department to the parties, who may see the complaint from now on.
    pub fn involve(&mut self, party: &str) {
        if !party.is_empty() && !self.parties.iter().any(|known| known == party) {
            self.parties.push(party.to_owned());
        }
    }

    /// Records that the complainant was informed at `at`. An earlier time than the stored one changes nothing (A9.1).
    pub fn mark_informed(&mut self, at: Timestamp) {
        let at = self.last_informed_at.map_or(at, |last| at.max(last.to_jiff()));
        self.last_informed_at = Some(sql::at(at));
    }

    /// Resets the count of failed attempts: another step is next, or the complainant was reached.
    pub fn reset_attempts(&mut self) {
        self.unreached_attempts = 0;
        self.attempt_days.clear();
        self.tried_by.clear();
    }

    /// Whether the caller is or was said to be responsible.
    pub fn is_accused(&self, call: &Call) -> bool {
        let is_theirs = |naming: &pb::Naming| naming.staff == call.caller.subject;
        let counts = |naming: &pb::Naming| naming.state() != pb::naming::State::Struck;
        self.responsible_person == call.caller.subject
            || self.namings().iter().any(|naming| is_theirs(naming) && counts(naming))
    }

    /// Facts about the caller as somebody to be separated from the complaint.
    fn separated(&self, chassis: &Chassis, call: &Call, at: Timestamp, mut facts: Facts) -> Facts {
        let separation = Separation::of(self, chassis, at);
        let caller = call.caller.subject.as_str();
        facts.is_accused = separation.accusation(caller) != Concern::Apart;
        facts.has_open_report = separation.has_open_report(caller);
        if matches!(call.rule.name(), "ApproveResolution" | "RejectResolution") {
            let speaks_for = separation.speaks_for(call);
            let is_last_resort = speaks_for.as_ref().is_some_and(|(_, is_last_resort)| *is_last_resort);
            facts.is_author = separation.has_written(caller) && !is_last_resort;
            let department = speaks_for.as_ref().map(|(department, _)| department.as_str());
            facts.is_independent = is_last_resort
                || department == Some(self.responsible_department.as_str())
                || !separation.is_insider(caller, &self.responsible_department);
            facts.approvals_left = separation.approvals_due().len().saturating_sub(usize::from(speaks_for.is_some()));
            facts.speaks_for = speaks_for.map(|(department, _)| department);
            if is_last_resort {
                facts.deviates_for(call.rule.name(), caller);
            }
        } else if (facts.is_accused || facts.has_open_report) && separation.is_last_resort(call) {
            facts.deviates_for(call.rule.name(), caller);
        }
        if facts.deviation.is_some() {
            (facts.is_accused, facts.has_open_report) = (false, false);
        }
        facts
    }
}

impl AggregateRoot for ComplaintRow {
    type Action = Action;
    type Duty = Duty;
    type Facts = Facts;

    fn lifecycle() -> &'static Lifecycle<State, Action, Duty, Facts> {
        &LIFECYCLE
    }

    fn stakeholders(&self) -> Stakeholders<'_> {
        Stakeholders {
            customer: self.customer.names::<Customer>().into(),
            parties: self.parties.iter().map(String::as_str).collect(),
            ..Stakeholders::of(&self.handler, &self.department)
        }
    }

    fn began_at(&self) -> Timestamp {
        self.received_at.to_jiff()
    }

    fn facts(&self, chassis: &Chassis, call: &Call, at: Timestamp) -> Facts {
        let (regulation, known) = (&chassis.regulation, chassis.directory.now());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let measures = open_measures(self.resolution().as_ref());
        let investigator = (!self.investigator.is_empty())
            .then(|| (self.investigator.clone(), known.department_of(&self.investigator, at).to_owned()));
        let in_charge = known.responsible(&self.department, "", at).map(|(staff, _)| staff);
        let appoints = chassis.rules.named("AssignInvestigator");
        let in_charge = in_charge.filter(|staff| appoints.is_some_and(|rule| known.may(staff, rule)));
        let facts = Facts {
            in_charge: in_charge.map(|staff| (staff.to_owned(), self.department.clone())),
            is_acknowledged: self.acknowledged_at.is_some(),
            is_evidenced: self.evidence_count > 0,
            is_contacted: self.contacted || self.waived,
            investigator,
            is_plan_late: measures.iter().any(|measure| measure.due.is_some_and(|due| due <= at)),
            measures_left: measures.len(),
            measures,
            executed_at: self.executed_at.map(jiff_sqlx::Timestamp::to_jiff),
            attempts: Tally {
                made: u32::try_from(self.unreached_attempts).unwrap_or(0),
                required: regulation.get(params::COMPLAINANT_ATTEMPTS),
            },
            attempt_days: Tally {
                made: count(self.attempt_days.len()),
                required: regulation.get(params::COMPLAINANT_ATTEMPT_DAYS),
            },
            ..Facts::default()
        };
        self.separated(chassis, call, at, facts)
    }

    fn record_deviation(step: &mut Step<'_>, facts: &Facts) {
        record_last_resort(step, facts.deviation.as_ref());
    }

    fn stands_in(&self, chassis: &Chassis, call: &Call, at: Timestamp) -> bool {
        call.caller.subject.starts_with("staff/") && Separation::of(self, chassis, at).stands_in(chassis, call)
    }

    /// The complaint without internal division of work and responsibility when the caller is a customer.
    fn show_to(&self, call: &Call) -> pb::Complaint {
        let shown = pb::Complaint { namings: self.namings_for(call), ..self.show() };
        if !call.is_customer() {
            return shown;
        }
        pb::Complaint {
            severity: 0,
            responsible_department: String::new(),
            responsible_person: String::new(),
            no_person_reason: String::new(),
            notified_departments: Vec::new(),
            investigator: String::new(),
            root_cause: None,
            // Customers learn the outcome with the approved resolution (C5.6).
            outcome: if self.approved_at.is_some() { shown.outcome } else { 0 },
            resolution: None,
            unreached_attempts: 0,
            evidence_count: 0,
            namings: Vec::new(),
            ..shown
        }
    }

    fn subjects_beneath(&self) -> Vec<String> {
        open_measures(self.resolution().as_ref()).into_iter().map(|measure| measure.subject).collect()
    }

    fn refused(&self, constraint: &str) -> Option<Error> {
        let is_taken = constraint == "complaint_request";
        is_taken.then(|| Error::Exists { kind: Complaint::KIND, name: self.request.names::<Request>() })
    }
}

/// Id of the complaint that arose from a request.
pub async fn of_request(connection: &mut PgConnection, request: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select id from complaints.complaint where request = $1", request)
        .fetch_optional(connection)
        .await
}

/// Duties of the resolution's measures that are not completed.
pub fn open_measures(resolution: Option<&pb::Resolution>) -> Vec<SubDuty> {
    let open = resolution.iter().flat_map(|resolution| &resolution.measures);
    open.filter(|measure| measure.completed_time.is_none()).map(measure_duty).collect()
}

/// The duty of a measure, whose subject is the measure.
pub fn measure_duty(measure: &pb::Measure) -> SubDuty {
    SubDuty {
        subject: measure.name.clone(),
        owner: measure.owner.clone(),
        department: measure.department.clone(),
        due: measure.due_time.as_ref().and_then(from_proto),
    }
}
