//! The lists of what belongs to a request.

use kefu_proto::intake::v1 as pb;

use super::Requests;
use super::expectation::ExpectationRow;
use super::remote::AuthorizationRow;
use super::row::RequestRow;
use super::store::AttemptRow;
use super::transfer::TransferRow;
use super::work_order::WorkOrderRow;

kefu_chassis::children! {
    impl Requests, under RequestRow, of pb {
        list_contact_attempts(ListContactAttemptsRequest) -> ListContactAttemptsResponse {
            contact_attempts: AttemptRow
        }
        list_transfers(ListTransfersRequest) -> ListTransfersResponse { transfers: TransferRow }
        list_work_orders(ListWorkOrdersRequest) -> ListWorkOrdersResponse { work_orders: WorkOrderRow }
        list_remote_authorizations(ListRemoteAuthorizationsRequest) -> ListRemoteAuthorizationsResponse {
            remote_authorizations: AuthorizationRow
        }
        list_unmet_expectations(ListUnmetExpectationsRequest) -> ListUnmetExpectationsResponse {
            unmet_expectations: ExpectationRow
        }
    }
}
