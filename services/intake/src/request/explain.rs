//! `ExplainRequest`: the actions possible next, and the gates that are closed.

use kefu_chassis::{Call, Error, explain};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;

use super::lifecycle::{Action, Facts};
use super::row::RequestRow;
use super::{Requests, remote, store, transfer};
use crate::customer;

impl Requests {
    pub(super) async fn explain_request(
        &self,
        call: &Call,
        request: pb::ExplainRequestRequest,
    ) -> Result<pb::ExplainRequestResponse, Error> {
        let root = self.seen(call, &request.name).await?;
        let mut connection = self.chassis.pool().acquire().await?;
        let attempt_days = match root.state() {
            State::Resolved => store::attempt_days(&mut connection, root.id, root.cycle).await?,
            _ => 0,
        };
        let is_authorized = root.state() == State::InProgress
            && remote::valid_authorization(&mut connection, root.id, call.now).await?.is_some();
        let pending = match root.pending_transfer {
            Some(transfer) => transfer::get(&mut connection, transfer).await?,
            None => None,
        };
        let preferences = match root.customer {
            Some(customer) => customer::preferences(&mut connection, customer).await?,
            None => None,
        };
        let handed_to = pending.map(|transfer| transfer.handed_to(&self.chassis, &root.business_domain, call.now));
        let complete = |facts: &mut Facts| {
            (facts.attempt_days.made, facts.is_authorized) = (attempt_days, is_authorized);
            facts.handed_to.clone_from(&handed_to);
        };
        let applies = |action| root.applies(action);
        let explanations = explain::explanations(&self.chassis, call, &root, complete, applies)?;
        Ok(pb::ExplainRequestResponse { state: root.state().into(), preferences, explanations })
    }
}

impl RequestRow {
    /// The action of `PromiseWait`: the first promise, or a repeated one.
    pub fn promise_action(&self) -> Action {
        if self.promised_at.is_some() { Action::PromiseWaitAgain } else { Action::PromiseWait }
    }

    /// Whether a method would take this action on the request now. `PromiseWait`, for example, has two actions: the
    /// first promise and a repeated one.
    fn applies(&self, action: Action) -> bool {
        match action {
            Action::PromiseWait | Action::PromiseWaitAgain => action == self.promise_action(),
            Action::AcceptTransfer | Action::DeclineTransfer => self.is_answered(),
            Action::Inform => self.is_answered() || self.state() != State::TransferPending,
            Action::AcceptUnanswered | Action::DeclineUnanswered | Action::AnswerFirst => !self.is_answered(),
            Action::LinkComplaint | Action::AnswerEarlier => false,
            _ => true,
        }
    }
}
