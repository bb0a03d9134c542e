//! The resources of complaints, and the names of others that they refer to; and the record of a last resort.

use kefu_chassis::step::{AggregateRoot, Step};
use kefu_proto::complaints::v1 as pb;

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

/// Records that somebody acted with a method though the matter concerns them, because it concerns everybody (A1.1).
pub fn record_last_resort<R: AggregateRoot>(step: &mut Step<'_, R>, deviation: Option<&(String, String)>) {
    let Some((method, staff)) = deviation else { return };
    let payload = pb::SeparationDeviated { method: method.clone(), staff: staff.clone() };
    step.also_record("A1.1", &payload, []);
    let department = step.chassis().directory.now().department_of(staff, step.at).to_owned();
    step.deviate("A1.1", "last_resort", staff, &department);
}
