//! What can be done with a complaint next, and what stands in the way.

use kefu_chassis::call::Holder;
use kefu_chassis::step::Root as _;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::customer_contact::Purpose;

use super::Complaints;
use super::lifecycle::{Action, Facts, LIFECYCLE};
use super::store::{self, Record};

impl Complaints {
    pub(super) async fn explain(
        &self,
        call: &Call,
        request: pb::ExplainComplaintRequest,
    ) -> Result<pb::ExplainComplaintResponse, Error> {
        let mut connection = self.0.pool().acquire().await?;
        let record = store::seen(&mut connection, call, &request.name).await?;
        let facts = record.facts(&self.0, call.now);
        let (handler, investigator) = ([record.handler.clone()], [record.investigator.clone()]);
        let department = self.0.directory.now().department_of(&record.investigator, call.now).to_owned();
        let measure = facts.measures.first();
        let holder = |method: &str| match method {
            "ConcludeInvestigation" if record.investigator.is_empty() => record.holder(""),
            "ConcludeInvestigation" => {
                Holder { owner: &record.investigator, department: &department, ..Holder::default() }
            }
            "ProposeResolution" | "RecordCustomerContact" => Holder { parties: &investigator, ..record.handler() },
            "ApproveResolution" | "RejectResolution" | "AddEvidence" => record.holder(""),
            "CompleteMeasure" => measure.map_or_else(
                || record.handler(),
                |part| Holder {
                    owner: &part.owner,
                    department: &part.department,
                    parties: &handler,
                    ..Holder::default()
                },
            ),
            _ => record.handler(),
        };
        let explained = LIFECYCLE.explain(&request.name, record.state(), &facts).into_iter();
        let explanations = explained
            .filter(|each| record.is_meant(each.action, &facts))
            .map(|each| each.show(&LIFECYCLE, &self.0, call, holder))
            .collect::<Result<_, _>>()?;
        Ok(pb::ExplainComplaintResponse { state: record.state().into(), explanations })
    }
}

impl Record {
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
