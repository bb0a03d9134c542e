//! The resolution of a complaint: proposed in versions, each approved by every department concerned (C5.5, D8.6, A1.1).

use jiff::Timestamp;
use kefu_chassis::language::Text;
use kefu_chassis::names::Id;
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::approval::Decision;
use kefu_proto::complaints::v1::complaint::Outcome;
use kefu_proto::complaints::v1::paper::Content;
use prost::Message as _;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::{Action, Facts, LIFECYCLE};
use super::row::Step;
use crate::shared::Measure;

impl Complaints {
    pub(super) async fn propose_resolution(
        &self,
        call: &Call,
        request: pb::ProposeResolutionRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let resolution = self.next_version(call, &step, request)?;
        let responsible = step.root.responsible_department.clone();
        let mut facts = step.facts();
        let outcome = Outcome::try_from(i32::from(step.root.outcome)).unwrap_or_default();
        let may_be_empty = outcome == Outcome::NotUpheld && resolution.compensation.is_none();
        facts.has_plan = may_be_empty || !resolution.measures.is_empty();
        facts.concerns_others = resolution.departments.iter().any(|department| *department != responsible);
        if !facts.concerns_others && !self.has_other_approvers(&responsible, step.at)? {
            facts.concerns_others = true;
            facts.deviates_for(call.rule.name(), &call.caller.subject);
        }
        let is_agreed = LIFECYCLE.is_possible(Action::ProposeAnew, step.root.state());
        step.fire(if is_agreed { Action::ProposeAnew } else { Action::Propose }, &facts)?;
        step.root.proposed_at = Some(sql::at(step.at));
        (step.root.approved_at, step.root.agreed_at) = (None, None);
        step.root.reset_attempts();
        for department in &resolution.departments {
            step.root.involve(department);
        }
        for measure in &resolution.measures {
            step.root.involve(&measure.owner);
        }
        step.root.set_resolution(Some(&resolution));
        let paper = case_record(call, &step, Content::Resolution(resolution));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::ResolutionProposed { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }

    /// Builds the next version of the resolution from a proposal.
    fn next_version(
        &self,
        call: &Call,
        step: &Step<'_>,
        request: pb::ProposeResolutionRequest,
    ) -> Result<pb::Resolution, Error> {
        let known = self.chassis.directory.now();
        let mut departments = vec![step.root.responsible_department.clone()];
        let mut measures = Vec::with_capacity(request.measures.len());
        for (index, measure) in request.measures.into_iter().enumerate() {
            self.chassis.check_may(&measure.owner, "CompleteMeasure", &format!("measures[{index}].owner"), "D8.6")?;
            if measure.due_time.as_ref().and_then(from_proto).is_none_or(|due| due <= call.now) {
                let wrong = wrong!(TooEarly under "D8.6", "must be in the future", "须晚于现在");
                return Err(Error::field(format!("measures[{index}].due_time"), wrong));
            }
            let department = known.department_of(&measure.owner, call.now).to_owned();
            departments.push(department.clone());
            measures.push(pb::Measure {
                name: format!("{}/{}", step.root.id(), Id::<Measure>::new(call.now)),
                text: measure.text,
                owner: measure.owner,
                department,
                due_time: measure.due_time,
                ..pb::Measure::default()
            });
        }
        for department in request.departments {
            self.chassis.directory.now().check_department(&department)?;
            departments.push(department);
        }
        departments.retain(|department| !department.is_empty());
        departments.sort();
        departments.dedup();
        let currency = request.compensation.as_ref().map(|given| given.currency_code.as_str()).unwrap_or_default();
        if !currency.is_empty() && iso_currency::Currency::from_code(currency).is_none() {
            let wrong = wrong!(NotAccepted under "D8.6", "is no code of a currency", "不是货币代码");
            return Err(Error::field("compensation.currency_code", wrong));
        }
        let before = step.root.resolution().unwrap_or_default();
        let mut earlier_authors = before.earlier_authors;
        earlier_authors.extend(Some(before.author).filter(|author| !author.is_empty()));
        earlier_authors.sort();
        earlier_authors.dedup();
        let mut resolution = pb::Resolution {
            version: before.version + 1,
            measures,
            compensation: request.compensation,
            explanation: request.explanation,
            departments,
            author: call.caller.subject.clone(),
            earlier_authors,
            digest: Vec::new(),
            approvals: Vec::new(),
        };
        resolution.digest = kefu_chassis::digest::sha256(&resolution.encode_to_vec()).to_vec();
        Ok(resolution)
    }

    pub(super) async fn approve_resolution(
        &self,
        call: &Call,
        request: pb::ApproveResolutionRequest,
    ) -> Result<pb::Complaint, Error> {
        let step = Step::begin(&self.chassis, call, &request).await?;
        self.decide(call, step, request.digest, (Decision::Approved, request.reason)).await
    }

    pub(super) async fn reject_resolution(
        &self,
        call: &Call,
        request: pb::RejectResolutionRequest,
    ) -> Result<pb::Complaint, Error> {
        let step = Step::begin(&self.chassis, call, &request).await?;
        self.decide(call, step, request.digest, (Decision::Rejected, request.reason)).await
    }

    /// Records an approval or rejection of the resolution.
    async fn decide(
        &self,
        call: &Call,
        mut step: Step<'_>,
        digest: Vec<u8>,
        (decision, reason): (Decision, String),
    ) -> Result<pb::Complaint, Error> {
        step.not_before(sql::read(step.root.proposed_at), Text::new("the resolution was proposed", "提出处理方案"))?;
        let mut resolution = step.root.resolution().unwrap_or_default();
        let facts = Facts { is_same_version: resolution.digest == digest, ..step.facts() };
        step.fire(
            match decision {
                Decision::Rejected => Action::Reject,
                _ if facts.approvals_left == 0 => Action::ApproveLast,
                _ => Action::Approve,
            },
            &facts,
        )?;
        let approval = pb::Approval {
            department: facts.speaks_for.clone().unwrap_or_default(),
            approver: call.caller.subject.clone(),
            decision: decision.into(),
            reason,
            digest,
            occurred_time: Some(to_proto(step.at)),
        };
        resolution.approvals.push(approval.clone());
        step.root.set_resolution(Some(&resolution));
        if decision == Decision::Approved && facts.approvals_left == 0 {
            // Approvals can be recorded out of order: the resolution is approved at the latest of their times.
            let times = resolution.approvals.iter().filter_map(|approval| from_proto(approval.occurred_time.as_ref()?));
            step.root.approved_at = times.max().map(sql::at);
        }
        let paper = case_record(call, &step, Content::Approval(approval));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let (state, paper) = (step.state(), Some(paper));
        if decision == Decision::Rejected {
            step.finish(&pb::ResolutionRejected { state, paper }).await
        } else {
            step.finish(&pb::ResolutionApproved { state, paper }).await
        }
    }

    /// Whether anybody of another department than the responsible one has a role to approve.
    fn has_other_approvers(&self, responsible: &str, at: Timestamp) -> Result<bool, Error> {
        let rule = self.rule("ApproveResolution")?;
        let known = self.chassis.directory.now();
        Ok(known.is_empty() || known.has_others_than(responsible, rule, at))
    }
}
