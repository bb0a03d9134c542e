//! The end of a complaint: the return call, or withdrawal by the complainant (C5.8, D8.9).

use kefu_chassis::language::Text;
use kefu_chassis::time::sql;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::Closure;
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::Action;
use super::row::{Step, facts};

impl Complaints {
    pub(super) async fn record_callback(
        &self,
        call: &Call,
        request: pb::RecordCallbackRequest,
    ) -> Result<pb::Complaint, Error> {
        let fits = if request.satisfied { 3..=5 } else { 1..=3 };
        if !fits.contains(&request.satisfaction) {
            return Err(Error::field(
                "satisfaction",
                wrong!(Conflicting under "C5.8", "is not what somebody says who is satisfied, or is not", "与是否满意不符"),
            ));
        }
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        step.not_before(
            sql::read(step.record.executed_at),
            Text::new("the resolution was carried out", "处理方案落实"),
        )?;
        let facts = facts(&step, call);
        step.fire(if request.satisfied { Action::Satisfied } else { Action::Dissatisfied }, &facts)?;
        let content = pb::Callback {
            satisfied: request.satisfied,
            satisfaction: request.satisfaction,
            channel: request.channel,
            comment: request.comment,
        };
        let paper = case_record(call, &step, Content::Callback(content));
        step.record.mark_informed(step.at);
        step.record.reset_attempts();
        let record = &mut step.record;
        record.satisfaction = i16::try_from(request.satisfaction).unwrap_or_default();
        if request.satisfied {
            record.closed_at = Some(sql::at(step.at));
            record.closure = Closure::Satisfied as i16;
        } else {
            record.cycle += 1;
            (record.contacted, record.waived) = (false, false);
            record.investigated_at = Some(sql::at(step.at));
            (record.concluded_at, record.proposed_at, record.approved_at) = (None, None, None);
            (record.agreed_at, record.executed_at) = (None, None);
        }
        case_record::insert(step.change.connection(), step.record.id, &paper).await?;
        let payload = pb::CallbackMade { state: step.state(), paper: Some(paper), cycle: step.record.cycle };
        step.finish(&payload).await
    }

    pub(super) async fn withdraw_complaint(
        &self,
        call: &Call,
        request: pb::WithdrawComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = facts(&step, call);
        step.fire(Action::Withdraw, &facts)?;
        step.record.withdraw_reason.clone_from(&request.reason);
        step.record.closed_at = Some(sql::at(step.at));
        let payload = pb::ComplaintWithdrawn { state: step.state(), reason: request.reason };
        step.finish(&payload).await
    }
}
