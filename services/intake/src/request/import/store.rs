//! Stores imported rows in Postgres, all of a message by one statement.

use std::collections::{HashMap, HashSet};

use kefu_chassis::Error;
use kefu_chassis::names::Id;
use kefu_proto::intake::v1 as pb;
use kefu_regulation::Calendar;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::request::row::{RequestColumns, RequestRow};
use crate::shared::{Customer, reference};

/// The customers that the rows name and that do not exist.
pub async fn unknown_customers(
    executor: impl PgExecutor<'_>,
    rows: &[pb::ImportedRequest],
) -> Result<HashSet<Uuid>, Error> {
    let named: Vec<Uuid> =
        rows.iter().filter_map(|row| reference::<Customer>(&row.customer).ok()?).map(Id::uuid).collect();
    if named.is_empty() {
        return Ok(HashSet::new());
    }
    let unknown = sqlx::query_scalar!(
        r#"select id as "id!" from unnest($1::uuid[]) as named (id) where not exists (select from intake.customer as c where c.id = named.id)"#,
        &named
    );
    Ok(unknown.fetch_all(executor).await?.into_iter().collect())
}

/// Stores the rows that were not imported before. Returns the number of each stored request by its id.
pub async fn insert(
    connection: &mut PgConnection,
    records: &[(RequestRow, &pb::ImportedRequest)],
    calendar: &Calendar,
) -> Result<HashMap<Uuid, String>, Error> {
    let days: Vec<String> = records
        .iter()
        .map(|(record, _)| record.contact_at.to_jiff().to_zoned(calendar.zone().clone()).strftime("%Y%m%d").to_string())
        .collect();
    let columns: RequestColumns = records.iter().map(|(record, _)| record.clone()).collect();
    let stored = sqlx::query!(
        r#"
        with stored as (
        insert into intake.request (
            id, number, channel, kind, customer, contact, order_number, product_model, description, business_domain, problem_type,
            priority, first_responder, owner, department, state, cycle, carrier_state, origin, source, external_id, contact_at,
            first_response_at, promised_at, promise_reason, resolution, assistance, resolved_at, closed_at,
            first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts, created_at, updated_at, version)
        select row.id, 'R-' || day || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), channel, kind, customer, contact,
            '', '', description, business_domain, problem_type, priority, first_responder, owner, department, state, 0, 0, origin,
            source, external_id, contact_at, first_response_at, promised_at, '', '', '', resolved_at, closed_at, false, false,
            '', '', 0, created_at, created_at, 1
        from unnest(
            $1::uuid[], $2::text[], $3::smallint[], $4::smallint[], $5::uuid[], $6::jsonb[], $7::text[], $8::text[], $9::text[],
            $10::smallint[], $11::text[], $12::text[], $13::text[], $14::smallint[], $15::smallint[], $16::text[], $17::text[],
            $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[])
            as row (
                id, day, channel, kind, customer, contact, description, business_domain, problem_type, priority, first_responder,
                owner, department, state, origin, source, external_id, contact_at, first_response_at, promised_at, resolved_at,
                closed_at, created_at)
            cross join lateral (select nextval('intake.request_number') + 0 * length(row.external_id) as n) as numbered
        where not exists (
            select from intake.request as known where known.source = row.source and known.external_id = row.external_id)
        on conflict (source, external_id) do nothing
        returning id, number
        ), searched as (insert into intake.request_to_index select id from stored)
        select id, number from stored
        "#,
        &columns.id,
        &days,
        &columns.channel,
        &columns.kind,
        &columns.customer as _,
        &columns.contact,
        &columns.description,
        &columns.business_domain,
        &columns.problem_type,
        &columns.priority,
        &columns.first_responder,
        &columns.owner,
        &columns.department,
        &columns.state,
        &columns.origin,
        &columns.source as _,
        &columns.external_id as _,
        &columns.contact_at as _,
        &columns.first_response_at as _,
        &columns.promised_at as _,
        &columns.resolved_at as _,
        &columns.closed_at as _,
        &columns.created_at as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(stored.into_iter().map(|row| (row.id, row.number)).collect())
}
