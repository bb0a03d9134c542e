//! Daily number of contacts, from intake's feed: the denominator of complaint rates.

use kefu_chassis::subscriber::Subscription;
use kefu_chassis::time::from_proto;
use kefu_chassis::{Chassis, Error};
use kefu_proto::events::v1::Event;
use kefu_proto::intake::v1 as intake;
use prost::{Message as _, Name as _};
use sqlx::PgConnection;

/// Subscribes to intake's events of registered and imported requests, each of which counts as a contact.
pub fn subscription() -> Subscription {
    Subscription {
        feed: "services/intake",
        payload_types: vec![intake::RequestRegistered::full_name(), intake::RequestImported::full_name()],
        apply: |chassis, connection, event| Box::pin(apply(chassis, connection, event)),
        after: |_| Box::pin(async { Ok(()) }),
    }
}

async fn apply(chassis: &Chassis, connection: &mut PgConnection, event: &Event) -> Result<(), Error> {
    let Some(payload) = &event.payload else { return Ok(()) };
    let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
    let bytes = payload.value.as_slice();
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
