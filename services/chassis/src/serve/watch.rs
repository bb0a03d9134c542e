//! Watches: streams that follow the sealed journal from a position on and send what the caller may see of it.

use std::sync::Arc;

use async_stream::try_stream;
use futures::{Stream, StreamExt as _};
use kefu_proto::Resumable;
use kefu_proto::events::v1::Event;
use kefu_proto::payload::is_seen_by_customers;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use uuid::Uuid;

use crate::base::error::Error;
use crate::base::names::Resource;
use crate::contract::call::{Answers, Call};
use crate::contract::paging::{Key, Pages};
use crate::serve::tail::{Next, Tail};
use crate::store::journal::{self, read_head};
use crate::work::chassis::Chassis;
use crate::work::step::AggregateRoot;
use crate::wrong;

/// A watch that has begun.
pub struct Watch {
    chassis: Arc<Chassis>,
    call: Call,
    pages: Pages,
    seen: Seen,
    slot: OwnedSemaphorePermit,
}

/// How far a watch has come: it has sent every event up to a position or, of the event there, only the first items.
#[derive(Clone, Copy)]
struct Seen {
    position: i64,
    /// The number of items sent of the event at the position; all when 0.
    items: u32,
}

impl Key for Seen {
    fn write(&self) -> Vec<u8> {
        let items = self.items.to_be_bytes();
        [self.position.to_be_bytes().as_slice(), if self.items == 0 { &[] } else { &items }].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (position, items) = bytes.split_first_chunk::<8>()?;
        let items = if items.is_empty() { 0 } else { u32::from_be_bytes(items.try_into().ok()?) };
        Some(Self { position: i64::from_be_bytes(*position), items })
    }
}

/// One message of a watch.
#[derive(Debug)]
pub struct Watched<T> {
    /// The item; none in a heartbeat.
    pub item: Option<T>,
    /// The token with which the watch resumes after this message.
    pub resume_token: String,
}

impl Watch {
    /// Resumes where the request's token says, or begins now when it has none. Refused when the token is of another query.
    pub async fn begin(chassis: &Arc<Chassis>, call: Call, request: &impl Resumable) -> Result<Self, Error> {
        let slot = chassis.stream_slot()?;
        let (pages, resume_token) = (Pages::new(&call, &[request.query()]), request.resume_token());
        let mut connection = chassis.pool().acquire().await?;
        let (head, _) = read_head(&mut connection, &chassis.service).await?;
        let seen = if resume_token.is_empty() {
            Seen { position: head, items: 0 }
        } else {
            pages.key::<Seen>(resume_token).filter(|seen| seen.position <= head).ok_or_else(|| {
                Error::field(
                    "resume_token",
                    wrong!(
                        Token,
                        "is malformed, belongs to another query, or is beyond the journal's end",
                        "无效，或不属于此查询，或已超出运行日志末尾"
                    ),
                )
            })?
        };
        Ok(Self { chassis: chassis.clone(), call, pages, seen, slot })
    }

    /// Sends the items that `pick` finds in each page of events, each with its event's position, in ascending order.
    pub fn run<T, F>(
        self,
        pick: impl Fn(Vec<Event>) -> F + Send + 'static,
    ) -> impl Stream<Item = Result<Watched<T>, Status>> + Send
    where
        T: Send + 'static,
        F: Future<Output = Result<Vec<(i64, T)>, Error>> + Send,
    {
        try_stream! {
            let Self { chassis, call, pages, seen, slot: _slot } = self;
            let begins_after = if seen.items == 0 { seen.position } else { seen.position - 1 };
            let refused = |error: Error| error.into_status(call.language);
            let mut tail = Tail::new(chassis.clone(), call.clone(), begins_after);
            // The first message says where the watch begins, before anything has happened.
            yield Watched { item: None, resume_token: pages.token(&seen) };
            loop {
                let mut sent = Seen { position: tail.position(), items: 0 };
                match tail.next().await.map_err(refused)? {
                    Next::Events(rows) => {
                        let events = rows.into_iter().map(|row| journal::event(&chassis.service, row)).collect();
                        let mut items = pick(events).await.map_err(refused)?.into_iter().peekable();
                        while let Some((at, item)) = items.next() {
                            sent = Seen { position: at, items: if at == sent.position { sent.items + 1 } else { 1 } };
                            if at == seen.position && sent.items <= seen.items {
                                continue;
                            }
                            let is_last = items.peek().is_none_or(|(next, _)| *next != at);
                            tail.sent();
                            let token = pages.token(&Seen { items: if is_last { 0 } else { sent.items }, ..sent });
                            yield Watched { item: Some(item), resume_token: token };
                        }
                    }
                    Next::Heartbeat => yield Watched { item: None, resume_token: pages.token(&sent) },
                }
            }
        }
    }
}

/// The root of an aggregate whose changes can be watched.
pub trait WatchedRoot: AggregateRoot<Shown: 'static> + 'static {
    /// The request of the watch.
    type Request: Resumable + 'static;
    /// The message of the stream.
    type Response: 'static;

    /// Whether the request asks for what `event` did to this root. An event that took the root from an owner whom the request
    /// names counts too.
    fn is_asked_for(&self, call: &Call, request: &Self::Request, event: &Event) -> bool;
    /// Creates the message of a change; in a heartbeat there is none, and the message says only where to resume.
    fn respond(change: Option<RootChange<Self::Shown>>, resume_token: String) -> Self::Response;
}

/// A change of a root as watchers get it.
#[derive(Debug)]
pub struct RootChange<S> {
    /// The root as it is now, as the caller may see it.
    pub root: S,
    /// The type of the event's payload, e.g. `kefu.intake.v1.RequestResolved`.
    pub event: String,
    /// The clauses under which the change happened.
    pub clauses: Vec<String>,
    /// When the change happened.
    pub occurred_time: Option<prost_types::Timestamp>,
}

/// Sends every change of roots `R` that the caller may see and asks for, from now on or from where the request resumes.
pub async fn watch_roots<R: WatchedRoot>(
    chassis: &Arc<Chassis>,
    call: Call,
    request: R::Request,
) -> Result<Answers<R::Response>, Error> {
    let watch = Watch::begin(chassis, call.clone(), &request).await?;
    let asked = Arc::new((chassis.clone(), call, request));
    let stream = watch.run(move |events| {
        let asked = asked.clone();
        async move {
            let (chassis, call, request) = &*asked;
            changes::<R>(chassis, call, request, events).await
        }
    });
    Ok(Box::pin(stream.map(|step| step.map(|Watched { item, resume_token }| R::respond(item, resume_token)))))
}

/// Returns the changes that the caller may see and asks for among some events, each with its position and with the root as it
/// is now.
async fn changes<R: WatchedRoot>(
    chassis: &Chassis,
    call: &Call,
    request: &R::Request,
    events: Vec<Event>,
) -> Result<Vec<(i64, RootChange<R::Shown>)>, Error> {
    let mut ids: Vec<Uuid> = events.iter().filter_map(root_of::<R>).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let roots = R::load(&mut *chassis.pool().acquire().await?, &ids).await?;
    let changes = events.into_iter().filter_map(|event| {
        let id = root_of::<R>(&event)?;
        let root = roots.iter().find(|root| root.id().uuid() == id)?;
        let (name, value) = event.payload.as_ref().map_or(("", [].as_slice()), |payload| {
            (payload.type_url.rsplit('/').next().unwrap_or_default(), payload.value.as_slice())
        });
        let is_visible = call.reaches(&root.stakeholders())
            && (!call.is_customer() || is_seen_by_customers(name, value))
            && root.is_asked_for(call, request, &event);
        is_visible.then(|| {
            let (event_type, root) = (name.to_owned(), root.show_to(call));
            let Event { position, clauses, occurred_time, .. } = event;
            (position, RootChange { root, event: event_type, clauses, occurred_time })
        })
    });
    Ok(changes.collect())
}

/// Returns the id of the root that an event is about, if it is about one.
fn root_of<R: AggregateRoot>(event: &Event) -> Option<Uuid> {
    let id = event.aggregate.strip_prefix(R::Kind::COLLECTION)?.strip_prefix('/')?;
    Uuid::try_parse(id).ok()
}
