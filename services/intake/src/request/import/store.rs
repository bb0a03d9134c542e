//! Stores imported rows in Postgres, all of a message by one statement.

use std::collections::{HashMap, HashSet};

use kefu_chassis::Error;
use kefu_chassis::names::Id;
use kefu_proto::intake::v1 as pb;
use kefu_regulation::Calendar;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::request::row::RequestRow;
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
    roots: &[(RequestRow, &pb::ImportedRequest)],
    calendar: &Calendar,
) -> Result<HashMap<Uuid, String>, Error> {
    let days: Vec<String> = roots
        .iter()
        .map(|(root, _)| root.contact_at.to_jiff().to_zoned(calendar.zone().clone()).strftime("%Y%m%d").to_string())
        .collect();
    let rows: Vec<&RequestRow> = roots.iter().map(|(root, _)| root).collect();
    Ok(RequestRow::import(connection, &rows, &days).await?.into_iter().collect())
}
