//! Reads duties and events of a service through its public API.

use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::{Duty, ListDutiesRequest, duty};
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest, VerifyJournalRequest};

use crate::bench::Bench;

impl Bench {
    /// Duties of a subject, sorted by kind, then by opening.
    pub async fn duties_of(&self, subject: &str) -> Vec<Duty> {
        let mut client = ComplianceServiceClient::new(self.as_("staff/admin", &["ADMIN"]));
        let call = ListDutiesRequest { parent: self.name(), subject: subject.into(), ..Default::default() };
        let mut duties = client.list_duties(call).await.unwrap().into_inner().duties;
        duties.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        duties
    }

    /// The one duty of a kind of a subject.
    pub async fn duty_of(&self, subject: &str, kind: &str) -> Duty {
        let mut duties = self.duties_of(subject).await;
        duties.retain(|duty| duty.kind == kind);
        assert_eq!(duties.len(), 1, "{kind}: {duties:?}");
        duties.remove(0)
    }

    /// Kind, state and breach of every duty of a subject.
    pub async fn kept_of(&self, subject: &str) -> Vec<(String, duty::State, bool)> {
        let duties = self.duties_of(subject).await;
        duties.into_iter().map(|duty| (duty.kind.clone(), duty.state(), duty.breached_time.is_some())).collect()
    }

    /// Every event of the journal, after sealing.
    pub async fn events(&self) -> Vec<Event> {
        self.seal().await;
        let mut feed = EventFeedClient::new(self.as_service());
        let head = feed
            .verify_journal(VerifyJournalRequest { parent: self.name(), anchors: Vec::new() })
            .await
            .unwrap()
            .into_inner();
        assert!(head.findings.is_empty(), "{:?}", head.findings);
        let last = head.head.unwrap().position;
        let mut stream =
            feed.subscribe(SubscribeRequest { parent: self.name(), ..Default::default() }).await.unwrap().into_inner();
        let mut events = Vec::new();
        while i64::try_from(events.len()).unwrap() < last {
            events.extend(stream.message().await.unwrap().unwrap().event);
        }
        events
    }
}
