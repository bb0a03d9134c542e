//! `RegisterRequest`: who is asked first owns the matter, and its clocks start.

use jiff::Timestamp;
use kefu_chassis::directory::Named;
use kefu_chassis::error::{Violation, constraint};
use kefu_chassis::journal::NewEvent;
use kefu_chassis::names::Id;
use kefu_chassis::step::Root as _;
use kefu_chassis::time::from_proto;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{CarrierState, Kind, Priority, State};

use super::lifecycle::{Action, LIFECYCLE};
use super::store::{self, Record};
use super::{Requests, link};
use crate::shared::{Contact, Customer, Project, id, reference, unknown};

impl Requests {
    pub(super) async fn register(
        &self,
        call: &Call,
        request: pb::RegisterRequestRequest,
    ) -> Result<pb::Request, Error> {
        let (at, answered_at) = self.came_and_answered(call, &request)?;
        let mut record = self.new_record(call, &request, at, answered_at)?;
        let action = if answered_at.is_some() { Action::RegisterAnswered } else { Action::Register };
        let mut facts = record.facts(&self.0, at);
        facts.answered_at = answered_at;
        facts.classified_at = facts.is_classified.then(|| answered_at.unwrap_or(call.now));
        facts.is_delayed = request.carrier_state() == CarrierState::Delayed;
        if facts.is_classified {
            record.in_scope = self.in_scope(&record, &record.business_domain);
            facts.in_scope = record.in_scope;
        }
        let name = record.id().to_string();
        let row = LIFECYCLE.fire(&name, State::Unspecified, action, &facts)?;
        record.state = row.to.unwrap_or(State::Registered) as i16;
        let touched = LIFECYCLE.touch(row, &facts, Vec::new(), record.scene(&self.0, call, &name, at));

        let mut change = self.0.begin(call).await?;
        if let Some(mut earlier) = link::earlier(change.connection(), &record, &self.0.regulation).await? {
            link::repeat(&mut change, call, &mut record, &mut earlier, at).await?;
        }
        let day = at.to_zoned(self.0.regulation.calendar().zone().clone()).strftime("%Y%m%d").to_string();
        record.number =
            store::insert(change.connection(), &record, &day).await.map_err(|error| match constraint(&error) {
                Some("request_customer") => unknown::<Customer>(&request.customer),
                Some("request_project") => unknown::<Project>(&request.project),
                _ => error.into(),
            })?;
        let shown = record.show();
        let payload = pb::RequestRegistered { request: Some(shown.clone()) };
        change.record_touching(NewEvent::new(name, record.version, at, &call.rule.clauses, &payload), touched);
        change.commit(shown).await
    }

    /// When the customer came, and when they were answered, if they already were. Whoever says only when they were answered
    /// means that it was at once.
    fn came_and_answered(
        &self,
        call: &Call,
        request: &pb::RegisterRequestRequest,
    ) -> Result<(Timestamp, Option<Timestamp>), Error> {
        let wrong = || Error::field("answered_time", "must be between the time the customer came and now");
        let answered_at = request.answered_time.as_ref().and_then(from_proto);
        if answered_at.is_some_and(|answered| answered > call.now) {
            return Err(wrong());
        }
        let came = request.occurred_time.as_ref().or(request.answered_time.as_ref());
        let at = call.occurred(came, self.0.backdating())?;
        if answered_at.is_some_and(|answered| answered < at) { Err(wrong()) } else { Ok((at, answered_at)) }
    }

    fn new_record(
        &self,
        call: &Call,
        request: &pb::RegisterRequestRequest,
        at: Timestamp,
        answered_at: Option<Timestamp>,
    ) -> Result<Record, Error> {
        let contact = request.contact.clone().unwrap_or_default();
        let contact = Contact::read(&contact, "contact", "A2.2", self.1);
        let mut violations: Vec<Violation> = contact.as_ref().err().cloned().into_iter().collect();
        violations.extend(inconsistent(request));
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
        let named = Named {
            field: "first_responder",
            clause: "A2.1",
            staff: &request.first_responder,
            department: &request.department,
        };
        let (owner, department) = self.0.directory.now().responsible_for(call, named, at)?;
        let customer = id::<Customer>(&request.customer)?;
        let project = reference::<Project>(&request.project)?;
        if project.is_some() && !request.project.starts_with(&format!("{customer}/")) {
            return Err(unknown::<Project>(&request.project));
        }
        Ok(Record {
            channel: request.channel() as i16,
            kind: request.kind() as i16,
            customer: Some(customer.uuid()),
            contact: serde_json::to_value(contact.unwrap_or_default()).map_err(Error::unexpected)?,
            project: project.map(Id::uuid),
            order_number: request.order_number.clone(),
            product_model: request.product_model.clone(),
            description: request.description.clone(),
            business_domain: request.business_domain.trim().to_owned(),
            problem_type: request.problem_type.trim().to_owned(),
            priority: if request.priority() == Priority::Unspecified { Priority::Normal } else { request.priority() }
                as i16,
            first_responder: owner.clone(),
            owner,
            department,
            carrier_state: request.carrier_state() as i16,
            contact_at: store::at(at),
            first_response_at: answered_at.map(store::at),
            last_informed_at: answered_at.map(store::at),
            ..Record::blank(call.now)
        })
    }
}

/// Fields that do not fit together.
fn inconsistent(request: &pb::RegisterRequestRequest) -> Vec<Violation> {
    let is_shipment = request.kind() == Kind::Shipment;
    let half = |field: &str, other: &str| (field.trim().is_empty(), other.trim().is_empty());
    let mut violations = Vec::new();
    let mut wrong =
        |field: &str, reason: &str| violations.push(Violation { field: field.into(), reason: reason.into() });
    if is_shipment && request.order_number.trim().is_empty() {
        wrong("order_number", "C2.3: is required for kind SHIPMENT");
    }
    if !is_shipment && request.carrier_state != 0 {
        wrong("carrier_state", "B1.3: is only for kind SHIPMENT");
    }
    match half(&request.business_domain, &request.problem_type) {
        (true, false) => wrong("business_domain", "C2.4: is required with problem_type"),
        (false, true) => wrong("problem_type", "C2.4: is required with business_domain"),
        _ => {}
    }
    violations
}
