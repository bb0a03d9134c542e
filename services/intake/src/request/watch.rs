//! `WatchRequests`: streams each change that the caller may see.

use kefu_chassis::call::Answers;
use kefu_chassis::journal::watch::{RootChange, WatchedRoot, watch_roots};
use kefu_chassis::{Call, Error};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as pb;

use super::Requests;
use super::row::RequestRow;

impl Requests {
    pub(super) async fn watch_requests(
        &self,
        call: Call,
        request: pb::WatchRequestsRequest,
    ) -> Result<Answers<pb::WatchRequestsResponse>, Error> {
        watch_roots::<RequestRow>(&self.chassis, call, request).await
    }
}

impl WatchedRoot for RequestRow {
    type Request = pb::WatchRequestsRequest;
    type Response = pb::WatchRequestsResponse;

    fn is_asked_for(&self, call: &Call, asked: &pb::WatchRequestsRequest, event: &Event) -> bool {
        let (owner_before, department_before) = owner_before_event(event);
        let matches = |asked: &str, values: &[&str]| asked.is_empty() || values.contains(&asked);
        matches(&asked.owner, &[&self.owner, &owner_before])
            && matches(&asked.department, &[&self.department, &department_before])
            && (asked.customer.is_empty() || call.are_same(&asked.customer, &self.customer_name()))
    }

    fn respond(change: Option<RootChange<pb::Request>>, resume_token: String) -> pb::WatchRequestsResponse {
        let Some(RootChange { root, event, clauses, occurred_time }) = change else {
            return pb::WatchRequestsResponse { resume_token, ..pb::WatchRequestsResponse::default() };
        };
        pb::WatchRequestsResponse { request: Some(root), event, clauses, occurred_time, resume_token }
    }
}

/// Owner and department before an event that gave the request to somebody else; empty for other events.
fn owner_before_event(event: &Event) -> (String, String) {
    let Some(payload) = &event.payload else { return <_>::default() };
    if let Ok(assigned) = payload.to_msg::<pb::RequestAssigned>() {
        return (assigned.previous_owner, String::new());
    }
    if let Ok(claimed) = payload.to_msg::<pb::RequestClaimed>() {
        return (claimed.previous_owner, String::new());
    }
    if let Ok(answered) = payload.to_msg::<pb::TransferAnswered>() {
        let transfer = answered.transfer.unwrap_or_default();
        return (transfer.from_owner, transfer.from_department);
    }
    <_>::default()
}
