//! `WatchComplaints`: streams each change that the caller may see.

use kefu_chassis::call::Answers;
use kefu_chassis::journal::watch::{RootChange, WatchedRoot, watch_roots};
use kefu_chassis::record::Names as _;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::events::v1::Event;

use super::Complaints;
use super::row::ComplaintRow;
use crate::shared::Customer;

impl Complaints {
    pub(super) async fn watch_complaints(
        &self,
        call: Call,
        request: pb::WatchComplaintsRequest,
    ) -> Result<Answers<pb::WatchComplaintsResponse>, Error> {
        watch_roots::<ComplaintRow>(&self.chassis, call, request).await
    }
}

impl WatchedRoot for ComplaintRow {
    type Request = pb::WatchComplaintsRequest;
    type Response = pb::WatchComplaintsResponse;

    fn is_asked_for(&self, call: &Call, asked: &pb::WatchComplaintsRequest, _: &Event) -> bool {
        let matches = |asked: &str, values: &[&str]| asked.is_empty() || values.contains(&asked);
        // Customers do not see who is responsible.
        let responsible = if call.is_customer() { "" } else { self.responsible_department.as_str() };
        matches(&asked.handler, &[&self.handler])
            && matches(&asked.department, &[&self.department, responsible])
            && (asked.customer.is_empty() || call.are_same(&asked.customer, &self.customer.names::<Customer>()))
    }

    fn respond(change: Option<RootChange<pb::Complaint>>, resume_token: String) -> pb::WatchComplaintsResponse {
        let Some(RootChange { root, event, clauses, occurred_time }) = change else {
            return pb::WatchComplaintsResponse { resume_token, ..pb::WatchComplaintsResponse::default() };
        };
        pb::WatchComplaintsResponse { complaint: Some(root), event, clauses, occurred_time, resume_token }
    }
}
