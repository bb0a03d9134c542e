//! Steps after the resolution: the customer's confirmation, and reopening (C4.2, C4.3).

use jiff_sqlx::ToSqlx as _;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;

use super::Requests;
use super::lifecycle::Action;
use super::row::Step;
use super::store::{self, AttemptRow};

impl Requests {
    pub(super) async fn confirm_resolution(
        &self,
        call: &Call,
        request: pb::ConfirmResolutionRequest,
    ) -> Result<pb::Request, Error> {
        let outcome = request.outcome();
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        if step.record.resolved_at.is_some_and(|resolved| step.at < resolved.to_jiff()) {
            return Err(Error::field(
                "occurred_time",
                wrong!(TooEarly, "must not be before the request was resolved", "不得早于请求解决的时间"),
            ));
        }
        let row = self.attempt_row(call, &request, &step);
        let mut facts = step.facts();
        if outcome == Outcome::GivenUp {
            facts.attempt_days.0 =
                store::attempt_days(step.change.connection(), step.record.id, step.record.cycle).await?;
        }
        let action = match outcome {
            Outcome::Satisfied => Action::ConfirmSatisfied,
            Outcome::Dissatisfied => Action::ConfirmDissatisfied,
            Outcome::GivenUp => Action::GiveUp,
            Outcome::NotReached | Outcome::Unspecified => Action::ConfirmNotReached,
        };
        step.fire(action, &facts)?;
        let record = &mut step.record;
        match action {
            Action::ConfirmSatisfied | Action::GiveUp => record.closed_at = Some(step.at.to_sqlx()),
            Action::ConfirmDissatisfied => record.begin_cycle(),
            _ => record.unreached_attempts += 1,
        }
        row.insert(step.change.connection()).await?;
        let payload =
            pb::ResolutionAsked { state: step.state(), contact_attempt: Some(row.show()), cycle: step.record.cycle };
        step.finish(&payload).await
    }

    fn attempt_row(&self, call: &Call, request: &pb::ConfirmResolutionRequest, step: &Step<'_>) -> AttemptRow {
        let calendar = self.chassis.regulation.calendar();
        let day = calendar.day(step.at);
        AttemptRow {
            request: step.record.id,
            outcome: request.outcome() as i16,
            channel: request.channel() as i16,
            comment: request.comment.clone(),
            cycle: step.record.cycle,
            working_day: calendar.is_worked(day).then(|| day.to_sqlx()),
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            ..AttemptRow::blank(call.now)
        }
    }

    pub(super) async fn reopen_request(
        &self,
        call: &Call,
        request: pb::ReopenRequestRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        if step.record.closed_at.is_some_and(|closed| step.at < closed.to_jiff()) {
            return Err(Error::field(
                "occurred_time",
                wrong!(TooEarly, "must not be before the request was closed", "不得早于请求关闭的时间"),
            ));
        }
        let facts = step.facts();
        step.fire(Action::Reopen, &facts)?;
        step.record.begin_cycle();
        step.record.closed_at = None;
        let payload = pb::RequestReopened { state: step.state(), reason: request.reason, cycle: step.record.cycle };
        step.finish(&payload).await
    }
}
