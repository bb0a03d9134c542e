//! Liaison orders: what one department asks of another for a request, before the solution or after it (A2.6, A9.2).

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::names::Id;
use kefu_chassis::time::to_proto;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::step::Step;
use crate::shared::{Request, WorkOrder};

/// A query of work orders.
macro_rules! work_orders {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::work_order::WorkOrderRow,
            "select id, request, for_department, content, retroactive, reason, author, occurred_at, created_at
            from intake.work_order " + $rest $($arguments)*
        )
    };
}

pub(crate) use work_orders;

/// A work order as it is stored.
#[derive(Debug)]
pub struct WorkOrderRow {
    pub id: Uuid,
    pub request: Uuid,
    pub for_department: String,
    pub content: String,
    pub retroactive: bool,
    pub reason: String,
    pub author: String,
    pub occurred_at: SqlTime,
    pub created_at: SqlTime,
}

impl Requests {
    pub(super) async fn file_work_order(
        &self,
        call: &Call,
        request: pb::FileWorkOrderRequest,
    ) -> Result<pb::WorkOrder, Error> {
        let mut step =
            Step::begin(&self.0, call, &request.parent, &request.etag, request.occurred_time.as_ref()).await?;
        if self.0.directory.now().department(&request.for_department).is_none() {
            return Err(Error::NotFound { kind: "kefu/Department", name: request.for_department });
        }
        if request.for_department == step.record.department {
            return Err(Error::field("for_department", "A2.6: has the request itself"));
        }
        let solved_at = step.record.resolved_at.filter(|_| step.record.is_solved());
        let retroactive = solved_at.is_some_and(|solved| solved.to_jiff() <= step.at);
        if retroactive && request.reason.trim().is_empty() {
            return Err(Error::field("reason", "A2.6: must say why the order comes after the solution"));
        }
        let facts = step.facts();
        step.fire(Action::FileWorkOrder, &facts)?;
        step.record.work_orders += 1;
        let row = WorkOrderRow {
            id: Id::<WorkOrder>::new(call.now).uuid(),
            request: step.record.id,
            for_department: request.for_department,
            content: request.content,
            retroactive,
            reason: request.reason,
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            created_at: call.now.to_sqlx(),
        };
        insert(step.change.connection(), &row).await?;
        let shown = row.show();
        let payload = pb::WorkOrderFiled { state: step.state(), work_order: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }
}

impl WorkOrderRow {
    /// As the contract shows it.
    pub fn show(&self) -> pb::WorkOrder {
        pb::WorkOrder {
            name: format!("{}/{}", Id::<Request>::from_uuid(self.request), Id::<WorkOrder>::from_uuid(self.id)),
            for_department: self.for_department.clone(),
            content: self.content.clone(),
            retroactive: self.retroactive,
            reason: self.reason.clone(),
            author: self.author.clone(),
            occurred_time: Some(to_proto(self.occurred_at.to_jiff())),
            create_time: Some(to_proto(self.created_at.to_jiff())),
        }
    }
}

async fn insert(connection: &mut PgConnection, row: &WorkOrderRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into intake.work_order (id, request, for_department, content, retroactive, reason, author, occurred_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.id,
        row.request,
        row.for_department,
        row.content,
        row.retroactive,
        row.reason,
        row.author,
        row.occurred_at as _,
        row.created_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
