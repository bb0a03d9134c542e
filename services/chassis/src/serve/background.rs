//! The background work of every service.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::base::tasks::spawn;
use crate::store::replies;
use crate::work::chassis::Chassis;
use crate::work::{duty_clock, gauges, sealer};

/// Starts the background work: sealer, duty clock, gauges and the purge of old replies.
pub fn start(chassis: &Arc<Chassis>) -> Vec<JoinHandle<()>> {
    vec![
        spawn(sealer::run(chassis.clone())),
        spawn(duty_clock::run(chassis.clone())),
        spawn(gauges::run(chassis.clone())),
        spawn(purge(chassis.clone())),
    ]
}

/// Purges old replies every hour until the service stops.
async fn purge(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        replies::purge(chassis.pool(), chassis.clock.now()).await;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_hours(1)) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}
