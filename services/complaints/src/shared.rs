//! The resources of complaints, and the names of others that they refer to.

use kefu_chassis::names::{Id, Resource};
use uuid::Uuid;

kefu_chassis::resources! {
    /// Complaints.
    Complaint = "complaints", "kefu/Complaint";
    /// What is recorded in the course of one.
    Paper = "papers", "kefu/Paper";
    /// What is done about one.
    Measure = "measures", "kefu/Measure";
    /// What proves or disproves one.
    Evidence = "evidence", "kefu/Evidence";
    /// What is done so that complaints do not recur.
    Improvement = "improvements", "kefu/Improvement";
    /// Customers, who are intake's.
    Customer = "customers", "kefu/Customer";
    /// Requests, which are intake's.
    Request = "requests", "kefu/Request";
}

/// The name of a resource that is stored by its id, or nothing.
pub fn name<R: Resource>(id: Option<Uuid>) -> String {
    id.map(|id| Id::<R>::from_uuid(id).to_string()).unwrap_or_default()
}
