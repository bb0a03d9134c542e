//! Requests: from registration to the customer's confirmation.

use std::sync::Arc;

use kefu_chassis::{Call, Chassis, Error, step};
use kefu_proto::intake::v1 as pb;

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
mod row;
pub mod search;
mod store;
mod transfer;
mod watch;
mod work_order;

/// Serves requests.
#[derive(Clone, Debug)]
pub struct Requests {
    pub chassis: Arc<Chassis>,
    /// Country of telephone numbers written without a country code.
    pub country: Country,
}

kefu_proto::serve_request_service!(Requests);

kefu_chassis::children! {
    impl Requests, under row::RequestRow, of pb {
        list_contact_attempts(ListContactAttemptsRequest) -> ListContactAttemptsResponse {
            contact_attempts: store::AttemptRow
        }
        list_transfers(ListTransfersRequest) -> ListTransfersResponse { transfers: transfer::TransferRow }
        list_work_orders(ListWorkOrdersRequest) -> ListWorkOrdersResponse { work_orders: work_order::WorkOrderRow }
        list_remote_authorizations(ListRemoteAuthorizationsRequest) -> ListRemoteAuthorizationsResponse {
            remote_authorizations: remote::AuthorizationRow
        }
        list_unmet_expectations(ListUnmetExpectationsRequest) -> ListUnmetExpectationsResponse {
            unmet_expectations: expectation::ExpectationRow
        }
    }
}

impl Requests {
    /// Loads the request `name`; not found when the caller may not see it.
    async fn seen(&self, call: &Call, name: &str) -> Result<row::RequestRow, Error> {
        step::seen(&mut *self.chassis.pool().acquire().await?, call, name).await
    }
}
