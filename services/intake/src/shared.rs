//! The resources of intake, and the names of other services' resources that it refers to.

pub use kefu_chassis::contacts::{Contact, Country};
pub use kefu_chassis::names::{id, reference, unknown};

kefu_chassis::resources! {
    /// Customers.
    Customer = "customers", "kefu/Customer";
    /// Projects of customers.
    Project = "projects", "kefu/Project";
    /// Requests.
    Request = "requests", "kefu/Request";
    /// Steps of the work on requests.
    Progress = "progress", "kefu/Progress";
    /// Attempts to ask customers about resolutions.
    ContactAttempt = "contactAttempts", "kefu/ContactAttempt";
    /// Requests handed to other departments.
    Transfer = "transfers", "kefu/Transfer";
    /// Work orders to other departments.
    WorkOrder = "workOrders", "kefu/WorkOrder";
    /// Customers' authorisations of remote service.
    RemoteAuthorization = "remoteAuthorizations", "kefu/RemoteAuthorization";
    /// Complaints, which the complaints service owns.
    Complaint = "complaints", "kefu/Complaint";
    /// Expectations of customers that could not be met.
    UnmetExpectation = "unmetExpectations", "kefu/UnmetExpectation";
}
