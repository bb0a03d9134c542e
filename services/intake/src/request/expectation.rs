//! Expectations that could not be met: the reason, the planned improvement, and the answer to the customer (A10.7).

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::error::StateName;
use kefu_chassis::language::Text;
use kefu_chassis::record::Record;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::row::Step;
use crate::shared::{Request, UnmetExpectation, id, unknown};

/// An expectation as it is stored.
#[derive(Debug, Record)]
#[record(table = "intake.unmet_expectation", query = expectations, kind = UnmetExpectation, shows = pb::UnmetExpectation)]
#[record(fixed(expectation, author, occurred_at))]
pub struct ExpectationRow {
    pub id: Uuid,
    #[record(under = Request)]
    pub request: Uuid,
    pub expectation: String,
    pub analysis: String,
    pub improvement: String,
    pub answer: String,
    pub told_by: i16,
    pub author: String,
    pub occurred_at: SqlTime,
    #[record(show = answer_time)]
    pub answered_at: Option<SqlTime>,
    pub created_at: SqlTime,
}

impl Requests {
    pub(super) async fn record_unmet_expectation(
        &self,
        call: &Call,
        request: pb::RecordUnmetExpectationRequest,
    ) -> Result<pb::UnmetExpectation, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = step.facts();
        step.fire(Action::RecordExpectation, &facts)?;
        step.root.open_expectations += 1;
        let row = ExpectationRow {
            request: step.root.id,
            expectation: request.expectation,
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            ..ExpectationRow::blank(call.now)
        };
        row.insert(step.work.connection()).await?;
        let shown = row.show();
        let payload = pb::UnmetExpectationRecorded { state: step.state(), unmet_expectation: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }

    pub(super) async fn answer_unmet_expectation(
        &self,
        call: &Call,
        request: pb::AnswerUnmetExpectationRequest,
    ) -> Result<pb::UnmetExpectation, Error> {
        let name = &request.name;
        let id = id::<UnmetExpectation>(name)?;
        let mut step = Step::begin_under::<UnmetExpectation>(&self.chassis, call, &request).await?;
        let row = expectations!("where id = $1 and request = $2", id.uuid(), step.root.id);
        let row = row.fetch_optional(step.work.connection()).await?;
        let mut row = row.ok_or_else(|| unknown::<UnmetExpectation>(name))?;
        if row.answered_at.is_some() {
            return Err(Error::State {
                subject: name.clone(),
                method: call.rule.name().to_owned().into(),
                state: StateName::Text { code: "ANSWERED", label: Text::new("answered", "已答复") },
                clause: "A10.7".into(),
            });
        }
        let facts = step.facts();
        step.fire(Action::AnswerExpectation, &facts)?;
        step.root.open_expectations -= 1;
        step.root.mark_informed(step.at);
        row.told_by = request.told_by() as i16;
        row.answered_at = Some(step.at.to_sqlx());
        row.analysis = request.analysis;
        row.improvement = request.improvement;
        row.answer = request.answer;
        row.update(step.work.connection()).await?;
        let shown = row.show();
        let payload = pb::UnmetExpectationAnswered { state: step.state(), unmet_expectation: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }
}
