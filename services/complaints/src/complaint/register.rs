//! `RegisterComplaint`: records a complaint and starts the clocks of acknowledgement and investigation (C5.1).

use jiff::Timestamp;
use kefu_chassis::contacts::Contact;
use kefu_chassis::directory::ResponsibleParty;
use kefu_chassis::names::{Id, Resource as _, reference};
use kefu_chassis::record::Names as _;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use uuid::Uuid;

use super::Complaints;
use super::lifecycle::Action;
use super::row::{ComplaintRow, Step, of_request};
use crate::shared::{Complaint, Customer, Request};

impl Complaints {
    pub(super) async fn register_complaint(
        &self,
        call: &Call,
        request: pb::RegisterComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let at = call.occurred(request.occurred_time.as_ref(), self.chassis.backdating())?;
        let root = self.new_row(call, request, at)?;
        let source = root.request;
        let facts = root.facts(&self.chassis, call, at);
        let step = Step::create(&self.chassis, call, root, at, Action::Register, &facts).await?;
        let stored = step.insert(|shown| pb::ComplaintRegistered { complaint: Some(shown) }).await;
        match (stored, source) {
            // The failed transaction runs no more queries, so another connection looks up the existing complaint.
            (Err(Error::Exists { .. }), Some(source)) => Err(self.exists(source).await?),
            (stored, _) => stored,
        }
    }

    /// The refusal of a request that is a complaint already, with that complaint's name.
    async fn exists(&self, request: Uuid) -> Result<Error, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let name = of_request(&mut connection, request).await?.names::<Complaint>();
        Ok(Error::Exists { kind: Complaint::KIND, name })
    }

    fn new_row(
        &self,
        call: &Call,
        request: pb::RegisterComplaintRequest,
        at: Timestamp,
    ) -> Result<ComplaintRow, Error> {
        let contact = request.contact.clone().unwrap_or_default();
        let contact =
            Contact::read(&contact, "contact", "C5.1", self.country).map_err(|wrong| Error::Invalid(vec![wrong]))?;
        let (staff, department) = (request.handler.as_str(), request.department.as_str());
        let named = ResponsibleParty { field: "handler", clause: "C5.1", staff, department };
        let (handler, department) = self.chassis.directory.now().responsible_for(call, named, at)?;
        if !self.chassis.directory.now().is_empty() {
            self.chassis.check_may(&handler, "AcknowledgeComplaint", "handler", "C5.2")?;
        }
        let mut root = ComplaintRow {
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
            ..ComplaintRow::blank(call.now)
        };
        for party in [root.handler.clone(), root.department.clone()] {
            root.involve(&party);
        }
        Ok(root)
    }
}
