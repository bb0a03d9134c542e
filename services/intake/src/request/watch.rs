//! Watching requests: each change that the caller may see, as it comes.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use kefu_chassis::call::Holder;
use kefu_chassis::journal::watch::{Watch, Watched};
use kefu_chassis::names::Id;
use kefu_chassis::{Call, Error};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as pb;
use tonic::Status;
use uuid::Uuid;

use super::Requests;
use super::store::{Record, requests};
use crate::shared::Request;

/// The stream that is sent.
pub type Changes = Pin<Box<dyn Stream<Item = Result<pb::WatchRequestsResponse, Status>> + Send>>;

impl Requests {
    pub(super) async fn watch(&self, call: Call, request: pb::WatchRequestsRequest) -> Result<Changes, Error> {
        let query = [&request.owner, &request.department, &request.customer];
        let watch = Watch::begin(&self.0, call.clone(), &request.resume_token, &query).await?;
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
        let records = requests!("where id = any($1)", &ids).fetch_all(self.0.pool()).await?;
        let is_asked = |record: &&Record| {
            let customer = record.customer_name();
            let holder = Holder { owner: &record.owner, department: &record.department, customer: &customer };
            let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
            call.reaches(holder)
                && is(&asked.owner, &record.owner)
                && is(&asked.department, &record.department)
                && is(&asked.customer, &customer)
        };
        let seen = events.into_iter().filter_map(|event| {
            let id = about(&event)?.uuid();
            let record = records.iter().find(|record| record.id == id).filter(is_asked)?;
            let payload = event.payload.map(|payload| payload.type_url).unwrap_or_default();
            let change = pb::WatchRequestsResponse {
                request: Some(record.show()),
                event: payload.rsplit('/').next().unwrap_or_default().to_owned(),
                clauses: event.clauses,
                occurred_time: event.occurred_time,
                resume_token: String::new(),
            };
            Some((event.position, change))
        });
        Ok(seen.collect())
    }
}
