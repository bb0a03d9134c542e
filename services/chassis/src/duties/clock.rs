//! The clock: marks the duties whose time has passed. Any number of replicas may run it; each breach is marked once.

use std::sync::Arc;
use std::time::Duration;

use kefu_proto::events::v1::DutyChanged;

use super::store;
use crate::chassis::Chassis;
use crate::error::describe;
use crate::journal::{NewEvent, Record};

const BATCH: i64 = 500;
const PERIOD: Duration = Duration::from_secs(1);

/// Marks breaches until the service stops.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        match mark_overdue(&chassis).await {
            Ok(marked) if marked >= BATCH => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(cause = describe(&error), "the clock failed; it is tried again"),
        }
        tokio::select! {
            () = chassis.clock.tick(PERIOD) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Marks one batch of overdue duties as breached, each with an event; how many.
pub async fn mark_overdue(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    let now = chassis.clock.now();
    let mut transaction = chassis.pool().begin().await?;
    let mut duties = store::lock_overdue(&mut transaction, now, BATCH).await?;
    let marked = i64::try_from(duties.len()).unwrap_or(i64::MAX);
    if marked == 0 {
        return Ok(0);
    }
    let mut events = Vec::with_capacity(duties.len());
    for duty in &mut duties {
        let due = duty.due_at.unwrap_or(now);
        let change = duty.breach(due);
        let payload = DutyChanged { subject: duty.subject.clone() };
        let event = NewEvent::new(chassis.name_of(&duty.id), duty.version, due, &[&duty.clause], &payload);
        events.push(event.with_duties(vec![change]));
    }
    let record =
        Record { actor: &chassis.service, now, regulation: chassis.regulation.version(), events, duties, reply: None };
    record.write(&mut transaction).await?;
    transaction.commit().await?;
    chassis.appended.notify_one();
    Ok(marked)
}
