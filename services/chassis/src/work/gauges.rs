//! The gauges of a service: duties by clause, the lag of the journal and of its feeds, the use of the pool. Postgres is asked
//! in the background, once per interval of sending; the rest is read when metrics are sent.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::base::error::describe;
use crate::base::time::sql;
use crate::telemetry::SERVICE;
use crate::telemetry::gauges::{Asked, Duties, held};
use crate::work::chassis::Chassis;

/// The number up to which unsealed events are counted.
const UNSEALED_AT_MOST: i64 = 10_000;

/// Registers the gauges of `chassis`, which are sent for as long as it lives, and asks Postgres for them until it stops.
pub async fn run(chassis: Arc<Chassis>) {
    let Some((meter, interval)) = chassis.telemetry.meter().zip(chassis.telemetry.interval()) else { return };
    register(&meter, &chassis);
    let mut stop = chassis.stopping();
    loop {
        let asked = match ask(&chassis).await {
            Ok(asked) => Some(asked),
            Err(error) => {
                tracing::debug!(service = chassis.service, cause = describe(&error), "gauges cannot be read");
                None
            }
        };
        *held(&chassis.gauges.asked) = asked;
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Asks Postgres. Both queries use partial indexes, whose size does not grow with the age of the system.
async fn ask(chassis: &Chassis) -> Result<Asked, sqlx::Error> {
    let now = chassis.clock.now();
    let mut connection = chassis.pool().acquire().await?;
    let duties = sqlx::query_as!(
        Duties,
        r#"select clause, count(*) as "open!",
            count(*) filter (where is_late(state, late, paused_since, due_at, $1)) as "breached!"
        from duty where state in (1, 2) group by clause"#,
        sql::at(now) as _
    )
    .fetch_all(&mut *connection)
    .await?;
    let unsealed = sqlx::query!(
        r#"select count(*) as "count!", min(recorded_at) as oldest
        from (select recorded_at from journal where position is null order by seq limit $1) as tail"#,
        UNSEALED_AT_MOST
    )
    .fetch_one(&mut *connection)
    .await?;
    let age = sql::read(unsealed.oldest).map(|oldest| now.duration_since(oldest));
    let unsealed_age_s = age.map_or(0.0, |age| age.as_secs_f64().max(0.0));
    Ok(Asked { duties, unsealed: unsealed.count, unsealed_age_s })
}

/// A function that observes a service's gauge.
type Read<T> = fn(&Chassis, &dyn AsyncInstrument<T>);

/// Registers the instruments. They live as long as the process, hold the chassis weakly and are silent once it is gone.
fn register(meter: &Meter, chassis: &Arc<Chassis>) {
    let reading = |read: Read<i64>| {
        let chassis = Arc::downgrade(chassis);
        move |observer: &dyn AsyncInstrument<i64>| {
            if let Some(chassis) = chassis.upgrade() {
                read(&chassis, observer);
            }
        }
    };
    let gauge = |name, unit, description, read: Read<i64>| {
        let gauge = meter.i64_observable_gauge(name).with_unit(unit).with_description(description);
        gauge.with_callback(reading(read)).build();
    };
    gauge("kefu.duty.open", "{duty}", "Duties that can still be fulfilled", |chassis, observer| {
        observe_duties(chassis, observer, |duties| duties.open);
    });
    gauge("kefu.duty.breached", "{duty}", "Of the open duties, those whose time has passed", |chassis, observer| {
        observe_duties(chassis, observer, |duties| duties.breached);
    });
    gauge("kefu.journal.unsealed", "{event}", "Events that have no position yet", |chassis, observer| {
        if let Some(asked) = &*held(&chassis.gauges.asked) {
            observer.observe(asked.unsealed, &[service(chassis)]);
        }
    });
    gauge("kefu.feed.lag", "{event}", "Events of a source that the service has not taken in", |chassis, observer| {
        for (source, &events) in &*held(&chassis.gauges.lags) {
            observer.observe(events, &[service(chassis), KeyValue::new("kefu.feed.source", source.clone())]);
        }
    });
    gauge("kefu.feed.subscriber.lag", "{event}", "Events that a subscriber was not sent yet", observe_followers);

    // The numbers of the pool add up over states and processes, so they are up-down counters and no gauges.
    let sum = |name, description, read: Read<i64>| {
        let sum = meter.i64_observable_up_down_counter(name).with_unit("{connection}").with_description(description);
        sum.with_callback(reading(read)).build();
    };
    sum("db.client.connection.count", "Connections of the pool", observe_connections);
    sum("db.client.connection.max", "Connections that the pool may have", |chassis, observer| {
        observer.observe(chassis.pool().options().get_max_connections().into(), &[service(chassis), pool(chassis)]);
    });

    let chassis = Arc::downgrade(chassis);
    let age = meter.f64_observable_gauge("kefu.journal.unsealed.age").with_unit("s");
    let age = age.with_description("How long the oldest event without a position has waited");
    let observe = move |observer: &dyn AsyncInstrument<f64>| {
        if let Some(chassis) = chassis.upgrade()
            && let Some(asked) = &*held(&chassis.gauges.asked)
        {
            observer.observe(asked.unsealed_age_s, &[service(&chassis)]);
        }
    };
    age.with_callback(observe).build();
}

fn observe_duties(chassis: &Chassis, observer: &dyn AsyncInstrument<i64>, count: fn(&Duties) -> i64) {
    for duties in held(&chassis.gauges.asked).iter().flat_map(|asked| &asked.duties) {
        observer.observe(count(duties), &[service(chassis), KeyValue::new("kefu.clause", duties.clause.clone())]);
    }
}

/// Observes how far each subscriber lags. Of several followers of one name, the one that lags most counts.
fn observe_followers(chassis: &Chassis, observer: &dyn AsyncInstrument<i64>) {
    let head = *chassis.sealed.borrow();
    let mut lags: BTreeMap<String, i64> = BTreeMap::new();
    for follower in held(&chassis.gauges.followers).iter().filter_map(Weak::upgrade) {
        let lag = (head - follower.position.load(Ordering::Acquire)).max(0);
        lags.entry(follower.consumer.clone()).and_modify(|known| *known = lag.max(*known)).or_insert(lag);
    }
    for (consumer, lag) in lags {
        observer.observe(lag, &[service(chassis), KeyValue::new("kefu.feed.consumer", consumer)]);
    }
}

fn observe_connections(chassis: &Chassis, observer: &dyn AsyncInstrument<i64>) {
    let all = i64::from(chassis.pool().size());
    let idle = i64::try_from(chassis.pool().num_idle()).unwrap_or(all).min(all);
    for (state, count) in [("idle", idle), ("used", all - idle)] {
        let state = KeyValue::new("db.client.connection.state", state);
        observer.observe(count, &[service(chassis), pool(chassis), state]);
    }
}

fn service(chassis: &Chassis) -> KeyValue {
    KeyValue::new(SERVICE, chassis.service.clone())
}

fn pool(chassis: &Chassis) -> KeyValue {
    KeyValue::new("db.client.connection.pool.name", chassis.service.clone())
}
