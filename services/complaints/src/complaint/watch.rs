//! Watching complaints: each change that the caller may see, as it comes.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use kefu_chassis::journal::watch::{Watch, Watched};
use kefu_chassis::names::Id;
use kefu_chassis::record::Names as _;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::events::v1::Event;
use prost::{Message as _, Name as _};
use tonic::Status;
use uuid::Uuid;

use super::Complaints;
use super::row::{ComplaintRow, complaints};
use crate::shared::{Complaint, Customer};

/// The stream that is sent.
pub type Changes = Pin<Box<dyn Stream<Item = Result<pb::WatchComplaintsResponse, Status>> + Send>>;

impl Complaints {
    pub(super) async fn watch_complaints(
        &self,
        call: Call,
        request: pb::WatchComplaintsRequest,
    ) -> Result<Changes, Error> {
        let query = [&request.handler, &request.department, &request.customer];
        let watch = Watch::begin(&self.chassis, call.clone(), &request.resume_token, &query).await?;
        let this = self.clone();
        let stream = watch.run(move |events| {
            let (this, call, request) = (this.clone(), call.clone(), request.clone());
            async move { this.seen_of(&call, &request, events).await }
        });
        Ok(Box::pin(stream.map(|step| {
            let Watched { item, resume_token } = step?;
            Ok(pb::WatchComplaintsResponse { resume_token, ..item.unwrap_or_default() })
        })))
    }

    /// What the caller may see and asked for of some events, each with the complaint as it is now.
    async fn seen_of(
        &self,
        call: &Call,
        asked: &pb::WatchComplaintsRequest,
        events: Vec<Event>,
    ) -> Result<Vec<(i64, pb::WatchComplaintsResponse)>, Error> {
        let about = |event: &Event| {
            event.aggregate.starts_with("complaints/").then(|| Id::<Complaint>::parse(&event.aggregate))?
        };
        let mut ids: Vec<Uuid> = events.iter().filter_map(about).map(Id::uuid).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let records = complaints!("where id = any($1)", &ids).fetch_all(self.chassis.pool()).await?;
        let seen = events.into_iter().filter_map(|event| {
            let id = about(&event)?.uuid();
            let record = records.iter().find(|record| record.id == id)?;
            let customer = record.customer.names::<Customer>();
            let payload = event.payload.unwrap_or_default();
            let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
            let is_seen =
                call.reaches(&record.stakeholders()) && (!call.is_customer() || is_for_customers(kind, &payload.value));
            if !is_seen || !is_asked(asked, record, &customer, call.is_customer()) {
                return None;
            }
            let change = pb::WatchComplaintsResponse {
                complaint: Some(record.show_to(call)),
                event: kind.to_owned(),
                clauses: event.clauses,
                occurred_time: event.occurred_time,
                resume_token: String::new(),
            };
            Some((event.position, change))
        });
        Ok(seen.collect())
    }
}

/// Whether a change is one that was asked for.
fn is_asked(asked: &pb::WatchComplaintsRequest, record: &ComplaintRow, customer: &str, is_customer: bool) -> bool {
    let is = |asked: &str, values: &[&str]| asked.is_empty() || values.contains(&asked);
    // Customers do not see who is responsible.
    let responsible = if is_customer { "" } else { record.responsible_department.as_str() };
    is(&asked.handler, &[&record.handler])
        && is(&asked.department, &[&record.department, responsible])
        && is(&asked.customer, &[customer])
}

/// Whether customers see a change of this kind: what they did or were told.
fn is_for_customers(kind: &str, payload: &[u8]) -> bool {
    if kind == pb::CustomerContacted::full_name() {
        let paper = pb::CustomerContacted::decode(payload).unwrap_or_default().paper.unwrap_or_default();
        return matches!(paper.content, Some(pb::paper::Content::CustomerContact(contact))
            if contact.outcome() == pb::customer_contact::Outcome::Reached);
    }
    [
        pb::ComplaintRegistered::full_name(),
        pb::ComplaintAcknowledged::full_name(),
        pb::AgreementReached::full_name(),
        pb::AgreementDeclined::full_name(),
        pb::CallbackMade::full_name(),
        pb::ContactWaived::full_name(),
        pb::ComplaintWithdrawn::full_name(),
        pb::ComplaintArchived::full_name(),
    ]
    .iter()
    .any(|known| known == kind)
}
