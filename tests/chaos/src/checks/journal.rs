//! Follows one journal as a subscriber does, and checks that its events come in order, without gaps, and none twice.
//! The service also verifies the journal against the heads seen before.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Anchor, Event, SubscribeRequest, VerifyJournalRequest, VerifyJournalResponse};
use kefu_testkit::Caller;
use kefu_testkit::rig::{Process, Rig};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use crate::ledger::Ledger;

/// How long a journal may have unsealed events while the load is paused, and how long its feed may take for a message.
const SEALING: Duration = Duration::from_secs(10);
/// Most heads of a journal that are kept to verify it against.
const ANCHORS: usize = 100;

/// Record of everything that was read from one journal.
pub struct Journal {
    /// Name of the service, which is also its schema.
    pub service: &'static str,
    feed: EventFeedClient<Caller>,
    position: i64,
    anchors: Vec<Anchor>,
    seen: HashSet<String>,
    versions: HashMap<String, i64>,
    events: HashMap<String, usize>,
    breached: HashSet<String>,
    told: HashSet<(String, String)>,
}

impl Journal {
    /// Begins to follow the journal of the service of `process`.
    pub fn of(rig: &Rig, process: &Process) -> Self {
        let feed = EventFeedClient::new(rig.caller(process, "services/chaos", &["SERVICE"]));
        Self {
            service: process.service(),
            feed,
            position: 0,
            anchors: Vec::new(),
            seen: HashSet::new(),
            versions: HashMap::new(),
            events: HashMap::new(),
            breached: HashSet::new(),
            told: HashSet::new(),
        }
    }

    /// Returns how many events of an aggregate were read.
    pub fn events_of(&self, aggregate: &str) -> usize {
        self.events.get(aggregate).copied().unwrap_or(0)
    }

    /// Has the service verify its journal, and reads all new events up to the verified head. Events that are out of
    /// order or repeated are recorded as violations.
    pub async fn follow(&mut self, ledger: &Ledger) -> Result<(), String> {
        let verified = self.verify().await?;
        if !verified.findings.is_empty() {
            return Err(format!("the journal does not hold: {:?}", verified.findings));
        }
        let head = verified.head.ok_or("the journal has no head")?;
        if self.position < head.position {
            let request = SubscribeRequest {
                parent: format!("services/{}", self.service),
                after_position: self.position,
                ..Default::default()
            };
            let feed = self.feed.clone();
            let subscribed = patiently(async || feed.clone().subscribe(request.clone()).await).await?;
            let mut stream = subscribed.into_inner();
            while self.position < head.position {
                let next = timeout(SEALING, stream.message()).await.map_err(|_| "the feed stands still")?;
                let message = next.map_err(|status| status.to_string())?.ok_or("the feed ends")?;
                if let Some(event) = message.event {
                    self.take(event, ledger);
                }
            }
        }
        self.anchors.push(head);
        let surplus = self.anchors.len().saturating_sub(ANCHORS);
        self.anchors.drain(..surplus);
        Ok(())
    }

    /// Returns the service's verification of its journal once all events are sealed. Fails after [`SEALING`].
    async fn verify(&mut self) -> Result<VerifyJournalResponse, String> {
        let began = Instant::now();
        loop {
            let request =
                VerifyJournalRequest { parent: format!("services/{}", self.service), anchors: self.anchors.clone() };
            let feed = self.feed.clone();
            let verified = patiently(async || feed.clone().verify_journal(request.clone()).await).await?.into_inner();
            if verified.unsealed_count == 0 {
                return Ok(verified);
            }
            if began.elapsed() > SEALING {
                return Err(format!("{} events are unsealed after {SEALING:?}", verified.unsealed_count));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn take(&mut self, event: Event, ledger: &Ledger) {
        let service = self.service;
        if event.position != self.position + 1 {
            ledger.violated(format!("{service}: position {} follows {}", event.position, self.position));
        }
        self.position = event.position;
        if !self.seen.insert(event.event_id.clone()) {
            ledger.violated(format!("{service}: event {} came twice", event.event_id));
        }
        let before = self.versions.insert(event.aggregate.clone(), event.aggregate_version).unwrap_or(0);
        // A duty also changes with events of other aggregates, which do not carry its version, so versions may skip.
        let is_next = event.aggregate_version == before + 1 || event.aggregate.contains("/duties/");
        if !is_next || event.aggregate_version <= before {
            let (version, aggregate) = (event.aggregate_version, &event.aggregate);
            ledger.violated(format!("{service}: version {version} of {aggregate} follows {before}"));
        }
        *self.events.entry(event.aggregate).or_default() += 1;
        for change in event.duty_changes {
            let is_first = match change.kind() {
                Kind::Breached => self.breached.insert(change.duty.clone()),
                Kind::Escalated => self.told.insert((change.duty.clone(), change.notified.clone())),
                _ => true,
            };
            if !is_first {
                ledger.violated(format!("{service}: {:?} twice: {} {}", change.kind(), change.duty, change.notified));
            }
        }
    }
}

/// Repeats a call for up to [`SEALING`] while the service answers that it is unavailable, as it may still hold broken
/// database connections.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, Status>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(status) if status.code() == Code::Unavailable && began.elapsed() < SEALING => {
                sleep(Duration::from_millis(50)).await;
            }
            Err(status) => return Err(status.to_string()),
        }
    }
}
