//! Improvements: preventive actions against the recurrence of complaints, and the check of their effect (D8.12).

use std::sync::Arc;

use kefu_chassis::names::{Id, id, unknown};
use kefu_chassis::paging::Page;
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error, explain};
use kefu_proto::complaints::v1 as pb;
use kefu_regulation::params;
use uuid::Uuid;

use crate::shared::{Complaint, Improvement};

mod effect;
mod lifecycle;
pub mod row;

use lifecycle::Action;
use row::{ImprovementRow, improvements};

/// One action on an improvement, from loading to storing.
type Step<'a> = kefu_chassis::step::Step<'a, ImprovementRow>;

/// Serves improvements and the analysis of complaints.
#[derive(Clone, Debug)]
pub struct Improvements {
    /// What every service shares: database, clock, directory copy, regulation.
    pub chassis: Arc<Chassis>,
}

kefu_proto::serve_improvement_service!(Improvements);

impl Improvements {
    async fn create_improvement(
        &self,
        call: &Call,
        request: pb::CreateImprovementRequest,
    ) -> Result<pb::Improvement, Error> {
        let root = self.new_row(call, &request)?;
        let mut facts = root.facts(&self.chassis, call, call.now);
        let (may_check, is_last_resort) = root.may_check(&self.chassis, &root.verifier, call.now);
        facts.is_outside = may_check;
        facts.deviation = is_last_resort.then(|| (call.rule.name().to_owned(), root.verifier.clone()));
        let mut step = Step::create(&self.chassis, call, root, call.now, Action::Plan, &facts).await?;
        let found = sqlx::query!(
            r#"select id, responsible_department = $2 and cause_category = $3 as "is_same!" from complaints.complaint
            where id = any($1)"#,
            &step.root.complaints,
            step.root.responsible_department,
            step.root.cause_category,
        );
        let found = found.fetch_all(step.work.connection()).await?;
        let is_missing = |id: &Uuid| found.iter().all(|row| row.id != *id);
        if let Some(missing) = step.root.complaints.iter().position(is_missing) {
            return Err(unknown::<Complaint>(&request.complaints[missing]));
        }
        // The effect is counted over complaints with this cause and department, so at least one of those named must have
        // both.
        if !found.iter().any(|row| row.is_same) {
            let wrong = wrong!(
                Conflicting under "D8.12",
                "holds none with this kind of cause and this department responsible",
                "中没有同类原因且由该部门负责的投诉"
            );
            return Err(Error::field("complaints", wrong));
        }
        step.insert(|shown| pb::ImprovementCreated { improvement: Some(shown) }).await
    }

    fn new_row(&self, call: &Call, request: &pb::CreateImprovementRequest) -> Result<ImprovementRow, Error> {
        let known = self.chassis.directory.now();
        self.chassis.check_may(&request.owner, "CompleteImprovement", "owner", "D8.12")?;
        self.chassis.check_may(&request.verifier, "VerifyImprovement", "verifier", "D8.12")?;
        known.check_department(&request.responsible_department)?;
        let due = request.due_time.as_ref().and_then(from_proto).filter(|&due| due > call.now);
        let due = due.ok_or_else(|| {
            Error::field("due_time", wrong!(TooEarly under "D8.12", "must be in the future", "须晚于现在"))
        })?;
        let complaints = request.complaints.iter().map(|name| id::<Complaint>(name).map(Id::uuid));
        Ok(ImprovementRow {
            complaints: complaints.collect::<Result<_, _>>()?,
            cause_category: request.cause_category() as i16,
            cause: request.cause.clone(),
            responsible_department: request.responsible_department.clone(),
            measure: request.measure.clone(),
            owner: request.owner.clone(),
            department: known.department_of(&request.owner, call.now).to_owned(),
            verifier: request.verifier.clone(),
            due_at: sql::at(due),
            ..ImprovementRow::blank(call.now)
        })
    }

    async fn complete_improvement(
        &self,
        call: &Call,
        request: pb::CompleteImprovementRequest,
    ) -> Result<pb::Improvement, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let regulation = &self.chassis.regulation;
        let check_at = regulation.calendar().after(step.at, regulation.get(params::CHECK_AFTER).to_span());
        let facts = lifecycle::Facts { check_at: Some(check_at), ..step.facts() };
        step.fire(Action::Complete, &facts)?;
        step.root.completed_at = Some(sql::at(step.at));
        step.root.check_at = Some(sql::at(check_at));
        step.root.report = request.report;
        let payload = pb::ImprovementCompleted { state: step.state(), improvement: Some(step.root.show()) };
        step.finish(&payload).await
    }

    async fn verify_improvement(
        &self,
        call: &Call,
        request: pb::VerifyImprovementRequest,
    ) -> Result<pb::Improvement, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let counted = self.counted(step.work.connection(), &step.root).await?;
        let mut facts = step.facts();
        let caller = &call.caller.subject;
        let (may_check, is_last_resort) = step.root.may_check(&self.chassis, caller, step.at);
        facts.is_outside = may_check;
        facts.deviation = is_last_resort.then(|| (call.rule.name().to_owned(), caller.clone()));
        facts.is_final = !facts.is_time || counted.is_final();
        let is_effective = effect::is_effective(&counted.effect);
        step.fire(if is_effective { Action::FindEffective } else { Action::FindIneffective }, &facts)?;
        step.root.verified_at = Some(sql::at(step.at));
        step.root.comment = request.comment;
        step.root.set_effect(&counted.effect);
        let payload = pb::ImprovementVerified { state: step.state(), improvement: Some(step.root.show()) };
        step.finish(&payload).await
    }

    async fn get_improvement(&self, _: &Call, request: pb::GetImprovementRequest) -> Result<pb::Improvement, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let row = ImprovementRow::get(&mut connection, id::<Improvement>(&request.name)?.uuid()).await?;
        row.map(|row| row.show()).ok_or_else(|| unknown::<Improvement>(&request.name))
    }

    async fn explain_improvement(
        &self,
        call: &Call,
        request: pb::ExplainImprovementRequest,
    ) -> Result<pb::ExplainImprovementResponse, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let row = ImprovementRow::get(&mut connection, id::<Improvement>(&request.name)?.uuid()).await?;
        let root = row.ok_or_else(|| unknown::<Improvement>(&request.name))?;
        let counted = self.counted(&mut connection, &root).await?;
        let complete = |facts: &mut lifecycle::Facts| facts.is_final = !facts.is_time || counted.is_final();
        let explanations = explain::explanations(&self.chassis, call, &root, complete, |_| true)?;
        Ok(pb::ExplainImprovementResponse { state: root.state().into(), explanations })
    }

    /// What is counted of the effect up to its check; nothing before the improvement is carried out.
    async fn counted(
        &self,
        connection: &mut sqlx::PgConnection,
        root: &ImprovementRow,
    ) -> Result<effect::Counted, Error> {
        let (Some(done), Some(check)) = (root.completed_at, root.check_at) else {
            return Ok(effect::Counted::default());
        };
        let zone = self.chassis.regulation.calendar().zone().clone();
        effect::count(connection, root, done.to_jiff(), check.to_jiff(), &zone).await
    }

    async fn list_improvements(
        &self,
        call: &Call,
        request: pb::ListImprovementsRequest,
    ) -> Result<pb::ListImprovementsResponse, Error> {
        let page: Page<Id<Improvement>> = Page::of(call, &request)?;
        let rows = improvements!(
            "where ($1::uuid is null or id < $1) and ($2 = '' or owner = $2) and ($3 = '' or responsible_department = $3)
                and ($4::smallint = 0 or state = $4)
            order by id desc limit $5",
            page.after.map(Id::uuid),
            request.owner,
            request.responsible_department,
            i16::try_from(request.state).unwrap_or_default(),
            page.limit,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (improvements, next_page_token) = page.fill(rows.iter().map(|row| (row.id(), row.show())));
        Ok(pb::ListImprovementsResponse { improvements, next_page_token })
    }
}
