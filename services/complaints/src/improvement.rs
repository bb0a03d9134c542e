//! Improvements: what is done so that a complaint does not recur, and whether it had effect (D8.12).

use std::sync::Arc;

use jiff::Timestamp;
use kefu_chassis::call::Holder;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::names::{Id, id, unknown};
use kefu_chassis::paging::{Page, Pages};
use kefu_chassis::step::Root as _;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::improvement::State;
use kefu_proto::complaints::v1::improvement_service_server::ImprovementService;
use kefu_regulation::params;
use uuid::Uuid;

use crate::shared::{Complaint, Improvement};

mod effect;
mod lifecycle;
mod store;

use lifecycle::{Action, LIFECYCLE};
use store::{Record, improvements};

/// An improvement under way from one state to the next.
type Step<'a> = kefu_chassis::step::Step<'a, Record>;

/// Serves improvements, and the analysis that they come from.
#[derive(Clone, Debug)]
pub struct Improvements(pub Arc<Chassis>);

kefu_chassis::delegate! {
    impl ImprovementService for Improvements {
        create_improvement(pb::CreateImprovementRequest) -> pb::Improvement = create;
        complete_improvement(pb::CompleteImprovementRequest) -> pb::Improvement = complete;
        verify_improvement(pb::VerifyImprovementRequest) -> pb::Improvement = verify;
        get_improvement(pb::GetImprovementRequest) -> pb::Improvement = get;
        list_improvements(pb::ListImprovementsRequest) -> pb::ListImprovementsResponse = list;
        analyze_complaints(pb::AnalyzeComplaintsRequest) -> pb::AnalyzeComplaintsResponse = analyze;
    }
}

impl Improvements {
    async fn create(&self, call: &Call, request: pb::CreateImprovementRequest) -> Result<pb::Improvement, Error> {
        let mut record = self.planned(call, &request)?;
        let known = self.0.directory.now();
        let mut facts = record.facts(&self.0, call.now);
        facts.is_outside = known.department_of(&record.verifier, call.now) != record.department;
        let name = record.id().to_string();
        let row = LIFECYCLE.fire(&name, State::Unspecified, Action::Plan, &facts)?;
        record.enter(row.to.unwrap_or(State::Planned));
        let touched = LIFECYCLE.touch(row, &facts, Vec::new(), record.scene(&self.0, call, &name, call.now));
        let mut change = self.0.begin(call).await?;
        let complaints: Vec<Uuid> = record.complaints.clone();
        let found = sqlx::query!(
            r#"select id, responsible_department = $2 and cause_category = $3 as "is_same!" from complaints.complaint
            where id = any($1)"#,
            &complaints,
            record.responsible_department,
            record.cause_category,
        );
        let found = found.fetch_all(change.connection()).await?;
        if let Some(missing) = complaints.iter().position(|id| found.iter().all(|row| row.id != *id)) {
            return Err(unknown::<Complaint>(&request.complaints[missing]));
        }
        // Its effect is counted by these two: it would be that of something else.
        if !found.iter().any(|row| row.is_same) {
            let reason = "D8.12: none of the complaints has this kind of cause and this department responsible";
            return Err(Error::field("complaints", reason));
        }
        let day = call.now.to_zoned(self.0.regulation.calendar().zone().clone()).strftime("%Y%m%d").to_string();
        record.number = store::insert(change.connection(), &record, &day).await?;
        let shown = record.show();
        let payload = pb::ImprovementCreated { improvement: Some(shown.clone()) };
        change.record_touching(NewEvent::new(name, record.version, call.now, &call.rule.clauses, &payload), touched);
        change.commit(shown).await
    }

    fn planned(&self, call: &Call, request: &pb::CreateImprovementRequest) -> Result<Record, Error> {
        let known = self.0.directory.now();
        self.0.check_may(&request.owner, "CompleteImprovement", "owner", "D8.12")?;
        self.0.check_may(&request.verifier, "VerifyImprovement", "verifier", "D8.12")?;
        if known.department(&request.responsible_department).is_none() {
            let name = request.responsible_department.clone();
            return Err(Error::NotFound { kind: "kefu/Department", name });
        }
        let due = request.due_time.as_ref().and_then(from_proto).filter(|&due| due > call.now);
        let due = due.ok_or_else(|| Error::field("due_time", "D8.12: must be in the future"))?;
        let complaints = request.complaints.iter().map(|name| id::<Complaint>(name).map(Id::uuid));
        Ok(Record {
            complaints: complaints.collect::<Result<_, _>>()?,
            cause_category: request.cause_category() as i16,
            cause: request.cause.clone(),
            responsible_department: request.responsible_department.clone(),
            measure: request.measure.clone(),
            owner: request.owner.clone(),
            department: known.department_of(&request.owner, call.now).to_owned(),
            verifier: request.verifier.clone(),
            ..Record::blank(call.now, due)
        })
    }

    async fn complete(&self, call: &Call, request: pb::CompleteImprovementRequest) -> Result<pb::Improvement, Error> {
        let mut step = Step::begin(&self.0, call, &request.name, &request.etag, request.occurred_time.as_ref()).await?;
        let check_at = self.after(step.at);
        let known = self.0.directory.now();
        let mut facts = step.facts();
        let department = known.department_of(&step.record.verifier, step.at).to_owned();
        facts.check = Some((check_at, step.record.verifier.clone(), department));
        step.fire(Action::Complete, &facts)?;
        step.record.completed_at = Some(sql::at(step.at));
        step.record.check_at = Some(sql::at(check_at));
        step.record.report = request.report;
        let payload = pb::ImprovementCompleted { state: step.state(), improvement: Some(step.record.show()) };
        step.finish(&payload).await
    }

    /// When the effect of what was carried out at `at` can be checked, in the business calendar's zone.
    fn after(&self, at: Timestamp) -> Timestamp {
        let period = self.0.regulation.get(params::CHECK_AFTER).to_span();
        let done = at.to_zoned(self.0.regulation.calendar().zone().clone());
        done.checked_add(period).map_or(Timestamp::MAX, |later| later.timestamp())
    }

    async fn verify(&self, call: &Call, request: pb::VerifyImprovementRequest) -> Result<pb::Improvement, Error> {
        let step = Step::lock(&self.0, call, &request.name, None, &[]).await?;
        let known = self.0.directory.now();
        let department = known.department_of(&step.record.verifier, call.now);
        if !call.reaches(Holder { owner: &step.record.verifier, department, ..Holder::default() }) {
            return Err(unknown::<Improvement>(&request.name));
        }
        let mut step = step.ready(&request.etag).await?;
        let counted = match (step.record.completed_at, step.record.check_at) {
            (Some(done), Some(check)) => {
                let zone = self.0.regulation.calendar().zone().clone();
                effect::count(step.change.connection(), &step.record, done.to_jiff(), check.to_jiff(), &zone).await?
            }
            _ => effect::Counted::default(),
        };
        let mut facts = step.facts();
        // Of its department at the time it was carried out, or now.
        let since = step.record.completed_at.map_or(step.at, jiff_sqlx::Timestamp::to_jiff);
        facts.is_outside = !known.was_of(&call.caller.subject, &step.record.department, since.min(step.at), step.at);
        facts.is_time = step.record.check_at.is_some_and(|check| check.to_jiff() <= step.at);
        facts.is_decided = !facts.is_time || counted.is_decided();
        let is_effective = effect::is_effective(&counted.effect);
        step.fire(if is_effective { Action::FindEffective } else { Action::FindIneffective }, &facts)?;
        step.record.verified_at = Some(sql::at(step.at));
        step.record.comment = request.comment;
        step.record.keep(&counted.effect);
        let payload = pb::ImprovementVerified { state: step.state(), improvement: Some(step.record.show()) };
        step.finish(&payload).await
    }

    async fn get(&self, _: &Call, request: pb::GetImprovementRequest) -> Result<pb::Improvement, Error> {
        let id = id::<Improvement>(&request.name)?;
        let row = improvements!("where id = $1", id.uuid()).fetch_optional(self.0.pool()).await?;
        row.map(|row| row.show()).ok_or_else(|| unknown::<Improvement>(&request.name))
    }

    async fn list(
        &self,
        call: &Call,
        request: pb::ListImprovementsRequest,
    ) -> Result<pb::ListImprovementsResponse, Error> {
        let parts = [&request.owner, &request.responsible_department, &request.state.to_string()];
        let page: Page<Id<Improvement>> = Pages::new(call, &parts).read(&request.page_token, request.page_size)?;
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
        .fetch_all(self.0.pool())
        .await?;
        let (rows, next_page_token) = page.cut(rows, Record::id);
        Ok(pb::ListImprovementsResponse { improvements: rows.iter().map(Record::show).collect(), next_page_token })
    }
}
