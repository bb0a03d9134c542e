//! Watching requests: each change that the caller may see, as it comes.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use kefu_chassis::journal::watch::{Watch, Watched};
use kefu_chassis::names::Id;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::{Call, Error};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as pb;
use prost::{Message as _, Name as _};
use tonic::Status;
use uuid::Uuid;

use super::Requests;
use super::row::{RequestRow, requests};
use crate::shared::Request;

/// The stream that is sent.
pub type Changes = Pin<Box<dyn Stream<Item = Result<pb::WatchRequestsResponse, Status>> + Send>>;

impl Requests {
    pub(super) async fn watch_requests(&self, call: Call, request: pb::WatchRequestsRequest) -> Result<Changes, Error> {
        let query = [&request.owner, &request.department, &request.customer];
        let watch = Watch::begin(&self.chassis, call.clone(), &request.resume_token, &query).await?;
        let this = self.clone();
        let stream = watch.run(move |events| {
            let (this, call, request) = (this.clone(), call.clone(), request.clone());
            async move { this.seen_of(&call, &request, events).await }
        });
        Ok(Box::pin(stream.map(|step| {
            let Watched { item, resume_token } = step?;
            Ok(pb::WatchRequestsResponse { resume_token, ..item.unwrap_or_default() })
        })))
    }

    /// What the caller may see and asked for of some events, each with the request as it is now.
    async fn seen_of(
        &self,
        call: &Call,
        asked: &pb::WatchRequestsRequest,
        events: Vec<Event>,
    ) -> Result<Vec<(i64, pb::WatchRequestsResponse)>, Error> {
        let about =
            |event: &Event| event.aggregate.starts_with("requests/").then(|| Id::<Request>::parse(&event.aggregate))?;
        let mut ids: Vec<Uuid> = events.iter().filter_map(about).map(Id::uuid).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let records = requests!("where id = any($1)", &ids).fetch_all(self.chassis.pool()).await?;
        let seen = events.into_iter().filter_map(|event| {
            let id = about(&event)?.uuid();
            let record = records.iter().find(|record| record.id == id)?;
            let customer = record.customer_name();
            let payload = event.payload.unwrap_or_default();
            let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
            let is_seen =
                call.reaches(&record.stakeholders()) && (!call.is_customer() || is_for_customers(kind, &payload.value));
            if !is_seen || !is_asked(asked, record, &customer, &before(kind, &payload.value)) {
                return None;
            }
            let change = pb::WatchRequestsResponse {
                request: Some(record.show_to(call)),
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

/// Whether a change is one that was asked for: what left whom or what was asked for is told too.
fn is_asked(asked: &pb::WatchRequestsRequest, record: &RequestRow, customer: &str, before: &(String, String)) -> bool {
    let is = |asked: &str, values: [&str; 2]| asked.is_empty() || values.contains(&asked);
    is(&asked.owner, [&record.owner, &before.0])
        && is(&asked.department, [&record.department, &before.1])
        && is(&asked.customer, [customer, customer])
}

/// Whose the request was before an event that gave it to somebody else, and their department.
fn before(kind: &str, payload: &[u8]) -> (String, String) {
    if kind == pb::RequestAssigned::full_name() {
        return (pb::RequestAssigned::decode(payload).unwrap_or_default().previous_owner, String::new());
    }
    if kind == pb::RequestClaimed::full_name() {
        return (pb::RequestClaimed::decode(payload).unwrap_or_default().previous_owner, String::new());
    }
    if kind == pb::TransferAnswered::full_name() {
        let transfer = pb::TransferAnswered::decode(payload).unwrap_or_default().transfer.unwrap_or_default();
        return (transfer.from_owner, transfer.from_department);
    }
    (String::new(), String::new())
}

/// Whether customers see a change of this kind: what they did or were told.
fn is_for_customers(kind: &str, payload: &[u8]) -> bool {
    if kind == pb::ProgressRecorded::full_name() {
        let recorded = pb::ProgressRecorded::decode(payload).unwrap_or_default();
        return recorded.progress.is_some_and(|progress| progress.told_by != 0);
    }
    [
        pb::RequestRegistered::full_name(),
        pb::RequestResponded::full_name(),
        pb::WaitPromised::full_name(),
        pb::CustomerAwaited::full_name(),
        pb::CustomerReplyRecorded::full_name(),
        pb::RequestResolved::full_name(),
        pb::ResolutionAsked::full_name(),
        pb::RequestReopened::full_name(),
        pb::RequestCancelled::full_name(),
        pb::RemoteAuthorized::full_name(),
        pb::UnmetExpectationAnswered::full_name(),
    ]
    .iter()
    .any(|known| known == kind)
}
