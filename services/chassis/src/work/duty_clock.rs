//! The duty clock marks duties as breached whose due time has passed, and escalates breaches. Any number of replicas may run
//! it; each breach is marked once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::events::v1::{DutyChange, DutyChanged};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::base::error::describe;
use crate::model::duty::Duty;
use crate::model::event::NewEvent;
use crate::store::batch::Batch;
use crate::store::duty;
use crate::work::chassis::Chassis;
use crate::work::escalation::escalate;

const BATCH: i64 = 500;
const PERIOD: Duration = Duration::from_secs(1);

/// Marks and escalates breaches until the service stops, after recomputing provisional due times once.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    let mut provisional = Some(Uuid::nil());
    loop {
        let more = match provisional {
            Some(after) => recompute_provisional(&chassis, after).await.map(|next| {
                provisional = next;
                true
            }),
            None => mark_overdue(&chassis).await.map(|marked| marked >= BATCH),
        };
        match more {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(cause = describe(&error), "the clock failed; it is tried again"),
        }
        tokio::select! {
            () = chassis.clock.tick(PERIOD) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Marks one batch of overdue duties as breached, each with an event, and escalates one batch of breaches; returns the larger
/// number.
pub async fn mark_overdue(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    Ok(mark(chassis).await?.max(escalate_overdue(chassis).await?))
}

async fn mark(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    let now = chassis.clock.now();
    let mut transaction = chassis.pool().begin().await?;
    let duties = duty::lock_overdue(&mut transaction, &chassis.calendars, now, BATCH).await?;
    let marked = i64::try_from(duties.len()).unwrap_or(i64::MAX);
    let changed = duties.into_iter().map(|mut duty| {
        let due = duty.due_at.unwrap_or(now);
        let change = duty.breach(due);
        (duty, due, vec![change])
    });
    store_each(chassis, transaction, changed.collect()).await?;
    Ok(marked)
}

/// Escalates one batch of breaches whose next escalation is due; returns how many.
async fn escalate_overdue(chassis: &Chassis) -> Result<i64, sqlx::Error> {
    let now = chassis.clock.now();
    let mut transaction = chassis.pool().begin().await?;
    let duties = duty::lock_to_escalate(&mut transaction, &chassis.calendars, now, BATCH).await?;
    let escalated = i64::try_from(duties.len()).unwrap_or(i64::MAX);
    let changed = duties.into_iter().map(|duty| {
        let due = duty.next_escalation_at.unwrap_or(now);
        (duty, due, Vec::new())
    });
    store_each(chassis, transaction, changed.collect()).await?;
    Ok(escalated)
}

/// Recomputes provisional due times for one batch of duties with ids after `after`. A duty changes if the calendar in
/// force has holidays that its own lacks. Returns the last duty of the batch; none once all are done.
pub async fn recompute_provisional(chassis: &Chassis, after: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let now = chassis.clock.now();
    let published = chassis.regulation.calendar();
    let mut transaction = chassis.pool().begin().await?;
    let duties = duty::lock_provisional(&mut transaction, &chassis.calendars, after, BATCH).await?;
    let last = duties.last().map(|duty| duty.id.uuid());
    let mut changed = Vec::new();
    for mut duty in duties {
        let calendar = duty.calendar.with_holidays_of(published);
        if calendar.version() == duty.calendar.version() {
            continue;
        }
        chassis.calendars.keep(&mut *transaction, &calendar).await?;
        let did = duty.apply_published_holidays(calendar, now);
        changed.push((duty, now, did));
    }
    store_each(chassis, transaction, changed).await?;
    Ok(last)
}

/// Stores duties, each with an event of its changes at the given time, and escalates breaches whose next escalation is
/// due by then.
async fn store_each(
    chassis: &Chassis,
    mut transaction: Transaction<'_, Postgres>,
    changed: Vec<(Duty, Timestamp, Vec<DutyChange>)>,
) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return transaction.commit().await;
    }
    let mut events = Vec::with_capacity(changed.len());
    let mut duties = Vec::with_capacity(changed.len());
    for (mut duty, at, changes) in changed {
        let payload = DutyChanged { subject: duty.subject.clone() };
        let event = NewEvent::new(chassis.name_of(&duty.id), duty.version, at, &[&duty.clause], &payload);
        if changes.iter().any(|change| change.kind() == Kind::Breached) {
            duty.breach_event = Some(event.id);
        }
        let mut event = event.correcting(duty.take_corrected()).with_duties(changes);
        if duty.breached_at.is_some() {
            let is_next_due = duty.escalation_level == 0 || duty.next_escalation_at.is_some_and(|next| next <= at);
            if is_next_due {
                event = escalate(chassis, &mut duty, event, at);
            }
        }
        events.push(event);
        duties.push(duty);
    }
    let now = chassis.clock.now();
    let batch =
        Batch { actor: &chassis.service, now, regulation: chassis.regulation.version(), events, duties, reply: None };
    batch.write(&mut transaction).await?;
    transaction.commit().await?;
    chassis.appended.notify_one();
    Ok(())
}
