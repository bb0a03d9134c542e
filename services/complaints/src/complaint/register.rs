//! `RegisterComplaint`: it is received and recorded, and the clocks of the apology and the investigation start (C5.1).

use jiff::Timestamp;
use kefu_chassis::contacts::Contact;
use kefu_chassis::directory::Named;
use kefu_chassis::error::constraint;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::names::{Id, Resource as _, reference};
use kefu_chassis::step::Root as _;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::rules::v1::Role;

use super::Complaints;
use super::lifecycle::{Action, LIFECYCLE};
use super::store::{self, Record};
use crate::shared::{Complaint, Customer, Request};

impl Complaints {
    pub(super) async fn register(
        &self,
        call: &Call,
        request: pb::RegisterComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        if !request.request.is_empty() && !call.acts_as(Role::Service) {
            return Err(Error::field("request", "C5.1: a request becomes a complaint by ConvertToComplaint of intake"));
        }
        let at = call.occurred(request.occurred_time.as_ref(), self.0.backdating())?;
        let mut record = self.new_record(call, request, at)?;
        let facts = record.facts(&self.0, at);
        let name = record.id().to_string();
        let row = LIFECYCLE.fire(&name, State::Unspecified, Action::Register, &facts)?;
        record.enter(row.to.unwrap_or(State::Registered));
        let touched = LIFECYCLE.touch(row, &facts, Vec::new(), record.scene(&self.0, call, &name, at));

        let mut change = self.0.begin(call).await?;
        let day = at.to_zoned(self.0.regulation.calendar().zone().clone()).strftime("%Y%m%d").to_string();
        record.number = match store::insert(change.connection(), &record, &day).await {
            Ok(number) => number,
            Err(error) if constraint(&error) == Some("complaint_request") => {
                // The transaction has failed; which complaint there is, is asked outside of it.
                drop(change);
                return Err(self.exists(&record).await?);
            }
            Err(error) => return Err(error.into()),
        };
        let shown = record.show();
        let payload = pb::ComplaintRegistered { complaint: Some(shown.clone()) };
        change.record_touching(NewEvent::new(name, record.version, at, &call.rule.clauses, &payload), touched);
        change.commit(shown).await
    }

    /// Its request became another complaint already.
    async fn exists(&self, record: &Record) -> Result<Error, Error> {
        let mut connection = self.0.pool().acquire().await?;
        let other = store::of_request(&mut connection, record.request.unwrap_or_default()).await?;
        let name = other.map(|id| Id::<Complaint>::from_uuid(id).to_string()).unwrap_or_default();
        Ok(Error::Exists { kind: Complaint::KIND, name })
    }

    fn new_record(&self, call: &Call, request: pb::RegisterComplaintRequest, at: Timestamp) -> Result<Record, Error> {
        let contact = request.contact.clone().unwrap_or_default();
        let contact =
            Contact::read(&contact, "contact", "C5.1", self.1).map_err(|wrong| Error::Invalid(vec![wrong]))?;
        let (staff, department) = (request.handler.as_str(), request.department.as_str());
        let named = Named { field: "handler", clause: "C5.1", staff, department };
        let (handler, department) = self.0.directory.now().responsible_for(call, named, at)?;
        let mut record = Record {
            channel: request.channel() as i16,
            received_at: sql::at(at),
            customer: reference::<Customer>(&request.customer)?.map(Id::uuid),
            contact: serde_json::to_value(contact).map_err(Error::unexpected)?,
            category: request.category() as i16,
            severity: request.severity() as i16,
            request: reference::<Request>(&request.request)?.map(Id::uuid),
            matter: request.matter,
            desired_remedy: request.desired_remedy,
            subcategory: request.subcategory,
            product: request.product,
            handler,
            department,
            ..Record::blank(call.now)
        };
        for party in [record.handler.clone(), record.department.clone()] {
            record.involve(&party);
        }
        Ok(record)
    }
}
