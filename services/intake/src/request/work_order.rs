//! Work orders: one department's order to another for a request, filed before or after the solution (A2.6, A9.2).

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::record::Record;
use kefu_chassis::text::is_blank;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::row::Step;
use crate::shared::{Request, WorkOrder};

/// A work order as it is stored.
#[derive(Debug, Record)]
#[record(table = "intake.work_order", kind = WorkOrder, shows = pb::WorkOrder, append_only)]
pub struct WorkOrderRow {
    pub id: Uuid,
    #[record(under = Request)]
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
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        self.chassis.directory.now().check_department(&request.for_department)?;
        if request.for_department == step.root.department {
            return Err(Error::field(
                "for_department",
                wrong!(Unchanged under "A2.6", "has the request itself", "不能是当前负责该请求的部门"),
            ));
        }
        let solved_at = step.root.resolved_at.filter(|_| step.root.is_solved());
        let retroactive = solved_at.is_some_and(|solved| solved.to_jiff() <= step.at);
        if retroactive && is_blank(&request.reason) {
            return Err(Error::field(
                "reason",
                wrong!(RequiredWhen under "A2.6", "must say why the order comes after the solution", "在事后补单时必填"),
            ));
        }
        let facts = step.facts();
        step.fire(Action::FileWorkOrder, &facts)?;
        step.root.work_orders += 1;
        let row = WorkOrderRow {
            request: step.root.id,
            for_department: request.for_department,
            content: request.content,
            retroactive,
            reason: request.reason,
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            ..WorkOrderRow::blank(call.now)
        };
        row.insert(step.work.connection()).await?;
        let shown = row.show();
        let payload = pb::WorkOrderFiled { state: step.state(), work_order: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }
}
