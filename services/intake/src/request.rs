//! Requests: from registration to the customer's confirmation.

use std::sync::Arc;

use kefu_chassis::{Call, Chassis, Error, step};

use crate::shared::Country;

mod actions;
mod children;
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
mod waits;
mod watch;
mod work_order;

/// Serves requests.
#[derive(Clone, Debug)]
pub struct Requests {
    /// What every service shares: database, clock, directory copy, regulation.
    pub chassis: Arc<Chassis>,
    /// Country of telephone numbers written without a country code.
    pub country: Country,
}

kefu_proto::serve_request_service!(Requests);

impl Requests {
    /// Loads the request `name`; not found when the caller may not see it.
    async fn seen(&self, call: &Call, name: &str) -> Result<row::RequestRow, Error> {
        step::seen(&self.chassis, &mut *self.chassis.pool().acquire().await?, call, name).await
    }
}
