//! The feed: `kefu.events.v1.EventFeed`, for every service alike.

use std::sync::Arc;
use std::time::Duration;

use kefu_proto::events::v1::{SubscribeRequest, SubscribeResponse, VerifyJournalRequest, VerifyJournalResponse};

use crate::base::error::Error;
use crate::contract::call::{Answers, Call};
use crate::store::chain::JournalRow;
use crate::store::journal::{event, read_head, sealed_after};
use crate::work::chassis::Chassis;
use crate::work::verify::verify;

const PAGE: i64 = 500;
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Serves a service's journal.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The chassis of the service.
    pub chassis: Arc<Chassis>,
}

kefu_proto::serve_event_feed!(Feed);

impl Feed {
    async fn subscribe(&self, call: Call, request: SubscribeRequest) -> Result<Answers<SubscribeResponse>, Error> {
        self.chassis.check_parent(&request.parent)?;
        self.check_cursor(request.after_position).await?;
        let language = call.language;
        let chassis = self.chassis.clone();
        let slot = chassis.stream_slot()?;
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
                    () = tokio::time::sleep_until(shown + HEARTBEAT) => Wake::Quiet,
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
        Ok(Box::pin(stream))
    }

    async fn verify_journal(&self, _: &Call, request: VerifyJournalRequest) -> Result<VerifyJournalResponse, Error> {
        self.chassis.check_parent(&request.parent)?;
        verify(&self.chassis, &request.anchors).await
    }

    /// Refuses a position that the journal does not reach: it was restored from a backup, or is another's.
    async fn check_cursor(&self, position: i64) -> Result<(), Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let (head, _) = read_head(&mut connection, &self.chassis.service).await?;
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

async fn read_page(chassis: &Chassis, cursor: i64) -> Result<Vec<JournalRow>, Error> {
    let mut connection = chassis.pool().acquire().await?;
    Ok(sealed_after(&mut connection, cursor, PAGE).await?)
}
