//! Backlog of the search index: imported requests, and requests and customers stored before the index existed. Several
//! replicas may index it: each request and each customer is taken by one.

use std::sync::Arc;
use std::time::Duration;

use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::Chassis;
use kefu_chassis::error::describe;
use kefu_chassis::search::{Entry, Searched};
use sqlx::PgConnection;
use uuid::Uuid;

use super::text::entry_of_customer;
use crate::request::row::{RequestRow, requests};

/// Most requests, and most customers, that one transaction indexes.
const BATCH: i64 = 100;
/// How often `run` looks for a new backlog.
const POLL: Duration = Duration::from_secs(1);

/// Indexes the backlog until the service stops.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    let mut after = (Uuid::nil(), Uuid::nil());
    loop {
        let is_done = match index_batch(&chassis, &mut after).await {
            Ok(indexed) => indexed == 0,
            Err(error) => {
                tracing::warn!(cause = describe(&error), "the search index is behind; it is tried again");
                true
            }
        };
        if !is_done && !*stop.borrow() {
            continue;
        }
        // Rows skipped because another transaction held their lock are found again from the beginning.
        after = (Uuid::nil(), Uuid::nil());
        tokio::select! {
            () = chassis.clock.tick(POLL) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Indexes one batch of requests and one of customers with ids above `after`, and advances `after`. Returns how many
/// were indexed.
async fn index_batch(chassis: &Chassis, after: &mut (Uuid, Uuid)) -> Result<usize, sqlx::Error> {
    let mut transaction = chassis.pool().begin().await?;
    let requests = index_requests(&mut transaction, after.0).await?;
    let customers = index_customers(&mut transaction, after.1).await?;
    transaction.commit().await?;
    after.0 = requests.last().copied().unwrap_or(after.0);
    after.1 = customers.last().copied().unwrap_or(after.1);
    Ok(requests.len() + customers.len())
}

async fn index_requests(connection: &mut PgConnection, after: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    // `skip locked` passes over a request that is being changed now; a later round takes it.
    let roots = requests!(
        "where id in (select request from intake.request_to_index where request > $1 order by request limit $2 for update skip locked)
        order by id for no key update skip locked",
        after,
        BATCH
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = roots.iter().map(|root| root.id).collect();
    let (tokens, texts) = columns(roots.iter().map(Searched::entry));
    sqlx::query!(
        "with taken as (delete from intake.request_to_index where request = any($1))
        insert into intake.request_search (request, contact_at, tokens, texts)
        select request, contact_at, string_to_array(tokens, ' '), texts
        from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) as indexed (request, contact_at, tokens, texts)
        on conflict (request) do update set tokens = excluded.tokens, texts = excluded.texts",
        &ids,
        &roots.iter().map(|root| root.contact_at).collect::<Vec<_>>() as _,
        &tokens,
        &texts
    )
    .execute(connection)
    .await?;
    Ok(ids)
}

async fn index_customers(connection: &mut PgConnection, after: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, display_name, contacts, created_at as "created_at: SqlTime" from intake.customer
        where id in (select customer from intake.customer_to_index where customer > $1 order by customer limit $2 for update skip locked)
        order by id for no key update skip locked"#,
        after,
        BATCH
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let entries = rows.iter().map(|row| entry_of_customer(&row.display_name, &row.contacts, row.created_at.to_jiff()));
    let (tokens, texts) = columns(entries);
    sqlx::query!(
        "with taken as (delete from intake.customer_to_index where customer = any($1))
        insert into intake.customer_search (customer, tokens, texts)
        select customer, string_to_array(tokens, ' '), texts
        from unnest($1::uuid[], $2::text[], $3::text[]) as indexed (customer, tokens, texts)
        on conflict (customer) do update set tokens = excluded.tokens, texts = excluded.texts",
        &ids,
        &tokens,
        &texts
    )
    .execute(connection)
    .await?;
    Ok(ids)
}

/// The entries as two columns: tokens joined by spaces, and searchable texts.
fn columns(entries: impl Iterator<Item = Entry>) -> (Vec<String>, Vec<String>) {
    entries.map(|entry| (entry.tokens.join(" "), entry.texts)).unzip()
}
