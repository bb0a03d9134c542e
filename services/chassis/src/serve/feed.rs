//! The feed, `kefu.events.v1.EventFeed`, the same in every service.

use std::sync::Arc;

use kefu_proto::events::v1::{SubscribeRequest, SubscribeResponse, VerifyJournalRequest, VerifyJournalResponse};

use crate::base::error::Error;
use crate::contract::call::{Answers, Call};
use crate::serve::tail::{Next, Tail};
use crate::store::journal::{event, read_head};
use crate::work::chassis::Chassis;
use crate::work::verify::verify;
use crate::wrong;

/// The methods of a service's journal.
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
        let mut tail = Tail::new(chassis.clone(), call, request.after_position);
        let stream = async_stream::try_stream! {
            let _slot = slot;
            loop {
                match tail.next().await.map_err(|error| error.into_status(language))? {
                    Next::Events(rows) => {
                        let head_position = tail.head_position();
                        for row in rows {
                            if request.payload_types.is_empty() || request.payload_types.contains(&row.payload_type) {
                                tail.sent();
                                yield SubscribeResponse { event: Some(event(&chassis.service, row)), head_position };
                            }
                        }
                        follower.reached(tail.position());
                    }
                    Next::Heartbeat => yield SubscribeResponse { event: None, head_position: tail.head_position() },
                }
            }
        };
        Ok(Box::pin(stream))
    }

    async fn verify_journal(&self, call: &Call, request: VerifyJournalRequest) -> Result<VerifyJournalResponse, Error> {
        self.chassis.check_parent(&request.parent)?;
        verify(&self.chassis, call.language, &request.anchors).await
    }

    /// Refuses a position that the journal does not reach: the journal was restored from a backup, or the position
    /// belongs to another journal.
    async fn check_cursor(&self, position: i64) -> Result<(), Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let (head, _) = read_head(&mut connection, &self.chassis.service).await?;
        if position <= head {
            Ok(())
        } else {
            Err(Error::field(
                "after_position",
                wrong!(OutOfRange, "is beyond the journal's end at {head}", "超出运行日志的末尾（{head}）"),
            ))
        }
    }
}
