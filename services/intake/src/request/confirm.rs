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
        if step.root.resolved_at.is_some_and(|resolved| step.at < resolved.to_jiff()) {
            return Err(Error::field(
                "occurred_time",
                wrong!(TooEarly, "must not be before the request was resolved", "不得早于请求解决的时间"),
            ));
        }
        if outcome == Outcome::NotReached {
            step.check_attempt("C4.2")?;
        }
        let row = self.attempt_row(call, &request, &step);
        let mut facts = step.facts();
        if outcome == Outcome::GivenUp {
            facts.attempt_days.made =
                store::attempt_days(step.work.connection(), step.root.id, step.root.cycle).await?;
        }
        let action = match outcome {
            Outcome::Satisfied => Action::ConfirmSatisfied,
            Outcome::Dissatisfied => Action::ConfirmDissatisfied,
            Outcome::GivenUp => Action::GiveUp,
            Outcome::NotReached | Outcome::Unspecified => Action::ConfirmNotReached,
        };
        step.fire(action, &facts)?;
        let root = &mut step.root;
        match action {
            Action::ConfirmSatisfied | Action::GiveUp => {
                root.closed_at = Some(step.at.to_sqlx());
                // Only the customer knows whether the first contact solved it (C4.2).
                root.first_contact_resolution = action == Action::ConfirmSatisfied && root.is_settled_at_first();
            }
            Action::ConfirmDissatisfied => root.begin_cycle(),
            _ => root.unreached_attempts += 1,
        }
        row.insert(step.work.connection()).await?;
        let payload =
            pb::ResolutionAsked { state: step.state(), contact_attempt: Some(row.show()), cycle: step.root.cycle };
        step.finish(&payload).await
    }

    fn attempt_row(&self, call: &Call, request: &pb::ConfirmResolutionRequest, step: &Step<'_>) -> AttemptRow {
        let calendar = self.chassis.regulation.calendar();
        let day = calendar.day(step.at);
        AttemptRow {
            request: step.root.id,
            outcome: request.outcome() as i16,
            channel: request.channel() as i16,
            comment: request.comment.clone(),
            cycle: step.root.cycle,
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
        if step.root.closed_at.is_some_and(|closed| step.at < closed.to_jiff()) {
            return Err(Error::field(
                "occurred_time",
                wrong!(TooEarly, "must not be before the request was closed", "不得早于请求关闭的时间"),
            ));
        }
        let facts = step.facts();
        step.fire(Action::Reopen, &facts)?;
        step.root.begin_cycle();
        step.root.closed_at = None;
        let payload = pb::RequestReopened { state: step.state(), reason: request.reason, cycle: step.root.cycle };
        step.finish(&payload).await
    }
}
