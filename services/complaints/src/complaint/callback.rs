//! The end of a complaint: the return call, or withdrawal by the complainant (C5.8, D8.9).

use kefu_chassis::language::Text;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::Closure;
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::Action;
use super::row::Step;

impl Complaints {
    pub(super) async fn record_callback(
        &self,
        call: &Call,
        request: pb::RecordCallbackRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        step.not_before(sql::read(step.root.executed_at), Text::new("the resolution was carried out", "处理方案落实"))?;
        let facts = step.facts();
        step.fire(if request.satisfied { Action::Satisfied } else { Action::Dissatisfied }, &facts)?;
        let content = pb::Callback {
            satisfied: request.satisfied,
            satisfaction: request.satisfaction,
            channel: request.channel,
            comment: request.comment,
        };
        let paper = case_record(call, &step, Content::Callback(content));
        step.root.mark_informed(step.at);
        step.root.reset_attempts();
        let root = &mut step.root;
        root.satisfaction = i16::try_from(request.satisfaction).unwrap_or_default();
        if request.satisfied {
            root.closed_at = Some(sql::at(step.at));
            root.closure = Closure::Satisfied as i16;
        } else {
            root.cycle += 1;
            (root.contacted, root.waived) = (false, false);
            root.investigated_at = Some(sql::at(step.at));
            (root.concluded_at, root.proposed_at, root.approved_at) = (None, None, None);
            (root.agreed_at, root.executed_at) = (None, None);
        }
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::CallbackMade { state: step.state(), paper: Some(paper), cycle: step.root.cycle };
        step.finish(&payload).await
    }

    pub(super) async fn withdraw_complaint(
        &self,
        call: &Call,
        request: pb::WithdrawComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = step.facts();
        step.fire(Action::Withdraw, &facts)?;
        step.root.withdraw_reason.clone_from(&request.reason);
        step.root.closed_at = Some(sql::at(step.at));
        let payload = pb::ComplaintWithdrawn { state: step.state(), reason: request.reason };
        step.finish(&payload).await
    }
}
