//! Measures the memory of each service at rest, and the most it takes under load.

use std::time::Duration;

use crate::figures::{Bound, Figure, Report, number};
use crate::world::{Used, World};

/// Reports the memory of the services at rest, when only the desk's preparations have called them.
pub fn at_rest(world: &World, report: &mut Report) {
    each(&world.used(), report, "at rest", 25.0);
}

/// Runs `load` and returns its outcome with the most memory that each service took, read twice a second.
pub async fn peak<T>(world: &World, load: impl Future<Output = T>) -> (T, Used) {
    tokio::pin!(load);
    let mut most = world.used();
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            outcome = &mut load => return (outcome, most),
            _ = tick.tick() => {
                let now = world.used();
                for (most, now) in [
                    (&mut most.intake, now.intake), (&mut most.complaints, now.complaints), (&mut most.appraisal, now.appraisal),
                    (&mut most.postgres, now.postgres),
                ] {
                    most.pss_bytes = most.pss_bytes.max(now.pss_bytes);
                }
            }
        }
    }
}

/// Reports the most memory that the services took under full load.
pub fn under_load(most: &Used, report: &mut Report) {
    each(most, report, "under full load", 60.0);
}

fn each(used: &Used, report: &mut Report, when: &str, bound: f64) {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let services = [
        ("intake", used.intake.pss_bytes),
        ("complaints", used.complaints.pss_bytes),
        ("appraisal", used.appraisal.pss_bytes),
    ];
    let (_, most) = services.into_iter().max_by_key(|(_, bytes)| *bytes).expect("there are services");
    let mut said: Vec<String> =
        services.iter().map(|(name, bytes)| format!("{name} {}", number(mib(*bytes)))).collect();
    said.push(format!("all of Postgres {}", number(mib(used.postgres.pss_bytes))));
    report.figure(Figure {
        what: format!("memory (PSS) of the largest service {when}"),
        value: mib(most),
        unit: "MiB",
        bound: Some(Bound::Under(bound)),
        from: said.join(", "),
    });
}
