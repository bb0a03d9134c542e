//! Owners of requests within a department: claim, assignment, bulk reassignment; and marking a request as major.

use jiff_sqlx::ToSqlx as _;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::names::Id;
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error, UnitOfWork};
use kefu_proto::intake::v1 as pb;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::{Action, LIFECYCLE};
use super::row::RequestRow;
use super::row::{self, Step};
use super::store;
use crate::shared::{Request, id, unknown};

/// Most requests that one call reassigns.
const BULK: i64 = 500;

impl Requests {
    pub(super) async fn claim_request(
        &self,
        call: &Call,
        request: pb::ClaimRequestRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let mut facts = step.facts();
        let owner = call.caller.subject.clone();
        // Attendance is judged now, not at the call's `occurred_time`.
        facts.is_unattended =
            owner != step.record.owner && row::is_unattended(&self.chassis.directory.now(), &step.record, call.now);
        let previous_owner = std::mem::replace(&mut step.record.owner, owner.clone());
        step.fire(Action::Claim, &facts)?;
        let payload = pb::RequestClaimed { state: step.state(), owner, previous_owner };
        step.finish(&payload).await
    }

    pub(super) async fn assign_request(
        &self,
        call: &Call,
        request: pb::AssignRequestRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        if request.owner == step.record.owner {
            return Err(Error::field("owner", wrong!(Unchanged, "has it already", "已经是这位员工")));
        }
        let mut facts = step.facts();
        facts.fits_department = self.is_active_in(&request.owner, &step.record.department, step.at);
        let previous_owner = std::mem::replace(&mut step.record.owner, request.owner.clone());
        step.fire(Action::Assign, &facts)?;
        let payload =
            pb::RequestAssigned { state: step.state(), owner: request.owner, previous_owner, reason: request.reason };
        step.finish(&payload).await
    }

    pub(super) async fn reassign_requests(
        &self,
        call: &Call,
        request: pb::ReassignRequestsRequest,
    ) -> Result<pb::ReassignRequestsResponse, Error> {
        let known = self.chassis.directory.now();
        let (from, to) = (&request.from_owner, &request.to_owner);
        if !known.is_known(from) {
            return Err(Error::NotFound { kind: "kefu/Staff", name: from.clone() });
        }
        if from == to {
            return Err(Error::field("to_owner", wrong!(Unchanged, "has them already", "与原责任人相同")));
        }
        let mut change = self.chassis.begin(call).await?;
        let (mut records, more) = self.lock_for_reassignment(call, &mut change, &request).await?;
        let subjects: Vec<String> = records.iter().map(|record| record.id().to_string()).collect();
        let mut live = change.live_duties_of(&subjects).await?;
        for (record, subject) in records.iter_mut().zip(&subjects) {
            let mut facts = record.facts(&self.chassis, call.now);
            facts.fits_department = self.is_active_in(to, &record.department, call.now);
            let row = LIFECYCLE.fire(subject, record.state(), Action::Assign, &facts)?;
            record.owner.clone_from(to);
            record.version += 1;
            let duties = live.extract_if(.., |duty| duty.subject == *subject).collect();
            let effects =
                LIFECYCLE.duty_effects(row, &facts, duties, record.context(&self.chassis, call, subject, call.now));
            let payload = pb::RequestAssigned {
                state: record.state.into(),
                owner: to.clone(),
                previous_owner: from.clone(),
                reason: request.reason.clone(),
            };
            let event = NewEvent::new(subject, record.version, call.now, &call.rule.clauses, &payload);
            change.record_with_effects(event, effects);
        }
        let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
        store::reassign(change.connection(), &ids, to, call.now).await?;
        change.commit(pb::ReassignRequestsResponse { requests: subjects, more }).await
    }

    /// Locks the requests to reassign: those that the call names, which must be the owner's; if it names none, the
    /// owner's oldest open ones, at most `BULK`. Also returns whether the owner has more.
    async fn lock_for_reassignment(
        &self,
        call: &Call,
        change: &mut UnitOfWork<'_>,
        request: &pb::ReassignRequestsRequest,
    ) -> Result<(Vec<RequestRow>, bool), Error> {
        let owner = &request.from_owner;
        let reaches = |record: &RequestRow| call.reaches(&record.stakeholders());
        if request.requests.is_empty() {
            let mut ids = store::open_requests_of(change.connection(), owner, BULK + 1).await?;
            let most = usize::try_from(BULK).unwrap_or(usize::MAX);
            let more = ids.len() > most;
            ids.truncate(most);
            let mut records = RequestRow::lock(change.connection(), &ids).await?;
            // A request whose owner or state changed before the lock is skipped.
            let is_assignable = |state| LIFECYCLE.is_possible(Action::Assign, state);
            records.retain(|record| record.owner == *owner && is_assignable(record.state()) && reaches(record));
            records.sort_by_key(|record| (record.contact_at.to_jiff(), record.id));
            return Ok((records, more));
        }
        let ids =
            request.requests.iter().map(|name| id::<Request>(name).map(Id::uuid)).collect::<Result<Vec<_>, _>>()?;
        let records = RequestRow::lock(change.connection(), &ids).await?;
        for (name, id) in request.requests.iter().zip(ids) {
            let is_owners = |record: &&RequestRow| record.id == id && record.owner == *owner && reaches(record);
            records.iter().find(is_owners).ok_or_else(|| unknown::<Request>(name))?;
        }
        Ok((records, false))
    }

    /// Whether `staff` is active and belongs to `department` at `at`.
    fn is_active_in(&self, staff: &str, department: &str, at: jiff::Timestamp) -> bool {
        let known = self.chassis.directory.now();
        known.is_active(staff) && known.department_of(staff, at) == department
    }

    pub(super) async fn mark_major(&self, call: &Call, request: pb::MarkMajorRequest) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let mut facts = step.facts();
        // A report can be repeated until it is acknowledged, for example to a new general manager.
        facts.is_reported = step.record.major && !step.owes("major_report");
        step.fire(Action::MarkMajor, &facts)?;
        step.record.major = true;
        step.record.major_reason.clone_from(&request.reason);
        step.record.major_at = Some(step.at.to_sqlx());
        let payload = pb::RequestMarkedMajor {
            state: step.state(),
            reason: request.reason,
            reported_to: facts.general_manager.unwrap_or_default(),
        };
        step.finish(&payload).await
    }
}
