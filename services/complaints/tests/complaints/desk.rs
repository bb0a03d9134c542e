//! Shared by the stories: a bench with a complaint desk, its staff, and a helper for each step.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Category, Outcome, Severity};
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::contacts::v1::{Channel, Contact};
use kefu_testkit::{Bench, Caller};
use tonic::Status;

pub const FIELD: &str = "departments/field";
pub const DESK: &str = "departments/desk";
/// The person held responsible in most complaints, of the field department.
pub const ACCUSED: &str = "staff/lei";
const HOTLINE: i32 = Channel::Hotline as i32;

/// The roles of each member of staff.
fn roles(staff: &str) -> &'static [&'static str] {
    match staff {
        "staff/lin" => &["AGENT"],
        "staff/zhao" => &["INVESTIGATOR"],
        "staff/boss" => &["SUPERVISOR"],
        "staff/mei" | "staff/qin" | "staff/lei" => &["APPROVER"],
        "staff/head" | "staff/fieldhead" | "staff/chief" => &["MANAGER", "APPROVER"],
        "staff/ceo" => &["EXECUTIVE"],
        _ => &["AGENT", "TECHNICIAN", "INVESTIGATOR", "APPROVER", "SUPERVISOR", "MANAGER"],
    }
}

/// A bench on which staff/lin at the desk handles complaints, staff/zhao of another department investigates them, and
/// the field department is responsible.
pub struct Desk {
    pub bench: Bench,
}

type Complaint = Result<pb::Complaint, Status>;

impl Desk {
    pub async fn open() -> Self {
        Self::on(Bench::of(&kefu_complaints::SERVICE).await).await
    }

    pub async fn on(bench: Bench) -> Self {
        bench.enrol(ACCUSED, FIELD).await;
        bench.enrol("staff/qin", FIELD).await;
        Self { bench }
    }

    /// The client of a member of staff.
    pub fn as_(&self, staff: &str) -> ComplaintServiceClient<Caller> {
        ComplaintServiceClient::new(self.bench.as_(staff, roles(staff)))
    }

    pub fn registration() -> pb::RegisterComplaintRequest {
        pb::RegisterComplaintRequest {
            channel: HOTLINE,
            contact: Some(contact()),
            matter: "安装后漏水，师傅态度恶劣".into(),
            desired_remedy: "重新安装并道歉".into(),
            ..Default::default()
        }
    }

    pub async fn register(&self) -> pb::Complaint {
        self.as_("staff/lin").register_complaint(Self::registration()).await.unwrap().into_inner()
    }

    pub async fn acknowledge(&self, name: &str) -> Complaint {
        let call = pb::AcknowledgeComplaintRequest {
            name: name.into(),
            channel: HOTLINE,
            text: "致歉，并承诺三日内答复".into(),
            ..Default::default()
        };
        Ok(self.as_("staff/lin").acknowledge_complaint(call).await?.into_inner())
    }

    pub async fn classify(&self, name: &str) -> Complaint {
        let call = pb::ClassifyComplaintRequest {
            name: name.into(),
            category: Category::Quality.into(),
            severity: Severity::Major.into(),
            responsible_department: FIELD.into(),
            ..Default::default()
        };
        Ok(self.as_("staff/lin").classify_complaint(call).await?.into_inner())
    }

    pub async fn notify(&self, name: &str, department: &str) -> Complaint {
        let call =
            pb::NotifyDepartmentRequest { name: name.into(), department: department.into(), ..Default::default() };
        Ok(self.as_("staff/lin").notify_department(call).await?.into_inner())
    }

    pub async fn investigate(&self, name: &str, investigator: &str) -> Complaint {
        let call = pb::AssignInvestigatorRequest {
            name: name.into(),
            investigator: investigator.into(),
            ..Default::default()
        };
        Ok(self.as_("staff/boss").assign_investigator(call).await?.into_inner())
    }

    /// Records that the investigator spoke with the complainant.
    pub async fn speak(&self, name: &str) -> Result<pb::Paper, Status> {
        let call = pb::RecordCustomerContactRequest {
            name: name.into(),
            purpose: pb::customer_contact::Purpose::Investigation.into(),
            outcome: pb::customer_contact::Outcome::Reached.into(),
            channel: HOTLINE,
            text: "投诉人说明了漏水经过".into(),
            ..Default::default()
        };
        Ok(self.as_("staff/zhao").record_customer_contact(call).await?.into_inner())
    }

    /// Records an attempt that did not reach the complainant.
    pub async fn attempt(&self, name: &str, purpose: pb::customer_contact::Purpose) -> Result<pb::Paper, Status> {
        let call = pb::RecordCustomerContactRequest {
            name: name.into(),
            purpose: purpose.into(),
            outcome: pb::customer_contact::Outcome::NotReached.into(),
            channel: HOTLINE,
            ..Default::default()
        };
        Ok(self.as_("staff/lin").record_customer_contact(call).await?.into_inner())
    }

    pub async fn waive(
        &self,
        name: &str,
        ground: pb::contact_waiver::Ground,
        decision: pb::contact_waiver::Decision,
        evidence: &str,
    ) -> Complaint {
        let call = pb::WaiveContactRequest {
            name: name.into(),
            ground: ground.into(),
            decision: decision.into(),
            reason: "多次联系未果".into(),
            evidence: evidence.into(),
            ..Default::default()
        };
        Ok(self.as_("staff/boss").waive_contact(call).await?.into_inner())
    }

    pub fn conclusion(name: &str, outcome: Outcome) -> pb::ConcludeInvestigationRequest {
        pb::ConcludeInvestigationRequest {
            name: name.into(),
            course: "安装时未拧紧接头".into(),
            root_cause: Some(pb::RootCause {
                category: pb::root_cause::Category::People.into(),
                text: "未按规程试压".into(),
                whys: vec!["接头松动".into(), "未试压".into()],
            }),
            outcome: outcome.into(),
            responsible_department: FIELD.into(),
            responsible_person: ACCUSED.into(),
            no_evidence_reason: "现场已清理，无留存证据".into(),
            ..Default::default()
        }
    }

    pub async fn conclude(&self, name: &str, outcome: Outcome) -> Complaint {
        let call = Self::conclusion(name, outcome);
        Ok(self.as_("staff/zhao").conclude_investigation(call).await?.into_inner())
    }

    /// A resolution with two measures, of staff/fieldhead and staff/lin, due three days from now.
    pub fn proposal(&self, name: &str) -> pb::ProposeResolutionRequest {
        let due = self.bench.now() + SignedDuration::from_hours(72);
        let measure = |text: &str, owner: &str| pb::ProposedMeasure {
            text: text.into(),
            owner: owner.into(),
            due_time: Some(kefu_chassis::time::to_proto(due)),
        };
        pb::ProposeResolutionRequest {
            name: name.into(),
            measures: vec![measure("上门重新安装", "staff/fieldhead"), measure("书面道歉", "staff/lin")],
            explanation: "安装未按规程试压，将重新安装并道歉".into(),
            ..Default::default()
        }
    }

    pub async fn propose(&self, name: &str) -> Complaint {
        let call = self.proposal(name);
        Ok(self.as_("staff/lin").propose_resolution(call).await?.into_inner())
    }

    pub async fn approve(&self, name: &str, staff: &str) -> Complaint {
        let call = pb::GetComplaintRequest { name: name.into() };
        let seen = ComplaintServiceClient::new(self.bench.as_service()).get_complaint(call).await?.into_inner();
        self.approve_version(name, staff, seen.resolution.unwrap_or_default().digest).await
    }

    pub async fn approve_version(&self, name: &str, staff: &str, digest: Vec<u8>) -> Complaint {
        let call = pb::ApproveResolutionRequest { name: name.into(), digest, ..Default::default() };
        Ok(self.as_(staff).approve_resolution(call).await?.into_inner())
    }

    pub async fn reject(&self, name: &str, staff: &str, digest: Vec<u8>) -> Complaint {
        let call =
            pb::RejectResolutionRequest {
                name: name.into(), digest, reason: "补偿不足".into(), ..Default::default()
            };
        Ok(self.as_(staff).reject_resolution(call).await?.into_inner())
    }

    pub async fn agree(&self, name: &str) -> Complaint {
        let call = pb::RecordAgreementRequest {
            name: name.into(),
            channel: HOTLINE,
            text: "周一上午上门".into(),
            ..Default::default()
        };
        Ok(self.as_("staff/lin").record_agreement(call).await?.into_inner())
    }

    pub async fn decline(&self, name: &str) -> Complaint {
        let call = pb::RecordDeclineRequest {
            name: name.into(),
            channel: HOTLINE,
            text: "要求更换新机".into(),
            ..Default::default()
        };
        Ok(self.as_("staff/lin").record_decline(call).await?.into_inner())
    }

    pub async fn complete(&self, measure: &pb::Measure) -> Complaint {
        let call =
            pb::CompleteMeasureRequest { name: measure.name.clone(), report: "已完成".into(), ..Default::default() };
        let owner = ComplaintServiceClient::new(self.bench.as_(&measure.owner, &["TECHNICIAN", "AGENT"]));
        Ok(owner.clone().complete_measure(call).await?.into_inner())
    }

    pub async fn call_back(&self, name: &str, satisfied: bool) -> Complaint {
        let call = pb::RecordCallbackRequest {
            name: name.into(),
            satisfied,
            satisfaction: if satisfied { 5 } else { 2 },
            channel: HOTLINE,
            comment: if satisfied { String::new() } else { "仍有渗水".into() },
            ..Default::default()
        };
        Ok(self.as_("staff/lin").record_callback(call).await?.into_inner())
    }

    pub async fn archive(&self, name: &str) -> Result<pb::Archive, Status> {
        let call = pb::ArchiveComplaintRequest { name: name.into(), ..Default::default() };
        Ok(self.as_("staff/lin").archive_complaint(call).await?.into_inner())
    }

    pub async fn get(&self, name: &str) -> pb::Complaint {
        let call = pb::GetComplaintRequest { name: name.into() };
        self.as_("staff/lin").get_complaint(call).await.unwrap().into_inner()
    }

    /// A complaint whose investigation has ended.
    pub async fn concluded(&self, outcome: Outcome) -> pb::Complaint {
        let name = self.register().await.name;
        self.acknowledge(&name).await.unwrap();
        self.classify(&name).await.unwrap();
        self.investigate(&name, "staff/zhao").await.unwrap();
        self.speak(&name).await.unwrap();
        self.conclude(&name, outcome).await.unwrap()
    }

    /// A complaint whose resolution every department concerned has approved.
    pub async fn approved(&self) -> pb::Complaint {
        let name = self.concluded(Outcome::Upheld).await.name;
        self.propose(&name).await.unwrap();
        self.approve(&name, "staff/qin").await.unwrap();
        self.approve(&name, "staff/mei").await.unwrap()
    }

    /// A complaint whose resolution has been carried out.
    pub async fn executed(&self) -> pb::Complaint {
        let name = self.approved().await.name;
        let agreed = self.agree(&name).await.unwrap();
        let mut last = agreed.clone();
        for measure in &agreed.resolution.unwrap().measures {
            last = self.complete(measure).await.unwrap();
        }
        last
    }

    pub fn pass(&self, minutes: i64) {
        self.bench.time().advance(SignedDuration::from_mins(minutes));
    }

    pub fn pass_to(&self, time: &str) {
        self.bench.time().advance_to(time.parse::<Timestamp>().unwrap());
    }
}

pub fn contact() -> Contact {
    Contact { person: "王小明".into(), phone: "138 0013 8000".into(), ..Contact::default() }
}
