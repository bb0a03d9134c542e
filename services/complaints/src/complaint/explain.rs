//! What can be done with a complaint next, and what stands in the way.

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
        let record: ComplaintRow = step::seen(&mut connection, call, &request.name).await?;
        let facts = record.facts(&self.chassis, call.now);
        let is_meant = |action| record.is_meant(action, &facts);
        let explanations = explain::explanations(&self.chassis, call, &record, &facts, is_meant)?;
        Ok(pb::ExplainComplaintResponse { state: record.state().into(), explanations })
    }
}

impl ComplaintRow {
    /// Whether an action, where its method may mean several, is one that it can mean for this complaint.
    fn is_meant(&self, action: Action, facts: &Facts) -> bool {
        let (has_measures, is_one_left) = (facts.measures_left > 0, facts.measures_left == 1);
        match action {
            Action::Agree | Action::GoOnUnagreed => self.state() != State::Approved || has_measures,
            Action::AgreeToExplanation | Action::GoOnUntold => self.state() == State::Approved && !has_measures,
            Action::CompleteLast => is_one_left,
            Action::CompleteMeasure => !is_one_left,
            Action::GoOnUnacknowledged => self.wanted_for() != Some(Purpose::Agreement),
            _ => true,
        }
    }
}
