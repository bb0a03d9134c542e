//! The timeline of a customer (B1.2): requests from intake's own table, and complaints copied from the feed of their
//! service.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::names::{Id, id, reference, unknown};
use kefu_chassis::paging::Page;
use kefu_chassis::record::Record;
use kefu_chassis::subscriber::Subscription;
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as complaints;
use kefu_proto::complaints::v1::complaint::{Category, State};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request;
use kefu_proto::intake::v1::timeline_entry::Kind;
use prost::{Message as _, Name as _};
use prost_reflect::DynamicMessage;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::customer::Customers;
use crate::shared::{Complaint, Customer, Request};

/// Most characters of the summary of an entry.
const SUMMARY: i32 = 100;

/// An entry of another service's resource, as it is stored.
#[derive(Record)]
#[record(table = "intake.timeline_entry", append_only)]
struct TimelineEntryRow {
    id: Uuid,
    customer: Uuid,
    kind: i16,
    number: String,
    began_at: SqlTime,
    state: String,
    topic: String,
    linked: String,
    summary: String,
}

impl Customers {
    pub(crate) async fn get_customer_timeline(
        &self,
        call: &Call,
        asked: pb::GetCustomerTimelineRequest,
    ) -> Result<pb::GetCustomerTimelineResponse, Error> {
        let page: Page<(Timestamp, Id<Request>)> = Page::of(call, &asked)?;
        let customer = id::<Customer>(&asked.name)?;
        let stakeholders = Stakeholders { customer: asked.name.as_str().into(), ..Stakeholders::default() };
        if !call.reaches(&stakeholders) {
            return Err(unknown::<Customer>(&asked.name));
        }
        let rows = sqlx::query!(
            r#"
            select kind as "kind!", id as "id!", number as "number!", began_at as "began_at!: SqlTime",
                state as "state!", topic as "topic!", linked as "linked!", summary as "summary!"
            from (
                (select 1::smallint as kind, id, number, contact_at as began_at, state::text, r.kind::text as topic,
                    coalesce('complaints/' || complaint, '') as linked, left(description, $5) as summary
                from intake.request as r
                where customer = $1 and ($2::timestamptz is null or (contact_at, id) < ($2, $3))
                order by contact_at desc, id desc limit $4)
                union all
                (select kind, id, number, began_at, state, topic, linked, summary from intake.timeline_entry
                where customer = $1 and ($2::timestamptz is null or (began_at, id) < ($2, $3))
                order by began_at desc, id desc limit $4)
            ) as entry order by began_at desc, id desc limit $4
            "#,
            customer.uuid(),
            sql::maybe(page.after.map(|(time, _)| time)) as _,
            page.after.map(|(_, id)| id.uuid()),
            page.limit,
            SUMMARY,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        if rows.is_empty() && page.after.is_none() {
            self.check_exists(customer, &asked.name).await?;
        }
        let shown = rows.into_iter().map(|row| {
            let key = (row.began_at.to_jiff(), Id::from_uuid(row.id));
            let kind = Kind::try_from(i32::from(row.kind)).unwrap_or_default();
            let entry = pb::TimelineEntry {
                kind: kind.into(),
                number: row.number,
                time: Some(to_proto(key.0)),
                linked: row.linked,
                summary: row.summary,
                ..pb::TimelineEntry::default()
            };
            let entry = if kind == Kind::Request {
                // A request is stored with enum numbers, an entry from the feed with enum names.
                let state = request::State::try_from(row.state.parse::<i32>().unwrap_or(0)).unwrap_or_default();
                let topic = request::Kind::try_from(row.topic.parse::<i32>().unwrap_or(0)).unwrap_or_default();
                pb::TimelineEntry {
                    resource: Id::<Request>::from_uuid(row.id).to_string(),
                    state: state.as_str_name().into(),
                    topic: topic.as_str_name().into(),
                    ..entry
                }
            } else {
                let resource = Id::<Complaint>::from_uuid(row.id).to_string();
                pb::TimelineEntry { resource, state: row.state, topic: row.topic, ..entry }
            };
            (key, entry)
        });
        let (entries, next_page_token) = page.fill(shown);
        Ok(pb::GetCustomerTimelineResponse { entries, next_page_token })
    }

    /// Fails if the customer does not exist.
    async fn check_exists(&self, customer: Id<Customer>, name: &str) -> Result<(), Error> {
        let known = sqlx::query_scalar!(
            r#"select exists (select from intake.customer where id = $1) as "known!""#,
            customer.uuid()
        );
        if known.fetch_one(self.chassis.pool()).await? { Ok(()) } else { Err(unknown::<Customer>(name)) }
    }
}

/// Subscribes to the events that change complaints on the timeline: registration, purge, and every event with a `state`
/// field.
pub fn complaint_subscription() -> Subscription {
    let registered_type = complaints::ComplaintRegistered::full_name();
    let events = kefu_proto::pool().get_message_by_name(&registered_type).map(|message| message.parent_file());
    let events = events.into_iter().flat_map(|file| file.messages().collect::<Vec<_>>());
    let with_state = events.filter(|event| event.get_field_by_name(STATE).is_some());
    let with_state = with_state.map(|event| event.full_name().to_owned());
    Subscription {
        feed: "services/complaints",
        payload_types: with_state.chain([registered_type, complaints::ComplaintPurged::full_name()]).collect(),
        apply: |_, connection, event| Box::pin(apply(connection, event)),
        after: |_: &Chassis| Box::pin(async { Ok(()) }),
    }
}

/// Event field with the complaint's state after the event.
const STATE: &str = "state";

async fn apply(connection: &mut PgConnection, event: &Event) -> Result<(), Error> {
    let Some(payload) = &event.payload else { return Ok(()) };
    let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
    let Some(complaint) = Id::<Complaint>::parse(&event.aggregate) else { return Ok(()) };
    if kind == complaints::ComplaintRegistered::full_name() {
        let registered =
            complaints::ComplaintRegistered::decode(payload.value.as_slice()).map_err(Error::unexpected)?;
        return insert_entry(connection, registered.complaint.unwrap_or_default()).await;
    }
    if kind == complaints::ComplaintPurged::full_name() {
        sqlx::query!("delete from intake.timeline_entry where id = $1", complaint.uuid()).execute(connection).await?;
        return Ok(());
    }
    let Some(described) = kefu_proto::pool().get_message_by_name(kind) else { return Ok(()) };
    let decoded = DynamicMessage::decode(described, payload.value.as_slice()).map_err(Error::unexpected)?;
    let number = |field: &str| decoded.get_field_by_name(field).and_then(|value| value.as_enum_number());
    let state = number(STATE).and_then(|state| State::try_from(state).ok()).unwrap_or_default();
    let topic = number("category").and_then(|category| Category::try_from(category).ok());
    sqlx::query!(
        "update intake.timeline_entry set state = $2, topic = coalesce($3, topic) where id = $1",
        complaint.uuid(),
        state.as_str_name(),
        topic.map(|topic| topic.as_str_name()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_entry(connection: &mut PgConnection, complaint: complaints::Complaint) -> Result<(), Error> {
    let Some(customer) = reference::<Customer>(&complaint.customer)? else { return Ok(()) };
    let began = complaint.received_time.as_ref().and_then(from_proto).unwrap_or(Timestamp::UNIX_EPOCH);
    let entry = TimelineEntryRow {
        id: id::<Complaint>(&complaint.name)?.uuid(),
        customer: customer.uuid(),
        kind: Kind::Complaint as i16,
        began_at: sql::at(began),
        state: complaint.state().as_str_name().to_owned(),
        topic: complaint.category().as_str_name().to_owned(),
        number: complaint.number,
        linked: complaint.request,
        summary: complaint.matter.chars().take(usize::try_from(SUMMARY).unwrap_or(0)).collect(),
    };
    Ok(entry.insert(connection).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_moves_a_complaint_is_followed() {
        let followed = complaint_subscription().payload_types;
        for event in [
            "ComplaintRegistered",
            "ComplaintAcknowledged",
            "AgreementDeclined",
            "ComplaintArchived",
            "ComplaintPurged",
        ] {
            assert!(followed.contains(&format!("kefu.complaints.v1.{event}")), "{event}: {followed:?}");
        }
    }
}
