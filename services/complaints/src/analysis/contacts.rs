//! What intake's feed tells: the daily number of contacts, the denominator of complaint rates, and merged customers.

use kefu_chassis::aliases;
use kefu_chassis::names::id;
use kefu_chassis::subscriber::Subscription;
use kefu_chassis::time::from_proto;
use kefu_chassis::{Chassis, Error};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as intake;
use prost::{Message as _, Name as _};
use sqlx::PgConnection;

use crate::shared::Customer;

/// Subscribes to intake's events of registered and imported requests, each of which counts as a contact, and of merged
/// customers.
pub fn subscription() -> Subscription {
    Subscription {
        feed: "services/intake",
        payload_types: vec![
            intake::RequestRegistered::full_name(),
            intake::RequestImported::full_name(),
            intake::CustomersMerged::full_name(),
        ],
        apply: |chassis, connection, event| Box::pin(apply(chassis, connection, event)),
        after: |chassis| Box::pin(async { Ok(chassis.reload_aliases().await?) }),
    }
}

async fn apply(chassis: &Chassis, connection: &mut PgConnection, event: &Event) -> Result<(), Error> {
    let Some(payload) = &event.payload else { return Ok(()) };
    let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
    let bytes = payload.value.as_slice();
    if kind == intake::CustomersMerged::full_name() {
        let merged = intake::CustomersMerged::decode(bytes).map_err(Error::unexpected)?;
        return merge_customers(chassis, connection, &merged).await;
    }
    let live = kind == intake::RequestRegistered::full_name();
    let request = if live {
        intake::RequestRegistered::decode(bytes).map_err(Error::unexpected)?.request
    } else if kind == intake::RequestImported::full_name() {
        intake::RequestImported::decode(bytes).map_err(Error::unexpected)?.request
    } else {
        None
    };
    let Some(time) = request.and_then(|request| request.contact_time).as_ref().and_then(from_proto) else {
        return Ok(());
    };
    let day = chassis.regulation.calendar().day(time);
    sqlx::query!(
        "insert into complaints.contact_count as c (day, contacts, live) values ($1, 1, $2)
        on conflict (day) do update set contacts = c.contacts + 1, live = c.live or excluded.live",
        jiff_sqlx::ToSqlx::to_sqlx(day) as _,
        live,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the complaints of a merged customer to the one that has everything now.
async fn merge_customers(
    chassis: &Chassis,
    connection: &mut PgConnection,
    merged: &intake::CustomersMerged,
) -> Result<(), Error> {
    let kept = merged.customer.as_ref().map_or("", |customer| customer.name.as_str());
    let (new, old) = (id::<Customer>(kept)?, id::<Customer>(&merged.merged)?);
    aliases::begin_merge(connection, &merged.merged).await?;
    aliases::record(connection, &merged.merged, kept, chassis.clock.now()).await?;
    sqlx::query!("update complaints.complaint set customer = $1 where customer = $2", new.uuid(), old.uuid())
        .execute(connection)
        .await?;
    Ok(())
}
