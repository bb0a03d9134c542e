//! The feed: `kefu.events.v1.EventFeed`, for every service alike.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use kefu_proto::events::v1::event_feed_server::EventFeed;
use kefu_proto::events::v1::{Event, SubscribeRequest, SubscribeResponse, VerifyJournalRequest, VerifyJournalResponse};
use prost::Message as _;
use prost_types::Any;
use tonic::{Request, Response, Status};

use super::DutyChanges;
use super::chain::Row;
use super::sealer::{read_head, sealed_after};
use crate::chassis::Chassis;
use crate::error::Error;
use crate::time::to_proto;

const PAGE: i64 = 500;
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Serves a service's journal.
#[derive(Clone, Debug)]
pub struct Feed(pub Arc<Chassis>);

#[tonic::async_trait]
impl EventFeed for Feed {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let (call, request) = self.0.admit(request)?;
        self.0.check_parent(&request.parent).map_err(|error| error.into_status(call.language))?;
        let language = call.language;
        self.check_cursor(request.after_position).await.map_err(|error| error.into_status(language))?;
        let chassis = self.0.clone();
        let slot = chassis.stream_slot().map_err(|error| error.into_status(language))?;
        let follower = chassis.gauges.follow(&call.caller.subject, request.after_position);
        let stream = async_stream::try_stream! {
            let _slot = slot;
            let mut cursor = request.after_position;
            let mut head = chassis.sealed.subscribe();
            let mut stop = chassis.stopping();
            let mut shown = tokio::time::Instant::now();
            loop {
                // Seen before the page is read, so that what is sealed meanwhile wakes the loop again.
                let known = *head.borrow_and_update();
                // Whoever lost the right to it meanwhile gets no more.
                chassis.still_admits(&call).map_err(|error| error.into_status(language))?;
                let rows = read_page(&chassis, cursor).await.map_err(|error| error.into_status(language))?;
                let full = rows.len() == usize::try_from(PAGE).unwrap_or(0);
                let head_position = known.max(rows.last().and_then(|row| row.position).unwrap_or(cursor));
                for row in rows {
                    cursor = row.position.unwrap_or(cursor);
                    if request.payload_types.is_empty() || request.payload_types.contains(&row.payload_type) {
                        shown = tokio::time::Instant::now();
                        yield SubscribeResponse { event: Some(event(&chassis.service, row)), head_position };
                    }
                }
                follower.reached(cursor);
                if full {
                    continue;
                }
                let wake = tokio::select! {
                    Ok(()) = head.changed() => Wake::Sealed,
                    () = tokio::time::sleep_until(shown + SIGN_OF_LIFE) => Wake::Quiet,
                    _ = stop.wait_for(|stopping| *stopping) => Wake::Stop,
                };
                match wake {
                    Wake::Sealed => {}
                    Wake::Quiet => {
                        shown = tokio::time::Instant::now();
                        yield SubscribeResponse { event: None, head_position };
                    }
                    Wake::Stop => Err(Error::Stopping.into_status(language))?,
                }
            }
        };
        Ok(Response::new(Box::pin(stream)))
    }

    async fn verify_journal(
        &self,
        request: Request<VerifyJournalRequest>,
    ) -> Result<Response<VerifyJournalResponse>, Status> {
        let (call, request) = self.0.admit(request)?;
        self.0.check_parent(&request.parent).map_err(|error| error.into_status(call.language))?;
        self.0.settle(&call, super::verify::verify(&self.0, &request.anchors).await).await
    }
}

impl Feed {
    /// Refuses a position that the journal does not reach: it was restored from a backup, or is another's.
    async fn check_cursor(&self, position: i64) -> Result<(), Error> {
        let mut connection = self.0.pool().acquire().await?;
        let (head, _) = read_head(&mut connection, &self.0.service).await?;
        if position <= head {
            Ok(())
        } else {
            Err(Error::field("after_position", format!("is beyond the journal's end at {head}")))
        }
    }
}

/// Why a feed that had nothing to send goes on.
pub enum Wake {
    Sealed,
    Quiet,
    Stop,
}

async fn read_page(chassis: &Chassis, cursor: i64) -> Result<Vec<Row>, Error> {
    let mut connection = chassis.pool().acquire().await?;
    Ok(sealed_after(&mut connection, cursor, PAGE).await?)
}

/// As the feed shows it.
pub fn event(service: &str, row: Row) -> Event {
    let mut duty_changes =
        DutyChanges::decode(row.duty_changes.as_slice()).map(|changes| changes.changes).unwrap_or_default();
    // Inside the service a duty has its own name; outside the service is part of it.
    for change in &mut duty_changes {
        change.duty = format!("{service}/{}", change.duty);
    }
    Event {
        position: row.position.unwrap_or_default(),
        event_id: row.event_id.to_string(),
        service: service.to_owned(),
        aggregate: row.aggregate,
        aggregate_version: row.aggregate_version,
        actor: row.actor,
        occurred_time: Some(to_proto(row.occurred_at.to_jiff())),
        recorded_time: Some(to_proto(row.recorded_at.to_jiff())),
        clauses: row.clauses,
        regulation_version: row.regulation,
        payload: row.payload.map(|value| Any { type_url: format!("type.googleapis.com/{}", row.payload_type), value }),
        duty_changes,
        corrects: row.corrects.map(|id| id.to_string()).unwrap_or_default(),
        hash: row.hash.unwrap_or_default(),
    }
}
