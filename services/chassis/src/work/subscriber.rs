//! Subscriptions to the journal of a service. Each replica reads it, and the first one applies an event in the transaction
//! that moves the cursor, so that effects happen once, whatever crashes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest};
use sqlx::PgConnection;
use tonic::Code;

use crate::base::error::{Error, describe};
use crate::store::journal::{self, sealed_after};
use crate::work::chassis::Chassis;
use crate::work::peer::PeerError;

const BATCH: usize = 500;
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A subscription: the journal that is followed, and what is done with its events.
pub struct Subscription {
    /// The service whose journal is followed, e.g. `services/appraisal`; it may be the following service itself.
    pub feed: &'static str,
    /// The full names of the payloads that are asked for.
    pub payload_types: Vec<String>,
    /// The function that applies an event, in the transaction of the cursor.
    pub apply: Apply,
    /// The function that runs after each committed batch, and at the start.
    pub after: After,
}

/// A function that applies an event.
pub type Apply = for<'a> fn(&'a Chassis, &'a mut PgConnection, &'a Event) -> BoxFuture<'a, Result<(), Error>>;
/// A function that runs after a batch.
pub type After = for<'a> fn(&'a Chassis) -> BoxFuture<'a, Result<(), Error>>;

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("it is not known where {0} is")]
    Unknown(&'static str),
    #[error("the peer cannot be reached")]
    Peer(#[from] PeerError),
    #[error("the peer refuses its feed")]
    Refused(#[from] tonic::Status),
    #[error("the feed has ended")]
    Ended,
    #[error("the journal is not the one that was followed up to position {0}: it was rewritten or restored")]
    Rewritten(i64),
    #[error("the effects cannot be stored")]
    Effect(#[source] Error),
}

impl<E: Into<Error>> From<E> for FollowError {
    fn from(error: E) -> Self {
        Self::Effect(error.into())
    }
}

/// Follows a journal until the service stops. After a failure it tries again, with pauses of up to five seconds.
pub async fn run(chassis: Arc<Chassis>, subscription: Subscription) {
    let mut stop = chassis.stopping();
    let mut pause = PAUSE.0;
    loop {
        let before = tokio::time::Instant::now();
        let outcome = tokio::select! {
            outcome = follow(&chassis, &subscription) => outcome,
            _ = stop.wait_for(|stopping| *stopping) => return,
        };
        // The pause is short again once the journal was followed for a while. Only the first of several failures is a
        // warning.
        if before.elapsed() > PAUSE.1 {
            pause = PAUSE.0;
        }
        if let Err(error) = outcome {
            let (service, feed, cause) = (&chassis.service, subscription.feed, describe(&error));
            if pause == PAUSE.0 && !matches!(error, FollowError::Unknown(_)) {
                tracing::warn!(service, feed, cause, "a feed is not followed; what is known of it is used as it is");
            } else {
                tracing::debug!(service, feed, cause, "a feed is not followed");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE.1),
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Follows a journal until it is to be asked for anew.
async fn follow(chassis: &Chassis, subscription: &Subscription) -> Result<(), FollowError> {
    if subscription.feed == chassis.service {
        follow_here(chassis, subscription).await
    } else {
        follow_peer(chassis, subscription).await
    }
}

async fn follow_here(chassis: &Chassis, subscription: &Subscription) -> Result<(), FollowError> {
    let mut head = chassis.sealed.subscribe();
    let mut position = cursor(chassis, subscription.feed).await?.position;
    // Another replica, or this one before its start, may have applied events since.
    (subscription.after)(chassis).await?;
    loop {
        head.borrow_and_update();
        let mut connection = chassis.pool().acquire().await?;
        let rows = sealed_after(&mut connection, position, i64::try_from(BATCH).unwrap_or(0)).await?;
        drop(connection);
        let events: Vec<Event> = rows.into_iter().map(|row| journal::event(&chassis.service, row)).collect();
        if let Some(last) = events.last() {
            position = last.position;
            take(chassis, subscription, &events).await?;
        } else if head.changed().await.is_err() {
            return Err(FollowError::Ended);
        }
    }
}

async fn follow_peer(chassis: &Chassis, subscription: &Subscription) -> Result<(), FollowError> {
    let schema = subscription.feed.trim_start_matches("services/");
    let peer = chassis.peers.get(schema).ok_or(FollowError::Unknown(subscription.feed))?;
    let mut feed = EventFeedClient::new(peer.connect(&chassis.service, chassis.telemetry()).await?);
    (subscription.after)(chassis).await?;
    let mut cursor = Some(cursor(chassis, subscription.feed).await?).filter(|cursor| !cursor.hash.is_empty());
    // The event at the cursor is asked for once more, to be compared with what it was.
    let request = SubscribeRequest {
        parent: subscription.feed.to_owned(),
        after_position: cursor.as_ref().map_or(0, |cursor| cursor.position - 1),
        payload_types: subscription.payload_types.clone(),
    };
    let mut batches = feed.subscribe(request).await?.into_inner().ready_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        let mut events = Vec::with_capacity(batch.len());
        let mut behind = 0;
        for message in batch {
            let message = match message {
                // The token of this connection has ended; the feed is followed on with the next.
                Err(status) if status.code() == Code::Unauthenticated => return Ok(()),
                message => message?,
            };
            if let Some(cursor) = cursor.take() {
                cursor.compare(message.event.as_ref())?;
            }
            // A heartbeat without an event says that there is none of those asked for.
            behind = message.event.as_ref().map_or(0, |event| message.head_position - event.position);
            events.extend(message.event);
        }
        if !events.is_empty() {
            take(chassis, subscription, &events).await?;
        }
        chassis.set_feed_lag(subscription.feed, behind);
    }
    Err(FollowError::Ended)
}

/// The position up to which the journal was followed, and the chain's hash there; no hash before the first event.
struct Cursor {
    position: i64,
    hash: Vec<u8>,
}

impl Cursor {
    /// Fails unless the chain still leads to the cursor.
    fn compare(&self, event: Option<&Event>) -> Result<(), FollowError> {
        let is_same = event.is_some_and(|event| event.position == self.position && event.hash == self.hash);
        if is_same { Ok(()) } else { Err(FollowError::Rewritten(self.position)) }
    }
}

async fn cursor(chassis: &Chassis, feed: &str) -> Result<Cursor, Error> {
    let cursor = sqlx::query_as!(Cursor, "select position, hash from feed_cursor where feed = $1", feed);
    Ok(cursor.fetch_optional(chassis.pool()).await?.unwrap_or(Cursor { position: 0, hash: Vec::new() }))
}

/// Applies events that were not applied yet, and moves the cursor with them.
async fn take(chassis: &Chassis, subscription: &Subscription, events: &[Event]) -> Result<(), Error> {
    let Some(last) = events.last() else { return Ok(()) };
    let feed = subscription.feed;
    let mut transaction = chassis.pool().begin().await?;
    sqlx::query!("insert into feed_cursor (feed, position, hash) values ($1, 0, '') on conflict do nothing", feed)
        .execute(&mut *transaction)
        .await?;
    let known = sqlx::query_scalar!("select position from feed_cursor where feed = $1 for update", feed)
        .fetch_one(&mut *transaction)
        .await?;
    for event in events.iter().filter(|event| event.position > known) {
        (subscription.apply)(chassis, &mut transaction, event).await?;
    }
    if last.position > known {
        sqlx::query!("update feed_cursor set position = $2, hash = $3 where feed = $1", feed, last.position, last.hash)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    (subscription.after)(chassis).await
}
