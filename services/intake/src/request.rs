//! Requests: what a customer asked for and what becomes of it.

use std::sync::Arc;

use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request_service_server::RequestService;
use tonic::{Request, Response, Status, Streaming};

use crate::shared::Country;

mod actions;
mod confirm;
pub mod convert;
mod expectation;
mod explain;
mod import;
mod lifecycle;
mod link;
mod list;
mod ownership;
mod register;
mod remote;
pub mod search;
mod step;
mod store;
mod transfer;
mod watch;
mod work_order;

/// Serves requests.
#[derive(Clone, Debug)]
pub struct Requests(pub Arc<Chassis>, pub Country);

kefu_chassis::delegate! {
    impl RequestService for Requests {
        register_request(pb::RegisterRequestRequest) -> pb::Request = register;
        respond_request(pb::RespondRequestRequest) -> pb::Request = respond;
        promise_wait(pb::PromiseWaitRequest) -> pb::Request = promise_wait;
        classify_request(pb::ClassifyRequestRequest) -> pb::Request = classify;
        record_progress(pb::RecordProgressRequest) -> pb::Progress = record_progress;
        await_customer(pb::AwaitCustomerRequest) -> pb::Request = await_customer;
        customer_replied(pb::CustomerRepliedRequest) -> pb::Request = customer_replied;
        resolve_request(pb::ResolveRequestRequest) -> pb::Request = resolve;
        confirm_resolution(pb::ConfirmResolutionRequest) -> pb::Request = confirm;
        reopen_request(pb::ReopenRequestRequest) -> pb::Request = reopen;
        cancel_request(pb::CancelRequestRequest) -> pb::Request = cancel;
        get_request(pb::GetRequestRequest) -> pb::Request = get;
        list_requests(pb::ListRequestsRequest) -> pb::ListRequestsResponse = list;
        list_my_queue(pb::ListMyQueueRequest) -> pb::ListMyQueueResponse = queue;
        list_progress(pb::ListProgressRequest) -> pb::ListProgressResponse = list_progress;
        list_contact_attempts(pb::ListContactAttemptsRequest) -> pb::ListContactAttemptsResponse = list_attempts;
        explain_request(pb::ExplainRequestRequest) -> pb::ExplainRequestResponse = explain;
        claim_request(pb::ClaimRequestRequest) -> pb::Request = claim;
        assign_request(pb::AssignRequestRequest) -> pb::Request = assign;
        reassign_requests(pb::ReassignRequestsRequest) -> pb::ReassignRequestsResponse = reassign;
        transfer_request(pb::TransferRequestRequest) -> pb::Transfer = transfer;
        accept_transfer(pb::AcceptTransferRequest) -> pb::Transfer = accept;
        decline_transfer(pb::DeclineTransferRequest) -> pb::Transfer = decline;
        list_transfers(pb::ListTransfersRequest) -> pb::ListTransfersResponse = list_transfers;
        mark_major(pb::MarkMajorRequest) -> pb::Request = mark_major;
        file_work_order(pb::FileWorkOrderRequest) -> pb::WorkOrder = file_work_order;
        list_work_orders(pb::ListWorkOrdersRequest) -> pb::ListWorkOrdersResponse = list_work_orders;
        convert_to_complaint(pb::ConvertToComplaintRequest) -> pb::Request = convert;
        link_requests(pb::LinkRequestsRequest) -> pb::Request = link;
        authorize_remote(pb::AuthorizeRemoteRequest) -> pb::RemoteAuthorization = authorize_remote;
        list_remote_authorizations(pb::ListRemoteAuthorizationsRequest) -> pb::ListRemoteAuthorizationsResponse = list_authorizations;
        start_remote(pb::StartRemoteRequest) -> pb::Request = start_remote;
        record_unmet_expectation(pb::RecordUnmetExpectationRequest) -> pb::UnmetExpectation = record_expectation;
        answer_unmet_expectation(pb::AnswerUnmetExpectationRequest) -> pb::UnmetExpectation = answer_expectation;
        list_unmet_expectations(pb::ListUnmetExpectationsRequest) -> pb::ListUnmetExpectationsResponse = list_expectations;
        search_requests(pb::SearchRequestsRequest) -> pb::SearchRequestsResponse = search;
        suggest_duplicates(pb::SuggestDuplicatesRequest) -> pb::SuggestDuplicatesResponse = suggest_duplicates;
    }
    {
        type WatchRequestsStream = kefu_chassis::call::Answers<pb::WatchRequestsResponse>;

        async fn watch_requests(
            &self,
            request: Request<pb::WatchRequestsRequest>,
        ) -> Result<Response<Self::WatchRequestsStream>, Status> {
            let (call, request) = self.0.admit(request)?;
            let language = call.language;
            let changes = self.watch_requests(call, request).await.map_err(|error| error.into_status(language))?;
            Ok(Response::new(changes))
        }

        async fn import_requests(
            &self,
            request: Request<Streaming<pb::ImportRequestsRequest>>,
        ) -> Result<Response<pb::ImportRequestsResponse>, Status> {
            let (call, rows) = self.0.admit_stream(request)?;
            let outcome = self.import(&call, rows).await;
            self.0.settle(&call, outcome).await
        }
    }
}

impl Requests {
    /// The request that `call` may see under `name`.
    async fn seen(&self, call: &Call, name: &str) -> Result<store::Record, Error> {
        let id = crate::shared::id(name)?;
        let mut connection = self.0.pool().acquire().await?;
        let record = store::get(&mut connection, id).await?;
        record
            .filter(|record| call.reaches(record.holder(&record.customer_name())))
            .ok_or_else(|| crate::shared::unknown::<crate::shared::Request>(name))
    }
}
