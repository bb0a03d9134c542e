//! The resources of complaints, and the names of others that they refer to.

kefu_chassis::resources! {
    /// Complaints.
    Complaint = "complaints", "kefu/Complaint";
    /// Case records of a complaint.
    CaseRecord = "papers", "kefu/Paper";
    /// Measures of a complaint's resolution.
    Measure = "measures", "kefu/Measure";
    /// Evidence on a complaint's file.
    Evidence = "evidence", "kefu/Evidence";
    /// Preventive actions against the recurrence of complaints.
    Improvement = "improvements", "kefu/Improvement";
    /// Customers, who are intake's.
    Customer = "customers", "kefu/Customer";
    /// Requests, which are intake's.
    Request = "requests", "kefu/Request";
}
