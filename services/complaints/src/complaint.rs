//! Complaints: what somebody complained about and what becomes of it.

use std::sync::Arc;

use kefu_chassis::Chassis;
use kefu_chassis::contacts::Country;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint_service_server::ComplaintService;
use tonic::{Request, Response, Status};

mod agreement;
pub mod archive;
mod callback;
mod contact;
mod explain;
mod investigation;
pub mod lifecycle;
mod list;
pub mod paper;
mod reception;
mod register;
mod resolution;
mod search;
pub mod step;
pub mod store;
mod watch;

/// Serves complaints.
#[derive(Clone, Debug)]
pub struct Complaints(pub Arc<Chassis>, pub Country);

kefu_chassis::delegate! {
    impl ComplaintService for Complaints {
        register_complaint(pb::RegisterComplaintRequest) -> pb::Complaint = register;
        acknowledge_complaint(pb::AcknowledgeComplaintRequest) -> pb::Complaint = acknowledge;
        classify_complaint(pb::ClassifyComplaintRequest) -> pb::Complaint = classify;
        notify_department(pb::NotifyDepartmentRequest) -> pb::Complaint = notify_department;
        assign_complaint(pb::AssignComplaintRequest) -> pb::Complaint = assign;
        assign_investigator(pb::AssignInvestigatorRequest) -> pb::Complaint = assign_investigator;
        record_customer_contact(pb::RecordCustomerContactRequest) -> pb::Paper = record_contact;
        waive_contact(pb::WaiveContactRequest) -> pb::Complaint = waive_contact;
        conclude_investigation(pb::ConcludeInvestigationRequest) -> pb::Complaint = conclude;
        propose_resolution(pb::ProposeResolutionRequest) -> pb::Complaint = propose;
        approve_resolution(pb::ApproveResolutionRequest) -> pb::Complaint = approve;
        reject_resolution(pb::RejectResolutionRequest) -> pb::Complaint = reject;
        record_agreement(pb::RecordAgreementRequest) -> pb::Complaint = agree;
        record_decline(pb::RecordDeclineRequest) -> pb::Complaint = decline;
        complete_measure(pb::CompleteMeasureRequest) -> pb::Complaint = complete_measure;
        record_complaint_progress(pb::RecordComplaintProgressRequest) -> pb::Paper = record_progress;
        record_callback(pb::RecordCallbackRequest) -> pb::Complaint = record_callback;
        withdraw_complaint(pb::WithdrawComplaintRequest) -> pb::Complaint = withdraw;
        archive_complaint(pb::ArchiveComplaintRequest) -> pb::Archive = archive;
        get_archive(pb::GetArchiveRequest) -> pb::Archive = get_archive;
        verify_archive(pb::VerifyArchiveRequest) -> pb::VerifyArchiveResponse = verify_archive;
        get_complaint(pb::GetComplaintRequest) -> pb::Complaint = get;
        list_complaints(pb::ListComplaintsRequest) -> pb::ListComplaintsResponse = list;
        search_complaints(pb::SearchComplaintsRequest) -> pb::SearchComplaintsResponse = search;
        list_papers(pb::ListPapersRequest) -> pb::ListPapersResponse = list_papers;
        explain_complaint(pb::ExplainComplaintRequest) -> pb::ExplainComplaintResponse = explain;
    }
    {
        type WatchComplaintsStream = kefu_chassis::call::Answers<pb::WatchComplaintsResponse>;

        async fn watch_complaints(
            &self,
            request: Request<pb::WatchComplaintsRequest>,
        ) -> Result<Response<Self::WatchComplaintsStream>, Status> {
            let (call, request) = self.0.admit(request)?;
            let language = call.language;
            let changes = self.watch_complaints(call, request).await.map_err(|error| error.into_status(language))?;
            Ok(Response::new(changes))
        }
    }
}
