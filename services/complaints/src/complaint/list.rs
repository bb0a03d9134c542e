//! Reads complaints: `GetComplaint`, and `ListComplaints` with the complaints that the caller may see.

use jiff::Timestamp;
use kefu_chassis::call::Scope;
use kefu_chassis::names::{Id, reference};
use kefu_chassis::paging::Page;
use kefu_chassis::step::{self, AggregateRoot as _};
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;

use super::Complaints;
use super::row::{ComplaintRow, complaints};
use crate::shared::{Complaint, Customer, Request};

type Newest = (Timestamp, Id<Complaint>);

impl Complaints {
    pub(super) async fn get_complaint(
        &self,
        call: &Call,
        request: pb::GetComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let root: ComplaintRow = step::seen(&self.chassis, &mut connection, call, &request.name).await?;
        Ok(root.show_to(call))
    }

    pub(super) async fn list_complaints(
        &self,
        call: &Call,
        request: pb::ListComplaintsRequest,
    ) -> Result<pb::ListComplaintsResponse, Error> {
        let page: Page<Newest> = Page::of(call, &request)?;
        let (mine, parties) = bounds(call)?;
        let enum_filter = |value: i32| (value != 0).then(|| i16::try_from(value).unwrap_or_default());
        let rows = complaints!(
            "where ($1::timestamptz is null or (received_at, id) < ($1, $2))
                and ($3::uuid is null or customer = $3) and ($4::uuid is null or customer = $4)
                and ($5::text[] is null or parties && $5)
                and ($6 = '' or handler = $6) and ($7 = '' or department = $7)
                and ($8 = '' or responsible_department = $8) and ($9 = '' or investigator = $9)
                and ($10::smallint is null or state = $10) and ($11::smallint is null or category = $11)
                and ($12::smallint is null or severity = $12)
                and ($13::timestamptz is null or received_at >= $13) and ($14::timestamptz is null or received_at < $14)
                and ($15 = '' or number = $15) and ($16::uuid is null or request = $16)
            order by received_at desc, id desc limit $17",
            sql::maybe(page.after.map(|(time, _)| time)),
            page.after.map(|(_, id)| id.uuid()),
            mine.map(Id::uuid),
            reference::<Customer>(&request.customer)?.map(Id::uuid),
            parties.as_deref(),
            request.handler,
            request.department,
            request.responsible_department,
            request.investigator,
            enum_filter(request.state),
            enum_filter(request.category),
            enum_filter(request.severity),
            sql::maybe(request.start_time.as_ref().and_then(from_proto)),
            sql::maybe(request.end_time.as_ref().and_then(from_proto)),
            request.number,
            reference::<Request>(&request.request)?.map(Id::uuid),
            page.limit,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let shown = rows.iter().map(|row| ((row.received_at.to_jiff(), row.id()), row.show_to(call)));
        let (complaints, next_page_token) = page.fill(shown);
        Ok(pb::ListComplaintsResponse { complaints, next_page_token })
    }
}

/// Bounds of a list: only the customer's complaints, or only those involving one of the parties.
type Bounds = (Option<Id<Customer>>, Option<Vec<String>>);

/// Bounds of the complaints that the caller may see: all of them when both are none.
pub fn bounds(call: &Call) -> Result<Bounds, Error> {
    Ok(match call.scope() {
        Scope::Any => (None, None),
        Scope::Department(department) => (None, Some(vec![department.to_owned(), call.caller.subject.clone()])),
        Scope::Own(subject) => (None, Some(vec![subject.to_owned()])),
        Scope::Customer(customer) => (reference::<Customer>(customer)?, None),
    })
}
