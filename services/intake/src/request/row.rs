//! The stored request as an aggregate root: stakeholders, facts, what customers see.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::directory::Organisation;
use kefu_chassis::error::Error;
use kefu_chassis::lifecycle::{Lifecycle, Tally};
use kefu_chassis::names::{Id, unknown};
use kefu_chassis::record::{Names as _, Record};
use kefu_chassis::step::AggregateRoot;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Chassis};
use kefu_proto::contacts::v1::{Channel, Contact as ShownContact};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::ServiceLevel;
use kefu_proto::intake::v1::request::{Origin, Priority, State};
use kefu_regulation::params;
use uuid::Uuid;

use super::lifecycle::{Action, Duty, Facts, LIFECYCLE};
use crate::shared::{Complaint, Contact, Customer, Project, Request, Transfer};

/// A step of a request: one action, from locking to storing.
pub type Step<'a> = kefu_chassis::step::Step<'a, RequestRow>;

/// A request as it is stored.
#[derive(Clone, Debug, Record)]
#[record(table = "intake.request", query = requests, kind = Request, state = State)]
#[record(number("R", sequence = "intake.request_number"))]
#[record(search("intake.request_search", request = id, contact_at = contact_at))]
#[record(import(source, external_id, backlog = "intake.request_to_index"))]
#[record(shows = pb::Request)]
#[record(computed(contact = Self::contact, project = Self::project_name, pending_transfer = Self::transfer_name))]
#[record(fixed(
    number,
    channel,
    kind,
    customer,
    contact,
    project,
    order_number,
    order_key,
    product_model,
    description
))]
#[record(fixed(first_responder, origin, source, external_id, contact_at))]
#[record(hidden(contact, project, source, settled_at_once, pending_transfer, work_orders, order_key, problem_key))]
#[record(hidden(major_reported_to, cancelled_by))]
pub struct RequestRow {
    pub id: Uuid,
    pub number: String,
    pub channel: i16,
    pub kind: i16,
    #[record(names = Customer)]
    pub customer: Option<Uuid>,
    pub contact: serde_json::Value,
    pub project: Option<Uuid>,
    pub order_number: String,
    pub product_model: String,
    pub description: String,
    pub business_domain: String,
    pub problem_type: String,
    #[record(blank = Priority::Normal as i16)]
    pub priority: i16,
    pub first_responder: String,
    pub owner: String,
    pub department: String,
    pub state: i16,
    pub cycle: i32,
    pub carrier_state: i16,
    #[record(blank = Origin::Live as i16)]
    pub origin: i16,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub contact_at: SqlTime,
    pub first_response_at: Option<SqlTime>,
    pub promised_at: Option<SqlTime>,
    pub promise_reason: String,
    pub last_informed_at: Option<SqlTime>,
    pub resolution: String,
    pub assistance: String,
    pub resolved_at: Option<SqlTime>,
    pub closed_at: Option<SqlTime>,
    pub first_contact_resolution: bool,
    #[record(blank = true)]
    pub settled_at_once: bool,
    pub awaited: String,
    pub cancel_reason: String,
    pub cancelled_by: String,
    pub unreached_attempts: i32,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub version: i64,
    pub major: bool,
    pub major_reason: String,
    pub major_at: Option<SqlTime>,
    pub in_scope: Option<bool>,
    #[record(blank = ServiceLevel::Hotline as i16)]
    pub service_level: i16,
    #[record(names = Request)]
    pub repeat_of: Option<Uuid>,
    pub repeat_contacts: i32,
    #[record(names = Request, show = linked_requests)]
    pub linked: Vec<Uuid>,
    #[record(show = transfer_count)]
    pub transfers: i32,
    pub pending_transfer: Option<Uuid>,
    pub solved_first: bool,
    pub emergency_reason: String,
    pub work_orders: i32,
    pub open_expectations: i32,
    #[record(names = Complaint)]
    pub complaint: Option<Uuid>,
    pub order_key: String,
    pub problem_key: String,
    /// Whom the major matter was reported to last.
    pub major_reported_to: String,
}

impl RequestRow {
    /// Contact of the customer for this request.
    fn contact(&self) -> Option<ShownContact> {
        let contact: Option<Contact> = serde_json::from_value(self.contact.clone()).ok();
        contact.map(|contact| contact.show())
    }

    /// Resource name of the project, beneath its customer; empty without a project.
    fn project_name(&self) -> String {
        self.project.map(|id| format!("{}/{}", self.customer_name(), Id::<Project>::from_uuid(id))).unwrap_or_default()
    }

    /// Resource name of the pending transfer; empty without one.
    fn transfer_name(&self) -> String {
        self.pending_transfer.map(|id| format!("{}/{}", self.id(), Id::<Transfer>::from_uuid(id))).unwrap_or_default()
    }

    /// Resource name of the customer; empty for an import without one.
    pub fn customer_name(&self) -> String {
        self.customer.names::<Customer>()
    }

    /// Records that the customer was informed at `at`. An earlier time than the stored one changes nothing (A9.1).
    pub fn mark_informed(&mut self, at: Timestamp) {
        let at = self.last_informed_at.map_or(at, |last| at.max(last.to_jiff()));
        self.last_informed_at = Some(sql::at(at));
    }

    /// Raises the priority by one step, up to urgent (A2.8).
    pub fn raise_priority(&mut self) {
        self.priority = (self.priority + 1).min(Priority::Urgent as i16);
    }

    /// Whether the first responder settled the request within the first contact, as we see it (A2.3).
    pub fn is_settled_at_first(&self) -> bool {
        self.settled_at_once && self.cycle == 0 && self.owner == self.first_responder
    }

    /// Begins another cycle of handling (C4.3).
    pub fn begin_cycle(&mut self) {
        self.cycle += 1;
        self.settled_at_once = false;
        self.first_contact_resolution = false;
        self.unreached_attempts = 0;
        self.work_orders = 0;
    }

    /// Whether the customer was answered. Work begins with the first answer, so the state tells it even for an import
    /// without the time of the answer.
    pub fn is_answered(&self) -> bool {
        let is_begun = !matches!(self.state(), State::Unspecified | State::Registered | State::TransferPending);
        is_begun || self.first_response_at.is_some() || self.cycle > 0
    }

    /// Whether the request is resolved by us or confirmed by the customer.
    pub fn is_solved(&self) -> bool {
        matches!(self.state(), State::Resolved | State::Closed)
    }

    /// Channel of the contact.
    pub fn channel(&self) -> Channel {
        Channel::try_from(i32::from(self.channel)).unwrap_or_default()
    }
}

impl AggregateRoot for RequestRow {
    type Action = Action;
    type Duty = Duty;
    type Facts = Facts;

    fn lifecycle() -> &'static Lifecycle<State, Action, Duty, Facts> {
        &LIFECYCLE
    }

    fn stakeholders(&self) -> Stakeholders<'_> {
        Stakeholders { customer: self.customer_name().into(), ..Stakeholders::of(&self.owner, &self.department) }
    }

    fn began_at(&self) -> Timestamp {
        self.contact_at.to_jiff()
    }

    fn facts(&self, chassis: &Chassis, _: &Call, at: Timestamp) -> Facts {
        let (regulation, known) = (&chassis.regulation, chassis.directory.now());
        Facts {
            channel: self.channel(),
            is_answered: self.is_answered(),
            has_content: true,
            answered_at: None,
            classified_at: None,
            is_classified: !self.problem_type.is_empty(),
            promised_at: None,
            promised_wait: jiff::SignedDuration::ZERO,
            promise_at_most: regulation.get(params::PROMISE_AT_MOST).length,
            is_long_wait: false,
            supervisor: known.supervisor_of(&self.owner).map(str::to_owned),
            is_delayed: false,
            informed_at: None,
            attempts: Tally {
                made: u32::try_from(self.unreached_attempts).unwrap_or(0),
                required: regulation.get(params::ATTEMPTS),
            },
            attempt_days: Tally { made: 0, required: regulation.get(params::ATTEMPT_DAYS) },
            closed_for: self.closed_at.map_or(jiff::SignedDuration::ZERO, |closed| at.duration_since(closed.to_jiff())),
            reopen_within: regulation.get(params::REOPEN_WITHIN).length,
            was_answered: self.is_answered(),
            in_scope: self.in_scope,
            is_handed_over: self.work_orders > 0
                || !known.is_empty()
                    && known.department_of(&self.first_responder, self.contact_at.to_jiff()) != self.department,
            solved_first: false,
            has_reason: false,
            recipient: None,
            handed_to: None,
            is_declined: false,
            is_unattended: is_unattended(&known, self, at),
            fits_department: false,
            is_reported: self.major,
            is_report_pending: false,
            general_manager: known.general_manager().map(str::to_owned),
            general_managers_deputy: known.general_managers_deputy(at).map(str::to_owned),
            is_authorized: false,
            open_expectations: u32::try_from(self.open_expectations).unwrap_or(0),
            is_complaint: self.complaint.is_some(),
        }
    }

    fn stands_in(&self, chassis: &Chassis, call: &Call, at: Timestamp) -> bool {
        let known = chassis.directory.now();
        call.caller.subject.starts_with("staff/")
            && known.who_handles(&self.owner, &self.department, &call.rule, at).stands_in(&call.caller.subject)
    }

    /// The request without internal judgements and internal division of work when the caller is a customer.
    fn show_to(&self, call: &Call) -> pb::Request {
        let shown = self.show();
        if !call.is_customer() {
            return shown;
        }
        pb::Request {
            major: false,
            major_reason: String::new(),
            major_time: None,
            in_scope: None,
            repeat_contacts: 0,
            transfer_count: 0,
            pending_transfer: String::new(),
            solved_first: false,
            emergency_reason: String::new(),
            open_expectations: 0,
            ..shown
        }
    }

    fn refused(&self, constraint: &str) -> Option<Error> {
        match constraint {
            "request_customer" => Some(unknown::<Customer>(&self.customer_name())),
            "request_project" => Some(unknown::<Project>(&self.project_name())),
            _ => None,
        }
    }
}

/// Whether nobody works on a request: the owner is absent, has left, or only accepted its transfer as the person in
/// charge of the department.
pub fn is_unattended(known: &Organisation, root: &RequestRow, at: Timestamp) -> bool {
    let took_over = root.owner != root.first_responder
        && known.responsible(&root.department, &root.business_domain, at).is_some_and(|(name, _)| name == root.owner);
    took_over || !known.is_present(&root.owner, at)
}
