//! Watching: streams that read the sealed journal on from a position and send what a caller may see of it. They hold one page
//! at a time and read the next when the caller has taken it, so a slow reader costs nobody but itself.

use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use futures::Stream;
use kefu_proto::events::v1::Event;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

use super::feed;
use super::sealer::{read_head, sealed_after};
use crate::call::Call;
use crate::chassis::Chassis;
use crate::error::Error;
use crate::paging::Pages;

const PAGE: i64 = 500;
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// A watch that has begun.
pub struct Watch {
    chassis: Arc<Chassis>,
    call: Call,
    pages: Pages,
    position: i64,
    slot: OwnedSemaphorePermit,
}

/// What is sent.
#[derive(Debug)]
pub struct Watched<T> {
    /// Something to see; none in a sign of life.
    pub item: Option<T>,
    /// Where to go on.
    pub resume_token: String,
}

impl Watch {
    /// Goes on where `resume_token` says, or begins now when it is empty. `query` tells one watch from another.
    pub async fn begin(
        chassis: &Arc<Chassis>,
        call: Call,
        resume_token: &str,
        query: &[impl AsRef<str>],
    ) -> Result<Self, Error> {
        let slot = chassis.stream_slot()?;
        let pages = Pages::new(&call, query);
        let mut connection = chassis.pool().acquire().await?;
        let (head, _) = read_head(&mut connection, &chassis.service).await?;
        let position = if resume_token.is_empty() {
            head
        } else {
            pages.key::<i64>(resume_token).filter(|&position| position <= head).ok_or_else(|| {
                Error::field("resume_token", "is malformed, belongs to another query, or is beyond the journal's end")
            })?
        };
        Ok(Self { chassis: chassis.clone(), call, pages, position, slot })
    }

    /// Sends what `pick` finds in each page of events, each with its event's position in ascending order.
    pub fn run<T, F>(
        self,
        pick: impl Fn(Vec<Event>) -> F + Send + 'static,
    ) -> impl Stream<Item = Result<Watched<T>, Status>> + Send
    where
        T: Send + 'static,
        F: Future<Output = Result<Vec<(i64, T)>, Error>> + Send,
    {
        try_stream! {
            let Self { chassis, call, pages, mut position, slot: _slot } = self;
            let refused = |error: Error| error.into_status(call.language);
            let mut head = chassis.sealed.subscribe();
            let mut stop = chassis.stopping();
            let mut shown = tokio::time::Instant::now();
            // The first message says where the watch begins, before anything has happened.
            yield Watched { item: None, resume_token: pages.token(&position) };
            loop {
                head.borrow_and_update();
                // Whoever lost the right to see this meanwhile sees no more of it.
                chassis.still_admits(&call).map_err(refused)?;
                let events = read(&chassis, position).await.map_err(refused)?;
                let (full, last) = (events.len() == usize::try_from(PAGE).unwrap_or(0), events.last().map(|event| event.position));
                if let Some(last) = last {
                    for (at, item) in pick(events).await.map_err(refused)? {
                        shown = tokio::time::Instant::now();
                        yield Watched { item: Some(item), resume_token: pages.token(&at) };
                    }
                    position = last;
                }
                if full {
                    continue;
                }
                let wake = tokio::select! {
                    Ok(()) = head.changed() => feed::Wake::Sealed,
                    () = tokio::time::sleep_until(shown + SIGN_OF_LIFE) => feed::Wake::Quiet,
                    _ = stop.wait_for(|stopping| *stopping) => feed::Wake::Stop,
                };
                match wake {
                    feed::Wake::Sealed => {}
                    feed::Wake::Quiet => {
                        shown = tokio::time::Instant::now();
                        yield Watched { item: None, resume_token: pages.token(&position) };
                    }
                    feed::Wake::Stop => Err(refused(Error::Away("the service stops".into())))?,
                }
            }
        }
    }
}

async fn read(chassis: &Chassis, position: i64) -> Result<Vec<Event>, Error> {
    let mut connection = chassis.pool().acquire().await?;
    let rows = sealed_after(&mut connection, position, PAGE).await?;
    Ok(rows.into_iter().map(|row| feed::event(&chassis.service, row)).collect())
}
