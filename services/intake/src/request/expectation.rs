//! Expectations that could not be met: why, what will be better, and what the customer was told (A10.7).

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::names::Id;
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::step::Step;
use crate::shared::{Request, UnmetExpectation, id, unknown};

/// A query of expectations.
macro_rules! expectations {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::expectation::ExpectationRow,
            "select id, request, expectation, analysis, improvement, answer, told_by, author, occurred_at, answered_at, created_at
            from intake.unmet_expectation " + $rest $($arguments)*
        )
    };
}

pub(crate) use expectations;

/// An expectation as it is stored.
#[derive(Debug)]
pub struct ExpectationRow {
    pub id: Uuid,
    pub request: Uuid,
    pub expectation: String,
    pub analysis: String,
    pub improvement: String,
    pub answer: String,
    pub told_by: i16,
    pub author: String,
    pub occurred_at: SqlTime,
    pub answered_at: Option<SqlTime>,
    pub created_at: SqlTime,
}

impl Requests {
    pub(super) async fn record_expectation(
        &self,
        call: &Call,
        request: pb::RecordUnmetExpectationRequest,
    ) -> Result<pb::UnmetExpectation, Error> {
        let mut step =
            Step::begin(&self.0, call, &request.parent, &request.etag, request.occurred_time.as_ref()).await?;
        let facts = step.facts();
        step.fire(Action::RecordExpectation, &facts)?;
        step.record.open_expectations += 1;
        let row = ExpectationRow {
            id: Id::<UnmetExpectation>::new(call.now).uuid(),
            request: step.record.id,
            expectation: request.expectation,
            analysis: String::new(),
            improvement: String::new(),
            answer: String::new(),
            told_by: 0,
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            answered_at: None,
            created_at: call.now.to_sqlx(),
        };
        insert(step.change.connection(), &row).await?;
        let shown = row.show();
        let payload = pb::ExpectationUnmet { state: step.state(), unmet_expectation: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }

    pub(super) async fn answer_expectation(
        &self,
        call: &Call,
        request: pb::AnswerUnmetExpectationRequest,
    ) -> Result<pb::UnmetExpectation, Error> {
        let name = &request.name;
        let nothing =
            |error| if matches!(error, Error::NotFound { .. }) { unknown::<UnmetExpectation>(name) } else { error };
        let (of, _) = name.split_once("/unmetExpectations/").ok_or_else(|| unknown::<UnmetExpectation>(name))?;
        let id = id::<UnmetExpectation>(name)?;
        let begun = Step::begin(&self.0, call, of, &request.etag, request.occurred_time.as_ref()).await;
        let mut step = begun.map_err(nothing)?;
        let row = expectations!("where id = $1 and request = $2", id.uuid(), step.record.id);
        let row = row.fetch_optional(step.change.connection()).await?;
        let mut row = row.ok_or_else(|| unknown::<UnmetExpectation>(name))?;
        if row.answered_at.is_some() {
            return Err(Error::State {
                subject: name.clone(),
                method: "AnswerUnmetExpectation",
                state: "ANSWERED".into(),
                clause: "A10.7".into(),
            });
        }
        let facts = step.facts();
        step.fire(Action::AnswerExpectation, &facts)?;
        step.record.open_expectations -= 1;
        step.record.inform(step.at);
        row.told_by = request.told_by() as i16;
        row.answered_at = Some(step.at.to_sqlx());
        row.analysis = request.analysis;
        row.improvement = request.improvement;
        row.answer = request.answer;
        update(step.change.connection(), &row).await?;
        let shown = row.show();
        let payload = pb::UnmetExpectationAnswered { state: step.state(), unmet_expectation: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }
}

impl ExpectationRow {
    /// As the contract shows it.
    pub fn show(&self) -> pb::UnmetExpectation {
        pb::UnmetExpectation {
            name: format!("{}/{}", Id::<Request>::from_uuid(self.request), Id::<UnmetExpectation>::from_uuid(self.id)),
            expectation: self.expectation.clone(),
            analysis: self.analysis.clone(),
            improvement: self.improvement.clone(),
            answer: self.answer.clone(),
            told_by: self.told_by.into(),
            author: self.author.clone(),
            occurred_time: Some(to_proto(self.occurred_at.to_jiff())),
            answer_time: sql::read(self.answered_at).map(to_proto),
            create_time: Some(to_proto(self.created_at.to_jiff())),
        }
    }
}

async fn insert(connection: &mut PgConnection, row: &ExpectationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into intake.unmet_expectation (
            id, request, expectation, analysis, improvement, answer, told_by, author, occurred_at, created_at)
        values ($1, $2, $3, '', '', '', 0, $4, $5, $6)",
        row.id,
        row.request,
        row.expectation,
        row.author,
        row.occurred_at as _,
        row.created_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn update(connection: &mut PgConnection, row: &ExpectationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update intake.unmet_expectation set analysis = $2, improvement = $3, answer = $4, told_by = $5, answered_at = $6
        where id = $1",
        row.id,
        row.analysis,
        row.improvement,
        row.answer,
        row.told_by,
        row.answered_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
