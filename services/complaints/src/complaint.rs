//! Complaints: from registration to the archived file.

use std::sync::Arc;

use kefu_chassis::Chassis;
use kefu_chassis::contacts::Country;

mod agreement;
pub mod archive;
mod callback;
pub mod case_record;
mod contact;
mod explain;
mod investigation;
pub mod lifecycle;
mod list;
mod naming;
mod reception;
mod register;
mod resolution;
pub mod row;
mod search;
mod watch;

/// Serves complaints.
#[derive(Clone, Debug)]
pub struct Complaints {
    /// What every service shares: database, clock, directory copy, regulation.
    pub chassis: Arc<Chassis>,
    /// Country of telephone numbers written without a country code.
    pub country: Country,
}

kefu_proto::serve_complaint_service!(Complaints);
