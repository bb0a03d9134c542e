//! Simulated and real time never meet in one database.

use kefu_chassis::database::DatabaseError;
use kefu_chassis::program::StartError;
use kefu_testkit::{BARE, Bench};

use crate::stage::write;

fn times(started: Result<Bench, StartError>) -> Option<(&'static str, &'static str)> {
    match started {
        Err(StartError::Database(DatabaseError::Time { holds, served })) => Some((holds, served)),
        Err(error) => panic!("{error:?}"),
        Ok(_) => None,
    }
}

#[tokio::test]
async fn a_database_that_has_seen_simulated_time_is_refused_by_a_real_clock() {
    let bench = Bench::of(&BARE).await;
    let started = Bench::builder(&BARE).on_real_time().start_on(bench.database()).await;
    assert_eq!(times(started), Some(("simulated", "real")));
    let started = Bench::builder(&BARE).start_on(bench.database()).await;
    assert_eq!(times(started), None);
}

#[tokio::test]
async fn a_database_with_real_events_is_refused_by_a_simulated_clock() {
    let bench = Bench::builder(&BARE).on_real_time().start().await;
    write(&bench, "things/1", 1).await;
    let started = Bench::builder(&BARE).start_on(bench.database()).await;
    assert_eq!(times(started), Some(("real", "simulated")));
    let started = Bench::builder(&BARE).on_real_time().start_on(bench.database()).await;
    assert_eq!(times(started), None);
}
