//! Handing a request to another department, to whoever is in charge there, and what they answer (A2.4); and when it bounces
//! (A2.7).

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::call::Holder;
use kefu_chassis::directory::Capacity;
use kefu_chassis::names::Id;
use kefu_chassis::notifications::{Notice, NoticeKind};
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request_bounced::Cause;
use kefu_proto::intake::v1::transfer::State;
use kefu_proto::rules::v1::Role;
use kefu_regulation::params;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::step::Step;
use crate::shared::{Request, Transfer, id, unknown};

static BOUNCED: NoticeKind = NoticeKind {
    word: "request_bounced",
    english: "{} bounced, with one of your staff involved.",
    chinese: "{}被反复转交或推诿，涉及您的下属。",
};

/// A query of transfers.
macro_rules! transfers {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::transfer::TransferRow,
            "select id, request, from_owner, from_department, recipient, department, capacity, reason, state, answered_by,
                decline_reason, occurred_at, answered_at, created_at
            from intake.transfer " + $rest $($arguments)*
        )
    };
}

pub(crate) use transfers;

/// A transfer as it is stored.
#[derive(Debug)]
pub struct TransferRow {
    pub id: Uuid,
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
    pub answered_at: Option<SqlTime>,
    pub created_at: SqlTime,
}

impl Requests {
    pub(super) async fn transfer(
        &self,
        call: &Call,
        request: pb::TransferRequestRequest,
    ) -> Result<pb::Transfer, Error> {
        let mut step = Step::begin(&self.0, call, &request.name, &request.etag, request.occurred_time.as_ref()).await?;
        let known = self.0.directory.now();
        if known.department(&request.department).is_none() {
            return Err(Error::NotFound { kind: "kefu/Department", name: request.department });
        }
        if request.department == step.record.department {
            return Err(Error::field("department", "A2.4: has it already"));
        }
        let found = known.responsible(&request.department, &step.record.business_domain, step.at);
        let mut facts = step.facts();
        facts.has_reason = !request.reason.trim().is_empty();
        facts.recipient = found.map(|(staff, _)| (staff.to_owned(), request.department.clone()));
        step.fire(Action::Transfer, &facts)?;
        let row = TransferRow {
            id: Id::<Transfer>::new(call.now).uuid(),
            request: step.record.id,
            from_owner: step.record.owner.clone(),
            from_department: step.record.department.clone(),
            recipient: facts.recipient.map(|(staff, _)| staff).unwrap_or_default(),
            department: request.department,
            capacity: match found {
                Some((_, Capacity::Head)) => pb::transfer::Capacity::Head as i16,
                _ => pb::transfer::Capacity::Deputy as i16,
            },
            reason: request.reason,
            state: State::Pending as i16,
            answered_by: String::new(),
            decline_reason: String::new(),
            occurred_at: step.at.to_sqlx(),
            answered_at: None,
            created_at: call.now.to_sqlx(),
        };
        step.record.transfers += 1;
        step.record.pending_transfer = Some(row.id);
        step.record.settled_at_once = false;
        let often = self.0.regulation.get(params::BOUNCE_TRANSFERS);
        if u32::try_from(step.record.transfers).is_ok_and(|transfers| transfers >= often) {
            self.bounce(&mut step, Cause::Transfers, &call.caller.subject);
        }
        insert(step.change.connection(), &row).await?;
        let shown = row.show();
        let payload = pb::RequestTransferred {
            state: step.state(),
            transfer: Some(shown.clone()),
            transfer_count: step.record.transfers,
        };
        step.finish_with(&payload, shown).await
    }

    pub(super) async fn accept(&self, call: &Call, request: pb::AcceptTransferRequest) -> Result<pb::Transfer, Error> {
        let (mut step, mut row) =
            self.pending(call, &request.name, &request.etag, request.occurred_time.as_ref(), "AcceptTransfer").await?;
        let facts = step.facts();
        // Whoever takes it has it; an operator takes it for whom it was handed to.
        let takes = !call.acts_as(Role::Admin) || call.caller.subject == row.recipient;
        step.record.owner = if takes { call.caller.subject.clone() } else { row.recipient.clone() };
        step.record.department.clone_from(&row.department);
        step.fire(if facts.was_answered { Action::AcceptTransfer } else { Action::AcceptUnanswered }, &facts)?;
        row.answer(State::Accepted, &call.caller.subject, step.at);
        self.answered(step, &row).await
    }

    pub(super) async fn decline(
        &self,
        call: &Call,
        request: pb::DeclineTransferRequest,
    ) -> Result<pb::Transfer, Error> {
        let (mut step, mut row) =
            self.pending(call, &request.name, &request.etag, request.occurred_time.as_ref(), "DeclineTransfer").await?;
        let mut facts = step.facts();
        facts.is_declined = true;
        step.fire(if facts.was_answered { Action::DeclineTransfer } else { Action::DeclineUnanswered }, &facts)?;
        row.answer(State::Declined, &call.caller.subject, step.at);
        row.decline_reason = request.reason;
        if self.0.directory.now().is_in_charge(&row.department, &step.record.business_domain) {
            self.bounce(&mut step, Cause::DeclinedInScope, &call.caller.subject);
        }
        self.answered(step, &row).await
    }

    /// The transfer named, which waits for an answer, and its request, both locked; the caller may answer.
    async fn pending<'a>(
        &'a self,
        call: &'a Call,
        name: &str,
        etag: &str,
        occurred: Option<&prost_types::Timestamp>,
        method: &'static str,
    ) -> Result<(Step<'a>, TransferRow), Error> {
        let (of, _) = name.split_once("/transfers/").ok_or_else(|| unknown::<Transfer>(name))?;
        let id = id::<Transfer>(name)?;
        let nothing = |error| if matches!(error, Error::NotFound { .. }) { unknown::<Transfer>(name) } else { error };
        let mut step = Step::lock(&self.0, call, of, occurred, &[]).await.map_err(nothing)?;
        let row = transfers!("where id = $1 and request = $2", id.uuid(), step.record.id);
        let row = row.fetch_optional(step.change.connection()).await?;
        let known = self.0.directory.now();
        let domain = step.record.business_domain.clone();
        let reached = |row: &TransferRow| {
            let in_charge = known.responsible(&row.department, &domain, call.now);
            call.reaches(row.holder()) || in_charge.is_some_and(|(staff, _)| staff == call.caller.subject)
        };
        let row = row.filter(reached).ok_or_else(|| unknown::<Transfer>(name))?;
        let step = step.ready(etag).await?;
        if step.record.pending_transfer != Some(row.id) {
            return Err(Error::State {
                subject: name.to_owned(),
                method,
                state: row.state().as_str_name().to_owned(),
                clause: "A2.4".into(),
            });
        }
        if step.at < row.occurred_at.to_jiff() {
            return Err(Error::field("occurred_time", "must not be before it was handed over"));
        }
        Ok((step, row))
    }

    async fn answered(&self, mut step: Step<'_>, row: &TransferRow) -> Result<pb::Transfer, Error> {
        step.record.pending_transfer = None;
        update(step.change.connection(), row).await?;
        let shown = row.show();
        let payload = pb::TransferAnswered {
            state: step.state(),
            transfer: Some(shown.clone()),
            owner: step.record.owner.clone(),
            department: step.record.department.clone(),
        };
        step.finish_with(&payload, shown).await
    }

    /// It bounced: that goes on the conduct record, and the supervisor of whom it was is told.
    fn bounce(&self, step: &mut Step<'_>, cause: Cause, staff: &str) {
        let known = self.0.directory.now();
        let payload = pb::RequestBounced {
            cause: cause.into(),
            staff: staff.to_owned(),
            department: known.department_of(staff, step.at).to_owned(),
            transfer_count: step.record.transfers,
        };
        let notice = known.supervisor_of(staff).map(|supervisor| Notice {
            kind: &BOUNCED,
            recipient: supervisor.to_owned(),
            clause: "A2.7".into(),
            subject: step.record.id().to_string(),
            about: step.record.number.clone(),
            duty: None,
            acknowledgement_required: false,
        });
        step.further("A2.7", &payload, notice);
    }
}

impl TransferRow {
    /// Who may answer it.
    pub fn holder(&self) -> Holder<'_> {
        Holder { owner: &self.recipient, department: &self.department, ..Holder::default() }
    }

    fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }

    fn answer(&mut self, state: State, by: &str, at: jiff::Timestamp) {
        self.state = state as i16;
        by.clone_into(&mut self.answered_by);
        self.answered_at = Some(at.to_sqlx());
    }

    /// As the contract shows it.
    pub fn show(&self) -> pb::Transfer {
        pb::Transfer {
            name: format!("{}/{}", Id::<Request>::from_uuid(self.request), Id::<Transfer>::from_uuid(self.id)),
            from_owner: self.from_owner.clone(),
            from_department: self.from_department.clone(),
            recipient: self.recipient.clone(),
            department: self.department.clone(),
            capacity: self.capacity.into(),
            reason: self.reason.clone(),
            state: self.state.into(),
            answered_by: self.answered_by.clone(),
            decline_reason: self.decline_reason.clone(),
            occurred_time: Some(to_proto(self.occurred_at.to_jiff())),
            answer_time: sql::read(self.answered_at).map(to_proto),
            create_time: Some(to_proto(self.created_at.to_jiff())),
        }
    }
}

/// A transfer.
pub async fn get(connection: &mut PgConnection, id: Uuid) -> Result<Option<TransferRow>, sqlx::Error> {
    transfers!("where id = $1", id).fetch_optional(connection).await
}

async fn insert(connection: &mut PgConnection, row: &TransferRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into intake.transfer (
            id, request, from_owner, from_department, recipient, department, capacity, reason, state, answered_by, decline_reason,
            occurred_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', $10, $11)",
        row.id,
        row.request,
        row.from_owner,
        row.from_department,
        row.recipient,
        row.department,
        row.capacity,
        row.reason,
        row.state,
        row.occurred_at as _,
        row.created_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn update(connection: &mut PgConnection, row: &TransferRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update intake.transfer set state = $2, answered_by = $3, decline_reason = $4, answered_at = $5 where id = $1",
        row.id,
        row.state,
        row.answered_by,
        row.decline_reason,
        row.answered_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The request ended before the transfer was answered.
pub async fn withdraw(connection: &mut PgConnection, transfer: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("update intake.transfer set state = $2 where id = $1", transfer, State::Withdrawn as i16)
        .execute(connection)
        .await?;
    Ok(())
}
