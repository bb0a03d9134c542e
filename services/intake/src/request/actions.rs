//! Work on a request until it is resolved: first response, promised wait, classification, progress, resolution; and its
//! cancellation.

use jiff_sqlx::ToSqlx as _;
use kefu_chassis::language::Text;
use kefu_chassis::search::folded;
use kefu_chassis::text::is_blank;
use kefu_chassis::time::{from_proto, to_proto};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{CarrierState, Kind};
use kefu_regulation::params;

use super::Requests;
use super::lifecycle::{Action, Facts};
use super::row::RequestRow;
use super::row::Step;
use super::store::ProgressRow;
use super::{link, transfer};

impl Requests {
    pub(super) async fn respond_request(
        &self,
        call: &Call,
        request: pb::RespondRequestRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let mut facts = step.facts();
        facts.is_answered = true;
        facts.answered_at = Some(step.at);
        let told_by = if request.told_by == 0 { step.root.channel() } else { request.told_by() };
        facts.has_content = told_by == Channel::Hotline || !is_blank(&request.text);
        step.fire(Action::Respond, &facts)?;
        step.root.first_response_at = Some(step.at.to_sqlx());
        step.root.mark_informed(step.at);
        let answer = ProgressRow::answer(call, step.root.id, (&request.text, told_by), step.at);
        if let Some(answer) = &answer {
            answer.insert(step.work.connection()).await?;
        }
        let payload = pb::RequestResponded {
            state: step.state(),
            first_response_time: Some(to_proto(step.at)),
            progress: answer.as_ref().map(ProgressRow::show),
        };
        step.finish(&payload).await
    }

    pub(super) async fn promise_wait(
        &self,
        call: &Call,
        request: pb::PromiseWaitRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let promised = request.promised_time.as_ref().and_then(from_proto).filter(|&promised| promised > step.at);
        let promised = promised.ok_or_else(|| {
            Error::field(
                "promised_time",
                wrong!(TooEarly, "must be after the time the customer was told", "须晚于告知客户的时间"),
            )
        })?;
        let mut facts = step.facts();
        let measure = self.chassis.regulation.get(params::PROMISE_AT_MOST).measure;
        facts.promised_wait = self.chassis.regulation.calendar().elapsed(step.at, promised, measure);
        facts.promised_at = Some(promised);
        facts.is_long_wait = self.is_unusual(step.at, promised, params::PROMISE_USUAL);
        let action = step.root.promise_action();
        let first = step.live("promised_wait").map(|duty| duty.opened_at);
        step.not_before(first, Text::new("the first wait was promised", "首次承诺等待"))?;
        step.fire(action, &facts)?;
        step.root.promised_at = Some(promised.to_sqlx());
        step.root.promise_reason.clone_from(&request.reason);
        step.root.mark_informed(step.at);
        self.tell_frequent_promises(call, &mut step, action == Action::PromiseWaitAgain).await?;
        let payload = pb::WaitPromised {
            state: step.state(),
            reason: request.reason,
            promised_time: Some(to_proto(promised)),
            repeated: action == Action::PromiseWaitAgain,
        };
        step.finish(&payload).await
    }

    pub(super) async fn classify_request(
        &self,
        call: &Call,
        request: pb::ClassifyRequestRequest,
    ) -> Result<pb::Request, Error> {
        // The earlier contact is looked up before any lock, so that `begin_with` locks both requests in the order of their
        // ids.
        let earlier = link::find_repeated_by_problem(self.chassis.pool(), &request, &self.chassis.regulation).await?;
        let mut step = Step::begin_with(&self.chassis, call, &request, earlier.as_slice()).await?;
        let mut facts = step.facts();
        facts.in_scope = self.in_scope(&step.root, &request.business_domain);
        let is_out = facts.in_scope == Some(false);
        step.fire(if is_out { Action::ClassifyOutOfScope } else { Action::ClassifyInScope }, &facts)?;
        step.root.in_scope = facts.in_scope;
        if request.priority != 0 {
            step.root.priority = request.priority() as i16;
        }
        step.root.business_domain.clone_from(&request.business_domain);
        step.root.problem_type.clone_from(&request.problem_type);
        step.root.problem_key = folded(&request.problem_type);
        if let Some(mut earlier) = step.others.pop().filter(|_| step.root.repeat_of.is_none()) {
            link::record_repeat(&mut step.work, call, &mut step.root, &mut earlier, step.at).await?;
        }
        let payload = pb::RequestClassified {
            state: step.state(),
            business_domain: request.business_domain,
            problem_type: request.problem_type,
            priority: step.root.priority.into(),
            in_scope: step.root.in_scope,
        };
        step.finish(&payload).await
    }

    /// Whether `domain` belongs to the first responder's department at the time of the contact (A2.3); none until the
    /// directory has been copied.
    pub(super) fn in_scope(&self, root: &RequestRow, domain: &str) -> Option<bool> {
        let known = self.chassis.directory.now();
        let department = known.department_of(&root.first_responder, root.contact_at.to_jiff());
        (!known.is_empty()).then(|| known.is_in_charge(department, domain))
    }

    pub(super) async fn record_progress(
        &self,
        call: &Call,
        request: pb::RecordProgressRequest,
    ) -> Result<pb::Progress, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        if request.carrier_state != 0 && i32::from(step.root.kind) != Kind::Shipment as i32 {
            return Err(Error::field(
                "carrier_state",
                wrong!(OnlyWhen under "B1.3", "is only for tracking a shipment", "仅在物流跟踪时填写"),
            ));
        }
        let informs = request.told_by != 0;
        let is_first_answer = informs && !step.root.is_answered();
        let answered = step.root.first_response_at.map(jiff_sqlx::Timestamp::to_jiff);
        let is_earlier = informs && answered.is_some_and(|answered| step.at < answered);
        let mut facts = step.facts();
        if is_first_answer {
            facts.is_answered = true;
            facts.answered_at = Some(step.at);
        }
        facts.is_delayed = request.carrier_state() == CarrierState::Delayed;
        facts.informed_at = informs.then_some(step.at);
        let action = match (informs, is_first_answer) {
            (_, true) => Action::AnswerFirst,
            _ if is_earlier => Action::AnswerEarlier,
            (true, _) => Action::Inform,
            _ => Action::Note,
        };
        step.fire(action, &facts)?;
        if is_first_answer || is_earlier {
            step.root.first_response_at = Some(step.at.to_sqlx());
        }
        if informs {
            step.root.mark_informed(step.at);
            step.root.settled_at_once = false;
        }
        if request.carrier_state != 0 {
            step.root.carrier_state = request.carrier_state() as i16;
        }
        let row = ProgressRow {
            request: step.root.id,
            text: request.text.clone(),
            told_by: request.told_by() as i16,
            carrier_state: request.carrier_state() as i16,
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            ..ProgressRow::blank(call.now)
        };
        row.insert(step.work.connection()).await?;
        let progress = row.show();
        let payload = pb::ProgressRecorded { state: step.state(), progress: Some(progress.clone()) };
        step.finish_with(&payload, progress).await
    }

    pub(super) async fn await_customer(
        &self,
        call: &Call,
        request: pb::AwaitCustomerRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = step.facts();
        step.fire(Action::AwaitCustomer, &facts)?;
        step.root.awaited.clone_from(&request.awaited);
        step.root.mark_informed(step.at);
        step.root.settled_at_once = false;
        let payload = pb::CustomerAwaited { state: step.state(), awaited: request.awaited };
        step.finish(&payload).await
    }

    pub(super) async fn record_customer_reply(
        &self,
        call: &Call,
        request: pb::RecordCustomerReplyRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = Facts { is_long_wait: self.is_long_wait(&step), ..step.facts() };
        step.fire(Action::CustomerReplied, &facts)?;
        step.root.awaited.clear();
        let payload = pb::CustomerReplyRecorded { state: step.state(), text: request.text };
        step.finish(&payload).await
    }

    pub(super) async fn resolve_request(
        &self,
        call: &Call,
        request: pb::ResolveRequestRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let mut facts = step.facts();
        let is_emergency = !is_blank(&request.emergency_reason);
        facts.solved_first = (request.solved_first || is_emergency) && step.root.work_orders == 0;
        step.fire(Action::Resolve, &facts)?;
        step.root.mark_informed(step.at);
        let root = &mut step.root;
        root.resolution.clone_from(&request.resolution);
        root.assistance.clone_from(&request.assistance);
        root.resolved_at = Some(step.at.to_sqlx());
        root.solved_first = request.solved_first || is_emergency;
        root.emergency_reason.clone_from(&request.emergency_reason);
        root.unreached_attempts = 0;
        let payload = pb::RequestResolved {
            first_contact_resolution: root.is_settled_at_first(),
            state: step.state(),
            resolution: request.resolution,
            assistance: request.assistance,
            solved_first: step.root.solved_first,
            emergency_reason: request.emergency_reason,
        };
        step.finish(&payload).await
    }

    pub(super) async fn cancel_request(
        &self,
        call: &Call,
        request: pb::CancelRequestRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = Facts { is_long_wait: self.is_long_wait(&step), ..step.facts() };
        step.fire(Action::Cancel, &facts)?;
        if let Some(transfer) = step.root.pending_transfer.take() {
            transfer::withdraw(step.work.connection(), transfer).await?;
        }
        step.root.cancel_reason.clone_from(&request.reason);
        step.root.cancelled_by.clone_from(&call.caller.subject);
        step.root.closed_at = Some(step.at.to_sqlx());
        let payload = pb::RequestCancelled { state: step.state(), reason: request.reason };
        step.finish(&payload).await
    }
}
