//! The tail of the journal for one stream: sealed events from a position on, page by page. A page is read when the one before
//! has been sent, so a slow reader costs only itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::base::error::Error;
use crate::contract::call::Call;
use crate::store::chain::JournalRow;
use crate::store::journal::sealed_after;
use crate::work::chassis::Chassis;

/// The most events of a page.
const PAGE: usize = 500;
/// How long a stream sends nothing before it sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The journal's tail for one call.
pub struct Tail {
    chassis: Arc<Chassis>,
    call: Call,
    position: i64,
    head_position: i64,
    sealed: watch::Receiver<i64>,
    stop: watch::Receiver<bool>,
    sent_at: Instant,
    /// Whether there may be more events than were read.
    may_have_more: bool,
}

/// What comes next.
pub enum Next {
    /// Events, the oldest first; at least one.
    Events(Vec<JournalRow>),
    /// No event for so long that the stream has to show that it is alive.
    Heartbeat,
}

impl Tail {
    /// Creates the tail of the events after `position`, which ends when `call` is no longer admitted.
    pub fn new(chassis: Arc<Chassis>, call: Call, position: i64) -> Self {
        let (sealed, stop) = (chassis.sealed.subscribe(), chassis.stopping());
        let (sent_at, may_have_more) = (Instant::now(), true);
        Self { chassis, call, position, head_position: position, sealed, stop, sent_at, may_have_more }
    }

    /// Returns the position of the last event that was read.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Returns the journal's last sealed position, as far as this tail has seen.
    pub fn head_position(&self) -> i64 {
        self.head_position
    }

    /// Notes that something was sent, which puts off the next heartbeat.
    pub fn sent(&mut self) {
        self.sent_at = Instant::now();
    }

    /// Waits for the next events, or the next heartbeat. Refused once the caller has lost the right to the stream, or the
    /// service stops.
    pub async fn next(&mut self) -> Result<Next, Error> {
        loop {
            if !self.may_have_more {
                self.may_have_more = true;
                let is_quiet = tokio::select! {
                    Ok(()) = self.sealed.changed() => false,
                    () = tokio::time::sleep_until(self.sent_at + HEARTBEAT) => true,
                    _ = self.stop.wait_for(|stopping| *stopping) => return Err(Error::Stopping),
                };
                if is_quiet {
                    self.sent();
                    return Ok(Next::Heartbeat);
                }
            }
            // The head is marked as seen before the page is read, so that events sealed meanwhile wake the tail again.
            let known = *self.sealed.borrow_and_update();
            // A caller who lost the right to the stream meanwhile gets no more.
            self.chassis.still_admits(&self.call)?;
            let rows = self.page().await?;
            self.may_have_more = rows.len() == PAGE;
            self.position = rows.last().and_then(|row| row.position).unwrap_or(self.position);
            self.head_position = known.max(self.position);
            if !rows.is_empty() {
                return Ok(Next::Events(rows));
            }
        }
    }

    async fn page(&self) -> Result<Vec<JournalRow>, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        Ok(sealed_after(&mut connection, self.position, i64::try_from(PAGE).unwrap_or(i64::MAX)).await?)
    }
}
