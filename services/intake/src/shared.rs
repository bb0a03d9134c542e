//! What customers and requests share: the resources.

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
    /// Liaison orders.
    WorkOrder = "workOrders", "kefu/WorkOrder";
    /// Customers' leave to work from afar.
    RemoteAuthorization = "remoteAuthorizations", "kefu/RemoteAuthorization";
    /// Complaints, which are another service's.
    Complaint = "complaints", "kefu/Complaint";
    /// What customers expected in vain.
    UnmetExpectation = "unmetExpectations", "kefu/UnmetExpectation";
}
