//! `ExplainComplaint`: the actions possible next, and the gates that are closed.

use kefu_chassis::directory::Post;
use kefu_chassis::step::{self, AggregateRoot as _};
use kefu_chassis::{Call, Error, explain};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::customer_contact::Purpose;

use super::Complaints;
use super::lifecycle::{Action, Facts, LIFECYCLE};
use super::row::ComplaintRow;
use super::row::separation::{Matter, Separation};

/// Most people named for one department.
const APPROVERS: usize = 20;

impl Complaints {
    pub(super) async fn explain_complaint(
        &self,
        call: &Call,
        request: pb::ExplainComplaintRequest,
    ) -> Result<pb::ExplainComplaintResponse, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let root: ComplaintRow = step::seen(&self.chassis, &mut connection, call, &request.name).await?;
        let facts = root.facts(&self.chassis, call, call.now);
        let applies = |action| root.applies(action, &facts);
        let explanations = explain::explanations(&self.chassis, call, &root, |_| (), applies)?;
        let approvers = self.approvers(&root, call)?;
        Ok(pb::ExplainComplaintResponse { state: root.state().into(), explanations, approvers })
    }
}

impl Complaints {
    /// Who can approve the resolution, for each department that still has to.
    fn approvers(&self, root: &ComplaintRow, call: &Call) -> Result<Vec<pb::Approvers>, Error> {
        let before_agreement = LIFECYCLE.is_possible(Action::Propose, root.state())
            || LIFECYCLE.is_possible(Action::Classify, root.state());
        if !before_agreement {
            return Ok(Vec::new());
        }
        let rule = self.rule("ApproveResolution")?;
        let separation = Separation::of(root, &self.chassis, call.now);
        let of = |department: String| {
            let actors = separation.actors(Matter::Approval(&department), rule);
            let staff = actors.staff.iter().take(APPROVERS).map(|&staff| staff.to_owned()).collect();
            pb::Approvers { staff, post: shown(actors.post).into(), department }
        };
        Ok(separation.approvals_due().into_iter().map(of).collect())
    }
}

/// The post in the contract.
fn shown(post: Post) -> pb::approvers::Post {
    match post {
        Post::Member => pb::approvers::Post::Member,
        Post::Head => pb::approvers::Post::Head,
        Post::Deputy => pb::approvers::Post::Deputy,
        Post::Superior => pb::approvers::Post::Superior,
        Post::Executive => pb::approvers::Post::Executive,
        Post::Office => pb::approvers::Post::Office,
        Post::GeneralManager => pb::approvers::Post::GeneralManager,
        Post::LeastConcerned => pb::approvers::Post::LeastConcerned,
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
