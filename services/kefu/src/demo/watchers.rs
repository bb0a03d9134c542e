//! Two who watch all day by streams: one every change of a request, one what she is told. In the end it is compared with the
//! journal and with the list.

use std::fmt::Debug;

use futures::FutureExt as _;
use kefu_proto::events::v1::{Event, SubscribeRequest, VerifyJournalRequest};
use kefu_proto::intake::v1::{WatchRequestsRequest, WatchRequestsResponse};
use kefu_proto::notifications::v1::{WatchNotificationsRequest, WatchNotificationsResponse};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::stage::{INTAKE, Person, Stage, WITHIN};

/// Who watches, and what they have seen.
pub struct Watchers {
    requests: Streaming<WatchRequestsResponse>,
    changes: Vec<(String, String)>,
    notifications: Streaming<WatchNotificationsResponse>,
    told: Vec<String>,
    supervisor: Person,
}

impl Watchers {
    /// They begin.
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
        Ok(Self { requests, changes: Vec::new(), notifications, told: Vec::new(), supervisor })
    }

    /// They look at what has come, and wait for nothing.
    pub fn look(&mut self) -> Result<(), Status> {
        while let Some(message) = self.requests.message().now_or_never() {
            self.changes.extend(message?.and_then(change));
        }
        while let Some(message) = self.notifications.message().now_or_never() {
            self.told.extend(message?.and_then(|message| message.notification).map(|told| told.name));
        }
        Ok(())
    }

    /// They stop, and have seen everything once and in order.
    pub async fn end(mut self, stage: &mut Stage) -> Result<(), Status> {
        let journal: Vec<(String, String)> = events(stage).await?.into_iter().filter_map(about).collect();
        let mut list: Vec<String> = self.supervisor.told().await?.into_iter().map(|told| told.name).collect();
        list.reverse();
        let late = |_| Status::deadline_exceeded("what was watched did not come");
        while self.changes.len() < journal.len() {
            let message = timeout(WITHIN, self.requests.message()).await.map_err(late)??;
            self.changes.extend(message.and_then(change));
        }
        while self.told.len() < list.len() {
            let message = timeout(WITHIN, self.notifications.message()).await.map_err(late)??;
            self.told.extend(message.and_then(|message| message.notification).map(|told| told.name));
        }
        self.look()?;
        let mut requests: Vec<&str> = journal.iter().map(|(request, _)| request.as_str()).collect();
        requests.sort_unstable();
        requests.dedup();
        let (deng, mei) = (stage.called("staff/deng").to_owned(), self.supervisor.called.clone());
        stage.say(
            &format!(
                "{deng} has seen {} changes of {} requests; {mei} was told {} thing{} that went wrong",
                self.changes.len(),
                requests.len(),
                self.told.len(),
                if self.told.len() == 1 { "" } else { "s" }
            ),
            &["A9.1"],
        );
        compare(stage, "the changes watched, beside the journal", &self.changes, &journal);
        compare(stage, "the notifications watched, beside the list", &self.told, &list);
        Ok(())
    }
}

/// Expects the same, each once and in order.
fn compare<T: PartialEq + Debug>(stage: &mut Stage, what: &str, seen: &[T], there: &[T]) {
    stage.play.expect(&format!("the number of {what}"), seen.len(), there.len());
    stage.play.expect(what, seen.iter().zip(there).find(|(seen, there)| seen != there), None);
}

fn change(message: WatchRequestsResponse) -> Option<(String, String)> {
    Some((message.request?.name, message.event))
}

fn about(event: Event) -> Option<(String, String)> {
    let payload = event.payload?.type_url;
    let payload = payload.rsplit('/').next().unwrap_or_default().to_owned();
    event.aggregate.starts_with("requests/").then_some((event.aggregate, payload))
}

/// Every event of intake's journal.
async fn events(stage: &Stage) -> Result<Vec<Event>, Status> {
    let operator = stage.operator()?;
    let head = stage.until("the journal is sealed", async || {
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
