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
            owner != step.root.owner && row::is_unattended(&self.chassis.directory.now(), &step.root, call.now);
        let previous_owner = std::mem::replace(&mut step.root.owner, owner.clone());
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
        if request.owner == step.root.owner {
            return Err(Error::field("owner", wrong!(Unchanged, "has it already", "已经是这位员工")));
        }
        let mut facts = step.facts();
        facts.fits_department = self.is_active_in(&request.owner, &step.root.department, step.at);
        let previous_owner = std::mem::replace(&mut step.root.owner, request.owner.clone());
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
        let mut work = self.chassis.begin(call).await?;
        let (mut roots, more) = self.lock_for_reassignment(call, &mut work, &request).await?;
        let subjects: Vec<String> = roots.iter().map(|root| root.id().to_string()).collect();
        let mut live = work.live_duties_of(&subjects).await?;
        for (root, subject) in roots.iter_mut().zip(&subjects) {
            let mut facts = root.facts(&self.chassis, call, call.now);
            facts.fits_department = self.is_active_in(to, &root.department, call.now);
            let row = LIFECYCLE.fire(subject, root.state(), Action::Assign, &facts)?;
            root.owner.clone_from(to);
            root.version += 1;
            let duties = live.extract_if(.., |duty| duty.subject == *subject).collect();
            let effects =
                LIFECYCLE.duty_effects(row, &facts, duties, root.context(&self.chassis, call, subject, call.now));
            let payload = pb::RequestAssigned {
                state: root.state.into(),
                owner: to.clone(),
                previous_owner: from.clone(),
                reason: request.reason.clone(),
            };
            let event = NewEvent::new(subject, root.version, call.now, &call.rule.clauses, &payload);
            work.record_with_effects(event, effects);
        }
        let ids: Vec<Uuid> = roots.iter().map(|root| root.id).collect();
        store::reassign(work.connection(), &ids, to, call.now).await?;
        work.commit(pb::ReassignRequestsResponse { requests: subjects, more }).await
    }

    /// Locks the requests to reassign: those that the call names, which must be the owner's; if it names none, the
    /// owner's oldest open ones, at most `BULK`. Also returns whether the owner has more.
    async fn lock_for_reassignment(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        request: &pb::ReassignRequestsRequest,
    ) -> Result<(Vec<RequestRow>, bool), Error> {
        let owner = &request.from_owner;
        let reaches = |root: &RequestRow| call.reaches(&root.stakeholders());
        if request.requests.is_empty() {
            let mut ids = store::open_requests_of(work.connection(), owner, BULK + 1).await?;
            let most = usize::try_from(BULK).unwrap_or(usize::MAX);
            let more = ids.len() > most;
            ids.truncate(most);
            let mut roots = RequestRow::lock(work.connection(), &ids).await?;
            // A request whose owner or state changed before the lock is skipped.
            let is_assignable = |state| LIFECYCLE.is_possible(Action::Assign, state);
            roots.retain(|root| root.owner == *owner && is_assignable(root.state()) && reaches(root));
            roots.sort_by_key(|root| (root.contact_at.to_jiff(), root.id));
            return Ok((roots, more));
        }
        let ids =
            request.requests.iter().map(|name| id::<Request>(name).map(Id::uuid)).collect::<Result<Vec<_>, _>>()?;
        let roots = RequestRow::lock(work.connection(), &ids).await?;
        for (name, id) in request.requests.iter().zip(ids) {
            let is_owners = |root: &&RequestRow| root.id == id && root.owner == *owner && reaches(root);
            roots.iter().find(is_owners).ok_or_else(|| unknown::<Request>(name))?;
        }
        Ok((roots, false))
    }

    /// Whether `staff` is active and belongs to `department` at `at`.
    fn is_active_in(&self, staff: &str, department: &str, at: jiff::Timestamp) -> bool {
        let known = self.chassis.directory.now();
        known.is_active(staff) && known.department_of(staff, at) == department
    }

    pub(super) async fn mark_major(&self, call: &Call, request: pb::MarkMajorRequest) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let mut facts = step.facts();
        // A report is repeated only to another general manager than the one who was told.
        let is_owed = step.owes("major_report");
        facts.is_reported = step.root.major && !is_owed;
        facts.is_report_pending =
            is_owed && facts.general_manager.as_deref() == Some(step.root.major_reported_to.as_str());
        step.fire(Action::MarkMajor, &facts)?;
        step.root.major = true;
        step.root.major_reason.clone_from(&request.reason);
        step.root.major_at = Some(step.at.to_sqlx());
        step.root.major_reported_to = facts.general_manager.clone().unwrap_or_default();
        let payload = pb::RequestMarkedMajor {
            state: step.state(),
            reason: request.reason,
            reported_to: facts.general_manager.unwrap_or_default(),
        };
        step.finish(&payload).await
    }
}
