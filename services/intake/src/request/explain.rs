//! What can be done with a request next, and what stands in the way.

use kefu_chassis::step::Root as _;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::State;

use super::lifecycle::{Action, LIFECYCLE};
use super::store::Record;
use super::transfer::{self, TransferRow};
use super::{Requests, remote, store};
use crate::customer;

impl Requests {
    pub(super) async fn explain(
        &self,
        call: &Call,
        request: pb::ExplainRequestRequest,
    ) -> Result<pb::ExplainRequestResponse, Error> {
        let record = self.seen(call, &request.name).await?;
        let mut facts = record.facts(&self.0, call.now);
        let mut connection = self.0.pool().acquire().await?;
        if record.state() == State::Resolved {
            facts.attempt_days.0 = store::attempt_days(&mut connection, record.id, record.cycle).await?;
        }
        if record.state() == State::InProgress {
            facts.is_authorized = remote::holding(&mut connection, record.id, call.now).await?.is_some();
        }
        let pending = match record.pending_transfer {
            Some(transfer) => transfer::get(&mut connection, transfer).await?,
            None => None,
        };
        let preferences = match record.customer {
            Some(customer) => customer::preferences(&mut connection, customer).await?,
            None => None,
        };
        let customer = record.customer_name();
        // A transfer is answered by whom it was handed to.
        let holder = |method: &str| {
            let is_answer = matches!(method, "AcceptTransfer" | "DeclineTransfer");
            pending.as_ref().filter(|_| is_answer).map_or_else(|| record.holder(&customer), TransferRow::holder)
        };
        let explained = LIFECYCLE.explain(&request.name, record.state(), &facts).into_iter();
        let explanations = explained
            .filter(|each| record.is_meant(each.action))
            .map(|each| each.show(&LIFECYCLE, &self.0, call, holder))
            .collect::<Result<_, _>>()?;
        Ok(pb::ExplainRequestResponse { state: record.state().into(), preferences, explanations })
    }
}

impl Record {
    /// What promising a wait means for it.
    pub fn promise(&self) -> Action {
        if self.promised_at.is_some() { Action::PromiseWaitAgain } else { Action::PromiseWait }
    }

    /// Whether an action, where its method may mean several, is one that it can mean for this request.
    fn is_meant(&self, action: Action) -> bool {
        match action {
            Action::PromiseWait | Action::PromiseWaitAgain => action == self.promise(),
            Action::AcceptTransfer | Action::DeclineTransfer => self.is_answered(),
            Action::AcceptUnanswered | Action::DeclineUnanswered => !self.is_answered(),
            Action::LinkComplaint => false,
            _ => true,
        }
    }
}
