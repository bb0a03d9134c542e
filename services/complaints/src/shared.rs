//! The resources of complaints, and the names of others that they refer to.

kefu_chassis::resources! {
    /// Complaints.
    Complaint = "complaints", "kefu/Complaint";
    /// What is recorded in the course of one.
    CaseRecord = "papers", "kefu/Paper";
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
