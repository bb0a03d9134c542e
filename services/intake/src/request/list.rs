//! Reads requests: `GetRequest`, `ListRequests`, `ListMyQueue`, `ListProgress`.

use jiff::Timestamp;
use kefu_chassis::call::Scope;
use kefu_chassis::names::Id;
use kefu_chassis::paging::{NEVER, Page};
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use uuid::Uuid;

use super::Requests;
use super::row::{RequestRow, requests};
use super::store::{ProgressRow, steps};
use crate::shared::{Customer, Progress, Request, reference};

/// Position in a list: time of the contact, or when the next duty is due in a queue, then the request's id.
type Position = (Timestamp, Id<Request>);

impl Requests {
    pub(super) async fn get_request(&self, call: &Call, request: pb::GetRequestRequest) -> Result<pb::Request, Error> {
        Ok(self.seen(call, &request.name).await?.show_to(call))
    }

    pub(super) async fn list_requests(
        &self,
        call: &Call,
        request: pb::ListRequestsRequest,
    ) -> Result<pb::ListRequestsResponse, Error> {
        let page: Page<Position> = Page::of(call, &request)?;
        let own_customer =
            if let Scope::Customer(customer) = call.scope() { reference::<Customer>(customer)? } else { None };
        let customer = reference::<Customer>(&request.customer)?;
        let enum_filter = |value: i32| (value != 0).then(|| i16::try_from(value).unwrap_or_default());
        let rows = requests!(
            "where ($1::timestamptz is null or (contact_at, id) < ($1, $2))
                and ($3::uuid is null or customer = $3) and ($4::uuid is null or customer = $4)
                and ($5 = '' or owner = $5) and ($6 = '' or department = $6)
                and ($7::smallint is null or state = $7) and ($8::smallint is null or channel = $8)
                and ($9::smallint is null or kind = $9)
                and ($10::timestamptz is null or contact_at >= $10) and ($11::timestamptz is null or contact_at < $11)
                and ($12 = '' or number = $12) and ($13 = '' or external_id = $13)
            order by contact_at desc, id desc limit $14",
            sql::maybe(page.after.map(|(time, _)| time)),
            page.after.map(|(_, id)| id.uuid()),
            own_customer.map(Id::uuid),
            customer.map(Id::uuid),
            request.owner,
            request.department,
            enum_filter(request.state),
            enum_filter(request.channel),
            enum_filter(request.kind),
            sql::maybe(request.start_time.as_ref().and_then(from_proto)),
            sql::maybe(request.end_time.as_ref().and_then(from_proto)),
            request.number,
            request.external_id,
            page.limit,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let shown = rows.iter().map(|row| ((row.contact_at.to_jiff(), row.id()), row.show_to(call)));
        let (requests, next_page_token) = page.fill(shown);
        Ok(pb::ListRequestsResponse { requests, next_page_token })
    }

    pub(super) async fn list_my_queue(
        &self,
        call: &Call,
        request: pb::ListMyQueueRequest,
    ) -> Result<pb::ListMyQueueResponse, Error> {
        let page: Page<Position> = Page::of(call, &request)?;
        // What somebody owns who is absent or has left is in the queue of whoever of the department can claim it.
        let (known, department) = (self.chassis.directory.now(), &call.caller.department);
        let missing = if department.is_empty() { Vec::new() } else { known.missing_of(department, call.now) };
        let queue = sqlx::query!(
            r#"
            select r.id, next.due_at as "due_at?: jiff_sqlx::Timestamp", next.clause as "clause?"
            from intake.request as r
            left join lateral (
                select due_at, clause from duty
                where subject = 'requests/' || r.id and state = 1 order by due_at, clause limit 1
            ) as next on true
            where (r.owner = $1 or r.owner = any($6) and r.department = $7) and r.state in (1, 2, 3, 4, 7)
                and ($2::timestamptz is null or (coalesce(next.due_at, $5), r.id) > ($2, $3))
            order by coalesce(next.due_at, $5), r.id limit $4
            "#,
            call.caller.subject,
            sql::maybe(page.after.map(|(time, _)| time)),
            page.after.map(|(_, id)| id.uuid()),
            page.limit,
            sql::at(NEVER),
            &missing,
            department,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let ids: Vec<Uuid> = queue.iter().map(|row| row.id).collect();
        let roots = RequestRow::load(&mut *self.chassis.pool().acquire().await?, &ids).await?;
        let shown = queue.into_iter().filter_map(|row| {
            let root = roots.iter().find(|root| root.id == row.id)?;
            let due = row.due_at.map(jiff_sqlx::Timestamp::to_jiff);
            let item = pb::QueueItem {
                request: Some(root.show()),
                next_due_time: due.map(to_proto),
                next_clause: row.clause.unwrap_or_default(),
                overdue: due.is_some_and(|due| due < call.now),
                unattended: root.owner != call.caller.subject,
            };
            Some(((due.unwrap_or(NEVER), Id::from_uuid(row.id)), item))
        });
        let (items, next_page_token) = page.fill(shown);
        Ok(pb::ListMyQueueResponse { items, next_page_token })
    }

    pub(super) async fn list_progress(
        &self,
        call: &Call,
        request: pb::ListProgressRequest,
    ) -> Result<pb::ListProgressResponse, Error> {
        let page: Page<Id<Progress>> = Page::of(call, &request)?;
        let parent = self.seen(call, &request.parent).await?;
        let rows = steps!("where request = $1 and ($2::uuid is null or id < $2) and (told_by <> 0 or not $3) order by id desc limit $4",
            parent.id,
            page.after.map(Id::uuid),
            call.is_customer(),
            page.limit,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (progress, next_page_token) = page.fill(rows.iter().map(|row| (Id::from_uuid(row.id), row.show())));
        Ok(pb::ListProgressResponse { progress, next_page_token })
    }
}
