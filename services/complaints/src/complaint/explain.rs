//! `ExplainComplaint`: the actions possible next, and the gates that are closed.

use kefu_chassis::step::{self, AggregateRoot as _};
use kefu_chassis::{Call, Error, explain};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::customer_contact::Purpose;

use super::Complaints;
use super::lifecycle::{Action, Facts};
use super::row::ComplaintRow;

impl Complaints {
    pub(super) async fn explain_complaint(
        &self,
        call: &Call,
        request: pb::ExplainComplaintRequest,
    ) -> Result<pb::ExplainComplaintResponse, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let root: ComplaintRow = step::seen(&mut connection, call, &request.name).await?;
        let facts = root.facts(&self.chassis, call.now);
        let applies = |action| root.applies(action, &facts);
        let explanations = explain::explanations(&self.chassis, call, &root, &facts, applies)?;
        Ok(pb::ExplainComplaintResponse { state: root.state().into(), explanations })
    }
}

impl ComplaintRow {
    /// Whether a method would take this action on the complaint now. `CompleteMeasure`, for example, has two actions:
    /// for the last measure and for any other.
    fn applies(&self, action: Action, facts: &Facts) -> bool {
        let (has_measures, is_one_left) = (facts.measures_left > 0, facts.measures_left == 1);
        match action {
            Action::Agree | Action::GoOnUnagreed => self.state() != State::Approved || has_measures,
            Action::AgreeToExplanation | Action::GoOnUntold => self.state() == State::Approved && !has_measures,
            Action::CompleteLast => is_one_left,
            Action::CompleteMeasure => !is_one_left,
            Action::GoOnUnacknowledged => self.awaited_step() != Some(Purpose::Agreement),
            _ => true,
        }
    }
}
