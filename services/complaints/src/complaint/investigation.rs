//! `ConcludeInvestigation`: course of events, root cause, party responsible, and whether the complaint is upheld (C5.3,
//! D8.5).

use kefu_chassis::language::Text;
use kefu_chassis::text::is_blank;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::Action;
use super::row::Step;
use super::row::separation::Separation;

impl Complaints {
    pub(super) async fn conclude_investigation(
        &self,
        call: &Call,
        request: pb::ConcludeInvestigationRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let investigator = step.root.investigator.clone();
        step.not_before(sql::read(step.root.investigated_at), Text::new("the investigation began", "开始调查"))?;
        step.not_before(sql::read(step.root.acknowledged_at), Text::new("the apology", "致歉"))?;
        let (department, person) = (&request.responsible_department, &request.responsible_person);
        self.chassis.directory.now().check_department(department)?;
        self.check_person(department, person)?;
        let mut facts = step.facts();
        let separation = Separation::of(&step.root, &self.chassis, step.at);
        let mut may_conclude = |staff: &str| {
            let (may, is_last_resort) = separation.may_investigate(staff, department, &call.rule);
            if is_last_resort {
                facts.deviates_for(call.rule.name(), staff);
            }
            may && (staff != person || is_last_resort)
        };
        let is_outside = may_conclude(&investigator) && may_conclude(&call.caller.subject);
        facts.is_outside = is_outside;
        facts.is_evidenced |= !is_blank(&request.no_evidence_reason);
        facts.has_responsible = !person.is_empty() || !is_blank(&request.no_person_reason);
        facts.notified = self.notice_duty_once(&step, department);
        step.fire(Action::Conclude, &facts)?;
        let cause = request.root_cause.clone().unwrap_or_default();
        let root = &mut step.root;
        root.mark_notified(&facts.notified);
        root.concluded_at = Some(sql::at(step.at));
        root.outcome = request.outcome() as i16;
        root.cause_category = cause.category() as i16;
        root.cause.clone_from(&cause.text);
        root.whys.clone_from(&cause.whys);
        root.hold_responsible(department, person);
        root.find_responsible(person, call, step.at);
        root.no_person_reason.clone_from(&request.no_person_reason);
        let finding = pb::Finding {
            course: request.course,
            root_cause: request.root_cause,
            outcome: request.outcome,
            responsible_department: request.responsible_department,
            responsible_person: request.responsible_person,
            no_person_reason: request.no_person_reason,
            no_evidence_reason: request.no_evidence_reason,
        };
        let paper = case_record(call, &step, Content::Finding(finding));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::InvestigationConcluded { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }
}
