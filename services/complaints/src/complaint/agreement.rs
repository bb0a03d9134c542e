//! Records the complainant's agreement or refusal, completed measures, and progress reports (C5.6, C5.7, D8.8).

use kefu_chassis::error::StateName;
use kefu_chassis::language::Text;
use kefu_chassis::names::{as_unknown, unknown};
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::customer_contact::{Outcome, Purpose};
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::{Action, Facts};
use super::row::{Step, measure_duty};
use crate::shared::Measure;

impl Complaints {
    pub(super) async fn record_agreement(
        &self,
        call: &Call,
        request: pb::RecordAgreementRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        step.not_before(
            sql::read(step.root.approved_at),
            Text::new("the resolution was approved", "处理方案审批通过"),
        )?;
        let facts = Facts { executed_at: Some(step.at), ..step.facts() };
        let has_measures = facts.measures_left > 0;
        step.fire(if has_measures { Action::Agree } else { Action::AgreeToExplanation }, &facts)?;
        let at = Some(sql::at(step.at));
        step.root.agreed_at = at;
        step.root.executed_at = at.filter(|_| !has_measures);
        let paper = record_answer(call, &mut step, true, request.channel, request.text);
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::AgreementReached { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }

    pub(super) async fn record_decline(
        &self,
        call: &Call,
        request: pb::RecordDeclineRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        step.not_before(
            sql::read(step.root.approved_at),
            Text::new("the resolution was approved", "处理方案审批通过"),
        )?;
        let facts = step.facts();
        step.fire(Action::Decline, &facts)?;
        step.root.approved_at = None;
        let paper = record_answer(call, &mut step, false, request.channel, request.text);
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::AgreementDeclined { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }

    pub(super) async fn complete_measure(
        &self,
        call: &Call,
        request: pb::CompleteMeasureRequest,
    ) -> Result<pb::Complaint, Error> {
        let not_found = || unknown::<Measure>(&request.name);
        let step = Step::lock_under::<Measure>(&self.chassis, call, &request).await?;
        let mut resolution = step.root.resolution().unwrap_or_default();
        let measure =
            resolution.measures.iter_mut().find(|measure| measure.name == request.name).ok_or_else(not_found)?;
        let mut facts = Facts { measures: vec![measure_duty(measure)], ..step.facts() };
        let mut step = step.ready(&request, &facts).await.map_err(as_unknown::<Measure>(&request.name))?;
        if measure.completed_time.is_some() {
            return Err(Error::State {
                subject: request.name,
                method: call.rule.name().to_owned().into(),
                state: StateName::Text { code: "DONE", label: Text::new("done", "已完成") },
                clause: "D8.8".into(),
            });
        }
        step.not_before(sql::read(step.root.agreed_at), Text::new("the complainant agreed", "投诉人认可"))?;
        let owns_measure = measure.owner == call.caller.subject;
        facts = Facts { measures: facts.measures, owns_measure, ..step.facts() };
        facts.measures_left -= 1;
        measure.completed_time = Some(to_proto(step.at));
        measure.completed_by.clone_from(&call.caller.subject);
        measure.report = request.report;
        let completed = measure.clone();
        // Measures can be recorded out of order: the resolution is carried out at the latest `completed_time`.
        facts.executed_at =
            resolution.measures.iter().filter_map(|each| from_proto(each.completed_time.as_ref()?)).max();
        step.fire(if facts.measures_left == 0 { Action::CompleteLast } else { Action::CompleteMeasure }, &facts)?;
        step.root.set_resolution(Some(&resolution));
        if facts.measures_left == 0 {
            step.root.executed_at = facts.executed_at.map(sql::at);
            step.root.reset_attempts();
        }
        let paper = case_record(call, &step, Content::Measure(completed));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::MeasureCompleted {
            state: step.state(),
            paper: Some(paper),
            measures_left: i32::try_from(facts.measures_left).unwrap_or(i32::MAX),
        };
        step.finish(&payload).await
    }

    pub(super) async fn record_complaint_progress(
        &self,
        call: &Call,
        request: pb::RecordComplaintProgressRequest,
    ) -> Result<pb::Paper, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = step.facts();
        step.fire(Action::Inform, &facts)?;
        step.root.mark_informed(step.at);
        let content = pb::CustomerContact {
            purpose: Purpose::Progress.into(),
            outcome: Outcome::Reached.into(),
            channel: request.channel,
            text: request.text,
        };
        let paper = case_record(call, &step, Content::CustomerContact(content));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::CustomerContacted {
            state: step.state(),
            paper: Some(paper.clone()),
            unreached_attempts: step.root.unreached_attempts,
        };
        step.finish_with(&payload, paper).await
    }
}

/// Records that the complainant was informed of the resolution. Returns the case record with their answer.
fn record_answer(call: &Call, step: &mut Step<'_>, agreed: bool, channel: i32, text: String) -> pb::Paper {
    step.root.mark_informed(step.at);
    step.root.reset_attempts();
    let resolution = step.root.resolution().unwrap_or_default();
    let content = pb::Agreement {
        agreed,
        resolution_version: resolution.version,
        resolution_digest: resolution.digest,
        channel,
        text,
    };
    case_record(call, step, Content::Agreement(content))
}
