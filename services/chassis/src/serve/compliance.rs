//! `kefu.compliance.v1.ComplianceService`, the same in every service: its duties, decisions about them, and their
//! summary.

use std::sync::Arc;

use jiff::Timestamp;
use kefu_proto::Target;
use kefu_proto::compliance::v1 as pb;
use kefu_proto::events::v1::{DutyChange, DutyChanged};

use kefu_regulation::params;

use crate::base::error::{Error, StateName};
use crate::base::names::{Id, unknown};
use crate::base::time::{duration_to_proto, sql, to_proto};
use crate::contract::call::{Call, Stakeholders, check_etag, etag};
use crate::contract::paging::{NEVER, Page};
use crate::model::duty::{BY_PERSON, Duty, DutyResource, Entry, State};
use crate::model::event::NewEvent;
use crate::store::duty::{self as store, DutyRow};
use crate::work::chassis::Chassis;

mod summary;

/// The methods of a service's duties.
#[derive(Clone, Debug)]
pub struct Compliance {
    /// The chassis of the service.
    pub chassis: Arc<Chassis>,
}

kefu_proto::serve_compliance_service!(Compliance);

impl Compliance {
    async fn list_duties(&self, call: &Call, request: pb::ListDutiesRequest) -> Result<pb::ListDutiesResponse, Error> {
        self.chassis.check_parent(&request.parent)?;
        self.chassis.check_clause(&request.clause)?;
        let page: Page<(Timestamp, Id<DutyResource>)> = Page::of(call, &request)?;
        let (due, id) = page.after.map_or((None, None), |(due, id)| (Some(due), Some(id.uuid())));
        let (owner, department) = call.scope().bounds();
        let state = (request.state != 0).then(|| i16::try_from(request.state).unwrap_or_default());
        let mut connection = self.chassis.pool().acquire().await?;
        let rows = store::duties!(
            "where ($1::timestamptz is null or (due_at, id) > ($1, $2))
                and ($3::text is null or owner = $3) and ($4::text is null or department = $4 or owner = $5)
                and ($6 = '' or subject = $6) and ($7 = '' or owner = $7) and ($8 = '' or clause = $8)
                and ($9::smallint is null or state = $9) and (not $10 or is_late(state, late, paused_since, due_at, $12))
            order by due_at, id limit $11",
            sql::maybe(due) as _,
            id,
            owner,
            department,
            call.caller.subject,
            request.subject,
            request.owner,
            request.clause,
            state,
            request.breached,
            page.limit,
            sql::at(call.now) as _,
        )
        .fetch_all(&mut *connection)
        .await?;
        let duties = store::read(&mut connection, &self.chassis.calendars, rows).await?;
        let shown = duties.into_iter().map(|duty| ((duty.due_at.unwrap_or(NEVER), duty.id), self.show(duty, call.now)));
        let (duties, next_page_token) = page.fill(shown);
        Ok(pb::ListDutiesResponse { duties, next_page_token })
    }

    async fn get_duty(&self, call: &Call, request: pb::GetDutyRequest) -> Result<pb::Duty, Error> {
        let id = self.chassis.id_of(&request.name)?;
        let mut connection = self.chassis.pool().acquire().await?;
        let duty = store::get(&mut connection, &self.chassis.calendars, id).await?;
        let duty = duty.filter(|duty| call.reaches(&stakeholders(duty)));
        duty.map(|duty| self.show(duty, call.now)).ok_or_else(|| unknown::<DutyResource>(&request.name))
    }

    async fn pause_duty(&self, call: &Call, request: pb::PauseDutyRequest) -> Result<pb::Duty, Error> {
        let can = |duty: &Duty| duty.is_live() && duty.pause_reasons & BY_PERSON == 0;
        self.decide(call, &request, can, |duty| duty.pause(self.entry(call), &request.reason)).await
    }

    async fn resume_duty(&self, call: &Call, request: pb::ResumeDutyRequest) -> Result<pb::Duty, Error> {
        let can = |duty: &Duty| duty.is_live() && duty.pause_reasons & BY_PERSON != 0;
        self.decide(call, &request, can, |duty| vec![duty.resume(call.now)]).await
    }

    async fn waive_duty(&self, call: &Call, request: pb::WaiveDutyRequest) -> Result<pb::Duty, Error> {
        self.decide(call, &request, Duty::is_live, |duty| duty.waive(call.now, &request.reason, &call.caller.subject))
            .await
    }

    /// Returns the entry that a decision makes in the record.
    fn entry<'a>(&'a self, call: &'a Call) -> Entry<'a> {
        let regulation = &self.chassis.regulation;
        Entry { at: call.now, now: call.now, by: &call.caller.subject, leads: call.leads(), regulation }
    }

    /// Applies a decision to a duty. Refused to whoever owns the duty or owned it while its clock ran, to whoever recorded
    /// attempts for it that reached nobody, to whom the service separates from the matter, and in a state where `can` is
    /// false.
    async fn decide(
        &self,
        call: &Call,
        request: &impl Target,
        can: impl FnOnce(&Duty) -> bool,
        act: impl FnOnce(&mut Duty) -> Vec<DutyChange>,
    ) -> Result<pb::Duty, Error> {
        let name = request.name();
        let id = self.chassis.id_of(name)?;
        let mut work = self.chassis.begin(call).await?;
        let duty = store::lock(work.connection(), &self.chassis.calendars, id).await?;
        let mut duty =
            duty.filter(|duty| call.reaches(&stakeholders(duty))).ok_or_else(|| unknown::<DutyResource>(name))?;
        check_etag(request.etag(), &etag(duty.version), name)?;
        if duty.was_owned_by(&call.caller.subject) || duty.tried_by.contains(&call.caller.subject) {
            return Err(Error::SelfDealing);
        }
        if let Some(refuse) = self.chassis.separation {
            refuse(&self.chassis, work.connection(), &duty.subject, &call.caller.subject).await?;
        }
        if !can(&duty) {
            return Err(Error::State {
                subject: name.to_owned(),
                method: call.rule.name().to_owned().into(),
                state: StateName::Value { kind: "kefu.compliance.v1.Duty.State", name: duty.state.as_str_name() },
                clause: duty.clause.into(),
            });
        }
        let did = act(&mut duty);
        let corrects = duty.take_corrected();
        let payload = DutyChanged { subject: duty.subject.clone() };
        let event = NewEvent::new(self.chassis.name_of(&id), duty.version, call.now, &[&duty.clause], &payload);
        work.record(event.correcting(corrects).with_duties(did));
        work.put(duty.clone());
        work.commit(self.show(duty, call.now)).await
    }

    async fn summarize_compliance(
        &self,
        call: &Call,
        request: pb::SummarizeComplianceRequest,
    ) -> Result<pb::SummarizeComplianceResponse, Error> {
        self.chassis.check_parent(&request.parent)?;
        self.chassis.check_clause(&request.clause)?;
        summary::summarize(&self.chassis, call, &request).await
    }

    /// Shows a duty as it is at `now`.
    fn show(&self, duty: Duty, now: Timestamp) -> pb::Duty {
        let late = duty.is_late(now);
        let early = duty.is_early(self.chassis.regulation.get(params::COUNTS_AFTER));
        pb::Duty {
            name: self.chassis.name_of(&duty.id),
            etag: etag(duty.version),
            clause: duty.clause,
            kind: duty.kind,
            subject: duty.subject,
            number: duty.number,
            owner: duty.owner,
            department: duty.department,
            state: duty.state.into(),
            measure: duty.measure.into(),
            budget: Some(duration_to_proto(duty.budget_us)),
            elapsed: Some(duration_to_proto(duty.elapsed_us)),
            paused: Some(duration_to_proto(duty.paused_us)),
            open_time: Some(to_proto(duty.opened_at)),
            due_time: duty.due_at.filter(|_| duty.state != State::Paused).map(to_proto),
            due_provisional: duty.provisional,
            met_time: duty.met_at.map(to_proto),
            breached_time: duty.due_at.filter(|_| late).map(to_proto),
            late,
            taken_back: duty.taken_back.into(),
            recorded_late: duty.recorded_late,
            moved_late: duty.moved_late,
            attempted: duty.attempted,
            imported: duty.imported,
            early,
            past_owners: duty.past_owners,
            owned_since_time: duty.owned_since.map(to_proto),
            reason: duty.reason,
            decided_by: duty.decided_by,
            regulation_version: duty.regulation,
            calendar_version: duty.calendar.version().to_owned(),
        }
    }
}

fn stakeholders(duty: &Duty) -> Stakeholders<'_> {
    Stakeholders { owner: &duty.owner, department: &duty.department, ..Stakeholders::default() }
}
