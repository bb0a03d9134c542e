//! The clock: marks the duties whose time has passed. Any number of replicas may run it; each breach is marked once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kefu_proto::events::v1::{DutyChange, DutyChanged};
use sqlx::{Postgres, Transaction};

use super::{Duty, store};
use crate::chassis::Chassis;
use crate::error::describe;
use crate::journal::{NewEvent, Record};

const BATCH: i64 = 500;
const PERIOD: Duration = Duration::from_secs(1);

/// Marks breaches until the service stops; first of all it settles due times that were provisional.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    let mut is_settled = false;
    loop {
        let changed = if is_settled { mark_overdue(&chassis).await } else { settle_provisional(&chassis).await };
        match changed {
            Ok(changed) if changed >= BATCH => continue,
            Ok(_) if !is_settled => {
                is_settled = true;
                continue;
            }
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
    let duties = store::lock_overdue(&mut transaction, &chassis.calendars, now, BATCH).await?;
    change_each(chassis, transaction, duties, |duty| {
        let due = duty.due_at.unwrap_or(now);
        (due, duty.breach(due))
    })
    .await
}

/// Reckons one batch of provisional due times anew, where the calendar in force is another than theirs; how many.
pub async fn settle_provisional(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    let now = chassis.clock.now();
    let calendar = chassis.regulation.calendar();
    let mut transaction = chassis.pool().begin().await?;
    let duties = store::lock_provisional(&mut transaction, &chassis.calendars, calendar.version(), BATCH).await?;
    change_each(chassis, transaction, duties, |duty| (now, duty.settle(calendar, now))).await
}

/// Changes each duty and stores it with an event; how many.
async fn change_each(
    chassis: &Chassis,
    mut transaction: Transaction<'_, Postgres>,
    mut duties: Vec<Duty>,
    change: impl Fn(&mut Duty) -> (Timestamp, DutyChange),
) -> Result<i64, sqlx::Error> {
    let count = i64::try_from(duties.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(0);
    }
    let mut events = Vec::with_capacity(duties.len());
    for duty in &mut duties {
        let (at, change) = change(duty);
        let payload = DutyChanged { subject: duty.subject.clone() };
        let event = NewEvent::new(chassis.name_of(&duty.id), duty.version, at, &[&duty.clause], &payload);
        events.push(event.with_duties(vec![change]));
    }
    let now = chassis.clock.now();
    let record =
        Record { actor: &chassis.service, now, regulation: chassis.regulation.version(), events, duties, reply: None };
    record.write(&mut transaction).await?;
    transaction.commit().await?;
    chassis.appended.notify_one();
    Ok(count)
}
