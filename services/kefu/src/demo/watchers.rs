//! Two people watch all day by streams: one every change of a request, one her notifications. At the end the changes
//! are compared with the journal, the notifications with the list.

use std::fmt::Debug;

use futures::FutureExt as _;
use kefu_proto::events::v1::{Event, SubscribeRequest, VerifyJournalRequest};
use kefu_proto::intake::v1::{WatchRequestsRequest, WatchRequestsResponse};
use kefu_proto::notifications::v1::{WatchNotificationsRequest, WatchNotificationsResponse};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::stage::{INTAKE, Person, Stage, WITHIN};

/// The two streams, and the messages received.
pub struct Watchers {
    requests: Streaming<WatchRequestsResponse>,
    changes: Vec<(String, String)>,
    notifications: Streaming<WatchNotificationsResponse>,
    notified: Vec<String>,
    supervisor: Person,
}

impl Watchers {
    /// Opens the streams.
    pub async fn begin(stage: &mut Stage) -> Result<Self, Status> {
        let (deputy_manager, supervisor) = (stage.staff("deng")?, stage.staff("mei")?);
        let requests = deputy_manager.requests().watch_requests(WatchRequestsRequest::default()).await?.into_inner();
        let call = WatchNotificationsRequest { parent: INTAKE.into(), ..Default::default() };
        let notifications = supervisor.notifications().watch_notifications(call).await?.into_inner();
        stage.say(
            &format!(
                "{}, deputy general manager, watches every request; {} watches what she is told",
                deputy_manager.called, supervisor.called
            ),
            &["A9.1"],
        );
        Ok(Self { requests, changes: Vec::new(), notifications, notified: Vec::new(), supervisor })
    }

    /// Takes the messages that have arrived, without waiting.
    pub fn take_arrived(&mut self) -> Result<(), Status> {
        while let Some(message) = self.requests.message().now_or_never() {
            self.changes.extend(message?.and_then(change));
        }
        while let Some(message) = self.notifications.message().now_or_never() {
            self.notified.extend(message?.and_then(|message| message.notification).map(|notified| notified.name));
        }
        Ok(())
    }

    /// Waits for the rest, and expects every message once and in order.
    pub async fn end(mut self, stage: &mut Stage) -> Result<(), Status> {
        let journal: Vec<(String, String)> = events(stage).await?.into_iter().filter_map(request_event).collect();
        let mut list: Vec<String> =
            self.supervisor.received_notifications().await?.into_iter().map(|notified| notified.name).collect();
        list.reverse();
        let late = |_| Status::deadline_exceeded("what was watched did not come");
        while self.changes.len() < journal.len() {
            let message = timeout(WITHIN, self.requests.message()).await.map_err(late)??;
            self.changes.extend(message.and_then(change));
        }
        while self.notified.len() < list.len() {
            let message = timeout(WITHIN, self.notifications.message()).await.map_err(late)??;
            self.notified.extend(message.and_then(|message| message.notification).map(|notified| notified.name));
        }
        self.take_arrived()?;
        let mut requests: Vec<&str> = journal.iter().map(|(request, _)| request.as_str()).collect();
        requests.sort_unstable();
        requests.dedup();
        let (deng, mei) = (stage.called("staff/deng").to_owned(), self.supervisor.called.clone());
        stage.say(
            &format!(
                "{deng} has seen {} changes of {} requests; {mei} was told {} thing{} that went wrong",
                self.changes.len(),
                requests.len(),
                self.notified.len(),
                if self.notified.len() == 1 { "" } else { "s" }
            ),
            &["A9.1"],
        );
        compare(stage, "the changes watched, beside the journal", &self.changes, &journal);
        compare(stage, "the notifications watched, beside the list", &self.notified, &list);
        Ok(())
    }
}

/// Expects `seen` to equal `there`.
fn compare<T: PartialEq + Debug>(stage: &mut Stage, what: &str, seen: &[T], there: &[T]) {
    stage.play.expect(&format!("the number of {what}"), seen.len(), there.len());
    stage.play.expect(what, seen.iter().zip(there).find(|(seen, there)| seen != there), None);
}

fn change(message: WatchRequestsResponse) -> Option<(String, String)> {
    Some((message.request?.name, message.event))
}

fn request_event(event: Event) -> Option<(String, String)> {
    let payload = event.payload?.type_url;
    let payload = payload.rsplit('/').next().unwrap_or_default().to_owned();
    event.aggregate.starts_with("requests/").then_some((event.aggregate, payload))
}

/// Every event of intake's journal.
async fn events(stage: &Stage) -> Result<Vec<Event>, Status> {
    let operator = stage.operator()?;
    let head = stage.wait_for("the journal is sealed", async || {
        let call = VerifyJournalRequest { parent: INTAKE.into(), ..Default::default() };
        let verified = operator.feed().verify_journal(call).await?.into_inner();
        Ok(verified.head.filter(|_| verified.unsealed_count == 0))
    });
    let head = head.await?.position;
    let call = SubscribeRequest { parent: INTAKE.into(), ..Default::default() };
    let mut feed = operator.feed().subscribe(call).await?.into_inner();
    let mut events: Vec<Event> = Vec::new();
    while events.last().is_none_or(|event| event.position < head) {
        let message = timeout(WITHIN, feed.message()).await;
        let message = message.map_err(|_| Status::deadline_exceeded("the journal's feed did not come"))??;
        events.extend(message.ok_or_else(|| Status::unavailable("the journal's feed has ended"))?.event);
    }
    Ok(events)
}
