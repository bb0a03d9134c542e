//! Follows the directory's journal: each replica reads it, whoever is first applies an event to the copy, and all read the
//! copy anew.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kefu_proto::directory::v1 as pb;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest};
use prost::Name as _;

use super::store;
use crate::chassis::Chassis;
use crate::error::{Error, describe};
use crate::journal::{feed, sealed_after};
use crate::peer::{Peer, PeerError};

/// The service that has the directory.
pub const FEED: &str = "services/appraisal";
/// The gRPC service that has it.
pub const SERVED_AS: &str = "kefu.directory.v1.DirectoryService";
const BATCH: usize = 500;
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Where the directory is.
#[derive(Clone, Debug)]
pub enum Source {
    /// In this very service.
    Here,
    /// In another.
    Peer(Peer),
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the directory cannot be reached")]
    Peer(#[from] PeerError),
    #[error("the directory refuses its feed")]
    Refused(#[from] tonic::Status),
    #[error("the directory's feed has ended")]
    Ended,
    #[error(
        "the directory's journal is not the one that was followed up to position {0}: it was rewritten or restored"
    )]
    Rewritten(i64),
    #[error("the copy cannot be kept")]
    Copy(#[source] Error),
}

impl<E: Into<Error>> From<E> for FollowError {
    fn from(error: E) -> Self {
        Self::Copy(error.into())
    }
}

/// Follows the directory until the service stops. What fails is tried again, at most every five seconds.
pub async fn run(chassis: Arc<Chassis>, source: Source) {
    let mut stop = chassis.stopping();
    let mut pause = PAUSE.0;
    loop {
        let before = tokio::time::Instant::now();
        let outcome = tokio::select! {
            outcome = follow(&chassis, &source) => outcome,
            _ = stop.wait_for(|stopping| *stopping) => return,
        };
        // What had gone well for a while is tried again at once; only the first of several failures is a warning.
        if before.elapsed() > PAUSE.1 {
            pause = PAUSE.0;
        }
        if let Err(error) = outcome {
            let (service, cause) = (&chassis.service, describe(&error));
            if pause == PAUSE.0 {
                tracing::warn!(service, cause, "the directory is not followed; the copy is used as it is");
            } else {
                tracing::debug!(service, cause, "the directory is not followed");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE.1),
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

async fn follow(chassis: &Chassis, source: &Source) -> Result<(), FollowError> {
    match source {
        Source::Here => follow_here(chassis).await,
        Source::Peer(peer) => follow_peer(chassis, peer).await,
    }
}

async fn follow_here(chassis: &Chassis) -> Result<(), FollowError> {
    let mut head = chassis.sealed.subscribe();
    let mut position = cursor(chassis).await?.position;
    loop {
        head.borrow_and_update();
        let mut connection = chassis.pool().acquire().await?;
        let rows = sealed_after(&mut connection, position, i64::try_from(BATCH).unwrap_or(0)).await?;
        drop(connection);
        let events: Vec<Event> = rows.into_iter().map(|row| feed::event(&chassis.service, row)).collect();
        if let Some(last) = events.last() {
            position = last.position;
            take(chassis, &events).await?;
        } else if head.changed().await.is_err() {
            return Err(FollowError::Ended);
        }
    }
}

async fn follow_peer(chassis: &Chassis, peer: &Peer) -> Result<(), FollowError> {
    let mut feed = EventFeedClient::new(peer.connect(&chassis.service, chassis.telemetry()).await?);
    let mut cursor = Some(cursor(chassis).await?).filter(|cursor| !cursor.hash.is_empty());
    // The event that the cursor stands at comes once more, to be compared with what it was.
    let request = SubscribeRequest {
        parent: FEED.into(),
        after_position: cursor.as_ref().map_or(0, |cursor| cursor.position - 1),
        payload_types: vec![
            pb::DepartmentCreated::full_name(),
            pb::DepartmentUpdated::full_name(),
            pb::StaffCreated::full_name(),
            pb::StaffUpdated::full_name(),
            pb::AbsenceRecorded::full_name(),
            pb::AbsenceEnded::full_name(),
            pb::GeneralManagerAppointed::full_name(),
        ],
    };
    let mut batches = feed.subscribe(request).await?.into_inner().ready_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        let mut events = Vec::with_capacity(batch.len());
        let mut behind = 0;
        for message in batch {
            let message = message?;
            if let Some(cursor) = cursor.take() {
                cursor.compare(message.event.as_ref())?;
            }
            // A sign of life without an event says that there is none of those asked for.
            behind = message.event.as_ref().map_or(0, |event| message.head_position - event.position);
            events.extend(message.event);
        }
        if !events.is_empty() {
            take(chassis, &events).await?;
        }
        chassis.set_feed_lag(FEED, behind);
    }
    Err(FollowError::Ended)
}

/// How far the copy is, and the hash of the chain there; no hash before the first event.
struct Cursor {
    position: i64,
    hash: Vec<u8>,
}

impl Cursor {
    /// Whether the chain still leads to where the copy is.
    fn compare(&self, event: Option<&Event>) -> Result<(), FollowError> {
        let is_same = event.is_some_and(|event| event.position == self.position && event.hash == self.hash);
        if is_same { Ok(()) } else { Err(FollowError::Rewritten(self.position)) }
    }
}

async fn cursor(chassis: &Chassis) -> Result<Cursor, Error> {
    let cursor = sqlx::query_as!(Cursor, "select position, hash from feed_cursor where feed = $1", FEED);
    Ok(cursor.fetch_optional(chassis.pool()).await?.unwrap_or(Cursor { position: 0, hash: Vec::new() }))
}

/// Applies events that the copy does not have yet, and the cursor with them; then reads the copy anew.
async fn take(chassis: &Chassis, events: &[Event]) -> Result<(), Error> {
    let Some(last) = events.last() else { return Ok(()) };
    let mut transaction = chassis.pool().begin().await?;
    sqlx::query!("insert into feed_cursor (feed, position, hash) values ($1, 0, '') on conflict do nothing", FEED)
        .execute(&mut *transaction)
        .await?;
    let known = sqlx::query_scalar!("select position from feed_cursor where feed = $1 for update", FEED)
        .fetch_one(&mut *transaction)
        .await?;
    for event in events.iter().filter(|event| event.position > known) {
        store::apply(&mut transaction, event).await?;
    }
    if last.position > known {
        sqlx::query!("update feed_cursor set position = $2, hash = $3 where feed = $1", FEED, last.position, last.hash)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(chassis.directory.reload(chassis.pool(), chassis.clock.now()).await?)
}
