//! No state is one that nobody can leave: a complaint goes from its receipt to the archive in every directory of a family,
//! from whichever step on that directory holds, whoever is said to be responsible (A1.1).

use base64::Engine as _;
use jiff::SignedDuration;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::naming;
use kefu_testkit::any::{message, named, path, send_on};
use kefu_testkit::{Bench, sign};
use prost::Message as _;
use serde_json::{Value as Json, json};
use tonic::{Code, Status};

use super::desk::{DESK, Desk, FIELD};
use super::posts::{EVERY, FAMILY, STAFF, open};

/// Whoever is said to be responsible, and their department; nobody in the first.
const ACCUSED: [(&str, &str); 6] = [
    ("", FIELD),
    ("staff/lei", FIELD),
    ("staff/fieldhead", FIELD),
    ("staff/head", DESK),
    ("staff/lin", DESK),
    ("staff/ceo", "departments/management"),
];

/// Steps from the receipt to the archive. The directory of the family holds from one of them on.
const STEPS: usize = 8;

/// A complaint on its way through a directory.
struct Walk<'a> {
    desk: &'a Desk,
    name: String,
    about: String,
    tokens: Vec<(&'static str, String)>,
}

impl Walk<'_> {
    async fn shown(&self) -> pb::Complaint {
        let call = pb::GetComplaintRequest { name: self.name.clone() };
        let service = pb::complaint_service_client::ComplaintServiceClient::new(self.desk.bench.as_service());
        service.clone().get_complaint(call).await.unwrap().into_inner()
    }

    /// Has everybody try each of these calls until one succeeds. Returns who it was; panics when nobody can.
    async fn somebody(&self, method: &str, calls: &[Json]) -> &'static str {
        let mut refusals = Vec::new();
        for call in calls {
            for (staff, token) in &self.tokens {
                match send(&self.desk.bench, token, method, call).await {
                    Ok(()) => return staff,
                    Err(status) => refusals.push(format!("{staff}: {:?} {}", status.code(), status.message())),
                }
            }
        }
        panic!("{}: nobody can {method}: {refusals:#?}", self.about);
    }

    async fn judge_reports(&self) {
        for naming in self.shown().await.namings {
            if naming.state() == naming::State::Reported {
                let call =
                    json!({ "name": self.name, "staff": naming.staff, "judgement": "CONFIRMED", "reason": "录音属实" });
                let by = self.somebody("JudgeNaming", &[call]).await;
                assert_ne!(by, naming.named_by, "{}", self.about);
            }
        }
    }

    async fn take(&self, step: usize, (accused, department): (&str, &str)) {
        let words = json!({ "name": self.name, "channel": "HOTLINE", "text": "已说明" });
        match step {
            0 => {
                self.somebody("AcknowledgeComplaint", &[words]).await;
            }
            1 => {
                let named = self.staff().map(|staff| json!({ "name": self.name, "investigator": staff }));
                self.somebody("AssignInvestigator", &named.collect::<Vec<_>>()).await;
            }
            2 => {
                let spoken = json!({
                    "name": self.name, "purpose": "INVESTIGATION", "outcome": "REACHED", "channel": "HOTLINE", "text": "经过",
                });
                self.investigator_or_another("RecordCustomerContact", spoken).await;
                let (person, reason) = if accused.is_empty() { ("", "流程问题") } else { (accused, "") };
                let found = json!({
                    "name": self.name, "course": "经过", "root_cause": { "category": "PEOPLE", "text": "疏忽" }, "outcome": "UPHELD",
                    "responsible_department": department, "responsible_person": person, "no_person_reason": reason,
                    "no_evidence_reason": "现场已清理",
                });
                self.investigator_or_another("ConcludeInvestigation", found).await;
            }
            3 => {
                let due = (self.desk.bench.now() + SignedDuration::from_hours(72)).to_string();
                let plan = |owner: &str, departments: &[&str]| {
                    json!({
                        "name": self.name, "explanation": "致歉", "departments": departments,
                        "measures": [{ "text": "培训", "owner": owner, "due_time": due }],
                    })
                };
                let plans =
                    self.staff().flat_map(|owner| [plan(owner, &[DESK]), plan(owner, &[FIELD]), plan(owner, &[])]);
                self.somebody("ProposeResolution", &plans.collect::<Vec<_>>()).await;
            }
            4 => {
                while self.shown().await.state() == State::Proposed {
                    let digest = self.shown().await.resolution.unwrap().digest;
                    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
                    self.somebody("ApproveResolution", &[json!({ "name": self.name, "digest": digest })]).await;
                }
            }
            5 => {
                self.somebody("RecordAgreement", &[words]).await;
            }
            6 => {
                for measure in self.shown().await.resolution.unwrap().measures {
                    let done = json!({ "name": measure.name, "report": "已完成" });
                    self.somebody("CompleteMeasure", &[done]).await;
                }
            }
            _ => {
                let satisfied =
                    json!({ "name": self.name, "satisfied": true, "satisfaction": 5, "channel": "HOTLINE" });
                self.somebody("RecordCallback", &[satisfied]).await;
                self.somebody("ArchiveComplaint", &[json!({ "name": self.name })]).await;
            }
        }
    }

    /// Has the investigator act or, where they cannot any more, another whom somebody appoints.
    async fn investigator_or_another(&self, method: &str, call: Json) {
        for candidate in self.staff() {
            for (_, token) in &self.tokens {
                if send(&self.desk.bench, token, method, &call).await.is_ok() && self.is_done(method).await {
                    return;
                }
            }
            let appointed = json!({ "name": self.name, "investigator": candidate });
            for (_, token) in &self.tokens {
                if send(&self.desk.bench, token, "AssignInvestigator", &appointed).await.is_ok() {
                    break;
                }
            }
        }
        panic!("{}: no investigator can {method}", self.about);
    }

    /// Whether a contact was the investigator's, who alone hears the complainant (D8.4); anything else is done once it
    /// succeeds.
    async fn is_done(&self, method: &str) -> bool {
        let contacted = sqlx::query_scalar("select contacted from complaints.complaint where 'complaints/' || id = $1");
        let contacted: bool = contacted.bind(&self.name).fetch_one(self.desk.bench.admin()).await.unwrap();
        method != "RecordCustomerContact" || contacted
    }

    fn staff(&self) -> impl Iterator<Item = &'static str> {
        self.tokens.iter().map(|(staff, _)| *staff)
    }
}

async fn send(bench: &Bench, token: &str, method: &str, call: &Json) -> Result<(), Status> {
    let method = named(method);
    let body = message(&method, call).encode_to_vec();
    match send_on(bench, &path(&method), Some(token), vec![body]).await {
        Err(status) if matches!(status.code(), Code::Internal | Code::Unknown) => panic!("{status:?}"),
        outcome => outcome.map(|_| ()),
    }
}

/// Walks a complaint about each accused through a directory that holds from some step on: over the family, from each.
async fn walk_through(number: usize, label: &str, change: &str) {
    let desk = open().await;
    let tokens: Vec<_> = STAFF.iter().map(|&staff| (staff, sign(staff, &EVERY))).collect();
    for (place, accused) in ACCUSED.into_iter().enumerate() {
        let is_its_turn = |switch: &usize| (number + place + switch).is_multiple_of(3);
        for switch in (0..STEPS).filter(is_its_turn) {
            super::posts::restore(&desk).await;
            let about = format!("{label} from step {switch} on, {} accused", accused.0);
            let walk = Walk { desk: &desk, name: desk.register().await.name, about, tokens: tokens.clone() };
            if !accused.0.is_empty() {
                let classified = json!({
                    "name": walk.name, "category": "QUALITY", "severity": "MAJOR", "responsible_department": accused.1,
                    "responsible_person": accused.0,
                });
                let by = sign("staff/office", &EVERY);
                send(&desk.bench, &by, "ClassifyComplaint", &classified).await.unwrap();
            }
            for step in 0..STEPS {
                if step == switch && !change.is_empty() {
                    desk.bench.change_directory(change).await;
                }
                walk.judge_reports().await;
                walk.take(step, accused).await;
            }
            assert_eq!(walk.shown().await.state(), State::Archived, "{}", walk.about);
        }
    }
}

#[tokio::test]
async fn a_complaint_finds_its_way_to_the_archive_whoever_is_left() {
    for (number, (label, change)) in FAMILY.into_iter().enumerate() {
        walk_through(number, label, change).await;
    }
}

#[tokio::test]
async fn an_improvement_is_carried_out_and_checked_whoever_is_left() {
    let desk = open().await;
    let complaint = desk.concluded(pb::complaint::Outcome::Upheld).await.name;
    let tokens: Vec<_> = STAFF.iter().map(|&staff| (staff, sign(staff, &EVERY))).collect();
    for (label, change) in FAMILY {
        super::posts::restore(&desk).await;
        let due = (desk.bench.now() + SignedDuration::from_hours(24)).to_string();
        let plan = json!({
            "complaints": [complaint], "cause_category": "PEOPLE", "cause": "未培训", "responsible_department": FIELD,
            "measure": "培训", "owner": "staff/fieldhead", "due_time": due, "verifier": "staff/boss",
        });
        send(&desk.bench, &sign("staff/head", &EVERY), "CreateImprovement", &plan).await.unwrap();
        let last = "select 'improvements/' || id from complaints.improvement order by number desc limit 1";
        let name: String = sqlx::query_scalar(last).fetch_one(desk.bench.admin()).await.unwrap();
        let walk = Walk { desk: &desk, name: name.clone(), about: label.to_owned(), tokens: tokens.clone() };
        if !change.is_empty() {
            desk.bench.change_directory(change).await;
        }
        walk.somebody("CompleteImprovement", &[json!({ "name": name, "report": "已培训" })]).await;
        desk.bench.time().advance(SignedDuration::from_hours(24 * 91));
        walk.somebody("VerifyImprovement", &[json!({ "name": name, "comment": "已核查" })]).await;
    }
}
