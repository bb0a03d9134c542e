//! Deletes whole files at the end of their retention (C5.9), each with an event in the journal. The database refuses to
//! delete a file before its time, or without the event.

use std::sync::Arc;
use std::time::Duration;

use kefu_chassis::error::describe;
use kefu_chassis::identity::Identity;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::names::Id;
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::rules::v1::Role;

use crate::shared::Complaint;

/// How often `run` looks for archives past their retention.
const POLL: Duration = Duration::from_mins(10);

/// Purges until the service stops. Several replicas may run it: each archive is taken by one.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        match purge(&chassis).await {
            Ok(true) if !*stop.borrow() => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(cause = describe(&error), "archives are not purged; it is tried again"),
        }
        tokio::select! {
            () = chassis.clock.tick(POLL) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Deletes one file past its retention. Returns whether there was one.
pub async fn purge(chassis: &Chassis) -> Result<bool, Error> {
    let rule = chassis.rules.named("ArchiveComplaint").cloned();
    let rule = rule.ok_or_else(|| Error::unexpected("ArchiveComplaint has no rule"))?;
    let caller = Identity { subject: chassis.service.clone(), roles: vec![Role::Service], department: String::new() };
    let call = Call::internal(Arc::new(caller), rule, chassis.clock.now(), None, &[]);
    let mut work = chassis.begin(&call).await?;
    let due = sqlx::query!(
        r#"select a.complaint, a.root_sha256, a.retain_until as "retain_until: jiff_sqlx::Timestamp", c.number, c.version
        from complaints.archive as a join complaints.complaint as c on c.id = a.complaint
        where a.retain_until <= $1 order by a.retain_until limit 1 for update of c skip locked"#,
        sql::at(call.now) as _
    )
    .fetch_optional(work.connection())
    .await?;
    let Some(due) = due else { return Ok(false) };
    sqlx::query!(
        "with gone as (select id from complaints.evidence where complaint = $1),
            unfound as (delete from complaints.complaint_search where complaint = $1)
        delete from complaints.evidence_content where evidence in (select id from gone)",
        due.complaint
    )
    .execute(work.connection())
    .await?;
    sqlx::query!("delete from complaints.evidence where complaint = $1", due.complaint)
        .execute(work.connection())
        .await?;
    sqlx::query!("delete from complaints.paper where complaint = $1", due.complaint).execute(work.connection()).await?;
    sqlx::query!("delete from complaints.archive where complaint = $1", due.complaint)
        .execute(work.connection())
        .await?;
    sqlx::query!("delete from complaints.complaint where id = $1", due.complaint).execute(work.connection()).await?;
    let payload = pb::ComplaintPurged {
        number: due.number,
        root_sha256: due.root_sha256,
        retain_until_time: Some(to_proto(due.retain_until.to_jiff())),
    };
    let name = Id::<Complaint>::from_uuid(due.complaint).to_string();
    work.record(NewEvent::new(name, due.version + 1, call.now, &["C5.9"], &payload));
    work.commit(()).await?;
    Ok(true)
}
