//! Transfers of a request to the person in charge of another department, who accepts or declines (A2.4), and bounces: a
//! request that is transferred again and again, or declined although it is in scope (A2.7).

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::directory::{Capacity, Post};
use kefu_chassis::error::StateName;
use kefu_chassis::language::Text;
use kefu_chassis::names::as_unknown;
use kefu_chassis::notifications::{Notice, NoticeKind};
use kefu_chassis::record::{Record, exactly_one};
use kefu_chassis::text::is_blank;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request_bounced::Cause;
use kefu_proto::intake::v1::transfer::State;
use kefu_proto::request::Target;
use kefu_proto::rules::v1::Role;
use kefu_regulation::params;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::{Action, Facts, HandedTo};
use super::row::Step;
use crate::shared::{Request, Transfer, id, unknown};

static BOUNCED: NoticeKind = NoticeKind {
    code: "request_bounced",
    english: "{} bounced, with one of your staff involved.",
    chinese: "{}被来回转交或推诿，涉及您的下属。",
};

/// A transfer as it is stored.
#[derive(Debug, Record)]
#[record(table = "intake.transfer", query = transfers, kind = Transfer, shows = pb::Transfer)]
#[record(fixed(from_owner, from_department, recipient, department, capacity, reason, occurred_at))]
pub struct TransferRow {
    pub id: Uuid,
    #[record(under = Request)]
    pub request: Uuid,
    pub from_owner: String,
    pub from_department: String,
    pub recipient: String,
    pub department: String,
    pub capacity: i16,
    pub reason: String,
    pub state: i16,
    pub answered_by: String,
    pub decline_reason: String,
    pub occurred_at: SqlTime,
    #[record(show = answer_time)]
    pub answered_at: Option<SqlTime>,
    pub created_at: SqlTime,
}

impl Requests {
    pub(super) async fn transfer_request(
        &self,
        call: &Call,
        request: pb::TransferRequestRequest,
    ) -> Result<pb::Transfer, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let known = self.chassis.directory.now();
        known.check_department(&request.department)?;
        if request.department == step.root.department {
            return Err(Error::field(
                "department",
                wrong!(Unchanged under "A2.4", "has it already", "当前已负责该请求"),
            ));
        }
        let found = known.responsible(&request.department, &step.root.business_domain, step.at);
        let mut facts = step.facts();
        facts.has_reason = !is_blank(&request.reason);
        facts.recipient = found.map(|(staff, _)| (staff.to_owned(), request.department.clone()));
        step.fire(Action::Transfer, &facts)?;
        let row = TransferRow {
            request: step.root.id,
            from_owner: step.root.owner.clone(),
            from_department: step.root.department.clone(),
            recipient: facts.recipient.map(|(staff, _)| staff).unwrap_or_default(),
            department: request.department,
            capacity: match found {
                Some((_, Capacity::Head)) => pb::transfer::Capacity::Head as i16,
                _ => pb::transfer::Capacity::Deputy as i16,
            },
            reason: request.reason,
            state: State::Pending as i16,
            occurred_at: step.at.to_sqlx(),
            ..TransferRow::blank(call.now)
        };
        step.root.transfers += 1;
        step.root.pending_transfer = Some(row.id);
        step.root.settled_at_once = false;
        let often = self.chassis.regulation.get(params::BOUNCE_TRANSFERS);
        if u32::try_from(step.root.transfers).is_ok_and(|transfers| transfers >= often) {
            self.record_bounce(&mut step, Cause::Transfers, &call.caller.subject);
        }
        row.insert(step.work.connection()).await?;
        let shown = row.show();
        let payload = pb::RequestTransferred {
            state: step.state(),
            transfer: Some(shown.clone()),
            transfer_count: step.root.transfers,
        };
        step.finish_with(&payload, shown).await
    }

    pub(super) async fn accept_transfer(
        &self,
        call: &Call,
        request: pb::AcceptTransferRequest,
    ) -> Result<pb::Transfer, Error> {
        let (mut step, mut row) = self.lock_pending(call, &request, Action::AcceptTransfer).await?;
        let facts = step.facts();
        // Whoever accepts becomes the owner, except an administrator, who accepts on behalf of the recipient.
        let accepts_as_owner = !call.acts_as(Role::Admin) || call.caller.subject == row.recipient;
        step.root.owner = if accepts_as_owner { call.caller.subject.clone() } else { row.recipient.clone() };
        step.root.department.clone_from(&row.department);
        step.fire(if facts.was_answered { Action::AcceptTransfer } else { Action::AcceptUnanswered }, &facts)?;
        row.answer(State::Accepted, &call.caller.subject, step.at);
        self.store_answer(step, &row).await
    }

    pub(super) async fn decline_transfer(
        &self,
        call: &Call,
        request: pb::DeclineTransferRequest,
    ) -> Result<pb::Transfer, Error> {
        let (mut step, mut row) = self.lock_pending(call, &request, Action::DeclineTransfer).await?;
        let mut facts = step.facts();
        facts.is_declined = true;
        step.fire(if facts.was_answered { Action::DeclineTransfer } else { Action::DeclineUnanswered }, &facts)?;
        row.answer(State::Declined, &call.caller.subject, step.at);
        row.decline_reason = request.reason;
        if self.chassis.directory.now().is_in_charge(&row.department, &step.root.business_domain) {
            self.record_bounce(&mut step, Cause::DeclinedInScope, &call.caller.subject);
        }
        self.store_answer(step, &row).await
    }

    /// Locks the request, loads its pending transfer, and checks that the caller may answer.
    async fn lock_pending<'a>(
        &'a self,
        call: &'a Call,
        request: &impl Target,
        answer: Action,
    ) -> Result<(Step<'a>, TransferRow), Error> {
        let name = request.name();
        let mut step = Step::lock_under::<Transfer>(&self.chassis, call, request).await?;
        let row = transfers!("where id = $1 and request = $2", id::<Transfer>(name)?.uuid(), step.root.id);
        let row = row.fetch_optional(step.work.connection()).await?.ok_or_else(|| unknown::<Transfer>(name))?;
        let handed_to = row.handed_to(&self.chassis, &step.root.business_domain, call.now);
        let facts = Facts { handed_to: Some(handed_to), ..step.facts() };
        let step = step.ready(request, &facts).await.map_err(as_unknown::<Transfer>(name))?;
        if step.root.pending_transfer != Some(row.id) {
            return Err(Error::State {
                subject: name.to_owned(),
                method: answer.label().method.into(),
                state: StateName::Value { kind: "kefu.intake.v1.Transfer.State", name: row.state().as_str_name() },
                clause: "A2.4".into(),
            });
        }
        step.not_before(Some(row.occurred_at.to_jiff()), Text::new("it was handed over", "转交"))?;
        Ok((step, row))
    }

    async fn store_answer(&self, mut step: Step<'_>, row: &TransferRow) -> Result<pb::Transfer, Error> {
        step.root.pending_transfer = None;
        row.update(step.work.connection()).await?;
        let shown = row.show();
        let payload = pb::TransferAnswered {
            state: step.state(),
            transfer: Some(shown.clone()),
            owner: step.root.owner.clone(),
            department: step.root.department.clone(),
        };
        step.finish_with(&payload, shown).await
    }

    /// Records a bounce on the conduct record of `staff` and notifies their supervisor (A2.7).
    fn record_bounce(&self, step: &mut Step<'_>, cause: Cause, staff: &str) {
        let known = self.chassis.directory.now();
        let payload = pb::RequestBounced {
            cause: cause.into(),
            staff: staff.to_owned(),
            department: known.department_of(staff, step.at).to_owned(),
            transfer_count: step.root.transfers,
        };
        let (subject, number) = (step.root.id().to_string(), &step.root.number);
        let supervisor = known.supervisor_of(staff);
        let notice = supervisor.map(|to| Notice::about(&BOUNCED, "A2.7", to, subject, number));
        step.also_record("A2.7", &payload, notice);
        step.deviate("A2.7", "bounce", staff, &payload.department);
    }
}

impl TransferRow {
    /// The receiving side at `now`; `domain` is the business domain of the request.
    pub fn handed_to(&self, chassis: &Chassis, domain: &str, now: Timestamp) -> HandedTo {
        let known = chassis.directory.now();
        let in_charge = known.responsible(&self.department, domain, now).map_or("", |(staff, _)| staff);
        let actors = chassis
            .rules
            .named("AcceptTransfer")
            .filter(|_| in_charge.is_empty())
            .map(|rule| known.who_handles(&self.recipient, &self.department, rule, now))
            .filter(|actors| actors.post != Post::Member);
        let stand_ins = actors.map(|actors| actors.staff.iter().map(|&staff| staff.to_owned()).collect());
        HandedTo {
            recipient: self.recipient.clone(),
            department: self.department.clone(),
            in_charge: in_charge.to_owned(),
            stand_ins: stand_ins.unwrap_or_default(),
        }
    }

    fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }

    fn answer(&mut self, state: State, by: &str, at: Timestamp) {
        self.state = state as i16;
        by.clone_into(&mut self.answered_by);
        self.answered_at = Some(at.to_sqlx());
    }
}

/// Loads a transfer.
pub async fn get(connection: &mut PgConnection, id: Uuid) -> Result<Option<TransferRow>, sqlx::Error> {
    transfers!("where id = $1", id).fetch_optional(connection).await
}

/// Withdraws the pending transfer of a request that is cancelled.
pub async fn withdraw(connection: &mut PgConnection, transfer: Uuid) -> Result<(), sqlx::Error> {
    let withdrawn =
        sqlx::query!("update intake.transfer set state = $2 where id = $1", transfer, State::Withdrawn as i16);
    exactly_one(&withdrawn.execute(connection).await?)
}
